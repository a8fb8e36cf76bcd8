import { test, type TestContext } from 'node:test'
import guardPlugin, { type GuardOptions } from '../lib/index.ts'
import { build, CLIENT, status } from './helpers.ts'

const OTHER = '198.51.100.1'

test('update: rules change at once, on routes, 404s and in child scopes', async (t: TestContext) => {
  const { app } = await build(t, {}, async (app) => {
    app.get('/own', { config: { guard: { ip: { deny: [OTHER] } } } }, async () => 'ok')
    app.get('/off', { config: { guard: false } }, async () => 'ok')
    await app.register(async (child) => {
      await child.register(guardPlugin, { methods: ['GET'] })
      child.get('/', async () => 'ok')
    }, { prefix: '/child' })
  })
  for (const url of ['/', '/own', '/off', '/child']) t.assert.strictEqual(await status(app, { url }), 200, url)
  app.guard.update({ ip: { deny: [CLIENT] } })
  await app.guard.ready()
  for (const [url, expected] of [['/', 403], ['/own', 403], ['/none', 403], ['/off', 200], ['/child', 403]] as const) t.assert.strictEqual(await status(app, { url }), expected, url)
  t.assert.strictEqual(await status(app, { url: '/own', ip: OTHER }), 403, 'the route keeps its own')
  t.assert.strictEqual(await status(app, { url: '/', ip: OTHER }), 200)
  app.guard.update({ ip: false })
  t.assert.strictEqual(await status(app), 200)
  t.assert.strictEqual(await status(app, { url: '/own', ip: OTHER }), 403)
})

test('update: a list that cannot be loaded never counts as an empty one, however often it comes', async (t: TestContext) => {
  const { app } = await build(t, { ip: { deny: [CLIENT] } })
  await app.ready()
  for (let i = 0; i < 2; i++) {
    const change = app.guard.update({ ip: { deny: [{ file: '/nowhere/deny.txt' }] } })
    await t.assert.rejects(async () => change, /nowhere\/deny\.txt/)
    t.assert.strictEqual(await status(app), 403)
  }
  // What was wrong before does not keep a list that is right.
  await app.guard.update({ ip: { deny: [() => OTHER] } })
  t.assert.strictEqual(await status(app, { ip: OTHER }), 403)
  t.assert.strictEqual(await status(app), 200)
})

test('update: what it does not name stays', async (t: TestContext) => {
  const { app } = await build(t, { methods: ['GET'], hosts: ['localhost'] })
  app.guard.update({ methods: ['GET', 'POST'] })
  t.assert.strictEqual(await status(app, { headers: { host: 'evil.test' } }), 421)
  t.assert.strictEqual(await status(app, { method: 'PUT' }), 405)
})

test('update: where anything is wrong, nothing changes, and the error names all of it', async (t: TestContext) => {
  const { app } = await build(t, { methods: ['GET'] }, (app) => { app.get('/route', { config: { guard: { ip: { deny: [OTHER] } } } }, async () => 'ok') })
  const before = app.guard.routes()
  for (const [changes, message] of [
    [{ methods: ['POST'], ip: { deny: ['nonsense'] } }, /ip\.deny\[0\]/],
    [{ methods: ['POST'], mehtods: [] }, /mehtods is unknown, did you mean methods\?/],
    [{ store: 'memory' }, /store is unknown/],
    [{ methods: ['POST'], country: { deny: ['DE'] } }, /country needs a database/],
    [{ rateLimit: { max: 1, window: 0 }, mode: 'on' }, /rateLimit\.window[\s\S]*mode|mode[\s\S]*rateLimit\.window/]
  ] as const) {
    t.assert.throws(() => app.guard.update(changes as GuardOptions), { code: 'GUARD_OPTION_INVALID', message })
    t.assert.deepStrictEqual(app.guard.routes(), before, message.source)
    t.assert.strictEqual(await status(app), 200)
  }
})

test('update: a policy that routes use cannot vanish', async (t: TestContext) => {
  const { app } = await build(t, { policies: { office: { ip: { deny: [CLIENT] } } } }, (app) => { app.get('/route', { config: { guard: 'office' } }, async () => 'ok') })
  t.assert.throws(() => app.guard.update({ policies: {} }), /GET,HEAD \/route config\.guard names no policy: "office"|config\.guard names no policy: "office"/)
  t.assert.strictEqual(await status(app, { url: '/route' }), 403)
  app.guard.update({ policies: { office: { methods: ['POST'] } } })
  t.assert.strictEqual(await status(app, { url: '/route' }), 405)
})

test('update: counters and bans stay', async (t: TestContext) => {
  const { app } = await build(t, { rateLimit: { max: 3, window: '1m' }, ban: { threshold: 3 } })
  t.assert.deepStrictEqual([await status(app), await status(app)], [200, 200])
  app.guard.ban('192.0.2.1')
  await status(app, { url: '/?q=<script>alert(1)</script>', ip: OTHER })
  app.guard.update({ methods: ['GET'] })
  t.assert.deepStrictEqual([await status(app), await status(app)], [200, 429])
  t.assert.strictEqual(await status(app, { ip: '192.0.2.1' }), 403)
  for (let i = 0; i < 2; i++) await status(app, { url: '/?q=<script>alert(1)</script>', ip: OTHER })
  t.assert.strictEqual(await status(app, { ip: OTHER }), 403, 'the strike from before counts')
})

test('update: emergency mode is left alone unless it is named', async (t: TestContext) => {
  const { app } = await build(t, { emergency: { allow: [OTHER] } })
  app.guard.emergency(true)
  app.guard.update({ methods: ['GET'] })
  t.assert.deepStrictEqual([await status(app), await status(app, { ip: OTHER })], [503, 200])
  app.guard.update({ emergency: false })
  t.assert.strictEqual(await status(app), 200)
  app.guard.update({ emergency: { enabled: true, allow: [CLIENT] } })
  await app.guard.ready()
  t.assert.deepStrictEqual([await status(app), await status(app, { ip: OTHER })], [200, 503])
})

test('update: one of other keys, or of the list alone, does not end emergency mode that code switched on', async (t: TestContext) => {
  const { app, events } = await build(t)
  app.guard.emergency(true)
  app.guard.update({ emergency: { allow: [OTHER] } })
  t.assert.deepStrictEqual([await status(app), await status(app, { ip: OTHER })], [503, 200])
  app.guard.update({ methods: ['GET'] })
  t.assert.strictEqual(await status(app), 503)
  app.guard.rollback()
  app.guard.rollback()
  t.assert.deepStrictEqual([await status(app), await status(app, { ip: OTHER })], [503, 503])
  app.guard.update({ emergency: false })
  t.assert.strictEqual(await status(app), 200)
  app.guard.emergency({ for: 30 })
  app.guard.update({ emergency: true })
  await new Promise((resolve) => setTimeout(resolve, 80))
  t.assert.strictEqual(await status(app), 503, 'the time of before ends nothing')
  app.guard.update({ emergency: false })
  t.assert.deepStrictEqual(events.flatMap((event) => event.type === 'emergency' ? [[event.enabled, event.by]] : []), [true, false, true, false].map((enabled) => [enabled, 'code']))
})

test('update: mode and exclude', async (t: TestContext) => {
  const { app } = await build(t, { methods: ['POST'] }, (app) => { app.get('/health', async () => 'ok') })
  t.assert.strictEqual(await status(app), 405)
  app.guard.update({ exclude: ['/health'] })
  t.assert.deepStrictEqual([await status(app), await status(app, { url: '/health' })], [405, 200])
  app.guard.update({ mode: 'passive', exclude: [] })
  t.assert.deepStrictEqual([await status(app), app.guard.stats().reported], [200, 1])
  app.guard.update({ mode: 'off' })
  t.assert.deepStrictEqual([await status(app), app.guard.stats().reported], [200, 1])
})

test('update: a request is judged by one state of the rules, whatever changes while it waits', async (t: TestContext) => {
  let go = (): void => {}
  const { app } = await build(t, { auth: { scheme: 'bearer', verify: () => new Promise((resolve) => { go = () => resolve({ id: 1 }) }) }, check: () => ({ status: 402, message: 'old rules' }) })
  const answer = app.inject({ url: '/', headers: { authorization: 'Bearer x' } })
  await new Promise((resolve) => setTimeout(resolve, 20))
  app.guard.update({ check: false, auth: false })
  go()
  t.assert.strictEqual((await answer).statusCode, 402)
  t.assert.strictEqual(await status(app), 200)
})

test('update: the caller\'s object is copied', async (t: TestContext) => {
  const { app } = await build(t)
  const methods = ['GET']
  app.guard.update({ methods })
  methods.length = 0
  app.guard.update({ hosts: ['localhost'] })
  t.assert.strictEqual(await status(app, { headers: { host: 'localhost' } }), 200)
})

test('update: behaviour goes on counting', async (t: TestContext) => {
  const behavior = { usage: { max: 2, window: '1m', action: 'ban' } } as const
  const { app } = await build(t, { behavior })
  await status(app)
  app.guard.update({ behavior, methods: ['GET'] })
  t.assert.deepStrictEqual([await status(app), await status(app)], [200, 403])
})
