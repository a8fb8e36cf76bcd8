import { test, type TestContext } from 'node:test'
import { build, buildRoute, startError, status } from '../helpers.ts'

test('other methods than the listed ones are refused, with the list in Allow', async (t: TestContext) => {
  const { app } = await build(t, { methods: ['GET', 'POST'] }, (app) => { app.all('/all', async () => 'ok') })
  const response = await app.inject({ method: 'DELETE', url: '/all' })
  t.assert.strictEqual(response.statusCode, 405)
  t.assert.strictEqual(response.headers.allow, 'GET, POST, HEAD')
  t.assert.strictEqual(response.json<{ code: string }>().code, 'GUARD_METHOD_REFUSED')
  for (const [method, code] of [['GET', 200], ['HEAD', 200], ['POST', 200], ['PUT', 405], ['PATCH', 405], ['OPTIONS', 405], ['TRACE', 405]] as const) {
    t.assert.strictEqual(await status(app, { method, url: '/all' }), code, method)
  }
  t.assert.strictEqual(await status(app, { method: 'TRACE', url: '/none' }), 405)
})

test('HEAD is no GET where only HEAD is listed, and none where GET is not', async (t: TestContext) => {
  const { app } = await build(t, { methods: ['POST'] }, (app) => { app.get('/head', { config: { guard: { methods: ['HEAD'] } } }, async () => 'ok') })
  t.assert.strictEqual(await status(app, { method: 'HEAD' }), 405)
  t.assert.strictEqual(await status(app, { method: 'HEAD', url: '/head' }), 200)
  t.assert.strictEqual(await status(app, { url: '/head' }), 405)
})

test('headers that ask for another method are ignored', async (t: TestContext) => {
  const { app } = await build(t, { methods: ['GET'] }, (app) => { app.all('/all', async (request) => request.method) })
  const headers = { 'x-http-method-override': 'GET', 'x-http-method': 'GET', 'x-method-override': 'GET' }
  t.assert.strictEqual(await status(app, { method: 'DELETE', url: '/all', headers }), 405)
})

test('a route has its own methods', async (t: TestContext) => {
  const { app } = await buildRoute(t, { methods: ['POST'] })
  t.assert.strictEqual(await status(app, { url: '/guarded' }), 405)
  t.assert.strictEqual(await status(app, { url: '/guarded', method: 'POST' }), 200)
  t.assert.strictEqual(await status(app), 200)
  const off = await buildRoute(t, { methods: false }, { methods: ['GET'] })
  t.assert.strictEqual(await status(off.app, { url: '/guarded', method: 'DELETE' }), 200)
})

test('in passive mode it reports and passes', async (t: TestContext) => {
  const { app } = await build(t, { mode: 'passive', methods: ['POST'] })
  t.assert.strictEqual(await status(app), 200)
  t.assert.strictEqual(app.guard.stats().reported, 1)
})

test('wrong values stop the start', async (t: TestContext) => {
  const { message } = await startError({ methods: ['get', 'PSOT', '', 5] })
  t.assert.match(message, /methods\[0\] is no HTTP method in upper case: "get", did you mean GET\?/)
  t.assert.match(message, /methods\[1\] .*did you mean POST\?/)
  for (let i = 0; i < 4; i++) t.assert.ok(message.includes(`methods[${i}]`))
  t.assert.match((await startError({ methods: [] })).message, /at least 1 entry/)
  t.assert.match((await startError({ methods: 'GET' })).message, /methods must be an array/)
})
