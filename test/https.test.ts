import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import https from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { test, type TestContext } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import { onPath } from '../scripts/system.mjs'
import guardPlugin, { guardServerOptions, type GuardOptions } from '../lib/index.ts'

// Made for these tests, for the next hundred years: openssl req -x509 -newkey ec ... -subj /CN=localhost
const pem = (name: string): string => join(import.meta.dirname, 'fixtures', `localhost.${name}.pem`)
const [key, cert] = [readFileSync(pem('key')), readFileSync(pem('cert'))]

async function listen (t: TestContext, options: GuardOptions, server: object): Promise<{ app: FastifyInstance, port: number }> {
  const app = Fastify(guardServerOptions(server)) as unknown as FastifyInstance
  t.after(() => app.close())
  await app.register(guardPlugin, options)
  app.get('/', async (request) => ({ protocol: request.protocol, ip: request.guard.ip }))
  app.post('/', { config: { guard: { maxBodyBytes: 50 } } }, async () => 'ok')
  app.get('/secure', { config: { guard: { https: true } } }, async () => 'ok')
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { app, port: (app.server.address() as AddressInfo).port }
}

interface Answer { status: number, headers: Record<string, unknown>, body: string }

async function send (port: number, path: string, { method = 'GET', headers = {}, payload = '' }: { method?: string, headers?: Record<string, string>, payload?: string } = {}): Promise<Answer> {
  const request = https.request({ host: '127.0.0.1', servername: 'localhost', port, path, method, headers, ca: cert, agent: false })
  request.end(payload)
  const [response] = await once(request, 'response') as [IncomingMessage]
  let body = ''
  for await (const chunk of response) body += String(chunk)
  return { status: response.statusCode!, headers: response.headers, body }
}

test('HTTPS: served and refused as over plain HTTP, with HSTS on every answer', async (t: TestContext) => {
  const { port } = await listen(t, { userAgent: { deny: ['sqlmap'] }, rateLimit: { max: 8, window: '1m' } }, { https: { key, cert } })
  for (const [path, options, status] of [
    ['/', {}, 200],
    ['/secure', {}, 200],
    ['/', { headers: { 'user-agent': 'sqlmap' } }, 403],
    ['/?q=%3Cscript%3Ealert(1)%3C/script%3E', {}, 400],
    ['/', { method: 'POST', headers: { 'content-type': 'text/plain' }, payload: 'x'.repeat(51) }, 413],
    ['/', { method: 'POST', headers: { 'content-type': 'text/plain' }, payload: 'x' }, 200],
    ['/none', {}, 404],
    ['/%zz', {}, 400]
  ] as const) {
    const answer = await send(port, path, options)
    t.assert.strictEqual(answer.status, status, `${path} ${JSON.stringify(options)}`)
    t.assert.strictEqual(answer.headers['strict-transport-security'], 'max-age=31536000', path)
  }
  const { body } = await send(port, '/')
  t.assert.deepStrictEqual(JSON.parse(body), { protocol: 'https', ip: '127.0.0.1' })
  for (let i = 0; i < 4; i++) await send(port, '/')
  t.assert.strictEqual((await send(port, '/')).status, 429)
})

test('plain HTTP: no HSTS, and https: true refuses', async (t: TestContext) => {
  const { port } = await listen(t, {}, {})
  const plain = await fetch(`http://127.0.0.1:${port}/`)
  t.assert.deepStrictEqual([plain.status, plain.headers.get('strict-transport-security')], [200, null])
  t.assert.strictEqual((await fetch(`http://127.0.0.1:${port}/secure`, { headers: { 'x-forwarded-proto': 'https' } })).status, 403)
})

test('HTTP/2 over TLS, and HTTP/1.1 on the same port', async (t: TestContext) => {
  const { port } = await listen(t, { ip: { deny: ['192.0.2.1'] }, userAgent: { deny: ['sqlmap'] } }, { http2: true, https: { key, cert, allowHTTP1: true } })
  const session = http2.connect(`https://127.0.0.1:${port}`, { ca: cert, servername: 'localhost' })
  for (const [headers, status] of [[{ ':path': '/secure' }, 200], [{ ':path': '/', 'user-agent': 'sqlmap' }, 403], [{ ':path': '/?q=%3Cscript%3E' }, 400]] as const) {
    const stream = session.request(headers)
    const [answer] = await once(stream, 'response') as [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader]
    t.assert.deepStrictEqual([answer[':status'], answer['strict-transport-security']], [status, 'max-age=31536000'])
    stream.resume()
    await once(stream, 'end')
  }
  session.destroy()
  t.assert.deepStrictEqual([(await send(port, '/secure')).status, (await send(port, '/', { headers: { 'user-agent': 'sqlmap' } })).status], [200, 403])
})

test('what is no HTTP within TLS is refused by the guard', async (t: TestContext) => {
  const { app, port } = await listen(t, {}, { https: { key, cert } })
  const socket = connect({ host: '127.0.0.1', port, ca: cert, servername: 'localhost' })
  await once(socket, 'secureConnect')
  socket.write('NONSENSE\r\n\r\n')
  let text = ''
  socket.on('data', (chunk) => { text += String(chunk) })
  await once(socket, 'close')
  t.assert.match(text, /^HTTP\/1\.1 400 [\s\S]*GUARD_BAD_REQUEST/)
  t.assert.strictEqual(app.guard.stats().byCode['GUARD_BAD_REQUEST']?.refused, 1)
})

const curl = onPath('curl')

test('curl: served and refused over HTTPS, redirected from HTTP', { skip: curl === undefined && 'curl is missing' }, async (t: TestContext) => {
  const run = (...args: string[]): Promise<string> => new Promise((resolve, reject) => {
    execFile(curl!, ['-sS', '-o', '/dev/null', '-w', '%{http_code} %{redirect_url}', '--cacert', pem('cert'), ...args], (error, out) => { if (error === null) resolve(out.trim()); else reject(error) })
  })
  const { port } = await listen(t, { methods: ['GET', 'POST'] }, { https: { key, cert } })
  t.assert.strictEqual(await run(`https://localhost:${port}/secure`, '--resolve', `localhost:${port}:127.0.0.1`), '200')
  t.assert.strictEqual(await run(`https://localhost:${port}/`, '--resolve', `localhost:${port}:127.0.0.1`, '-X', 'DELETE'), '405')
  const plain = await listen(t, { https: { redirect: true, host: `localhost:${port}` } }, {})
  t.assert.strictEqual(await run(`http://127.0.0.1:${plain.port}/?a=1`), `301 https://localhost:${port}/?a=1`)
  t.assert.strictEqual(await run(`http://127.0.0.1:${plain.port}/`, '-X', 'POST'), `308 https://localhost:${port}/`)
  t.assert.strictEqual(await run('-L', `http://127.0.0.1:${plain.port}/?a=1`, '--resolve', `localhost:${port}:127.0.0.1`), '200')
})
