import { test, type TestContext } from 'node:test'
import { build, CLIENT, startError, status } from '../helpers.ts'

test('emergency mode refuses everybody, everywhere', async (t: TestContext) => {
  const { app } = await build(t, { emergency: true, ip: { trust: ['198.51.100.1'] } }, (app) => {
    app.get('/own', { config: { guard: { ip: { deny: ['192.0.2.1'] } } } }, async () => 'ok')
  })
  const response = await app.inject({ url: '/', remoteAddress: CLIENT })
  t.assert.strictEqual(response.statusCode, 503)
  t.assert.strictEqual(response.headers['retry-after'], '60')
  t.assert.strictEqual(response.json<{ code: string }>().code, 'GUARD_EMERGENCY')
  for (const sent of [{ url: '/own' }, { url: '/none' }, { url: '/%zz' }, { method: 'OPTIONS' }, { method: 'HEAD' }, { ip: '127.0.0.1' }, { ip: '198.51.100.1' }]) {
    t.assert.strictEqual(await status(app, sent), 503, JSON.stringify(sent))
  }
})

test('who is on the list is served, by their true address', async (t: TestContext) => {
  const { app } = await build(t, { emergency: { enabled: true, allow: [CLIENT, '10.0.0.0/8', '2001:db8::/64'] } })
  for (const ip of [CLIENT, `::ffff:${CLIENT}`, '10.1.1.1', '2001:db8::5']) t.assert.strictEqual(await status(app, { ip }), 200)
  for (const headers of [{ 'x-forwarded-for': CLIENT }, { forwarded: `for=${CLIENT}` }, { 'x-real-ip': CLIENT }]) {
    t.assert.strictEqual(await status(app, { ip: '203.0.113.8', headers }), 503)
  }
})

test('it is switched at run time, also where the options do not have it', async (t: TestContext) => {
  for (const options of [{}, { emergency: { allow: ['10.0.0.1'] } }, { emergency: { enabled: false, allow: ['10.0.0.1'] } }]) {
    const { app } = await build(t, options)
    t.assert.strictEqual(await status(app), 200)
    app.guard.emergency(true)
    t.assert.strictEqual(await status(app), 503)
    t.assert.strictEqual(await status(app, { ip: '10.0.0.1' }), options.emergency === undefined ? 503 : 200)
    app.guard.emergency(false)
    t.assert.strictEqual(await status(app), 200)
  }
})

test('Retry-After is what is left of it, where an end is known', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 })
  const { app } = await build(t)
  await app.ready()
  const after = async (): Promise<unknown> => (await app.inject({ url: '/', remoteAddress: CLIENT })).headers['retry-after']
  app.guard.emergency({ for: '10s' })
  t.assert.strictEqual(await after(), '10')
  t.mock.timers.tick(7500)
  t.assert.strictEqual(await after(), '3')
  t.mock.timers.tick(2500)
  t.assert.strictEqual(await after(), '1', 'its timer is about to end it')
  app.guard.emergency({ for: '10m' })
  t.assert.strictEqual(await after(), '600')
  app.guard.emergency(true)
  t.assert.strictEqual(await after(), '60')
})

test('in passive mode it reports and passes', async (t: TestContext) => {
  const { app } = await build(t, { mode: 'passive', emergency: true })
  t.assert.strictEqual(await status(app), 200)
  t.assert.strictEqual(app.guard.stats().byCode['GUARD_EMERGENCY']?.reported, 1)
})

test('wrong values stop the start, and so does a route\'s own', async (t: TestContext) => {
  const { message } = await startError({ emergency: { enabled: 'yes', allow: ['300.1.1.1'], alow: [] } })
  for (const part of ['emergency.enabled must be true or false', 'emergency.allow[0] is no address', 'emergency.alow is unknown']) t.assert.ok(message.includes(part), `${part} in ${message}`)
  t.assert.match((await startError({}, { emergency: true })).message, /emergency must be left to the guard's root registration/)
})
