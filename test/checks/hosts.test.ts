import { connect as connectHttp2 } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import Fastify from 'fastify'
import guardPlugin from '../../lib/index.ts'
import { build, buildRoute, raw, startError, status } from '../helpers.ts'

const hosts = ['example.com', '*.example.org', 'admin.example.com:8443', '192.0.2.5', '[2001:db8::1]']

for (const [host, code] of [
  ['example.com', 200], ['EXAMPLE.com', 200], ['example.com.', 200], ['example.com:3000', 200], ['a.example.org', 200], ['a.b.example.org:80', 200], ['A.EXAMPLE.ORG.', 200],
  ['admin.example.com:8443', 200], ['192.0.2.5:80', 200], ['[2001:db8::1]', 200], ['[2001:DB8:0::1]:3000', 200], ['[::ffff:192.0.2.5]', 200],
  ['example.org', 421], ['evilexample.org', 421], ['a.example.com', 421], ['example.com.evil.test', 421], ['admin.example.com', 421], ['admin.example.com:80', 421], ['192.0.2.6', 421], ['[2001:db8::2]', 421],
  ['evil.test', 421], ['localhost', 421], ['example.com@evil.test', 421], ['example.com, evil.test', 421], ['example.com evil.test', 421], ['example.com:x', 421], ['example.com/', 421], ['.example.org', 421],
  ['example.com..', 421], ['__proto__', 421]
] as const) {
  test(`the host ${host} gets ${code}`, async (t: TestContext) => {
    const { app } = await build(t, { hosts })
    const response = await app.inject({ url: '/', headers: { host } })
    t.assert.strictEqual(response.statusCode, code)
    if (code === 421) t.assert.strictEqual(response.json<{ code: string }>().code, 'GUARD_HOST_REFUSED')
    t.assert.strictEqual(await status(app, { url: '/none', headers: { host } }), code === 200 ? 404 : code)
  })
}

test('a missing host is refused, and a full URL as target must name one of ours', async (t: TestContext) => {
  const { app } = await build(t, { hosts: ['example.com'] })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const first = async (request: string): Promise<string> => (await raw(app, `${request}\r\nconnection: close\r\n\r\n`)).split('\r\n')[0]!.slice(9, 12)
  t.assert.strictEqual(await first('GET / HTTP/1.0'), '421')
  t.assert.strictEqual(await first('GET / HTTP/1.1\r\nhost:'), '421')
  t.assert.strictEqual(await first('GET / HTTP/1.1\r\nhost: example.com'), '200')
  t.assert.strictEqual(await first('GET http://example.com/ HTTP/1.1\r\nhost: example.com'), '200')
  t.assert.strictEqual(await first('GET http://evil.test/ HTTP/1.1\r\nhost: example.com'), '421')
  t.assert.strictEqual(await first('GET http://example.com/ HTTP/1.1\r\nhost: evil.test'), '421')
})

test('HTTP/2: :authority and host must both be ours', async (t: TestContext) => {
  const app = Fastify({ http2: true })
  t.after(() => app.close())
  await app.register(guardPlugin as never, { hosts: ['example.com'] })
  app.get('/', async () => 'ok')
  await app.listen({ port: 0, host: '127.0.0.1' })
  const session = connectHttp2(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
  t.after(() => session.close())
  const ask = async (headers: Record<string, string>): Promise<number | undefined> => new Promise((resolve, reject) => {
    const stream = session.request({ ':path': '/', ...headers })
    stream.on('response', (answer) => { resolve(answer[':status']); stream.close() }).on('error', reject)
  })
  t.assert.strictEqual(await ask({ ':authority': 'example.com' }), 200)
  t.assert.strictEqual(await ask({ ':authority': 'evil.test' }), 421)
  t.assert.strictEqual(await ask({ ':authority': 'example.com', host: 'evil.test' }), 421)
  t.assert.strictEqual(await ask({ ':authority': 'evil.test', host: 'example.com' }), 421)
  session.close()
})

test('X-Forwarded-Host counts as Fastify\'s trustProxy has it', async (t: TestContext) => {
  const headers = { host: 'backend', 'x-forwarded-host': 'example.com' }
  const plain = await build(t, { hosts: ['example.com'] })
  t.assert.strictEqual(await status(plain.app, { headers }), 421)
  const behind = await build(t, { hosts: ['example.com'] }, () => {}, { trustProxy: 'loopback' })
  t.assert.strictEqual(await status(behind.app, { headers, ip: '127.0.0.1' }), 200)
  t.assert.strictEqual(await status(behind.app, { headers: { host: 'example.com', 'x-forwarded-host': 'evil.test' }, ip: '127.0.0.1' }), 421)
})

test('a route has its own hosts, and trust does not skip them', async (t: TestContext) => {
  const { app } = await buildRoute(t, { hosts: ['admin.example.com'] }, { hosts: ['example.com'], ip: { trust: ['loopback'] } })
  t.assert.strictEqual(await status(app, { url: '/guarded', headers: { host: 'admin.example.com' }, ip: '127.0.0.1' }), 200)
  t.assert.strictEqual(await status(app, { url: '/guarded', headers: { host: 'example.com' }, ip: '127.0.0.1' }), 421)
  const off = await buildRoute(t, { hosts: false }, { hosts: ['example.com'] })
  t.assert.strictEqual(await status(off.app, { url: '/guarded', headers: { host: 'evil.test' } }), 200)
})

test('in passive mode it reports and passes', async (t: TestContext) => {
  const { app, events } = await build(t, { mode: 'passive', hosts: ['example.com'] })
  t.assert.strictEqual(await status(app, { headers: { host: 'evil.test' } }), 200)
  t.assert.ok(events.some((event) => event.type === 'reported' && event.code === 'GUARD_HOST_REFUSED' && event.evidence === 'evil.test'))
})

test('wrong values stop the start', async (t: TestContext) => {
  const { message } = await startError({ hosts: ['https://example.com', '*', 'a.*.com', '', 5, 'example.com/path', '*.', 'a b'] })
  for (let i = 0; i < 8; i++) t.assert.ok(message.includes(`hosts[${i}]`), `${i} in ${message}`)
  t.assert.match((await startError({ hosts: [] })).message, /hosts must have at least 1 entry/)
  t.assert.match((await startError({ hosts: 'example.com' })).message, /hosts must be an array/)
})
