import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { Limit } from '../../lib/index.ts'
import { folder } from '../download/server.ts'
import { countryDatabase } from '../geo/databases.ts'
import { build, buildRoute, CLIENT, startError, status, type Sent } from '../helpers.ts'

const HOUR = 3_600_000
const START = 1_700_000_000_000

/** The guard takes its time from `Date.now`. */
function clock (t: TestContext): (ms: number) => void {
  t.mock.timers.enable({ apis: ['Date'], now: START })
  let time = START
  return (ms) => t.mock.timers.setTime(time += ms)
}

async function statuses (app: FastifyInstance, times: number, sent: Sent = {}): Promise<number[]> {
  const found = []
  for (let i = 0; i < times; i++) found.push(await status(app, sent))
  return found
}

test('a fresh client passes max times, then is refused until it has waited', async (t: TestContext) => {
  const pass = clock(t)
  const { app } = await build(t, { rateLimit: { max: 3, window: '1m' } })
  t.assert.deepStrictEqual(await statuses(app, 5), [200, 200, 200, 429, 429])
  t.assert.deepStrictEqual(await statuses(app, 1, { ip: '203.0.113.8' }), [200])
  pass(59_999)
  t.assert.strictEqual(await status(app), 429)
  pass(1)
  t.assert.deepStrictEqual(await statuses(app, 4), [200, 200, 200, 429])
})

test('a refusal says so, when to come again, and nothing else', async (t: TestContext) => {
  const pass = clock(t)
  const { app, lines, events } = await build(t, { rateLimit: { max: 1, window: 90_500, name: 'api' } })
  await status(app)
  pass(10_200)
  const response = await app.inject({ url: '/', remoteAddress: CLIENT })
  t.assert.strictEqual(response.statusCode, 429)
  t.assert.deepStrictEqual(response.json(), { statusCode: 429, code: 'GUARD_RATE_LIMITED', error: 'Too Many Requests', message: 'Too many requests' })
  t.assert.strictEqual(response.headers['retry-after'], '81')
  t.assert.strictEqual(response.headers['ratelimit'], '"api";r=0;t=81')
  t.assert.strictEqual(response.headers['ratelimit-policy'], '"api";q=1;w=91')
  const line = lines.find(({ event }) => event === 'guard.refused')!
  t.assert.deepStrictEqual([line['check'], line['rule'], line['client'], line['reason']], ['rateLimit', 'api', CLIENT, 'over limit api: 1 in 90.5 s'])
  t.assert.strictEqual(events.some((event) => event.type === 'refused' && event.rule === 'api'), true)
  pass(81_000)
  t.assert.strictEqual(await status(app), 200)
})

test('the plugin\'s limit is one bucket over everything, 404s, methods and paths included', async (t: TestContext) => {
  const { app } = await build(t, { rateLimit: { max: 4, window: '1m' } }, (app) => {
    app.all('/users/:id', async () => 'ok')
    app.register(async (child) => { child.get('/deep', async () => 'ok') }, { prefix: '/child' })
  })
  const found = []
  for (const [method, url] of [['GET', '/users/1'], ['POST', '/users/2'], ['GET', '/child/deep'], ['GET', '/nowhere'], ['HEAD', '/'], ['GET', '/elsewhere'], ['OPTIONS', '/']] as const) found.push(await status(app, { method, url }))
  t.assert.deepStrictEqual(found, [200, 200, 200, 404, 429, 429, 429])
})

test('a route\'s limit is one bucket for its pattern and all its methods, and replaces the plugin\'s', async (t: TestContext) => {
  const { app } = await build(t, { rateLimit: { max: 1, window: '1m' } }, (app) => {
    app.all('/users/:id', { config: { guard: { rateLimit: { max: 3, window: '1m' } } } }, async () => 'ok')
    app.get('/free', { config: { guard: { rateLimit: false } } }, async () => 'ok')
  })
  t.assert.strictEqual(await status(app, { url: '/users/1' }), 200)
  t.assert.strictEqual(await status(app, { url: '/users/2?x=1', method: 'POST' }), 200)
  t.assert.strictEqual(await status(app, { url: '/users/%33', method: 'HEAD' }), 200)
  t.assert.strictEqual(await status(app, { url: '/users/4' }), 429)
  t.assert.deepStrictEqual(await statuses(app, 2), [200, 429])
  t.assert.deepStrictEqual(await statuses(app, 3, { url: '/free' }), [200, 200, 200])
})

test('routes with limits of their own have buckets of their own, unless they have a group', async (t: TestContext) => {
  const own = { rateLimit: { max: 1, window: '1m' } }
  const shared = { rateLimit: { max: 2, window: '1m', group: 'login' } }
  const { app } = await build(t, {}, (app) => {
    for (const url of ['/a', '/b']) app.get(url, { config: { guard: own } }, async () => 'ok')
    for (const url of ['/c', '/d']) app.get(url, { config: { guard: shared } }, async () => 'ok')
  })
  for (const [url, expected] of [['/a', 200], ['/b', 200], ['/a', 429], ['/b', 429], ['/c', 200], ['/d', 200], ['/c', 429], ['/d', 429]] as const) t.assert.strictEqual(await status(app, { url }), expected, url)
})

test('a policy\'s and a child scope\'s limit are one bucket over all that they cover', async (t: TestContext) => {
  const { default: guardPlugin } = await import('../../lib/index.ts')
  const { app } = await build(t, { policies: { slow: { rateLimit: { max: 2, window: '1m' } } } }, async (app) => {
    for (const url of ['/a', '/b']) app.get(url, { config: { guard: 'slow' } }, async () => 'ok')
    await app.register(async (child) => {
      await child.register(guardPlugin, { rateLimit: { max: 2, window: '1m' } })
      for (const url of ['/c', '/d']) child.get(url, async () => 'ok')
    })
  })
  for (const [url, expected] of [['/a', 200], ['/b', 200], ['/a', 429], ['/c', 200], ['/d', 200], ['/c', 429], ['/', 200]] as const) t.assert.strictEqual(await status(app, { url }), expected, url)
})

test('addresses of one client share its bucket: a v6 /64, and v4 however it is written', async (t: TestContext) => {
  const { app } = await build(t, { rateLimit: { max: 1, window: '1m' } })
  t.assert.strictEqual(await status(app, { ip: '2001:db8:1:2::1' }), 200)
  t.assert.strictEqual(await status(app, { ip: '2001:db8:1:2:ffff::9' }), 429)
  t.assert.strictEqual(await status(app, { ip: '2001:db8:1:3::1' }), 200)
  t.assert.strictEqual(await status(app, { ip: '203.0.113.7' }), 200)
  t.assert.strictEqual(await status(app, { ip: '::ffff:203.0.113.7' }), 429)
})

test('of several limits a refused request takes from none', async (t: TestContext) => {
  const pass = clock(t)
  const { app } = await buildRoute(t, { rateLimit: [{ max: 2, window: '1s', name: 'burst' }, { max: 4, window: '1h', name: 'hour' }] })
  const url = '/guarded'
  t.assert.deepStrictEqual(await statuses(app, 6, { url }), [200, 200, 429, 429, 429, 429])
  pass(1000)
  const { headers } = await app.inject({ url, remoteAddress: CLIENT })
  t.assert.strictEqual(headers['ratelimit-policy'], '"burst";q=2;w=1, "hour";q=4;w=3600')
  t.assert.strictEqual(headers['ratelimit'], '"burst";r=1;t=1, "hour";r=1;t=3600')
  t.assert.deepStrictEqual(await statuses(app, 2, { url }), [200, 429])
  const refused = await app.inject({ url, remoteAddress: CLIENT })
  t.assert.strictEqual(refused.headers['retry-after'], '3600')
  t.assert.strictEqual(refused.headers['ratelimit'], '"burst";r=0;t=1, "hour";r=0;t=3600')
})

test('a limit by key runs with the principal\'s limits, and gives the client\'s limit back when it refuses', async (t: TestContext) => {
  const { app } = await buildRoute(t, { rateLimit: [{ max: 3, window: '1m', name: 'client' }, { max: 1, window: '1m', name: 'user', key: (request) => String(request.headers['x-user'] ?? 'nobody') }] })
  const as = (user: string): Promise<number> => status(app, { url: '/guarded', headers: { 'x-user': user } })
  t.assert.deepStrictEqual([await as('ann'), await as('ann'), await as('ann'), await as('bob'), await as('eve'), await as('ida')], [200, 429, 429, 200, 200, 429])
  const { headers } = await app.inject({ url: '/guarded', remoteAddress: '203.0.113.9', headers: { 'x-user': 'kim' } })
  t.assert.strictEqual(headers['ratelimit'], '"client";r=2;t=60, "user";r=0;t=60')
})

test('a key that is no text, or empty, or throws, refuses with 500; a long one counts whole', async (t: TestContext) => {
  const { app } = await buildRoute(t, {
    rateLimit: {
      max: 1,
      window: '1m',
      key (request) {
        const key = request.headers['x-key']
        if (key === 'throw') throw new Error('no')
        return (key === 'none' ? undefined : key === 'empty' ? '' : key) as string
      }
    }
  })
  const as = (key: string): Promise<number> => status(app, { url: '/guarded', headers: { 'x-key': key } })
  t.assert.deepStrictEqual([await as('throw'), await as('none'), await as('empty')], [500, 500, 500])
  const long = 'a'.repeat(10_000)
  t.assert.deepStrictEqual([await as(long), await as(long), await as(`${long}b`)], [200, 429, 200])
})

test('what a client sends as a key cannot touch another client\'s bucket', async (t: TestContext) => {
  const limit: Limit = { max: 1, window: '1m', group: 'g' }
  const { app } = await build(t, {}, (app) => {
    app.get('/ip', { config: { guard: { rateLimit: limit } } }, async () => 'ok')
    app.get('/key', { config: { guard: { rateLimit: { ...limit, key: (request) => String(request.headers['x-key']) } } } }, async () => 'ok')
  })
  t.assert.deepStrictEqual(await statuses(app, 2, { url: '/key', ip: '203.0.113.66', headers: { 'x-key': CLIENT } }), [200, 429])
  t.assert.strictEqual(await status(app, { url: '/ip' }), 200)
})

test('max, cost and skip may ask the request', async (t: TestContext) => {
  const tier = (request: { headers: Record<string, unknown> }): number => ({ gold: Infinity, silver: 3 })[String(request.headers['x-tier'])] ?? 1
  const { app } = await buildRoute(t, { rateLimit: { max: tier, window: '1m', cost: (request) => Number(request.headers['x-cost'] ?? 1), skip: (request) => request.headers['x-skip'] === '1' } })
  const sent = (ip: string, headers: Record<string, string>): Sent => ({ url: '/guarded', ip, headers })
  t.assert.deepStrictEqual(await statuses(app, 2, sent('203.0.113.1', {})), [200, 429])
  t.assert.deepStrictEqual(await statuses(app, 4, sent('203.0.113.2', { 'x-tier': 'silver' })), [200, 200, 200, 429])
  t.assert.deepStrictEqual(await statuses(app, 9, sent('203.0.113.3', { 'x-tier': 'gold' })), Array(9).fill(200))
  t.assert.deepStrictEqual(await statuses(app, 3, sent('203.0.113.4', { 'x-skip': '1' })), [200, 200, 200])
  t.assert.deepStrictEqual(await statuses(app, 2, sent('203.0.113.5', { 'x-tier': 'silver', 'x-cost': '2' })), [200, 429])
  t.assert.deepStrictEqual(await statuses(app, 2, sent('203.0.113.6', { 'x-cost': '0' })), [200, 200])
  t.assert.deepStrictEqual(await statuses(app, 1, sent('203.0.113.7', { 'x-cost': '-1' })), [500])
})

test('max 0 refuses everybody', async (t: TestContext) => {
  const { app } = await buildRoute(t, { rateLimit: { max: 0, window: '1m' } })
  const response = await app.inject({ url: '/guarded', remoteAddress: CLIENT })
  t.assert.deepStrictEqual([response.statusCode, response.headers['retry-after']], [429, '60'])
})

test('count: \'failures\' gives back what did not fail, once it is answered', async (t: TestContext) => {
  const { app } = await build(t, {}, (app) => {
    app.post('/login', { config: { guard: { rateLimit: { max: 2, window: '1m', count: 'failures' } } } }, async (request, reply) => reply.code(request.headers['x-right'] === '1' ? 200 : 401).send('x'))
  })
  const sent = (right: string): Sent => ({ url: '/login', method: 'POST', headers: { 'x-right': right } })
  t.assert.deepStrictEqual(await statuses(app, 5, sent('1')), [200, 200, 200, 200, 200])
  t.assert.deepStrictEqual(await statuses(app, 1, sent('0')), [401])
  t.assert.deepStrictEqual(await statuses(app, 5, sent('1')), [200, 200, 200, 200, 200])
  t.assert.deepStrictEqual(await statuses(app, 2, sent('0')), [401, 429])
  t.assert.deepStrictEqual(await statuses(app, 2, sent('1')), [429, 429])
})

test('count: \'failures\' holds a place while the answer is on its way', async (t: TestContext) => {
  const { app } = await build(t, {}, (app) => {
    app.get('/slow', { config: { guard: { rateLimit: { max: 2, window: '1m', count: 'failures' } } } }, async () => { await new Promise((resolve) => setTimeout(resolve, 30)) })
  })
  const found = await Promise.all([1, 2, 3, 4].map(async () => status(app, { url: '/slow' })))
  t.assert.deepStrictEqual(found.sort(), [200, 200, 429, 429])
  t.assert.strictEqual(await status(app, { url: '/slow' }), 200)
})

test('count may be a function; one that throws counts and breaks nothing', async (t: TestContext) => {
  const { app, lines } = await build(t, {}, (app) => {
    const count: Limit['count'] = (_request, reply) => {
      if (reply.getHeader('x-count') === 'throw') throw new Error('no')
      return reply.getHeader('x-count') === 'yes'
    }
    app.get('/count', { config: { guard: { rateLimit: { max: 1, window: '1m', count } } } }, async (request, reply) => reply.header('x-count', request.headers['x-count']).send('x'))
  })
  const sent = (ip: string, count: string): Sent => ({ url: '/count', ip, headers: { 'x-count': count } })
  t.assert.deepStrictEqual(await statuses(app, 3, sent('203.0.113.1', 'no')), [200, 200, 200])
  t.assert.deepStrictEqual(await statuses(app, 2, sent('203.0.113.2', 'yes')), [200, 429])
  t.assert.deepStrictEqual(await statuses(app, 2, sent('203.0.113.3', 'throw')), [200, 429])
  t.assert.strictEqual(lines.some(({ event }) => event === 'guard.count_failed'), true)
})

test('fixed-window and gcra count as they are documented', async (t: TestContext) => {
  const pass = clock(t)
  const { app } = await build(t, {}, (app) => {
    app.get('/fixed', { config: { guard: { rateLimit: { max: 2, window: 1000, algorithm: 'fixed-window' } } } }, async () => 'ok')
    app.get('/gcra', { config: { guard: { rateLimit: { max: 10, window: 1000, burst: 2, algorithm: 'gcra' } } } }, async () => 'ok')
  })
  t.assert.strictEqual(await status(app, { url: '/fixed' }), 200)
  pass(999)
  t.assert.deepStrictEqual(await statuses(app, 2, { url: '/fixed' }), [200, 429])
  pass(1)
  t.assert.deepStrictEqual(await statuses(app, 3, { url: '/fixed' }), [200, 200, 429])
  t.assert.deepStrictEqual(await statuses(app, 3, { url: '/gcra' }), [200, 200, 429])
  pass(100)
  t.assert.deepStrictEqual(await statuses(app, 2, { url: '/gcra' }), [200, 429])
})

test('headers are the draft\'s, the older ones, both or none', async (t: TestContext) => {
  clock(t)
  const { app } = await build(t, {}, (app) => {
    for (const headers of ['draft', 'legacy', 'both', false] as const) app.get(`/${headers}`, { config: { guard: { rateLimit: { max: 2, window: '1m', headers } } } }, async () => 'ok')
  })
  const draft = { 'ratelimit-policy': '"default";q=2;w=60', ratelimit: '"default";r=1;t=60' }
  const legacy = { 'x-ratelimit-limit': '2', 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': '60' }
  for (const [url, expected] of [['/draft', draft], ['/legacy', legacy], ['/both', { ...draft, ...legacy }], ['/false', {}]] as const) {
    const { headers } = await app.inject({ url, remoteAddress: CLIENT })
    t.assert.deepStrictEqual(Object.fromEntries(Object.entries(headers).filter(([name]) => /ratelimit/.test(name)).sort()), Object.fromEntries(Object.entries(expected).sort()), url)
  }
  await statuses(app, 2, { url: '/false' })
  const { headers } = await app.inject({ url: '/false', remoteAddress: CLIENT })
  t.assert.deepStrictEqual([headers['retry-after'], headers['ratelimit']], ['60', undefined])
})

test('names are quoted as structured fields have it', async (t: TestContext) => {
  const { app } = await buildRoute(t, { rateLimit: { max: 2, window: '1m', name: 'a "b" \\c' } })
  const { headers } = await app.inject({ url: '/guarded', remoteAddress: CLIENT })
  t.assert.strictEqual(headers['ratelimit-policy'], '"a \\"b\\" \\\\c";q=2;w=60')
})

test('a refused request takes from none of its limits, also where they differ in sample or mode', async (t: TestContext) => {
  const { app } = await build(t, {
    rateLimit: [
      { max: 50, window: '1m', name: 'wide' },
      { max: 2, window: '1m', name: 'most', sample: 0.9999999 },
      { max: 1, window: '1m', name: 'passive', mode: 'passive' },
      { max: 40, window: '1m', name: 'by key', key: () => 'all' }
    ]
  })
  t.assert.deepStrictEqual(await statuses(app, 6), [200, 200, 429, 429, 429, 429])
  // The passive one refused the second request, which passed: that took from the others.
  const left = await app.guard.limits.peek(CLIENT)
  t.assert.deepStrictEqual(left.map(({ max, remaining }) => [max, remaining]), [[50, 48], [2, 0], [1, 0]])
  t.assert.deepStrictEqual((await app.guard.limits.peek('all')).map(({ remaining }) => remaining), [38])
})

for (const options of [{ rateLimit: { max: 1, window: '1m', mode: 'passive' } }, { mode: 'passive', rateLimit: { max: 1, window: '1m' } }] as const) {
  test(`passive limits let pass, report, and tell the client nothing: ${JSON.stringify(options)}`, async (t: TestContext) => {
    const { app, events } = await build(t, options)
    t.assert.deepStrictEqual(await statuses(app, 2), [200, 200])
    const { headers } = await app.inject({ url: '/', remoteAddress: CLIENT })
    t.assert.deepStrictEqual([headers['ratelimit'], headers['retry-after']], [undefined, undefined])
    t.assert.strictEqual(events.filter((event) => event.type === 'reported').length, 2)
  })
}

test('trusted clients are not counted', async (t: TestContext) => {
  const { app } = await build(t, { ip: { trust: ['203.0.113.0/24'] }, rateLimit: { max: 1, window: '1m' } })
  t.assert.deepStrictEqual(await statuses(app, 3), [200, 200, 200])
  t.assert.deepStrictEqual(await statuses(app, 2, { ip: '198.51.100.1' }), [200, 429])
})

test('app.guard.limits looks, takes and forgets', async (t: TestContext) => {
  clock(t)
  const { app } = await build(t, { rateLimit: [{ max: 3, window: '1m', name: 'api' }, { max: 9, window: '1h', name: 'user', key: (request) => String(request.headers['x-user'] ?? 'nobody') }] })
  await status(app)
  t.assert.deepStrictEqual(app.guard.limits.peek(CLIENT), [{ limit: 'api', max: 3, remaining: 2, retryAfter: 0 }])
  t.assert.deepStrictEqual(app.guard.limits.peek('nobody'), [{ limit: 'user', max: 9, remaining: 8, retryAfter: 0 }])
  t.assert.deepStrictEqual(app.guard.limits.consume(CLIENT, 'api', 2), [{ limit: 'api', max: 3, remaining: 0, retryAfter: 60_000 }])
  t.assert.strictEqual(await status(app), 429)
  await app.guard.limits.reset(CLIENT)
  t.assert.strictEqual(await status(app), 200)
  t.assert.strictEqual(typeof app.guard.stats().limits['keys'], 'number')
  await app.guard.limits.consume('2001:db8::1')
  t.assert.strictEqual((await app.guard.limits.peek('2001:db8::2'))[0]!.remaining, 2)
  t.assert.throws(() => app.guard.limits.consume(CLIENT, 'nope'), { code: 'GUARD_OPTION_INVALID' })
})

test('a group is one bucket for app.guard.limits too', async (t: TestContext) => {
  const { app } = await build(t, {}, (app) => {
    for (const url of ['/a', '/b']) app.get(url, { config: { guard: { rateLimit: { max: 4, window: '1m', group: 'g' } } } }, async () => 'ok')
  })
  await app.ready()
  t.assert.deepStrictEqual(app.guard.limits.consume(CLIENT), [{ limit: 'g', max: 4, remaining: 3, retryAfter: 0 }])
  t.assert.deepStrictEqual(await statuses(app, 4, { url: '/b' }), [200, 200, 200, 429])
})

test('the size of one app\'s state is bounded by maxKeys, and apps share none', async (t: TestContext) => {
  const { app } = await build(t, { maxKeys: 100, rateLimit: { max: 1, window: '1h' } })
  for (let i = 0; i < 300; i++) await status(app, { ip: `198.51.${100 + (i >> 8)}.${i & 255}` })
  t.assert.strictEqual(app.guard.stats().limits['keys'], 100)
  t.assert.strictEqual(app.guard.stats().limits['evicted'], 200)
  const { app: other } = await build(t, { rateLimit: { max: 1, window: '1h' } })
  t.assert.strictEqual(await status(other, { ip: '198.51.100.1' }), 200)
})

const wrong: Array<[unknown, ...string[]]> = [
  [{ maxx: 3, window: '1m' }, 'rateLimit.maxx is unknown, did you mean max?', 'rateLimit.max is missing'],
  [{ max: 3 }, 'rateLimit.window is missing'],
  [{ max: -1, window: '1m' }, 'rateLimit.max must be'],
  [{ max: '3', window: '1m' }, 'rateLimit.max must be'],
  [{ max: 1.5, window: '1m' }, 'rateLimit.max must be'],
  [{ max: Infinity, window: '1m' }, 'rateLimit.max must be'],
  [{ max: 3, window: 'soon' }, 'rateLimit.window must be'],
  [{ max: 3, window: 0 }, 'rateLimit.window must be'],
  [[], 'rateLimit must have at least 1 entry'],
  [[{ max: 3, window: '1m' }, { max: 'x', window: '1m' }], 'rateLimit[1].max must be'],
  [[{ max: 3, window: '1m' }, 3], 'rateLimit[1] must be'],
  [[{ max: 3, window: '1m', name: 'a' }, { max: 4, window: '1h', name: 'a' }], 'rateLimit[1].name must differ'],
  [[{ max: 3, window: '1m', group: 'a' }, { max: 4, window: '1m', group: 'a' }], 'rateLimit[1].group is that of another limit'],
  [{ max: 3, window: '1m', name: 'caf\u00e9' }, 'rateLimit.name must be'],
  [{ max: 3, window: '1m', name: 'a\r\nx: y' }, 'rateLimit.name must be'],
  [{ max: 3, window: '1m', key: 'user' }, "rateLimit.key must be one of 'ip'"],
  [{ max: 3, window: '1m', byCountry: { usa: 3 } }, 'rateLimit.byCountry.usa must be an ISO 3166-1 alpha-2 country code'],
  [{ max: 3, window: '1m', byCountry: { UK: 3 } }, 'rateLimit.byCountry.UK is no ISO 3166-1 code: "UK", did you mean GB?'],
  [{ max: 3, window: '1m', byCountry: { de: 3, DE: 4 } }, 'rateLimit.byCountry names DE twice'],
  [{ max: 3, window: '1m', byCountry: { DE: '3' } }, 'rateLimit.byCountry.DE must be a whole number'],
  [{ max: 3, window: '1m', burst: 2 }, "rateLimit.burst is for algorithm: 'gcra'"],
  [{ max: 3, window: '1m', cost: 4 }, 'rateLimit.cost is more than max'],
  [{ max: 3, window: '1m', cost: 0 }, 'rateLimit.cost must be'],
  [{ max: 3, window: '1m', count: 'success' }, 'rateLimit.count must be one of'],
  [{ max: 3, window: '1m', algorithm: 'leaky' }, 'rateLimit.algorithm must be one of'],
  [{ max: 3, window: '1m', headers: true }, 'rateLimit.headers must be'],
  [{ max: 3, window: '1m', skip: true }, 'rateLimit.skip must be']
]
for (const [value, ...messages] of wrong) {
  test(`rateLimit: ${JSON.stringify(value)} stops the start`, async (t: TestContext) => {
    const [global, route] = [await startError({ rateLimit: value }), await startError({}, { rateLimit: value })]
    for (const error of [global, route]) t.assert.strictEqual(error.code, 'GUARD_OPTION_INVALID')
    for (const message of messages) {
      t.assert.ok(global.message.includes(message), global.message)
      t.assert.ok(route.message.includes(`config.guard.${message}`), route.message)
    }
  })
}

test('limits of one group must have one window', async (t: TestContext) => {
  const error = await startError({ rateLimit: { max: 3, window: '1m', group: 'a' } }, { rateLimit: { max: 3, window: '1h', group: 'a' } })
  t.assert.strictEqual(error.code, 'GUARD_OPTION_INVALID')
  t.assert.match(error.message, /rateLimit\.group must have the same window/)
})

test('byCountry sets max for the countries that it names', async (t: TestContext) => {
  const places: Record<string, string> = { '203.0.113.1': 'DE', '203.0.113.2': 'FR' }
  const geo = { handler: { lookup: (ip: string) => places[ip] === undefined ? null : { country: places[ip] } } }
  const { app } = await build(t, { geo }, (app) => {
    app.get('/country', { config: { guard: { rateLimit: { max: 1, window: '1m', byCountry: { de: 3 } } } } }, async () => 'ok')
  })
  t.assert.deepStrictEqual(await statuses(app, 4, { url: '/country', ip: '203.0.113.1' }), [200, 200, 200, 429])
  t.assert.deepStrictEqual(await statuses(app, 2, { url: '/country', ip: '203.0.113.2' }), [200, 429])
  t.assert.deepStrictEqual(await statuses(app, 2, { url: '/country', ip: '203.0.113.3' }), [200, 429])
  t.assert.deepStrictEqual(await statuses(app, 2, { url: '/country', ip: '10.0.0.1' }), [200, 429], 'private addresses have no country')
  const error = await startError({ rateLimit: { max: 1, window: '1m', byCountry: { de: 3 } } })
  t.assert.match(error.message, /rateLimit\.byCountry needs a database/)
})

test('byCountry: 0 refuses a country, the headers have its numbers, other members of the limit stay', async (t: TestContext) => {
  const places: Record<string, string> = { '203.0.113.1': 'DE', '203.0.113.2': 'FR', '203.0.113.3': 'SE' }
  const geo = { handler: { lookup: (ip: string) => places[ip] === undefined ? null : { country: places[ip] } } }
  const { app } = await build(t, { geo, rateLimit: { name: 'country', max: () => 2, window: '1m', byCountry: { DE: 0, fr: 5 }, cost: 2, headers: 'both' } })
  t.assert.deepStrictEqual(await statuses(app, 1, { ip: '203.0.113.1' }), [429])
  const french = await app.inject({ url: '/', remoteAddress: '203.0.113.2' })
  t.assert.deepStrictEqual([french.headers['x-ratelimit-limit'], french.headers['x-ratelimit-remaining']], ['5', '3'])
  t.assert.deepStrictEqual(await statuses(app, 2, { ip: '203.0.113.2' }), [200, 429])
  t.assert.deepStrictEqual(await statuses(app, 2, { ip: '203.0.113.3' }), [200, 429])
})

test('byCountry follows the database', async (t: TestContext) => {
  const path = join(folder(t), 'country.mmdb')
  writeFileSync(path, countryDatabase({ '203.0.113.0/24': 'DE' }))
  const { app } = await build(t, { geo: { database: path, refresh: 10 }, rateLimit: { max: 100, window: '1m', byCountry: { FR: 0 } } })
  t.assert.strictEqual(await status(app), 200)
  writeFileSync(`${path}.new`, countryDatabase({ '203.0.113.0/24': 'FR', '203.0.114.0/24': 'DE' }))
  renameSync(`${path}.new`, path)
  for (let i = 0; i < 1500 && await status(app) === 200; i++) await new Promise((resolve) => { setTimeout(resolve, 10) })
  t.assert.strictEqual(await status(app), 429)
})

test('windows of a day and more count on', async (t: TestContext) => {
  const pass = clock(t)
  const { app } = await build(t, { rateLimit: { max: 2, window: '30d' } })
  t.assert.strictEqual(await status(app), 200)
  pass(29 * 24 * HOUR)
  t.assert.deepStrictEqual(await statuses(app, 2), [200, 429])
  pass(24 * HOUR)
  t.assert.deepStrictEqual(await statuses(app, 2), [200, 429])
})
