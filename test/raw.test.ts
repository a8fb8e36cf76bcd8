import { test, type TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { build, raw } from './helpers.ts'

async function listening (t: TestContext, routes: (app: FastifyInstance) => void = () => {}): Promise<FastifyInstance> {
  const { app } = await build(t, { clientIp: { trustedProxies: ['127.0.0.1'] }, ip: { deny: ['203.0.113.66'] } }, (app) => {
    app.get('/admin', async () => 'admin')
    app.post('/upload', async () => 'ok')
    routes(app)
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  return app
}

const DENIED = 'x-forwarded-for: 203.0.113.66\r\n'
const statuses = (text: string): string[] => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status!)

test('pipelined requests of two clients are judged one by one', async (t: TestContext) => {
  const app = await listening(t)
  const text = await raw(app, `GET /admin HTTP/1.1\r\nhost: a\r\n${DENIED}\r\nGET /admin HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 203.0.113.1\r\n\r\nGET /admin HTTP/1.1\r\nhost: a\r\n${DENIED}\r\n`)
  t.assert.deepStrictEqual(statuses(text), ['403', '200', '403'])
})

test('every spelling of a target is refused to a denied address', async (t: TestContext) => {
  const app = await listening(t)
  for (const line of ['GET http://bench.local/admin', 'GET /%61dmin', 'GET //admin', 'GET /admin;x=1', 'GET /admin%2f', 'GET /./admin', 'OPTIONS *', 'TRACE /admin', 'GET /admin?x#y', 'HEAD /admin', 'PROPFIND /admin', 'GET /%zz', 'GET /\\admin']) {
    const [status] = statuses(await raw(app, `${line} HTTP/1.1\r\nhost: a\r\n${DENIED}connection: close\r\n\r\n`))
    t.assert.strictEqual(status, '403', line)
  }
})

test('headers that rewrite the URL or the method change nothing', async (t: TestContext) => {
  const app = await listening(t)
  const text = await raw(app, `GET / HTTP/1.1\r\nhost: a\r\n${DENIED}x-original-url: /public\r\nx-rewrite-url: /public\r\nx-http-method-override: POST\r\nconnection: close\r\n\r\n`)
  t.assert.deepStrictEqual(statuses(text), ['403'])
})

test('an upgrade is never granted to a denied address', async (t: TestContext) => {
  const app = await listening(t)
  const text = await raw(app, `GET /admin HTTP/1.1\r\nhost: a\r\n${DENIED}connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n`)
  t.assert.deepStrictEqual(statuses(text), ['403'])
})

test('a refusal does not wait for the body', async (t: TestContext) => {
  const app = await listening(t)
  const before = Date.now()
  const text = await raw(app, `POST /upload HTTP/1.1\r\nhost: a\r\n${DENIED}content-type: application/json\r\ncontent-length: 500000\r\n\r\n{`, 500)
  t.assert.deepStrictEqual(statuses(text), ['403'])
  t.assert.ok(Date.now() - before < 5000)
})

test('what the parser refuses reaches no handler', async (t: TestContext) => {
  let handled = 0
  const app = await listening(t, (app) => { app.all('/*', async () => { handled++; return 'ok' }) })
  for (const request of [
    'POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    'GET /x HTTP/1.1\r\nhost: a\r\nx: a\r\n b\r\n\r\n',
    'GET /x HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n',
    'POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    'GET /x HTTP/1.1\r\n\r\n'
  ]) {
    const text = await raw(app, request)
    for (const status of statuses(text)) t.assert.match(status, /^4/, JSON.stringify(request))
  }
  t.assert.strictEqual(handled, 0)
})

test('the last hop counts when X-Forwarded-For stands twice', async (t: TestContext) => {
  const app = await listening(t)
  t.assert.deepStrictEqual(statuses(await raw(app, `GET /admin HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 203.0.113.1\r\n${DENIED}connection: close\r\n\r\n`)), ['403'])
  t.assert.deepStrictEqual(statuses(await raw(app, `GET /admin HTTP/1.1\r\nhost: a\r\n${DENIED}x-forwarded-for: 203.0.113.1\r\nconnection: close\r\n\r\n`)), ['200'])
})

test('a parser error on the socket of a trusted proxy is nobody\'s strike', async (t: TestContext) => {
  const { app } = await build(t, { clientIp: { trustedProxies: ['127.0.0.1'] }, ban: { threshold: 1, on: ['malformed'], duration: '1h' } })
  await app.listen({ host: '127.0.0.1', port: 0 })
  for (let i = 0; i < 3; i++) await raw(app, 'NONSENSE\r\n\r\n')
  t.assert.deepStrictEqual(app.guard.bans(), [])
  t.assert.strictEqual(app.guard.stats().byCheck['malformed']?.refused, 3)
})
