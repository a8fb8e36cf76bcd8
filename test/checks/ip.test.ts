import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { build, buildRoute, CLIENT, raw, startError, status } from '../helpers.ts'
import type { IpRules } from '../../types/index.ts'

/** The statuses that addresses get from a rule, all over the app. */
async function statuses (t: TestContext, ip: IpRules, ...addresses: string[]): Promise<number[]> {
  const { app } = await build(t, { ip })
  return Promise.all(addresses.map(async (address) => status(app, { ip: address })))
}

test('deny refuses addresses, CIDRs, ranges and keywords, however the address is written', async (t: TestContext) => {
  const ip = { deny: ['203.0.113.7', '198.51.100.0/24', '192.0.2.10-192.0.2.19', 'linklocal', '2001:db8:1::/48'] }
  const refused = ['203.0.113.7', '::ffff:203.0.113.7', '::FFFF:CB00:7107', '198.51.100.255', '192.0.2.10', '192.0.2.19', '169.254.1.1', 'fe80::1', 'fe80::1%eth0', '2001:DB8:1::5', '2001:db8:1:0:0:0:0:5']
  for (const code of await statuses(t, ip, ...refused)) t.assert.strictEqual(code, 403)
  const served = ['203.0.113.8', '198.51.101.0', '192.0.2.9', '192.0.2.20', '127.0.0.1', '2001:db8:2::1', '::1']
  for (const code of await statuses(t, ip, ...served)) t.assert.strictEqual(code, 200)
})

test('a refusal says nothing of its reason to the client, and all of it to log and events', async (t: TestContext) => {
  const { app, events, lines } = await build(t, { ip: { deny: ['203.0.113.0/24'] } })
  const response = await app.inject({ url: '/', remoteAddress: CLIENT })
  t.assert.deepStrictEqual(response.json(), { statusCode: 403, code: 'GUARD_IP_REFUSED', error: 'Forbidden', message: response.json<{ message: string }>().message })
  t.assert.ok(!response.body.includes('203.0.113'))
  const event = events.find(({ type }) => type === 'refused')!
  t.assert.strictEqual('rule' in event && event.rule, 'ip.deny 203.0.113.0/24')
  t.assert.ok(lines.some(({ event, rule, client }) => event === 'guard.refused' && rule === 'ip.deny 203.0.113.0/24' && client === CLIENT))
})

test('allow is a gate', async (t: TestContext) => {
  t.assert.deepStrictEqual(await statuses(t, { allow: ['203.0.113.0/24', 'loopback'] }, '203.0.113.7', '127.0.0.1', '::1', '::ffff:203.0.113.9', '198.51.100.1', '2001:db8::1'), [200, 200, 200, 200, 403, 403])
})

test('deny comes before allow', async (t: TestContext) => {
  t.assert.deepStrictEqual(await statuses(t, { allow: ['203.0.113.0/24'], deny: ['203.0.113.7'] }, '203.0.113.7', '203.0.113.8'), [403, 200])
})

test('rules are looked at in order, the first match wins, and no match passes', async (t: TestContext) => {
  const rules = [{ allow: '203.0.113.7' }, { deny: '203.0.113.0/24' }, { deny: '198.51.100.0/25' }, { allow: '198.51.100.0/24' }, { deny: '198.51.100.200' }, { deny: '::/0' }]
  t.assert.deepStrictEqual(await statuses(t, { rules }, '203.0.113.7', '203.0.113.8', '198.51.100.1', '198.51.100.129', '198.51.100.200', '192.0.2.1', '2001:db8::1'), [200, 403, 403, 200, 200, 200, 403])
  const { app, events } = await build(t, { ip: { rules } })
  await status(app, { ip: '203.0.113.8' })
  t.assert.ok(events.some((event) => event.type === 'refused' && event.rule === 'ip.rules deny 203.0.113.0/24'))
})

test('trust comes before deny, and does not open what is not about the client', async (t: TestContext) => {
  const { app } = await build(t, { ip: { deny: ['203.0.113.0/24'], allow: ['198.51.100.1'], trust: ['203.0.113.7'] }, userAgent: { deny: ['sqlmap'] }, methods: ['GET'] })
  t.assert.strictEqual(await status(app, { headers: { 'user-agent': 'sqlmap' } }), 200)
  t.assert.strictEqual(await status(app, { ip: '203.0.113.8' }), 403)
  t.assert.strictEqual(await status(app, { method: 'POST' }), 405)
})

for (const ip of ['', 'unknown', '0300.0.2.5', '010.0.0.1', '3221225989', '0x7f.1', '127.1']) {
  test(`the unreadable address ${JSON.stringify(ip)} is refused wherever there is an ip rule`, async (t: TestContext) => {
    const { app } = await build(t, { ip: { deny: ['203.0.113.7'] } }, (app) => {
      app.get('/pass', { config: { guard: { ip: { invalid: 'pass' } } } }, async () => 'ok')
      app.get('/none', { config: { guard: { ip: false } } }, async () => 'ok')
    }, { trustProxy: true })
    const headers = { 'x-forwarded-for': ip === '' ? '-' : ip }
    const response = await app.inject({ url: '/', headers })
    t.assert.strictEqual(response.statusCode, 400)
    t.assert.strictEqual(response.json<{ code: string }>().code, 'GUARD_IP_INVALID')
    t.assert.strictEqual(await status(app, { url: '/pass', headers }), 200)
    t.assert.strictEqual(await status(app, { url: '/none', headers }), 200)
  })
}

test('without an ip rule an unreadable address is nobody\'s business', async (t: TestContext) => {
  const { app } = await build(t, { ip: {} }, () => {}, { trustProxy: true })
  t.assert.strictEqual(await status(app, { headers: { 'x-forwarded-for': 'unknown' } }), 200)
})

test('a rule that is off trusts nobody', async (t: TestContext) => {
  const { app } = await build(t, { ip: { trust: ['203.0.113.7'] }, userAgent: { deny: ['sqlmap'] } }, (app) => {
    app.get('/off', { config: { guard: { ip: { mode: 'off' } } } }, async () => 'ok')
  })
  const headers = { 'user-agent': 'sqlmap' }
  t.assert.strictEqual(await status(app, { ip: '203.0.113.7', headers }), 200)
  t.assert.strictEqual(await status(app, { url: '/off', ip: '203.0.113.7', headers }), 403)
})

test('routes add to deny and trust, and replace allow', async (t: TestContext) => {
  const { app } = await build(t, { ip: { deny: ['203.0.113.1'], allow: ['203.0.113.0/24'] } }, (app) => {
    app.get('/more', { config: { guard: { ip: { deny: ['203.0.113.2'], allow: ['198.51.100.0/24', '203.0.113.2'] } } } }, async () => 'ok')
    app.get('/off', { config: { guard: { ip: false } } }, async () => 'ok')
    app.get('/reset', { config: { guard: { ip: { inherit: false, deny: ['203.0.113.2'] } } } }, async () => 'ok')
  })
  const at = async (url: string): Promise<number[]> => Promise.all(['203.0.113.1', '203.0.113.2', '203.0.113.3', '198.51.100.1'].map(async (ip) => status(app, { url, ip })))
  t.assert.deepStrictEqual(await at('/'), [403, 200, 200, 403])
  t.assert.deepStrictEqual(await at('/more'), [403, 403, 403, 200])
  t.assert.deepStrictEqual(await at('/off'), [200, 200, 200, 200])
  t.assert.deepStrictEqual(await at('/reset'), [200, 403, 200, 200])
})

test('a rule of one route is for that route', async (t: TestContext) => {
  const { app } = await buildRoute(t, { ip: { allow: ['10.0.0.0/8'] } })
  t.assert.strictEqual(await status(app, { url: '/guarded' }), 403)
  t.assert.strictEqual(await status(app, { url: '/guarded', ip: '10.1.1.1' }), 200)
  t.assert.strictEqual(await status(app), 200)
})

test('passive rules report and pass', async (t: TestContext) => {
  const { app, events } = await build(t, { ip: { deny: [CLIENT], mode: 'passive' } })
  t.assert.strictEqual(await status(app), 200)
  t.assert.ok(events.some((event) => event.type === 'reported' && event.code === 'GUARD_IP_REFUSED'))
})

test('entries of a file and of a function count from the first request on', async (t: TestContext) => {
  const directory = mkdtempSync(join(tmpdir(), 'guard-ip-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'deny.txt')
  writeFileSync(file, `# ours\n${CLIENT}\n`)
  const { app } = await build(t, { ip: { deny: [{ file }, () => ['198.51.100.0/24'], async () => '192.0.2.1'] } })
  for (const ip of [CLIENT, '198.51.100.1', '192.0.2.1']) t.assert.strictEqual(await status(app, { ip }), 403)
  t.assert.strictEqual(await status(app, { ip: '192.0.2.2' }), 200)
})

test('a source that cannot be read stops the start', async (t: TestContext) => {
  const error = await startError({ ip: { deny: [{ file: '/nowhere/deny.txt' }] } }, { ip: { deny: [() => ['300.1.1.1']] } })
  t.assert.strictEqual(error.code, 'GUARD_OPTION_INVALID')
  t.assert.match(error.message, /file \/nowhere\/deny\.txt: ENOENT/)
  t.assert.match(error.message, /entry 0 is no address.*300\.1\.1\.1/)
})

test('later changes of the options object change nothing', async (t: TestContext) => {
  const deny = ['203.0.113.8']
  const { app } = await build(t, { ip: { deny } })
  deny.push(CLIENT)
  t.assert.strictEqual(await status(app), 200)
})

test('a list of 100,000 entries is fine', async (t: TestContext) => {
  const deny = Array.from({ length: 100_000 }, (_, i) => `11.${i >> 16 & 255}.${i >> 8 & 255}.${i & 255}`)
  t.assert.deepStrictEqual(await statuses(t, { deny }, '11.0.0.0', '11.1.134.159', '11.1.134.160'), [403, 403, 200])
})

test('each request of a connection is judged', async (t: TestContext) => {
  const { app } = await build(t, { clientIp: { trustedProxies: ['loopback'] }, ip: { deny: [CLIENT] } })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const one = (ip: string): string => `GET / HTTP/1.1\r\nhost: a\r\nx-forwarded-for: ${ip}\r\n\r\n`
  const text = await raw(app, one('198.51.100.1') + one(CLIENT) + one('198.51.100.2'))
  t.assert.deepStrictEqual(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 403', 'HTTP/1.1 200'])
})

test('a wrong value stops the start, each with its path', async (t: TestContext) => {
  const { code, message } = await startError({
    ip: { deny: ['300.1.1.1', '10.0.0.0/40', '10.0.0.1/8'], allow: [], trust: ['0.0.0.0/0'], rules: [{ alow: '10.0.0.1' }, {}, { allow: '10.0.0.1', deny: '10.0.0.2' }, { deny: ['10.0.0.1'] }], invalid: 'no' }
  })
  t.assert.strictEqual(code, 'GUARD_OPTION_INVALID')
  for (const part of [
    'ip.deny[0] is no address', 'ip.deny[1] must have a prefix length', 'ip.deny[2] has bits set beyond its prefix', 'the network is 10.0.0.0/8', 'ip.allow must have at least 1 entry',
    'ip.trust[0] must not be every address', 'ip.rules[0].alow is unknown, did you mean allow?', 'ip.rules[1] must have either', 'ip.rules[2] must have either', 'ip.rules[3].deny must be', 'ip.invalid must be one of'
  ]) t.assert.ok(message.includes(part), `${part} in ${message}`)
  t.assert.match((await startError({}, { ip: { deny: ['0x7f.1'] } })).message, /GET.*\/route config\.guard\.ip\.deny\[0\]/)
})
