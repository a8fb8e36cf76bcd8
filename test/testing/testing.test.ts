import { test, type TestContext } from 'node:test'
import { assertPassed, assertRefused, guardMatchers, guardTestKit } from '../../lib/testing.ts'
import Fastify from 'fastify'
import { build } from '../helpers.ts'
import type { GuardOptions } from '../../lib/index.ts'

const options: GuardOptions = {
  userAgent: { deny: ['curl'] },
  country: { deny: ['KP'] },
  geo: { handler: { lookup: () => ({ country: 'DE' }) } }
}

async function kitOf (t: TestContext) {
  const built = await build(t, options, (app) => {
    app.post('/login', { config: { guard: { rateLimit: { max: 5, window: '1m' } } } }, async () => 'ok')
    app.get('/office', { config: { guard: { timeWindow: { start: '09:00', end: '17:00' } } } }, async () => 'ok')
    app.get('/own', async (_request, reply) => { reply.code(403); return 'own' })
  })
  return { ...built, kit: guardTestKit(built.app) }
}

test('clients have addresses of their own, an agent and a country', async (t: TestContext) => {
  const { kit: { as } } = await kitOf(t)
  t.assert.notStrictEqual(as().ip, as().ip)
  assertPassed(await as().get('/'))
  assertRefused(await as({ userAgent: 'curl/8' }).get('/'), 'GUARD_USER_AGENT_REFUSED')
  assertRefused(await as({ country: 'kp' }).get('/'), { check: 'country', rule: 'KP', status: 403 })
  assertPassed(await as({ country: 'FR' }).get('/'))
  const { ip, inject } = as({ ip: '203.0.113.5', headers: { 'x-a': '1' } })
  t.assert.strictEqual(ip, '203.0.113.5')
  assertPassed(await inject({ url: '/', headers: { 'x-b': '2' } }))
})

test('exhaust finds the limit, and the clock passes the time', async (t: TestContext) => {
  const { kit: { as, clock, exhaust, reset } } = await kitOf(t)
  const { passed, refused, client } = await exhaust({ method: 'POST', url: '/login' })
  t.assert.strictEqual(passed, 5)
  assertRefused(refused, { code: 'GUARD_RATE_LIMITED', check: 'rateLimit' })
  assertPassed(await as().post('/login'))
  clock.advance('30s')
  assertRefused(await client.post('/login', {}))
  clock.advance('40s')
  assertPassed(await client.post('/login', {}))
  await exhaust({ method: 'POST', url: '/login' }, { as: client })
  await reset()
  t.assert.strictEqual((await exhaust({ method: 'POST', url: '/login' }, { as: client })).passed, 5)
  await t.assert.rejects(exhaust('/', { most: 20 }), /no limit refused 20 requests to \//)
})

test('the clock stands still, can be set, and lets bans end', async (t: TestContext) => {
  const { app, kit: { as, clock, restore } } = await kitOf(t)
  t.assert.strictEqual(clock.now(), clock.now())
  clock.set('2031-03-05T12:00:00Z')
  assertPassed(await as().get('/office'))
  clock.set('2031-03-05T20:00:00Z')
  assertRefused(await as().get('/office'), 'GUARD_TIME_WINDOW')
  const client = as()
  app.guard.ban(client.ip, { duration: '1h' })
  assertRefused(await client.get('/'), 'GUARD_BANNED')
  clock.advance('61m')
  assertPassed(await client.get('/'))
  restore()
  app.guard.ban(client.ip, { duration: '1h' })
  t.assert.ok(app.guard.bans()[0]!.until < Date.now() + 3_700_000)
  t.assert.throws(() => clock.advance('soon' as never), /clock\.advance/)
  t.assert.throws(() => clock.set('soon'), /clock\.set/)
})

test('matchers tell what was expected and what came', async (t: TestContext) => {
  const { app, kit: { as } } = await kitOf(t)
  const refused = await as({ userAgent: 'curl' }).get('/')
  t.assert.throws(() => assertPassed(refused), /let pass, got 403 GUARD_USER_AGENT_REFUSED by userAgent: user agent is refused/)
  t.assert.throws(() => assertRefused(refused, 'GUARD_BANNED'), /a refusal with \{"code":"GUARD_BANNED"\}, got 403 GUARD_USER_AGENT_REFUSED/)
  const own = await as().get('/own')
  assertPassed(own)
  t.assert.throws(() => assertRefused(own), /got 403 without a refusal of the guard/)
  t.assert.strictEqual(guardMatchers.toBeRefused(refused, { status: 403 }).pass, true)
  t.assert.strictEqual(guardMatchers.toPassGuard(refused).pass, false)
  assertRefused(await app.inject({ url: '/', headers: { 'user-agent': 'curl' } }), 'GUARD_USER_AGENT_REFUSED')
  await app.listen({ port: 0, host: '127.0.0.1' })
  assertRefused(await fetch(app.listeningOrigin, { headers: { 'user-agent': 'curl' } }), { status: 403 })
})

test('what a kit needs is told', async (t: TestContext) => {
  t.assert.throws(() => guardTestKit(Fastify()), { code: 'GUARD_OPTION_INVALID' })
  const { app } = await build(t)
  t.assert.throws(() => guardTestKit(app).as({ country: 'DE' }), /needs the option geo/)
  const { kit } = await kitOf(t)
  t.assert.throws(() => kit.as({ country: 'Germany' }), /two letters/)
  for (const ip of ['zzz', '', '192.0.2.256', '10.0.0.0/8', 7 as never]) t.assert.throws(() => kit.as({ ip }), { code: 'GUARD_OPTION_INVALID', message: /as\(\{ ip \}\) takes an address, got/ }, ip)
  for (const ip of ['192.0.2.7', '2001:db8::7', '::ffff:192.0.2.7']) t.assert.strictEqual(kit.as({ ip }).ip, ip)
})

test('matchers say what they take', async (t: TestContext) => {
  for (const wrong of ['text', undefined, null, 7, {}, Promise.resolve()] as never[]) {
    t.assert.throws(() => guardMatchers.toBeRefused(wrong), { code: 'GUARD_OPTION_INVALID', message: /toBeRefused takes a response of inject\(\) or fetch\(\), got/ })
    t.assert.throws(() => guardMatchers.toPassGuard(wrong), { code: 'GUARD_OPTION_INVALID', message: /toPassGuard takes a response/ })
    t.assert.throws(() => assertRefused(wrong), { code: 'GUARD_OPTION_INVALID' })
    t.assert.throws(() => assertPassed(wrong), { code: 'GUARD_OPTION_INVALID' })
  }
  t.assert.throws(() => guardMatchers.toPassGuard(Promise.resolve() as never), /got a promise: await it first/)
})
