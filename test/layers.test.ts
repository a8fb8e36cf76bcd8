import { test, type TestContext } from 'node:test'
import Fastify from 'fastify'
import guardPlugin from '../lib/index.ts'
import { merge, type Layer } from '../lib/merge.ts'
import { build, CLIENT, startError, status } from './helpers.ts'

const plugin = (rules: Layer['rules']): Layer => ({ origin: 'plugin', id: 'plugin', rules })
const scope = (rules: Layer['rules']): Layer => ({ origin: 'scope /child', id: 'scope0', rules })
const route = (rules: Layer['rules']): Layer => ({ origin: 'route', id: 'route:/', rules })

test('objects merge one level deep, arrays and limits replace', (t: TestContext) => {
  const rules = merge([
    plugin({ userAgent: { deny: ['a'], missing: 'refuse' }, hosts: ['a.test'], rateLimit: { max: 1, window: 1000, burst: 3 } }),
    route({ userAgent: { deny: ['b'] }, hosts: ['b.test'], rateLimit: { max: 2, window: 2000 } })
  ])
  t.assert.deepStrictEqual(rules.get('userAgent')?.value, { deny: ['b'], missing: 'refuse' })
  t.assert.deepStrictEqual(rules.get('hosts')?.value, ['b.test'])
  t.assert.deepStrictEqual(rules.get('rateLimit')?.value, { max: 2, window: 2000 })
  t.assert.deepStrictEqual(rules.get('userAgent')?.members, { deny: ['route'], missing: ['plugin'] })
})

test('ip.deny, ip.trust and detection.exclude add up', (t: TestContext) => {
  const rules = merge([
    plugin({ ip: { deny: '192.0.2.1', trust: ['10.0.0.1'], allow: ['192.0.2.0/24'] }, detection: { exclude: { params: ['a'], rules: ['r'] } } }),
    route({ ip: { deny: ['192.0.2.2'], allow: ['198.51.100.0/24'] }, detection: { exclude: { params: ['b'] } } })
  ])
  t.assert.deepStrictEqual(rules.get('ip')?.value, { deny: ['192.0.2.1', '192.0.2.2'], trust: ['10.0.0.1'], allow: ['198.51.100.0/24'] })
  t.assert.deepStrictEqual(rules.get('ip')?.members['deny'], ['plugin', 'route'])
  t.assert.deepStrictEqual(rules.get('detection')?.value, { exclude: { params: ['a', 'b'], rules: ['r'] } })
})

test('only false and inherit: false reset a key', (t: TestContext) => {
  const outer = plugin({ ip: { deny: ['192.0.2.1'] }, userAgent: { deny: ['a'], missing: 'refuse' } })
  t.assert.strictEqual(merge([outer, route({ ip: false })]).get('ip')?.value, false)
  t.assert.deepStrictEqual(merge([outer, route({ ip: { inherit: false, deny: ['192.0.2.9'] } })]).get('ip')?.value, { deny: ['192.0.2.9'] })
  t.assert.deepStrictEqual(merge([outer, route({ userAgent: {} })]).get('userAgent')?.value, { deny: ['a'], missing: 'refuse' })
  t.assert.strictEqual(merge([outer, route(false)]).size, 0)
})

test('a child scope lifts neither what the root denies nor its bans', (t: TestContext) => {
  const outer = plugin({ ip: { deny: ['192.0.2.1'], allow: ['192.0.2.0/24'] }, ban: { threshold: 3 } })
  for (const rules of [{ ip: false as const }, { ip: { inherit: false } }, { ip: { mode: 'off' as const, sample: 0 } }]) {
    const ip = merge([outer, scope(rules)]).get('ip')?.value as Record<string, unknown>
    t.assert.deepStrictEqual(ip['deny'], ['192.0.2.1'])
    t.assert.strictEqual(ip['mode'], undefined)
    t.assert.strictEqual(ip['sample'], undefined)
  }
  t.assert.deepStrictEqual(merge([outer, scope({ ban: false })]).get('ban')?.value, { threshold: 3 })
})

test('rules stand in the plugin, a child scope, a policy and a route, later ones winning', async (t: TestContext) => {
  const { app } = await build(t, {
    methods: ['GET', 'POST'],
    ip: { deny: [CLIENT] },
    policies: { office: { ip: { allow: ['10.0.0.0/8'] } }, open: { ip: { allow: ['0.0.0.0/0'] } } }
  }, async (app) => {
    app.get('/office', { config: { guard: 'office' } }, async () => 'ok')
    app.get('/both', { config: { guard: ['office', 'open'] } }, async () => 'ok')
    app.get('/more', { config: { guard: ['office', { userAgent: { deny: ['bot'] } }] } }, async () => 'ok')
    app.get('/off', { config: { guard: false } }, async () => 'ok')
    app.get('/reset', { config: { guard: { ip: false } } }, async () => 'ok')
    await app.register(async (child) => {
      await child.register(guardPlugin, { ip: { deny: ['198.51.100.1'], inherit: false }, policies: { own: { userAgent: { deny: ['x'] } } } })
      child.get('/', async () => 'ok')
      child.get('/own', { config: { guard: 'own' } }, async () => 'ok')
    }, { prefix: '/child' })
  })
  t.assert.strictEqual(await status(app, { url: '/office', ip: '10.1.1.1' }), 200)
  t.assert.strictEqual(await status(app, { url: '/office', ip: '192.0.2.1' }), 403)
  t.assert.strictEqual(await status(app, { url: '/office' }), 403, 'the denied address stays denied')
  t.assert.strictEqual(await status(app, { url: '/both', ip: '192.0.2.1' }), 200)
  t.assert.strictEqual(await status(app, { url: '/more', ip: '10.1.1.1', headers: { 'user-agent': 'a bot' } }), 403)
  t.assert.strictEqual(await status(app, { url: '/off' }), 200)
  t.assert.strictEqual(await status(app, { url: '/reset' }), 200)
  for (const ip of [CLIENT, '198.51.100.1']) t.assert.strictEqual(await status(app, { url: '/child', ip }), 403, ip)
  t.assert.strictEqual(await status(app, { url: '/', ip: '198.51.100.1' }), 200, "a child's rules stay in the child")
  t.assert.strictEqual(await status(app, { url: '/child/own', ip: '192.0.2.9', headers: { 'user-agent': 'x' } }), 403)
})

test("a child registration that is not awaited counts for the child's routes all the same", async (t: TestContext) => {
  const { app } = await build(t, {}, async (app) => {
    await app.register(async (child) => {
      child.get('/before', async () => 'ok')
      child.register(guardPlugin, { ip: { deny: [CLIENT] } })
    }, { prefix: '/child' })
  })
  t.assert.strictEqual(await status(app, { url: '/child/before' }), 403)
})

test("a child's 404 handler answers under the child's rules", async (t: TestContext) => {
  const { app } = await build(t, {}, async (app) => {
    await app.register(async (child) => {
      await child.register(guardPlugin, { ip: { deny: [CLIENT] } })
      child.setNotFoundHandler((_request, reply) => { reply.code(404).send('none') })
    }, { prefix: '/child' })
  })
  t.assert.strictEqual(await status(app, { url: '/child/none' }), 403)
  t.assert.strictEqual(await status(app, { url: '/none' }), 404)
})

test('a second registration in one scope, and a taken decorator, are start errors', async (t: TestContext) => {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(guardPlugin, {})
  await t.assert.rejects(async () => app.register(guardPlugin, {}), { code: 'GUARD_ALREADY_REGISTERED' })
  const other = Fastify()
  t.after(() => other.close())
  other.decorate('guard', { theirs: true } as never)
  await t.assert.rejects(async () => other.register(guardPlugin, {}), { code: 'GUARD_DECORATOR_TAKEN' })
  const renamed = Fastify()
  t.after(() => renamed.close())
  renamed.decorate('guard', { theirs: true } as never)
  await renamed.register(guardPlugin, { decorator: 'shield' })
  t.assert.strictEqual(typeof (renamed as unknown as { shield: { stats: unknown } }).shield.stats, 'function')
})

test('a child registration takes rules and policies only', async (t: TestContext) => {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(guardPlugin, {})
  app.register(async (child) => { await child.register(guardPlugin, { mode: 'passive', emergency: true } as object) })
  await t.assert.rejects(async () => app.ready(), /mode is unknown[\s\S]*emergency/)
})

test('two apps in one process share nothing', async (t: TestContext) => {
  const one = await build(t, { ip: { deny: [CLIENT] } })
  const two = await build(t, {})
  t.assert.strictEqual(await status(one.app), 403)
  t.assert.strictEqual(await status(two.app), 200)
  one.app.guard.ban('203.0.113.8')
  t.assert.strictEqual(await status(one.app, { ip: '203.0.113.8' }), 403)
  t.assert.strictEqual(await status(two.app, { ip: '203.0.113.8' }), 200)
  t.assert.strictEqual(two.app.guard.stats().refused, 0)
})

test('exclude skips every check, at segment boundaries and by matched route', async (t: TestContext) => {
  const { app } = await build(t, { ip: { deny: [CLIENT] }, exclude: ['/health', '/static/'] }, (app) => {
    for (const url of ['/health', '/health/live', '/healthz-private', '/static/*', '/staticadmin']) app.get(url, async () => 'ok')
  })
  for (const url of ['/health', '/health/live', '/static/a.css']) t.assert.strictEqual(await status(app, { url }), 200, url)
  for (const url of ['/healthz-private', '/staticadmin', '/health/none', '/', '/none?/health']) t.assert.strictEqual(await status(app, { url }), 403, url)
  t.assert.strictEqual((await app.inject('/health')).headers['x-content-type-options'], 'nosniff')
})

test('options changed after the registration change nothing', async (t: TestContext) => {
  const options = { ip: { deny: [CLIENT] } }
  const rules = { userAgent: { deny: ['bot'] } }
  const { app } = await build(t, options, (app) => { app.get('/r', { config: { guard: rules } }, async () => 'ok') })
  options.ip.deny.length = 0
  rules.userAgent.deny[0] = 'other'
  t.assert.strictEqual(await status(app), 403)
  t.assert.strictEqual(await status(app, { url: '/r', ip: '192.0.2.1', headers: { 'user-agent': 'bot' } }), 403)
})

test('routes() lists every route with its effective rules and their origins', async (t: TestContext) => {
  const { app } = await build(t, { ip: { deny: ['192.0.2.1'] } }, (app) => {
    app.post('/login', { config: { guard: { ip: { deny: ['192.0.2.2'] }, rateLimit: { max: 5, window: '1m' } } } }, async () => 'ok')
    app.get('/free', { config: { guard: false } }, async () => 'ok')
  })
  await app.ready()
  const routes = app.guard.routes()
  const login = routes.find(({ url }) => url === '/login')!
  t.assert.deepStrictEqual(login.rules.ip, { deny: ['192.0.2.1', '192.0.2.2'] })
  t.assert.deepStrictEqual(login.origins['ip.deny'], ['plugin', 'route'])
  t.assert.deepStrictEqual(login.origins['rateLimit'], ['route'])
  t.assert.ok(login.checks.includes('rateLimit'))
  t.assert.strictEqual(routes.find(({ url }) => url === '/free')?.guarded, false)
  t.assert.ok(routes.some(({ url }) => url === undefined), 'what matches no route is listed too')
})

test('a route that names no policy is a start error with the nearest name', async (t: TestContext) => {
  const error = await startError({ policies: { office: {} } }, 'ofice')
  t.assert.strictEqual(error.code, 'GUARD_OPTION_INVALID')
  t.assert.match(error.message, /GET.* \/route config\.guard names no policy: "ofice", did you mean office\?/)
})
