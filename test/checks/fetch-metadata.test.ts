import { connect } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import Fastify from 'fastify'
import guardPlugin from '../../lib/index.ts'
import { build, startError, status } from '../helpers.ts'

test('fetchMetadata: per route, off, passive', async (t: TestContext) => {
  const { app } = await build(t, { fetchMetadata: true }, (app) => {
    app.post('/hook', { config: { guard: { fetchMetadata: false } } }, async () => 'ok')
    app.post('/wide', { config: { guard: { fetchMetadata: { allow: ['same-origin', 'same-site'] } } } }, async () => 'ok')
    app.post('/report', { config: { guard: { fetchMetadata: { mode: 'passive' } } } }, async () => 'ok')
  })
  const post = (url: string, site: string): Promise<number> => status(app, { method: 'POST', url, headers: { 'sec-fetch-site': site } })
  t.assert.strictEqual(await post('/hook', 'cross-site'), 200)
  t.assert.strictEqual(await post('/wide', 'same-site'), 200)
  t.assert.strictEqual(await post('/wide', 'none'), 403)
  t.assert.strictEqual(await post('/report', 'cross-site'), 200)
  t.assert.strictEqual(app.guard.stats().byCode['GUARD_CROSS_SITE']?.reported, 1)
  t.assert.strictEqual(await post('/nowhere', 'cross-site'), 403)
})

test('fetchMetadata: a port that goes without saying is the host\'s own', async (t: TestContext) => {
  const { app } = await build(t, { fetchMetadata: true }, (app) => { app.post('/form', async () => 'ok') })
  const post = (host: string, origin: string): Promise<number> => status(app, { method: 'POST', url: '/form', headers: { host, origin } })
  t.assert.deepStrictEqual([await post('shop.test:80', 'http://shop.test'), await post('SHOP.test:443', 'https://shop.test')], [200, 200])
  t.assert.deepStrictEqual([await post('shop.test:8080', 'http://shop.test'), await post('shop.test:80', 'https://shop.test'), await post('shop.test/', 'http://x.test'), await post('shop.test', 'null')], [403, 403, 403, 403])
})

test('fetchMetadata: the handshake of a WebSocket is no safe request', async (t: TestContext) => {
  const { app } = await build(t, { fetchMetadata: true })
  const shake = (headers: Record<string, string>): Promise<number> => status(app, { headers: { host: 'shop.test', connection: 'upgrade', upgrade: 'websocket', ...headers } })
  t.assert.deepStrictEqual([await shake({}), await shake({ origin: 'https://shop.test' }), await shake({ 'sec-fetch-site': 'same-origin' })], [200, 200, 200])
  t.assert.deepStrictEqual([await shake({ origin: 'https://evil.test' }), await shake({ 'sec-fetch-site': 'cross-site' })], [403, 403])
})

test('fetchMetadata: behind a trusted proxy the public host counts', async (t: TestContext) => {
  const { app } = await build(t, { fetchMetadata: true }, (app) => { app.post('/form', async () => 'ok') }, { trustProxy: 'loopback' })
  const headers = { host: 'backend:3000', 'x-forwarded-host': 'shop.test', origin: 'https://shop.test' }
  t.assert.strictEqual(await status(app, { method: 'POST', url: '/form', ip: '127.0.0.1', headers }), 200)
  t.assert.strictEqual(await status(app, { method: 'POST', url: '/form', ip: '127.0.0.1', headers: { ...headers, origin: 'https://evil.test' } }), 403)
})

test('fetchMetadata: HTTP/2 names the host in :authority', async (t: TestContext) => {
  const app = Fastify({ http2: true })
  t.after(() => app.close())
  await app.register(guardPlugin as never, { fetchMetadata: true })
  app.post('/form', async () => 'ok')
  await app.listen({ port: 0, host: '127.0.0.1' })
  const session = connect(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
  t.after(() => session.close())
  const ask = (origin: string): Promise<number | undefined> => new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': '/form', ':authority': 'shop.test', origin })
    stream.on('response', (answer) => { resolve(answer[':status']); stream.close() }).on('error', reject).end()
  })
  t.assert.strictEqual(await ask('https://shop.test'), 200)
  t.assert.strictEqual(await ask('https://evil.test'), 403)
  session.close()
})

test('fetchMetadata: wrong values stop the start', async (t: TestContext) => {
  t.assert.match((await startError({ fetchMetadata: { allow: ['cross-site'] } })).message, /fetchMetadata\.allow\[0\]/)
  t.assert.match((await startError({ fetchMetadata: { allow: [] } })).message, /fetchMetadata\.allow must have/)
  t.assert.match((await startError({ fetchMetadata: 'on' })).message, /fetchMetadata must be/)
})
