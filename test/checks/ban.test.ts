import { test, type TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { build, CLIENT, startError, status, type Sent } from '../helpers.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const START = 1_700_000_000_000

/** The guard takes its time from `Date.now`. */
function clock (t: TestContext): (ms: number) => void {
  t.mock.timers.enable({ apis: ['Date'], now: START })
  let time = START
  return (ms) => t.mock.timers.setTime(time += ms)
}

const attack = (sent: Sent = {}): Sent => ({ url: '/?q=<script>alert(1)</script>', ...sent })

async function statuses (app: FastifyInstance, times: number, sent: Sent = {}): Promise<number[]> {
  const found = []
  for (let i = 0; i < times; i++) found.push(await status(app, sent))
  return found
}

test('attacks lead to a ban after the threshold, which ends by itself', async (t: TestContext) => {
  const pass = clock(t)
  const { app, events } = await build(t, { ban: { threshold: 3, duration: '2h' } })
  t.assert.deepStrictEqual(await statuses(app, 4, attack()), [400, 400, 400, 403])
  t.assert.strictEqual(await status(app), 403)
  t.assert.strictEqual(await status(app, { url: '/nowhere' }), 403)
  t.assert.strictEqual(await status(app, { ip: '203.0.113.8' }), 200)
  pass(2 * HOUR - 1)
  t.assert.strictEqual(await status(app), 403)
  pass(1)
  t.assert.strictEqual(await status(app), 200)
  const banned = events.filter((event) => event.type === 'banned')
  t.assert.deepStrictEqual(banned.map((event) => [event.client, event.kind, event.until]), [[CLIENT, 'detection', START + 2 * HOUR]])
})

test('a ban\'s answer says how long, and not why', async (t: TestContext) => {
  const pass = clock(t)
  const { app, lines } = await build(t, { ban: {} })
  app.guard.ban(CLIENT, { duration: '1h', reason: 'secret reason' })
  pass(500)
  const response = await app.inject({ url: '/', remoteAddress: CLIENT })
  t.assert.strictEqual(response.statusCode, 403)
  t.assert.deepStrictEqual(response.json(), { statusCode: 403, code: 'GUARD_BANNED', error: 'Forbidden', message: 'Access denied' })
  t.assert.strictEqual(response.headers['retry-after'], '3600')
  t.assert.ok(!response.payload.includes('secret'))
  t.assert.match(String(lines.find(({ event }) => event === 'guard.refused')!['reason']), /secret reason/)
})

test('without a rule nobody is banned for attacks, but manual bans count', async (t: TestContext) => {
  const { app } = await build(t)
  t.assert.deepStrictEqual(await statuses(app, 9, attack()), Array(9).fill(400))
  app.guard.ban(CLIENT)
  t.assert.strictEqual(await status(app), 403)
  t.assert.strictEqual(app.guard.unban(CLIENT), true)
  t.assert.strictEqual(await status(app), 200)
  t.assert.strictEqual(app.guard.unban(CLIENT), false)
})

test('ban: false switches manual bans off too, for its routes', async (t: TestContext) => {
  const { app } = await build(t, {}, (app) => { app.get('/open', { config: { guard: { ban: false } } }, async () => 'ok') })
  app.guard.ban(CLIENT)
  t.assert.strictEqual(await status(app), 403)
  t.assert.strictEqual(await status(app, { url: '/open' }), 200)
})

test('strikes outside the window do not add up', async (t: TestContext) => {
  const pass = clock(t)
  const { app } = await build(t, { ban: { threshold: 2, window: '5m' } })
  t.assert.strictEqual(await status(app, attack()), 400)
  pass(5 * MINUTE)
  t.assert.strictEqual(await status(app, attack()), 400)
  t.assert.strictEqual(await status(app), 200)
  t.assert.strictEqual(await status(app, attack()), 400)
  t.assert.strictEqual(await status(app), 403)
})

test('requests of a banned client prolong nothing', async (t: TestContext) => {
  const pass = clock(t)
  const { app } = await build(t, { ban: { threshold: 1, duration: '10m' } })
  t.assert.strictEqual(await status(app, attack()), 400)
  for (let i = 0; i < 5; i++) {
    pass(2 * MINUTE - 1)
    t.assert.strictEqual(await status(app, attack()), 403)
  }
  pass(5)
  t.assert.strictEqual(await status(app), 200)
})

test('only what on lists counts', async (t: TestContext) => {
  const { app } = await build(t, { ban: { threshold: 2, on: ['rateLimit'] }, rateLimit: { max: 3, window: '1h' } })
  t.assert.deepStrictEqual(await statuses(app, 3, attack()), [400, 400, 400])
  t.assert.deepStrictEqual(await statuses(app, 3), [429, 429, 403])
})

test('refusals by the rate limit are no strikes by default', async (t: TestContext) => {
  const { app } = await build(t, { ban: { threshold: 1 }, rateLimit: { max: 1, window: '1h' } })
  t.assert.deepStrictEqual(await statuses(app, 9), [200, ...Array(8).fill(429)])
})

test('a category may have a threshold and a duration of its own', async (t: TestContext) => {
  clock(t)
  const { app } = await build(t, { ban: { threshold: 5, categories: { xss: { threshold: 1, duration: '3h' } } } })
  t.assert.deepStrictEqual(await statuses(app, 2, attack()), [400, 403])
  t.assert.strictEqual(app.guard.bans()[0]!.until, START + 3 * HOUR)
  t.assert.deepStrictEqual(await statuses(app, 3, { url: '/?q=..%2f..%2f..%2fetc%2fpasswd', ip: '203.0.113.9' }), [400, 400, 400])
})

test('further bans are longer, up to maxDuration', async (t: TestContext) => {
  const pass = clock(t)
  const { app } = await build(t, { ban: { threshold: 1, duration: '1h', escalate: 4, maxDuration: '10h' } })
  const lengths = []
  for (let i = 0; i < 4; i++) {
    await status(app, attack())
    const { since, until } = app.guard.bans()[0]!
    lengths.push((until - since) / HOUR)
    pass(until - since)
  }
  t.assert.deepStrictEqual(lengths, [1, 4, 10, 10])
})

test('exempt and trusted addresses, loopback and what is passive are never banned', async (t: TestContext) => {
  const { app } = await build(t, { ban: { threshold: 1, exempt: ['198.51.100.0/24'] }, ip: { trust: ['192.0.2.1'] } }, (app) => {
    app.get('/passive', { config: { guard: { detection: { mode: 'passive' } } } }, async () => 'ok')
  })
  for (const ip of ['198.51.100.7', '127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) t.assert.deepStrictEqual(await statuses(app, 3, attack({ ip })), [400, 400, 400], ip)
  t.assert.deepStrictEqual(await statuses(app, 3, attack({ ip: '192.0.2.1' })), [200, 200, 200])
  t.assert.deepStrictEqual(await statuses(app, 3, attack({ url: '/passive?q=<script>alert(1)</script>' })), [200, 200, 200])
  t.assert.deepStrictEqual(app.guard.bans(), [])
})

test('a trusted proxy is never banned, the client behind it is', async (t: TestContext) => {
  const { app } = await build(t, { ban: { threshold: 1 }, clientIp: { trustedProxies: ['192.0.2.1'] } })
  t.assert.deepStrictEqual(await statuses(app, 3, attack({ ip: '192.0.2.1' })), [400, 400, 400])
  const behind = attack({ ip: '192.0.2.1', headers: { 'x-forwarded-for': '203.0.113.200' } })
  t.assert.deepStrictEqual(await statuses(app, 2, behind), [400, 403])
  t.assert.deepStrictEqual(app.guard.bans().map(({ client }) => client), ['203.0.113.200'])
  t.assert.strictEqual(await status(app, { ip: '192.0.2.1', headers: { 'x-forwarded-for': '203.0.113.201' } }), 200)
})

test('a victim named in a forwarding header that nobody trusts is not banned', async (t: TestContext) => {
  const { app } = await build(t, { ban: { threshold: 1 } })
  await status(app, attack({ headers: { 'x-forwarded-for': '203.0.113.200' } }))
  t.assert.deepStrictEqual(app.guard.bans().map(({ client }) => client), [CLIENT])
})

test('a ban is for the whole client: a v6 /64, and v4 however it is written', async (t: TestContext) => {
  const { app } = await build(t, { ban: { threshold: 1 } })
  await status(app, attack({ ip: '2001:db8:1:2::1' }))
  t.assert.strictEqual(await status(app, { ip: '2001:db8:1:2:ffff::9' }), 403)
  t.assert.strictEqual(await status(app, { ip: '2001:db8:1:3::9' }), 200)
  await status(app, attack({ ip: '::ffff:203.0.113.9' }))
  t.assert.strictEqual(await status(app, { ip: '203.0.113.9' }), 403)
})

test('networks can be banned by hand', async (t: TestContext) => {
  const { app } = await build(t)
  const info = app.guard.ban('198.51.100.0/24', { duration: '30d', reason: 'scanners' })
  t.assert.deepStrictEqual([info.client, info.reason, info.until - info.since], ['198.51.100.0/24', 'scanners', 30 * 24 * HOUR])
  t.assert.strictEqual(await status(app, { ip: '198.51.100.77' }), 403)
  t.assert.strictEqual(await status(app, { ip: '198.51.101.77' }), 200)
  t.assert.throws(() => app.guard.ban('0.0.0.0/0'), { code: 'GUARD_OPTION_INVALID' })
})

test('an application\'s own strikes count, whatever on lists', async (t: TestContext) => {
  const { app } = await build(t, { ban: { threshold: 2 } }, (app) => {
    app.get('/abuse', async (request) => { request.guard.strike('abuse'); return 'ok' })
  })
  t.assert.deepStrictEqual(await statuses(app, 3, { url: '/abuse' }), [200, 200, 403])
})

test('a passive ban rule reports and lets pass', async (t: TestContext) => {
  const { app, events } = await build(t, { ban: { mode: 'passive' } })
  app.guard.ban(CLIENT)
  t.assert.strictEqual(await status(app), 200)
  t.assert.strictEqual(events.some((event) => event.type === 'reported' && event.code === 'GUARD_BANNED'), true)
})

test('apps share no bans, and reset forgets them', async (t: TestContext) => {
  const { app } = await build(t)
  const { app: other } = await build(t)
  app.guard.ban(CLIENT)
  t.assert.strictEqual(await status(other), 200)
  t.assert.strictEqual(app.guard.stats().bans['active'], 1)
  app.guard.reset()
  t.assert.strictEqual(await status(app), 200)
})

const wrong: Array<[unknown, string]> = [
  [{ treshold: 3 }, 'ban.treshold is unknown, did you mean threshold?'],
  [{ threshold: 0 }, 'ban.threshold must be'],
  [{ threshold: '5' }, 'ban.threshold must be'],
  [{ window: 'x' }, 'ban.window must be'],
  [{ duration: -1 }, 'ban.duration must be'],
  [{ on: [] }, 'ban.on must have at least 1 entry'],
  [{ on: ['detections'] }, 'ban.on[0] must be one of'],
  [{ categories: { sql: { threshold: 1 } } }, 'ban.categories.sql must be one of'],
  [{ categories: { sqli: { treshold: 1 } } }, 'ban.categories.sqli.treshold is unknown, did you mean threshold?'],
  [{ escalate: 0.5 }, 'ban.escalate must be'],
  [{ duration: '2h', maxDuration: '1h' }, 'ban.duration is longer than maxDuration'],
  [{ categories: { sqli: { duration: '2h' } }, maxDuration: '90m' }, 'ban.categories.sqli.duration is longer than maxDuration'],
  [{ exempt: ['300.1.1.1'] }, 'ban.exempt[0]'],
  [3, 'ban must be']
]
for (const [value, message] of wrong) {
  test(`ban: ${JSON.stringify(value)} stops the start`, async (t: TestContext) => {
    for (const error of [await startError({ ban: value }), await startError({}, { ban: value })]) {
      t.assert.strictEqual(error.code, 'GUARD_OPTION_INVALID')
      t.assert.ok(error.message.includes(message), error.message)
    }
  })
}

test('a duration longer than the default of maxDuration holds', async (t: TestContext) => {
  const { app } = await build(t, { ban: { threshold: 1, duration: '30d' } })
  await status(app, attack())
  const [ban] = app.guard.bans()
  t.assert.strictEqual(ban!.until - ban!.since, 30 * 24 * HOUR)
})
