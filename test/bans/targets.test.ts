import { test, type TestContext } from 'node:test'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { build, CLIENT, startError, status } from '../helpers.ts'
import type { BanTarget, GuardOptions } from '../../lib/index.ts'

const HOUR = 3_600_000
const places: Record<string, { country: string, asn: number }> = { [CLIENT]: { country: 'NL', asn: 64_500 }, '198.51.100.9': { country: 'DE', asn: 64_501 }, '2001:db8::1': { country: 'NL', asn: 64_501 }, '10.0.0.1': { country: 'NL', asn: 64_500 } }
const geo: GuardOptions['geo'] = { handler: { lookup: (ip) => places[ip] ?? null } }

const verify = async (token: string): Promise<unknown> => ({ alice: 'alice', seven: 7, object: { id: 'alice', sub: 'other' }, subject: { sub: 'bob' }, yes: true, bare: { name: 'alice' } })[token]
async function withAuth (t: TestContext) {
  return build(t, {}, (app) => {
    app.get('/me', { config: { guard: { auth: { scheme: 'bearer', verify: async (token) => (await verify(token)) as object } } } }, async () => 'ok')
    app.get('/key', { config: { guard: { apiKey: { keys: ['first', 'second'] } } } }, async () => 'ok')
  })
}
const as = (app: FastifyInstance, token: string, url = '/me'): Promise<number> => status(app, { url, headers: { authorization: `Bearer ${token}` } })

test('a country and an autonomous system are banned, listed and lifted', async (t: TestContext) => {
  const { app, events } = await build(t, { geo })
  const others = async (): Promise<number[]> => [await status(app), await status(app, { ip: '198.51.100.9' }), await status(app, { ip: '2001:db8::1' }), await status(app, { ip: '192.0.2.77' }), await status(app, { ip: '10.0.0.1' })]
  t.assert.strictEqual(app.guard.ban({ country: 'nl' }, { reason: 'war' }).client, 'country:NL')
  t.assert.deepStrictEqual(await others(), [403, 200, 403, 200, 200])
  app.guard.ban({ asn: 64_501 })
  t.assert.deepStrictEqual(await others(), [403, 403, 403, 200, 200])
  t.assert.deepStrictEqual(app.guard.bans().map(({ client, reason }) => [client, reason]), [['country:NL', 'war'], ['asn:64501', 'manual']])
  t.assert.strictEqual(app.guard.unban({ country: 'NL' }), true)
  t.assert.deepStrictEqual(await others(), [200, 403, 403, 200, 200])
  t.assert.strictEqual(app.guard.unban(app.guard.bans()[0]!.client), true, 'a name from the list will do')
  t.assert.deepStrictEqual(await others(), [200, 200, 200, 200, 200])
  t.assert.deepStrictEqual(events.filter((event) => event.type === 'unbanned').map(({ client }) => client), ['country:NL', 'asn:64501'])
})

test('a ban of many means nobody who is exempt or trusted; one of an address means it', async (t: TestContext) => {
  const { app } = await build(t, { geo, ban: { exempt: [CLIENT] }, ip: { trust: ['2001:db8::1'] } })
  for (const target of [{ country: 'NL' }, { asn: 64_500 }, { asn: 64_501 }, '203.0.113.0/24'] as BanTarget[]) app.guard.ban(target)
  t.assert.deepStrictEqual([await status(app), await status(app, { ip: '2001:db8::1' }), await status(app, { ip: '198.51.100.9' }), await status(app, { ip: '203.0.113.8' })], [200, 200, 403, 403])
  app.guard.ban(CLIENT)
  t.assert.strictEqual(await status(app), 403)
})

test('without a database such a ban says what it needs', async (t: TestContext) => {
  const { app } = await build(t)
  await app.ready()
  t.assert.throws(() => app.guard.ban({ country: 'NL' }), { code: 'GUARD_OPTION_INVALID', message: /country:NL needs a database.*geo/ })
  t.assert.throws(() => app.guard.ban({ asn: 64_500 }), { code: 'GUARD_OPTION_INVALID', message: /asn:64500 needs a database.*geo/ })
  t.assert.strictEqual(app.guard.unban({ country: 'NL' }), false)
})

test('a principal is banned right after authentication, wherever it comes from', async (t: TestContext) => {
  const { app, events } = await withAuth(t)
  app.guard.ban({ principal: 'alice' }, { duration: '1h', reason: 'abuse' })
  t.assert.deepStrictEqual([await as(app, 'alice'), await as(app, 'object'), await as(app, 'subject'), await as(app, 'seven'), await as(app, 'yes'), await as(app, 'bare'), await as(app, 'nobody')], [403, 403, 200, 200, 200, 200, 401])
  t.assert.strictEqual(await status(app), 200, 'where nobody asks who it is, nobody knows')
  t.assert.strictEqual(await status(app, { url: '/me', ip: '198.51.100.9', headers: { authorization: 'Bearer alice' } }), 403)
  const refused = events.filter((event) => event.type === 'refused' && event.code === 'GUARD_BANNED')
  t.assert.deepStrictEqual(refused.map((event) => [(event as { rule?: string }).rule, (event as { status: number }).status]), Array(3).fill(['principal:alice', 403]))
  app.guard.ban({ principal: { sub: 'bob' } })
  app.guard.ban({ principal: 7 })
  t.assert.deepStrictEqual([await as(app, 'subject'), await as(app, 'seven')], [403, 403])
  t.assert.strictEqual(app.guard.unban({ principal: { id: 'alice' } }), true)
  t.assert.deepStrictEqual([await as(app, 'alice'), await as(app, 'object')], [200, 200])
})

test('the handler of the application is not called for a banned principal, nor its own check', async (t: TestContext) => {
  const calls: string[] = []
  const { app } = await build(t, {}, (app) => {
    app.get('/me', { config: { guard: { auth: { scheme: 'bearer', verify: (token) => ({ id: token }) }, check: () => { calls.push('check') } } } }, async () => { calls.push('handler') })
  })
  app.guard.ban({ principal: 'x' })
  t.assert.strictEqual(await as(app, 'x'), 403)
  t.assert.deepStrictEqual(calls, [])
})

test('whatever request.guard.principal is can be banned, a key of apiKey.keys too', async (t: TestContext) => {
  let principal: unknown
  const { app } = await withAuth(t)
  app.addHook('preHandler', async (request: FastifyRequest) => { ({ principal } = request.guard) })
  const key = (value: string) => status(app, { url: '/key', headers: { 'x-api-key': value } })
  t.assert.strictEqual(await key('second'), 200)
  app.guard.ban({ principal })
  t.assert.deepStrictEqual([await key('second'), await key('first')], [403, 200])
})

test('the ban of a key means that key wherever it stands in the list, and its name does not tell it', async (t: TestContext) => {
  let principal: unknown
  const { app } = await build(t, {}, (app) => {
    app.get('/key', { config: { guard: { apiKey: { keys: ['first', 'second'] } } } }, async (request) => { ({ principal } = request.guard); return 'ok' })
    app.get('/moved', { config: { guard: { apiKey: { keys: ['new', 'second', 'first'] } } } }, async () => 'ok')
  })
  const key = (value: string, url: string) => status(app, { url, headers: { 'x-api-key': value } })
  t.assert.strictEqual(await key('first', '/key'), 200)
  t.assert.deepStrictEqual(principal, { id: 'key-p5N7ZLjKpY8D' })
  t.assert.strictEqual(app.guard.ban({ principal }).client, 'principal:key-p5N7ZLjKpY8D')
  t.assert.deepStrictEqual([await key('first', '/moved'), await key('new', '/moved'), await key('second', '/moved')], [403, 200, 200])
})

test('a banned principal ends with its time, and its answer says when', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 })
  const { app } = await withAuth(t)
  await app.ready()
  app.guard.ban({ principal: 'alice' }, { duration: '10s' })
  const response = await app.inject({ url: '/me', headers: { authorization: 'Bearer alice' } })
  t.assert.deepStrictEqual([response.statusCode, response.headers['retry-after'], response.json<{ code: string }>().code], [403, '10', 'GUARD_BANNED'])
  t.mock.timers.tick(10_000)
  t.assert.strictEqual(await as(app, 'alice'), 200)
})

test('a passive ban only reports a banned principal', async (t: TestContext) => {
  const { app, events } = await build(t, { ban: { mode: 'passive' } }, (app) => {
    app.get('/me', { config: { guard: { auth: { scheme: 'bearer', verify: (token) => token } } } }, async () => 'ok')
  })
  app.guard.ban({ principal: 'x' })
  t.assert.strictEqual(await as(app, 'x'), 200)
  t.assert.ok(events.some((event) => event.type === 'reported' && event.code === 'GUARD_BANNED'))
})

for (const [target, problem] of [
  [{}, /address, a CIDR, \{ asn \}/],
  [[], /address, a CIDR, \{ asn \}/],
  [null, /address, a CIDR, \{ asn \}/],
  [{ contry: 'NL' }, /contry is unknown, did you mean country\?/],
  [{ asn: 1, country: 'NL' }, /one of asn, country and principal, got asn, country/],
  [{ asn: '64500' }, /asn of a ban must be a whole number/],
  [{ asn: 0 }, /asn of a ban must be a whole number/],
  [{ country: 'UK' }, /country of a ban is no ISO 3166-1 code.*GB/],
  [{ country: 'Netherlands' }, /country of a ban must be/],
  [{ country: 7 }, /country of a ban must be/],
  [{ principal: '' }, /principal of a ban must be/],
  [{ principal: true }, /principal of a ban must be/],
  [{ principal: { name: 'x' } }, /principal of a ban must be/],
  [{ principal: 'x'.repeat(300) }, /principal of a ban must be/],
  ['asn:x', /asn of a ban must be/],
  ['country:', /country of a ban must be/]
] as const) {
  test(`${JSON.stringify(target).slice(0, 40)} is no target`, async (t: TestContext) => {
    const { app } = await build(t, { geo })
    await app.ready()
    t.assert.throws(() => app.guard.ban(target as BanTarget), { code: 'GUARD_OPTION_INVALID', message: problem })
    t.assert.throws(() => app.guard.unban(target as BanTarget), { code: 'GUARD_OPTION_INVALID' })
    t.assert.deepStrictEqual(app.guard.bans(), [])
  })
}

test('options of a ban are known ones', async (t: TestContext) => {
  const { app } = await build(t)
  await app.ready()
  t.assert.throws(() => app.guard.ban(CLIENT, { durations: '7d' } as never), { code: 'GUARD_OPTION_INVALID', message: /durations is unknown, did you mean duration\?/ })
  t.assert.throws(() => app.guard.ban(CLIENT, null as never), { code: 'GUARD_OPTION_INVALID', message: /options of a ban must be an object, got null/ })
  t.assert.deepStrictEqual(app.guard.bans(), [])
})

test('a reason is a text, and stands on one line of up to 256 characters', async (t: TestContext) => {
  const { app } = await build(t)
  await app.ready()
  t.assert.throws(() => app.guard.ban(CLIENT, { reason: 7 as unknown as string }), { code: 'GUARD_OPTION_INVALID', message: /reason of a ban must be a text, got 7/ })
  t.assert.strictEqual(app.guard.ban(CLIENT, { reason: 'a\nb' }).reason, 'a\\u000ab')
  t.assert.ok(app.guard.ban(CLIENT, { reason: 'x'.repeat(9999) }).reason.length < 300)
})

test('jitter makes bans longer by a random share, and never longer than maxDuration', async (t: TestContext) => {
  const attack = '/?q=<script>alert(1)</script>'
  const { app } = await build(t, { ban: { threshold: 1, duration: '1h', jitter: 0.5, maxDuration: '80m' } })
  for (let i = 0; i < 60; i++) await status(app, { url: attack, ip: `203.0.113.${i}` })
  const lengths = app.guard.bans().map(({ since, until }) => until - since)
  t.assert.ok(lengths.every((length) => length >= HOUR && length <= HOUR * 4 / 3))
  t.assert.ok(new Set(lengths).size > 10)
  // A third of them is cut; that none is happens once in 10 ** 10.
  t.assert.ok(lengths.includes(HOUR * 4 / 3))
  t.assert.match((await startError({ ban: { jitter: 2 } })).message, /ban\.jitter must be a number from 0 to 1/)
})
