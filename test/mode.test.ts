import { test, type TestContext } from 'node:test'
import { build, CLIENT, status } from './helpers.ts'

const rules = { ip: { deny: [CLIENT] }, userAgent: { deny: ['sqlmap'] } }
const attack = { url: "/?q=1'%20or%20'1'='1", headers: { 'user-agent': 'sqlmap' } }

test('passive reports all that it would refuse and changes nothing', async (t: TestContext) => {
  const { app, events, lines } = await build(t, { ...rules, mode: 'passive', ban: { threshold: 1 } }, (app) => {
    app.get('/verdicts', async (request) => request.guard.verdicts.map(({ check, action }) => [check, action]))
  })
  t.assert.strictEqual(await status(app, attack), 200)
  const response = await app.inject({ url: '/verdicts?q=<script>alert(1)</script>', remoteAddress: CLIENT, headers: { 'user-agent': 'sqlmap' } })
  t.assert.deepStrictEqual(response.json(), [['ip', 'report'], ['userAgent', 'report'], ['detection', 'report']])
  t.assert.strictEqual(response.headers['x-guard-reference'], undefined)
  t.assert.deepStrictEqual(app.guard.bans(), [])
  t.assert.strictEqual(app.guard.stats().refused, 0)
  t.assert.strictEqual(app.guard.stats().reported, 6)
  t.assert.ok(events.every(({ type }) => type === 'reported'))
  t.assert.ok(lines.some(({ event }) => event === 'guard.reported'))
})

test('a rule is passive by itself, the others go on', async (t: TestContext) => {
  const { app } = await build(t, { ...rules, ip: { ...rules.ip, mode: 'passive' } })
  t.assert.strictEqual(await status(app), 200)
  t.assert.strictEqual(await status(app, { headers: { 'user-agent': 'sqlmap' } }), 403)
  t.assert.deepStrictEqual(app.guard.stats().byCheck, { ip: { refused: 0, reported: 2 }, userAgent: { refused: 1, reported: 0 } })
})

test('off: no check looks, the headers stay', async (t: TestContext) => {
  const { app } = await build(t, { ...rules, mode: 'off' })
  const response = await app.inject({ url: attack.url, remoteAddress: CLIENT })
  t.assert.strictEqual(response.statusCode, 200)
  t.assert.strictEqual(response.headers['x-content-type-options'], 'nosniff')
  t.assert.deepStrictEqual(app.guard.stats().byCheck, {})
  const one = await build(t, { ...rules, userAgent: { ...rules.userAgent, mode: 'off' } })
  t.assert.strictEqual(await status(one.app, { ip: '192.0.2.1', headers: { 'user-agent': 'sqlmap' } }), 200)
})

test('sample applies a rule to a share of clients, the same ones every time', async (t: TestContext) => {
  const { app } = await build(t, { userAgent: { deny: ['sqlmap'], sample: 0.5 } })
  const refused: string[] = []
  for (let i = 0; i < 400; i++) {
    const ip = `198.51.${i >> 8}.${i & 255}`
    const [once, again] = [await status(app, { ip, headers: { 'user-agent': 'sqlmap' } }), await status(app, { ip, headers: { 'user-agent': 'sqlmap' } })]
    t.assert.strictEqual(once, again)
    if (once === 403) refused.push(ip)
  }
  t.assert.ok(refused.length > 120 && refused.length < 280, String(refused.length))
  for (const [sample, expected] of [[0, 200], [1, 403]] as const) {
    const { app } = await build(t, { userAgent: { deny: ['sqlmap'], sample } })
    t.assert.strictEqual(await status(app, { headers: { 'user-agent': 'sqlmap' } }), expected)
  }
})

test('a trusted client skips what judges clients, not what judges transport', async (t: TestContext) => {
  const { app } = await build(t, { ...rules, ip: { trust: [CLIENT], deny: [CLIENT] }, hosts: ['a.test'], rateLimit: { max: 1, window: '1h' } })
  const headers = { host: 'a.test', 'user-agent': 'sqlmap' }
  for (let i = 0; i < 3; i++) t.assert.strictEqual(await status(app, { ...attack, headers }), 200)
  t.assert.strictEqual(await status(app, { headers: { host: 'b.test' } }), 421)
  app.guard.ban(CLIENT)
  t.assert.strictEqual(await status(app, { headers }), 200)
})

test('emergency mode is switched on, off and for a while at run time', async (t: TestContext) => {
  const { app, events } = await build(t, { emergency: { allow: ['10.0.0.0/8'] } })
  t.assert.strictEqual(await status(app), 200)
  app.guard.emergency(true)
  t.assert.strictEqual(await status(app), 503)
  t.assert.strictEqual(await status(app, { url: '/none' }), 503)
  t.assert.strictEqual(await status(app, { url: '/%zz' }), 503)
  t.assert.strictEqual(await status(app, { ip: '10.2.3.4' }), 200)
  app.guard.emergency(false)
  t.assert.strictEqual(await status(app), 200)
  app.guard.emergency({ for: '60ms' })
  t.assert.strictEqual(await status(app), 503)
  await new Promise((resolve) => setTimeout(resolve, 150))
  t.assert.strictEqual(await status(app), 200)
  t.assert.deepStrictEqual(events.filter(({ type }) => type === 'emergency').map((event) => 'enabled' in event && event.enabled), [true, false, true, false])
  const started = await build(t, { emergency: true })
  t.assert.strictEqual(await status(started.app), 503)
})
