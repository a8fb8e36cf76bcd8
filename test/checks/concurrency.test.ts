import { connect, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { build, CLIENT, startError, status } from '../helpers.ts'

test('concurrency: requests under way are counted by client, and released however they end', async (t: TestContext) => {
  let release = (): void => {}
  const { app } = await build(t, { concurrency: { max: 2 } }, (app) => {
    app.get('/slow', async () => { await new Promise<void>((resolve) => { const before = release; release = () => { before(); resolve() } }); return 'ok' })
    app.get('/throws', async () => { throw new Error('boom') })
  })
  const slow = [status(app, { url: '/slow' }), status(app, { url: '/slow' })]
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.assert.strictEqual(await status(app), 429)
  t.assert.strictEqual(await status(app, { ip: '192.0.2.1' }), 200)
  release()
  t.assert.deepStrictEqual(await Promise.all(slow), [200, 200])
  for (let i = 0; i < 5; i++) t.assert.strictEqual(await status(app, { url: i % 2 === 0 ? '/throws' : "/?q=1'%20or%20'1'='1" }), i % 2 === 0 ? 500 : 400)
  t.assert.strictEqual(await status(app), 200)
})

test('concurrency: a client that goes away gives its place back', async (t: TestContext) => {
  const { app } = await build(t, { concurrency: { max: 1 } }, (app) => { app.get('/never', () => new Promise(() => {})) })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1', () => socket.write('GET /never HTTP/1.1\r\nhost: a\r\n\r\n'))
  await new Promise((resolve) => setTimeout(resolve, 60))
  t.assert.strictEqual(await status(app, { ip: '127.0.0.1' }), 429)
  socket.destroy()
  await once(socket, 'close')
  await new Promise((resolve) => setTimeout(resolve, 60))
  t.assert.strictEqual(await status(app, { ip: '127.0.0.1' }), 200)
})

test('concurrency: own key, per route, wrong value', async (t: TestContext) => {
  const { app } = await build(t, {}, (app) => { app.get('/by-key', { config: { guard: { concurrency: { max: 0, key: (request) => String(request.headers['x-user']) } } } }, async () => 'ok') })
  t.assert.strictEqual(await status(app, { url: '/by-key', ip: CLIENT }), 429)
  t.assert.strictEqual(await status(app), 200)
  t.assert.match((await startError({ concurrency: { max: -1 } })).message, /concurrency\.max/)
  t.assert.match((await startError({ concurrency: {} })).message, /concurrency\.max is missing/)
})
