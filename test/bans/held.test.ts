import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { held, type HeldBan } from '../../lib/bans/held.ts'
import { banTarget } from '../../lib/bans/target.ts'
import { parseAddress } from '../../lib/net/address.ts'

const TARGETS = ['203.0.113.7', '255.255.255.255', '0.0.0.1', '2001:db8::1', '2001:db8:ffff:8000::', 'fe80::1', '198.51.100.0/24', '2001:db8::/32', '10.0.0.0/8', 'asn:64496', 'country:NL', 'principal:alice', 'principal:1.2.3.4']

function banOf (target: string, bits: number, until: number): { ban: HeldBan, network: ReturnType<typeof banTarget>['network'] } {
  const { name, kind, network } = banTarget(target, bits)
  return { ban: { client: name, reason: `r${until % 3}`, since: 1, until, kind: 'manual', target: kind, at: until * 2 }, network }
}

const target = fc.oneof(fc.constantFrom(...TARGETS), fc.ipV4(), fc.ipV6()).filter((text) => !/^0\.0\.0\.0$/.test(text))

test('any order of bans, lifts and ends leaves what a plain map would hold', () => {
  fc.assert(fc.property(fc.constantFrom(32, 56, 64, 128), fc.array(fc.tuple(fc.constantFrom('add', 'add', 'remove', 'drop', 'first'), target, fc.integer({ min: 1, max: 50 })), { maxLength: 120 }), (bits, steps) => {
    const state = held(1000)
    const model = new Map<string, HeldBan>()
    for (const [step, text, number] of steps) {
      const { ban, network } = banOf(text, bits, number)
      if (step === 'add') {
        if (state.remove(ban.client) !== model.delete(ban.client)) return false
        state.add(ban, network)
        model.set(ban.client, ban)
      } else if (step === 'remove') {
        if (state.remove(ban.client) !== model.delete(ban.client)) return false
      } else if (step === 'drop') {
        state.dropEnded(number)
        for (const { client, until } of model.values()) if (until <= number) model.delete(client)
      } else {
        const soonest = Math.min(...[...model.values()].map(({ until }) => until))
        const before = new Set(model.keys())
        state.dropFirst()
        for (const name of before) if (state.get(name) === undefined && model.get(name)!.until === soonest) model.delete(name)
      }
      if (state.size !== model.size) return false
    }
    const all = new Map(state.part(0, state.used).map((ban) => [ban.client, ban]))
    const same = (one: HeldBan | undefined, other: HeldBan): boolean => JSON.stringify(one) === JSON.stringify(other)
    const kinds = Object.entries(state.counts).every(([kind, count]) => count === [...model.values()].filter((ban) => ban.target === kind).length)
    return kinds && all.size === model.size && [...model.values()].every((ban) => same(state.get(ban.client), { ...ban }) && same(all.get(ban.client), { ...ban }))
  }), { numRuns: 400 })
})

test('a ban is found by the client that it is for, and its network', (t: TestContext) => {
  const state = held(10)
  const { ban, network } = banOf('198.51.100.0/24', 64, 50)
  state.add(ban, network)
  const client = { ip: '198.51.100.9', key: '198.51.100.9', hash: 0, address: parseAddress('198.51.100.9'), viaProxy: false, loopback: false }
  t.assert.deepStrictEqual(state.find(client, 49), ban)
  t.assert.strictEqual(state.find(client, 50), undefined)
  state.remove(ban.client)
  t.assert.strictEqual(state.find(client, 1), undefined)
})

for (const [family, nameOf] of [
  ['v4', (i: number) => `10.${i >> 16}.${i >> 8 & 255}.${i & 255}`],
  ['v6', (i: number) => `2001:db8:${(i >> 16).toString(16)}:${(i & 0xffff).toString(16)}::/64`]
] as const) {
  test(`250,000 ${family} bans take at most 90 bytes each, and what has ended leaves nothing`, (t: TestContext) => {
    const state = held(250_000)
    for (let i = 1; i <= 250_000; i++) state.add({ client: nameOf(i), reason: 'x', since: 1, until: 1 + (i * 7919) % 250_000, kind: 'detection', target: 'client', at: 0 }, undefined)
    t.diagnostic(`${(state.bytes / 250_000).toFixed(1)} bytes a ban`)
    t.assert.ok(state.bytes <= 90 * 250_000, `${state.bytes / 250_000} bytes a ban`)
    const { bytes } = state
    state.dropEnded(125_000)
    t.assert.strictEqual(state.size, 125_000)
    for (let i = 1; i <= 125_000; i++) state.add({ client: nameOf(300_000 + i), reason: 'y', since: 1, until: 1e6, kind: 'manual', target: 'client', at: 0 }, undefined)
    t.assert.strictEqual(state.bytes, bytes, 'places are used again')
    t.assert.strictEqual(state.get(nameOf(300_001))?.reason, 'y')
  })
}
