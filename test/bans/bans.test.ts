import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { bans, type BanPolicy, type BansOptions } from '../../lib/bans/bans.ts'
import { clientKey } from '../../lib/limits/client-key.ts'
import { parseAddress } from '../../lib/net/address.ts'
import type { Client } from '../../lib/net/client.ts'
import type { Category, GuardEvent, StrikeKind } from '../../types/index.ts'

const HOUR = 3_600_000
const START = 1_700_000_000_000

function client (ip: string, { loopback = false } = {}): Client {
  const address = parseAddress(ip)
  return { ip, key: address === undefined ? 'unknown' : clientKey(address, 64), hash: 0, address, viaProxy: false, loopback }
}

function policy (changes: Partial<BanPolicy> = {}): BanPolicy {
  return { threshold: 3, window: 600_000, duration: HOUR, maxDuration: 7 * 24 * HOUR, escalate: 1, jitter: 0, on: new Set<StrikeKind>(['detection']), categories: new Map(), spares: () => false, ...changes }
}

function setUp (options: Partial<BansOptions> = {}) {
  const clock = { time: START }
  const events: GuardEvent[] = []
  const state = bans({ now: () => clock.time, maxKeys: 1000, onEvent: (event) => { events.push(event) }, ...options })
  const strike = (who: Client, rule: BanPolicy = policy(), category?: Category, kind: StrikeKind = 'detection') => state.strike(who, kind, category, rule, 'ref')
  return { clock, events, state, strike }
}

test('a ban comes with the strike that reaches the threshold, and lasts exactly its duration', (t: TestContext) => {
  const { clock, state, strike, events } = setUp()
  const who = client('203.0.113.7')
  t.assert.strictEqual(strike(who), undefined)
  t.assert.strictEqual(strike(who), undefined)
  t.assert.strictEqual(state.find(who), undefined)
  t.assert.strictEqual(strike(who)?.until, START + HOUR)
  t.assert.strictEqual(state.find(client('203.0.113.8')), undefined)
  clock.time += HOUR - 1
  t.assert.strictEqual(state.find(who)?.client, '203.0.113.7')
  clock.time += 1
  t.assert.strictEqual(state.find(who), undefined)
  t.assert.deepStrictEqual(events, [{ type: 'banned', time: START, client: '203.0.113.7', reason: '3 strikes, the last for detection', kind: 'detection', until: START + HOUR, reference: 'ref' }])
})

test('strikes older than the window do not count', (t: TestContext) => {
  const { clock, strike } = setUp()
  const who = client('203.0.113.7')
  strike(who)
  strike(who)
  clock.time += 600_000
  t.assert.strictEqual(strike(who), undefined)
  t.assert.strictEqual(strike(who), undefined)
  t.assert.ok(strike(who))
})

test('strikes against a banned client prolong nothing and count for nothing', (t: TestContext) => {
  const { clock, strike, state } = setUp()
  const who = client('203.0.113.7')
  for (let i = 0; i < 3; i++) strike(who)
  clock.time += 1000
  for (let i = 0; i < 10; i++) t.assert.strictEqual(strike(who), undefined)
  t.assert.strictEqual(state.find(who)?.until, START + HOUR)
  clock.time = START + HOUR
  t.assert.strictEqual(strike(who), undefined)
  t.assert.strictEqual(state.find(who), undefined)
})

test('only kinds that are asked for count, and an application\'s own always', (t: TestContext) => {
  const { strike } = setUp()
  const who = client('203.0.113.7')
  for (let i = 0; i < 9; i++) t.assert.strictEqual(strike(who, policy(), undefined, 'rateLimit'), undefined)
  const rule = policy({ threshold: 1 })
  t.assert.strictEqual(strike(who, rule, undefined, 'honeypot'), undefined)
  t.assert.ok(strike(who, rule, undefined, 'custom'))
})

test('a category with a threshold of its own is counted by itself', (t: TestContext) => {
  const rule = policy({ categories: new Map([['sqli', { threshold: 1, duration: 24 * HOUR }], ['xss', { threshold: 5, duration: HOUR }]]) })
  const { strike } = setUp()
  t.assert.strictEqual(strike(client('203.0.113.1'), rule, 'sqli')?.until, START + 24 * HOUR)
  for (let i = 0; i < 4; i++) t.assert.strictEqual(strike(client('203.0.113.2'), rule, 'xss'), undefined)
  t.assert.strictEqual(strike(client('203.0.113.2'), rule, 'command'), undefined)
  t.assert.strictEqual(strike(client('203.0.113.2'), rule, 'command'), undefined)
  t.assert.ok(strike(client('203.0.113.2'), rule, 'traversal'))
  for (let i = 0; i < 4; i++) strike(client('203.0.113.3'), rule, 'xss')
  t.assert.match(strike(client('203.0.113.3'), rule, 'xss')!.reason, /5 strikes, the last for xss/)
})

test('each further ban is longer, up to the longest, and in time that is forgotten', (t: TestContext) => {
  const { clock, strike } = setUp()
  const who = client('203.0.113.7')
  const rule = policy({ threshold: 1, escalate: 3, maxDuration: 20 * HOUR })
  const lengths = []
  for (let i = 0; i < 5; i++) {
    const ban = strike(who, rule)!
    lengths.push((ban.until - ban.since) / HOUR)
    clock.time = ban.until + 19 * HOUR
  }
  t.assert.deepStrictEqual(lengths, [1, 3, 9, 20, 20])
  clock.time += HOUR
  const ban = strike(who, rule)!
  t.assert.strictEqual(ban.until - ban.since, HOUR)
})

test('nobody is banned who must not be', (t: TestContext) => {
  const { strike } = setUp()
  const rule = policy({ threshold: 1, spares: ({ ip }) => ip === '198.51.100.1' })
  t.assert.strictEqual(strike(client('127.0.0.1', { loopback: true }), rule), undefined)
  t.assert.strictEqual(strike(client('nonsense'), rule), undefined)
  t.assert.strictEqual(strike(client('198.51.100.1'), rule), undefined)
  t.assert.ok(strike(client('198.51.100.2'), rule))
})

test('a v6 address stands for its /64, a mapped one for the v4 address', (t: TestContext) => {
  const { state, strike } = setUp()
  strike(client('2001:db8::1'), policy({ threshold: 1 }))
  t.assert.strictEqual(state.find(client('2001:db8::ffff:1'))?.client, '2001:db8::/64')
  t.assert.strictEqual(state.find(client('2001:db8:0:1::1')), undefined)
  t.assert.strictEqual(state.add('::ffff:203.0.113.9', { duration: HOUR, reason: 'x' }).client, '203.0.113.9')
  t.assert.ok(state.find(client('203.0.113.9')))
  t.assert.strictEqual(state.lift('2001:db8::abcd'), true)
  t.assert.strictEqual(state.find(client('2001:db8::1')), undefined)
})

test('networks are banned and lifted, however they nest', (t: TestContext) => {
  const { clock, state } = setUp()
  state.add('198.51.0.0/16', { duration: 3 * HOUR, reason: 'wide' })
  state.add('198.51.100.0/24', { duration: HOUR, reason: 'narrow' })
  state.add('2001:db8::/32', { duration: HOUR, reason: 'v6' })
  state.add('::ffff:192.0.2.0/120', { duration: HOUR, reason: 'mapped' })
  t.assert.ok(state.find(client('198.51.100.9')))
  t.assert.strictEqual(state.find(client('198.51.7.9'))?.reason, 'wide')
  t.assert.strictEqual(state.find(client('198.52.0.1')), undefined)
  t.assert.strictEqual(state.find(client('2001:db8:ffff::1'))?.reason, 'v6')
  t.assert.strictEqual(state.find(client('2001:db9::1')), undefined)
  t.assert.strictEqual(state.find(client('192.0.2.200'))?.client, '192.0.2.0/24')
  clock.time += HOUR
  t.assert.strictEqual(state.find(client('198.51.100.9'))?.reason, 'wide')
  t.assert.strictEqual(state.lift('198.51.0.0/16'), true)
  t.assert.strictEqual(state.find(client('198.51.100.9')), undefined)
  t.assert.strictEqual(state.lift('198.51.0.0/16'), false)
  t.assert.deepStrictEqual(state.list(), [])
  t.assert.strictEqual(state.stats()['networks'], 0)
})

test('a network of one client is a ban of that client', (t: TestContext) => {
  const { state } = setUp()
  t.assert.strictEqual(state.add('203.0.113.7/32', { duration: HOUR, reason: 'x' }).client, '203.0.113.7')
  t.assert.strictEqual(state.add('2001:db8::/64', { duration: HOUR, reason: 'x' }).client, '2001:db8::/64')
  t.assert.strictEqual(state.stats()['networks'], 0)
  t.assert.strictEqual(state.lift('203.0.113.7'), true)
  t.assert.strictEqual(state.find(client('203.0.113.7')), undefined)
  t.assert.ok(state.find(client('2001:db8::5')))
})

for (const target of ['', 'nonsense', '300.1.1.1', '10.0.0.0/40', '10.0.0.1/8', '0.0.0.0/0', '::/0', '::ffff:0.0.0.0/96', 'loopback', '10.0.0.1-10.0.0.9', 'example.com', '10.0.0.0/', 7, null, {}]) {
  test(`${JSON.stringify(target)} is no target of a ban`, (t: TestContext) => {
    const { state } = setUp()
    t.assert.throws(() => state.add(target as string, { duration: HOUR, reason: 'x' }), { code: 'GUARD_OPTION_INVALID' })
    t.assert.throws(() => state.lift(target as string), { code: 'GUARD_OPTION_INVALID' })
    t.assert.deepStrictEqual(state.list(), [])
  })
}

test('a manual ban replaces an earlier one, may be of loopback, and of years', (t: TestContext) => {
  const { state, clock } = setUp()
  state.add('127.0.0.1', { duration: 24 * 365 * HOUR, reason: 'first' })
  t.assert.deepStrictEqual(state.list(), [{ client: '127.0.0.1', reason: 'first', since: START, until: START + 24 * 365 * HOUR }])
  clock.time += 24 * 364 * HOUR
  t.assert.ok(state.find(client('127.0.0.1', { loopback: true })))
  state.add('127.0.0.1', { duration: HOUR, reason: 'second' })
  t.assert.deepStrictEqual(state.list().map(({ reason }) => reason), ['second'])
})

test('lifting a ban forgets the strikes and earlier bans too', (t: TestContext) => {
  const { state, strike, events } = setUp()
  const who = client('203.0.113.7')
  const rule = policy({ threshold: 2, escalate: 2 })
  strike(who, rule)
  strike(who, rule)
  t.assert.strictEqual(state.lift('203.0.113.7'), true)
  t.assert.strictEqual(strike(who, rule), undefined)
  const ban = strike(who, rule)!
  t.assert.strictEqual(ban.until - ban.since, HOUR)
  t.assert.deepStrictEqual(events.map(({ type }) => type), ['banned', 'unbanned', 'banned'])
})

test('bans are bounded: below the bound none is lost, at it the soonest to end goes, counted and said', (t: TestContext) => {
  const { state, events } = setUp({ maxKeys: 100 })
  for (let i = 0; i < 100; i++) state.add(`203.0.113.${i}`, { duration: HOUR + i, reason: 'x' })
  t.assert.strictEqual(state.list().length, 100)
  state.add('198.51.100.1', { duration: 2 * HOUR, reason: 'x' })
  state.add('198.51.100.2', { duration: 2 * HOUR, reason: 'x' })
  t.assert.strictEqual(state.find(client('203.0.113.0')), undefined)
  t.assert.strictEqual(state.find(client('203.0.113.1')), undefined)
  t.assert.ok(state.find(client('203.0.113.2')))
  t.assert.ok(state.find(client('198.51.100.2')))
  t.assert.strictEqual(state.stats()['evicted'], 2)
  t.assert.deepStrictEqual(events.filter(({ type }) => type === 'warning').length, 1)
})

test('bans that ended make room without a word', (t: TestContext) => {
  const { state, events, clock } = setUp({ maxKeys: 100 })
  for (let i = 0; i < 100; i++) state.add(`203.0.113.${i}`, { duration: HOUR, reason: 'x' })
  clock.time += HOUR
  for (let i = 0; i < 100; i++) state.add(`198.51.100.${i}`, { duration: HOUR, reason: 'x' })
  t.assert.strictEqual(state.stats()['evicted'], 0)
  t.assert.strictEqual(events.some(({ type }) => type === 'warning'), false)
  t.assert.strictEqual(state.stats()['active'], 100)
})

test('listeners hear of bans and lifts until they stop', (t: TestContext) => {
  const { state } = setUp()
  const heard: string[] = []
  const stop = state.onChange((change) => { heard.push(change.type === 'banned' ? `banned ${change.ban.client}` : `unbanned ${change.name}`) })
  state.add('203.0.113.7', { duration: HOUR, reason: 'x' })
  state.lift('203.0.113.7')
  // Others may know one where this node does not.
  state.lift('203.0.113.8')
  stop()
  state.add('203.0.113.7', { duration: HOUR, reason: 'x' })
  t.assert.deepStrictEqual(heard, ['banned 203.0.113.7', 'unbanned 203.0.113.7', 'unbanned 203.0.113.8'])
})

test('reset forgets all', (t: TestContext) => {
  const { state, strike } = setUp()
  const who = client('203.0.113.7')
  const rule = policy({ escalate: 2 })
  for (let i = 0; i < 3; i++) strike(who, rule)
  for (let i = 0; i < 2; i++) strike(client('203.0.113.8'), rule)
  state.add('198.51.100.0/24', { duration: HOUR, reason: 'x' })
  state.reset()
  t.assert.deepStrictEqual(state.list(), [])
  t.assert.strictEqual(state.find(client('198.51.100.1')), undefined)
  t.assert.strictEqual(strike(client('203.0.113.8'), rule), undefined)
})

test('bans, lifts and time agree with a plain model', () => {
  const target = fc.oneof(fc.nat(20).map((i) => `203.0.113.${i}`), fc.nat(3).map((i) => `203.0.113.${i * 8}/29`))
  const command = fc.oneof(
    fc.record({ add: target, duration: fc.integer({ min: 1, max: 1000 }) }),
    fc.record({ lift: target }),
    fc.record({ pass: fc.nat(400) }))
  fc.assert(fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
    const { clock, state } = setUp()
    const model = new Map<string, number>()
    const banned = (i: number) => [`203.0.113.${i}`, `203.0.113.${i & 0xf8}/29`].some((name) => (model.get(name) ?? 0) > clock.time)
    for (const each of commands) {
      if ('add' in each) {
        state.add(each.add, { duration: each.duration, reason: 'x' })
        model.set(each.add, clock.time + each.duration)
      } else if ('lift' in each) {
        if (state.lift(each.lift) !== ((model.get(each.lift) ?? 0) > clock.time)) return false
        model.delete(each.lift)
      } else {
        clock.time += each.pass
      }
      for (let i = 0; i < 32; i++) {
        if ((state.find(client(`203.0.113.${i}`)) !== undefined) !== banned(i)) return false
      }
      const untils = state.list().map(({ until }) => until)
      if (untils.length !== [...model.values()].filter((until) => until > clock.time).length) return false
      if (untils.some((until, i) => i > 0 && until < untils[i - 1]!)) return false
    }
    return true
  }), { numRuns: 200 })
})

test('bans that end all at once do not hold up the next call, and none of them counts any more', (t: TestContext) => {
  const { clock, state, events } = setUp({ maxKeys: 3000 })
  for (let i = 0; i < 3000; i++) state.add(`10.0.${i >> 8}.${i & 255}`, { duration: HOUR, reason: 'x' })
  clock.time += HOUR
  state.add('203.0.113.7', { duration: HOUR, reason: 'new' })
  // What was not dropped yet is still there to be dropped.
  const left = Array.from({ length: 3000 }, (_, i) => state.others.get(`10.0.${i >> 8}.${i & 255}`)).filter((ban) => ban !== undefined)
  t.assert.strictEqual(left.length, 2500)
  t.assert.strictEqual(state.find(client('10.0.11.183')), undefined)
  t.assert.deepStrictEqual(state.list().map((ban) => ban.client), ['203.0.113.7'])
  t.assert.strictEqual(state.stats()['active'], 1)
  events.length = 0
  t.assert.strictEqual(state.lift('10.0.11.183'), false)
  t.assert.deepStrictEqual(events, [])
  t.assert.strictEqual([...state.others.parts()].flat().length, 1)
  for (let i = 0; i < 2999; i++) state.add(`10.1.${i >> 8}.${i & 255}`, { duration: HOUR, reason: 'x' })
  t.assert.deepStrictEqual([state.stats()['active'], state.stats()['evicted']], [3000, 0])
})
