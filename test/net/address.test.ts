import { isIPv4, isIPv6 } from 'node:net'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { parseAddress, parsePeer } from '../../lib/net/address.ts'

/** What reads as an address here: node's view, without the zones that it takes. */
function isAddress (text: string): boolean {
  return isIPv4(text) || (isIPv6(text) && !text.includes('%'))
}

/** ipaddr.js takes `::1.2.3.4` for `::ffff:1.2.3.4`; inet_pton and URLs do not. */
const misread = /^::[\d.]+$/

/** Canonical text by ipaddr.js. */
function canonical (text: string): string {
  const address = ipaddr.process(text)
  return address.kind() === 'ipv6' ? (address as ipaddr.IPv6).toRFC5952String() : address.toString()
}

const group = fc.oneof(fc.constant('0'), fc.constant('0000'), fc.nat(0xffff).map((n) => n.toString(16)), fc.nat(0xffff).map((n) => n.toString(16).padStart(4, '0').toUpperCase()))
const v6 = fc.tuple(fc.array(group, { maxLength: 8 }), fc.array(group, { maxLength: 8 }), fc.option(fc.ipV4()), fc.boolean())
  .map(([left, right, v4, gap]) => {
    const tail = v4 === null ? right : [...right, v4]
    return gap ? `${left.join(':')}::${tail.join(':')}` : [...left, ...tail].join(':')
  })
const nearly = fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF:.%[]/x '), maxLength: 46 })

test('reads what node:net reads, and nothing else', () => {
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), v6, nearly, fc.string()), (text) => {
    return (parseAddress(text) !== undefined) === isAddress(text)
  }), { numRuns: 20_000 })
})

test('is canonical as ipaddr.js has it', () => {
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), v6.filter(isAddress)).filter((text) => !misread.test(text)), (text) => {
    return parseAddress(text)!.text === canonical(text)
  }), { numRuns: 20_000 })
})

test('the numbers are those of ipaddr.js', () => {
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()).filter((text) => !misread.test(text)), (text) => {
    const { family, v4, a, b, c, d } = parseAddress(text)!
    const bytes = ipaddr.process(text).toByteArray()
    const view = new DataView(Uint8Array.from(bytes).buffer)
    const words = family === 4 ? [v4] : [a, b, c, d]
    return words.length * 4 === bytes.length && words.every((word, i) => word === view.getUint32(i * 4))
  }), { numRuns: 5000 })
})

test('a v4-compatible address is v6', (t: TestContext) => {
  t.assert.strictEqual(parseAddress('::192.0.2.5')!.text, '::c000:205')
})

test('canonical text reads as itself', () => {
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), v6.filter(isAddress)), (text) => {
    const { text: once } = parseAddress(text)!
    return parseAddress(once)!.text === once
  }))
})

for (const text of ['::ffff:192.0.2.5', '::FFFF:192.0.2.5', '::ffff:c000:205', '::FfFf:C000:0205', '0:0:0:0:0:ffff:c000:205', '0000:0000:0000:0000:0000:ffff:192.0.2.5']) {
  test(`${text} is 192.0.2.5`, (t: TestContext) => {
    t.assert.deepStrictEqual(parseAddress(text), parseAddress('192.0.2.5'))
  })
}

for (const text of [
  '0300.0.2.5', '010.0.0.1', '3221225989', '0x7f.1', '127.1', '0xc0000205', '192.0.2', '192.0.2.5.', '192.0.2.05', '192.0.2.256', '192.0.2.-5', '1e1.0.0.1',
  ' 192.0.2.5', '192.0.2.5 ', '192.0.2.5\n', '192.0.2.5\0', '', '.', ':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:', '12345::', 'g::', '::ffff:1.2.3', '::1.2.3.4:5',
  'unknown', 'localhost', '_hidden', '__proto__', 'constructor', '1'.repeat(10_000), ':'.repeat(10_000)
]) {
  test(`${JSON.stringify(text.slice(0, 40))} is no address`, (t: TestContext) => {
    t.assert.strictEqual(parseAddress(text), undefined)
    t.assert.strictEqual(parsePeer(text), undefined)
  })
}

for (const [text, expected] of [
  ['192.0.2.5', '192.0.2.5'], ['192.0.2.5:1', '192.0.2.5'], ['192.0.2.5:65535', '192.0.2.5'], ['192.0.2.5:_port', '192.0.2.5'],
  ['[2001:DB8::1]', '2001:db8::1'], ['[2001:db8::1]:443', '2001:db8::1'], ['2001:db8::1:443', '2001:db8::1:443'], ['[::ffff:192.0.2.5]:443', '192.0.2.5'],
  ['fe80::1%eth0', 'fe80::1'], ['[fe80::1%eth0]', 'fe80::1'], ['[fe80::1%25eth0]', 'fe80::1'], ['[fe80::1%eth0]:80', 'fe80::1']
] as const) {
  test(`a peer ${text} is ${expected}`, (t: TestContext) => {
    t.assert.strictEqual(parsePeer(text)?.text, expected)
  })
}

for (const text of ['192.0.2.5:', '192.0.2.5:123456', '192.0.2.5:x', '192.0.2.5:80:80', '[192.0.2.5]', '[2001:db8::1', '2001:db8::1]', '[2001:db8::1]443', '[]', '[]:80', '192.0.2.5%eth0', 'fe80::1%', '010.0.0.1:80', '[fe80::1%eth0', `fe80::1%${'a'.repeat(200)}`]) {
  test(`${text.slice(0, 40)} is no peer`, (t: TestContext) => {
    t.assert.strictEqual(parsePeer(text), undefined)
  })
}

test('a port, brackets or a zone are no part of an address in the options', (t: TestContext) => {
  for (const text of ['192.0.2.5:1', '[2001:db8::1]', 'fe80::1%eth0']) t.assert.strictEqual(parseAddress(text), undefined)
})
