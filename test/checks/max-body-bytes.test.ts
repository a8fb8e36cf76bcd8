import { connect } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import Fastify from 'fastify'
import guardPlugin from '../../lib/index.ts'
import { build, raw, startError, status } from '../helpers.ts'

test('maxBodyBytes: global, per route, off, passive', async (t: TestContext) => {
  const { app } = await build(t, { maxBodyBytes: 50 }, (app) => {
    app.post('/', async () => 'ok')
    app.post('/small', { config: { guard: { maxBodyBytes: 10 } } }, async () => 'ok')
    app.post('/large', { config: { guard: { maxBodyBytes: 500 } } }, async () => 'ok')
    app.post('/off', { config: { guard: { maxBodyBytes: false } } }, async () => 'ok')
  })
  const post = (url: string, size: number): Promise<number> => status(app, { method: 'POST', url, payload: JSON.stringify('x'.repeat(size - 2)), headers: { 'content-type': 'application/json' } })
  for (const [url, size, expected] of [['/', 50, 200], ['/', 51, 413], ['/small', 11, 413], ['/large', 400, 200], ['/large', 501, 413], ['/off', 5000, 200]] as const) t.assert.strictEqual(await post(url, size), expected, `${url} ${size}`)
  const passive = await build(t, { mode: 'passive', maxBodyBytes: 50 }, (app) => { app.post('/', async () => 'ok') })
  t.assert.strictEqual(await status(passive.app, { method: 'POST', payload: { a: 'x'.repeat(100) } }), 200)
  t.assert.strictEqual(passive.app.guard.stats().byCode['GUARD_BODY_TOO_LARGE']?.reported, 1)
})

test('maxBodyBytes: many small chunks, and a malformed Content-Length', async (t: TestContext) => {
  const { app } = await build(t, { maxBodyBytes: 50 }, (app) => { app.post('/', async () => 'ok') })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const head = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\nconnection: close\r\n'
  t.assert.match(await raw(app, `${head}transfer-encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(60)}0\r\n\r\n`), /^HTTP\/1\.1 413/)
  t.assert.match(await raw(app, `${head}transfer-encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(50)}0\r\n\r\n`), /^HTTP\/1\.1 200/)
  t.assert.match(await raw(app, `${head}content-length: abc\r\n\r\n${'x'.repeat(500)}`), /^HTTP\/1\.1 400/)
})

test('maxBodyBytes: HTTP/2 without Content-Length', async (t: TestContext) => {
  const app = Fastify({ http2: true })
  t.after(() => app.close())
  await app.register(guardPlugin as never, { maxBodyBytes: 50 })
  app.post('/', async () => 'ok')
  await app.listen({ port: 0, host: '127.0.0.1' })
  const session = connect(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
  t.after(() => session.close())
  const ask = (size: number): Promise<number | undefined> => new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': '/', 'content-type': 'text/plain' })
    stream.on('response', (answer) => { resolve(answer[':status']); stream.close() }).on('error', reject).end('x'.repeat(size))
  })
  t.assert.strictEqual(await ask(50), 200)
  t.assert.strictEqual(await ask(51), 413)
  session.close()
})

test('maxBodyBytes: wrong values stop the start', async (t: TestContext) => {
  for (const value of [0, -1, 1.5, NaN, '100', true, null, {}]) t.assert.match((await startError({ maxBodyBytes: value })).message, /maxBodyBytes must be/, String(value))
})
