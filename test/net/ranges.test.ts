import { BlockList } from 'node:net'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { parseAddress, text4, text6 } from '../../lib/net/address.ts'
import { parseEntry } from '../../lib/net/entry.ts'
import { labelled } from '../../lib/net/list.ts'
import { compileRanges } from '../../lib/net/ranges.ts'

const word = fc.nat(0xffffffff)
/** Few networks, so that ranges overlap, and addresses hit them and their edges. */
const near4 = fc.tuple(fc.constantFrom(0, 0x0a000000, 0x0a00ff00, 0xc0000200, 0xffffff00), fc.nat(0x1ff)).map(([base, n]) => (base + n) % 2 ** 32)
const number4 = fc.oneof(near4, word)
const words6 = fc.tuple(fc.constantFrom(0, 0x20010db8, 0xffffffff), fc.constantFrom(0, 1, 0xffffffff), fc.constantFrom(0, 0xffffffff), fc.oneof(fc.nat(3), fc.constantFrom(0xfffffffe, 0xffffffff)))

interface Spec { entry: string, add: (list: BlockList) => void }

const address4: fc.Arbitrary<Spec> = number4.map((n) => ({ entry: text4(n), add: (list) => list.addAddress(text4(n)) }))
const range4: fc.Arbitrary<Spec> = fc.tuple(number4, fc.nat(600)).map(([n, length]) => {
  const to = Math.min(0xffffffff, n + length)
  return { entry: `${text4(n)}-${text4(to)}`, add: (list) => list.addRange(text4(n), text4(to)) }
})
const cidr4: fc.Arbitrary<Spec> = fc.tuple(number4, fc.integer({ min: 8, max: 32 })).map(([n, prefix]) => {
  const network = text4(Math.floor(n / 2 ** (32 - prefix)) * 2 ** (32 - prefix))
  return { entry: `${network}/${prefix}`, add: (list) => list.addSubnet(network, prefix) }
})
const address6: fc.Arbitrary<Spec> = words6.map((words) => ({ entry: text6(...words), add: (list) => list.addAddress(text6(...words), 'ipv6') }))
const range6: fc.Arbitrary<Spec> = fc.tuple(words6, words6).map((ends) => {
  const [from, to] = ends.sort((one, other) => one.findIndex((w, i) => w !== other[i]) === -1 ? 0 : compare(one, other)).map((words) => text6(...words)) as [string, string]
  return { entry: `${from}-${to}`, add: (list) => list.addRange(from, to, 'ipv6') }
})
const cidr6: fc.Arbitrary<Spec> = fc.tuple(words6, fc.integer({ min: 16, max: 128 })).map(([words, prefix]) => {
  const bits = words.reduce((sum, w) => sum * 2n ** 32n + BigInt(w), 0n) >> BigInt(128 - prefix) << BigInt(128 - prefix)
  const network = text6(...[96n, 64n, 32n, 0n].map((shift) => Number(bits >> shift & 0xffffffffn)) as [number, number, number, number])
  return { entry: `${network}/${prefix}`, add: (list) => list.addSubnet(network, prefix, 'ipv6') }
})

function compare (one: readonly number[], other: readonly number[]): number {
  const i = one.findIndex((w, k) => w !== other[k])
  return i === -1 ? 0 : one[i]! - other[i]!
}

// A v4-mapped address is v4 here, while BlockList takes it for both; they are left to tests of their own.
const isMapped = (text: string): boolean => parseAddress(text)!.family === 4

test('holds what net.BlockList holds', () => {
  const spec = fc.oneof(address4, range4, cidr4, address6, range6, cidr6)
  const probes = fc.array(fc.oneof(number4.map(text4), words6.map((words) => text6(...words)).filter((text) => !isMapped(text))), { minLength: 20, maxLength: 20 })
  fc.assert(fc.property(fc.array(spec, { maxLength: 30 }), probes, (specs, addresses) => {
    // One for each family, since BlockList finds v4 addresses in `::/64` too.
    const v4 = new BlockList()
    const v6 = new BlockList()
    for (const { entry, add } of specs) add(entry.includes(':') ? v6 : v4)
    const set = compileRanges(labelled(specs.map(({ entry }) => entry)))
    for (const text of addresses) {
      const address = parseAddress(text)!
      if (set.has(address) !== (address.family === 4 ? v4.check(text) : v6.check(text, 'ipv6'))) return false
    }
    return true
  }), { numRuns: 2000 })
})

test('is the same behind the index of large sets', () => {
  fc.assert(fc.property(fc.array(number4, { minLength: 300, maxLength: 600 }), fc.array(number4, { minLength: 50 }), (numbers, probes) => {
    const set = compileRanges(labelled(numbers.map(text4)))
    const held = new Set(numbers)
    return set.size === held.size && [...probes, ...numbers].every((n) => set.has(parseAddress(text4(n))!) === held.has(n))
  }), { numRuns: 100 })
})

test('find names an entry that holds the address, exactly when there is one', () => {
  const spec = fc.oneof(address4, range4, cidr4, address6, range6, cidr6).map(({ entry }) => entry)
  fc.assert(fc.property(fc.array(spec, { minLength: 1, maxLength: 20 }), fc.oneof(number4.map(text4), words6.map((words) => text6(...words))), (entries, text) => {
    const set = compileRanges(labelled(entries))
    const address = parseAddress(text)!
    const found = set.find(address)
    if (found === undefined) return !set.has(address)
    return set.has(address) && entries.includes(found) && compileRanges(labelled([found])).has(address)
  }), { numRuns: 3000 })
})

test('the edges of both families are in', (t: TestContext) => {
  const all = compileRanges(labelled(['0.0.0.0/0', '::/0']))
  for (const text of ['0.0.0.0', '255.255.255.255', '::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff']) t.assert.ok(all.has(parseAddress(text)!))
  t.assert.strictEqual(all.size, 2)
  const last = compileRanges(labelled(['255.255.255.255', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff']))
  t.assert.ok(last.has(parseAddress('255.255.255.255')!))
  t.assert.strictEqual(last.has(parseAddress('0.0.0.0')!), false)
  t.assert.strictEqual(last.has(parseAddress('::')!), false)
})

test('a set that does not divide a /64 takes two words a range, and finds its edges', (t: TestContext) => {
  const set = compileRanges(labelled(['2001:db8:1::/48', '2001:db8:3::/64']))
  for (const inside of ['2001:db8:1::', '2001:db8:1:ffff:ffff:ffff:ffff:ffff', '2001:db8:3:0:8000::']) t.assert.ok(set.has(parseAddress(inside)!), inside)
  for (const outside of ['2001:db8:0:ffff:ffff:ffff:ffff:ffff', '2001:db8:2::', '2001:db8:3:1::', '2001:db8::']) t.assert.ok(!set.has(parseAddress(outside)!), outside)
})

test('a mapped CIDR is the v4 one', (t: TestContext) => {
  t.assert.deepStrictEqual(parseEntry('::ffff:10.0.0.0/104'), parseEntry('10.0.0.0/8'))
  t.assert.deepStrictEqual(parseEntry('::ffff:0:0/96'), parseEntry('0.0.0.0/0'))
})

test('100,000 CIDRs take less than 4 MiB, and a look-up at most 17 steps', (t: TestContext) => {
  const entries = Array.from({ length: 100_000 }, (_, i) => `${text4((i * 42949 % 2 ** 24) * 256)}/24`)
  const set = compileRanges(labelled(entries))
  const held = set.size
  t.assert.ok(held > 90_000)
  // 12 bytes a range, the index, and one text of all entries.
  const bytes = held * 12 + 65537 * 4 + entries.join('\n').length
  t.assert.ok(bytes < 4 * 2 ** 20, `${bytes} bytes`)
  t.assert.strictEqual(set.find(parseAddress(entries[77_777]!.replace('.0/24', '.9'))!), entries[77_777])
})

for (const [entry, message] of [
  ['300.1.1.1', /is no address, CIDR, a-b range, keyword or host name: "300\.1\.1\.1"/],
  ['10.0.0.0/40', /prefix length of 0 to 32/],
  ['2001:db8::/129', /prefix length of 0 to 128/],
  ['10.0.0.0/', /prefix length/],
  ['10.0.0.0/-1', /prefix length/],
  ['10.0.0.0/8.0', /prefix length/],
  ['10.0.0.0/255.0.0.0', /prefix length/],
  ['010.0.0.0/8', /address cannot be read/],
  ['/8', /address cannot be read/],
  ['10.0.0.1/8', /the network is 10\.0\.0\.0\/8/],
  ['2001:db8::1/32', /the network is 2001:db8::\/32/],
  ['::ffff:10.0.0.1/104', /the network is 10\.0\.0\.0\/8/],
  ['::ffff:10.0.0.0/8', /which start at \/96/],
  ['10.0.0.9-10.0.0.1', /ends before it starts/],
  ['2001:db8::9-2001:db8::1', /ends before it starts/],
  ['10.0.0.1-::1', /different families/],
  ['10.0.0.1-', /its end cannot be read/],
  ['10.0.0.1-300.0.0.1', /its end cannot be read/],
  ['lopback', /did you mean loopback/],
  ['Loopback', /did you mean loopback/],
  ['', /is no address/],
  ['fe80::1%eth0', /is no address/],
  ['__proto__', /is no address/]
] as const) {
  test(`the entry ${JSON.stringify(entry)} is a problem`, (t: TestContext) => {
    t.assert.match(parseEntry(entry) as string, message)
  })
}
