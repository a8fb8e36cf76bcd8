import { once } from 'node:events'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import guardPlugin, { guardServerOptions, type GuardOptions } from '../lib/index.ts'

async function h2 (t: TestContext, options: GuardOptions): Promise<(headers: http2.OutgoingHttpHeaders) => Promise<{ status: number, headers: http2.IncomingHttpHeaders, body: string }>> {
  const app = Fastify(guardServerOptions({ http2: true as const })) as unknown as FastifyInstance
  await app.register(guardPlugin, options)
  app.get('/', async () => 'ok')
  app.get('/limited', { config: { guard: { rateLimit: { max: 3, window: '1m', count: 'failures' } } } }, async (_request, reply) => { reply.code(500); return 'bad' })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const session = http2.connect(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
  t.after(async () => {
    session.destroy()
    await app.close()
  })
  return async (headers) => {
    const stream = session.request({ ':method': 'GET', ':path': '/', ...headers })
    let body = ''
    stream.setEncoding('utf8').on('data', (chunk: string) => { body += chunk })
    const [answer] = await once(stream, 'response') as [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader]
    await once(stream, 'end')
    return { status: answer[':status']!, headers: answer, body }
  }
}

test('HTTP/2 gets the same verdicts and headers', async (t: TestContext) => {
  const send = await h2(t, { userAgent: { deny: ['sqlmap'] }, hosts: ['a.test'] })
  const fine = await send({ ':authority': 'a.test' })
  t.assert.strictEqual(fine.status, 200)
  t.assert.strictEqual(fine.headers['x-content-type-options'], 'nosniff')
  for (const [headers, status] of [
    [{ ':authority': 'a.test', 'user-agent': 'sqlmap' }, 403],
    [{ ':authority': 'evil.test' }, 421],
    [{ ':authority': 'a.test', ':path': '/?q=<script>alert(1)</script>' }, 400],
    [{ ':authority': 'a.test', cookie: ['a=1', "b=' UNION SELECT password FROM users--"] }, 400],
    [{ ':authority': 'a.test', ':path': '//none' }, 404],
    [{ ':authority': 'a.test', ':path': '/%zz' }, 400]
  ] as const) {
    const answer = await send(headers as unknown as http2.OutgoingHttpHeaders)
    t.assert.strictEqual(answer.status, status, JSON.stringify(headers))
    t.assert.strictEqual(answer.headers['x-frame-options'], 'SAMEORIGIN')
  }
})

test('HTTP/2 streams are counted one by one, and what waits for the end of an answer is called', async (t: TestContext) => {
  const send = await h2(t, { ip: { invalid: 'refuse', deny: ['192.0.2.1'] } })
  const statuses = []
  for (let i = 0; i < 4; i++) statuses.push((await send({ ':path': '/limited' })).status)
  t.assert.deepStrictEqual(statuses, [500, 500, 500, 429])
})
