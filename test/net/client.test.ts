import { connect as connectHttp2 } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import Fastify, { type FastifyRequest } from 'fastify'
import fc from 'fast-check'
import { clientReader, hashOf, type Client } from '../../lib/net/client.ts'
import { elements, forwardedHop, quotedElements, type Walk } from '../../lib/net/forwarding.ts'
import { listReader } from '../../lib/net/list.ts'
import { memo } from '../../lib/net/memo.ts'
import type { ClientIpOptions } from '../../types/index.ts'

const lists = listReader()

interface Sent { peer?: string | undefined, headers?: Record<string, string | string[]>, encrypted?: boolean, ip?: string, protocol?: string }

function requestOf ({ peer, headers = {}, encrypted = false, ip = peer as string, protocol = 'http' }: Sent): FastifyRequest {
  return { ip, protocol, raw: { socket: { remoteAddress: peer, encrypted }, headers } } as unknown as FastifyRequest
}

function read (sent: Sent, clientIp?: ClientIpOptions, ipv6Prefix = 64): Client {
  return clientReader({ clientIp, ipv6Prefix, lists }).client(requestOf(sent))
}

const PROXY = '10.0.0.1'
const trusting: ClientIpOptions = { trustedProxies: ['10.0.0.0/8', '2001:db8:f::/48'] }

/** The client that a forwarding header of the proxy names. */
function forwarded (header: string | string[], options: Partial<ClientIpOptions> = {}): string {
  return read({ peer: PROXY, headers: { [(options.header ?? 'x-forwarded-for').toLowerCase()]: header } }, { ...trusting, ...options }).ip
}

for (const [peer, ip, key] of [
  ['192.0.2.5', '192.0.2.5', '192.0.2.5'],
  ['::ffff:192.0.2.5', '192.0.2.5', '192.0.2.5'],
  ['::FFFF:C000:0205', '192.0.2.5', '192.0.2.5'],
  ['2001:DB8::0:1', '2001:db8::1', '2001:db8::/64'],
  ['2001:db8:0:0:ffff::1', '2001:db8::ffff:0:0:1', '2001:db8::/64'],
  ['2001:db8:0:1::1', '2001:db8:0:1::1', '2001:db8:0:1::/64'],
  ['fe80::1%eth0', 'fe80::1', 'fe80::/64']
] as const) {
  test(`the client at ${peer} is ${ip}, counted as ${key}`, (t: TestContext) => {
    const client = read({ peer })
    t.assert.strictEqual(client.ip, ip)
    t.assert.strictEqual(client.key, key)
    t.assert.strictEqual(client.hash, hashOf(key))
    t.assert.strictEqual(client.address?.text, ip)
    t.assert.strictEqual(client.viaProxy, false)
  })
}

test('v6 clients are counted by their network', (t: TestContext) => {
  const key = (peer: string, prefix: number): string => read({ peer }, undefined, prefix).key
  t.assert.strictEqual(key('2001:db8:1234:5678::1', 48), '2001:db8:1234::/48')
  t.assert.strictEqual(key('2001:db8:1234:5678::1', 56), '2001:db8:1234:5600::/56')
  t.assert.strictEqual(key('2001:db8::1', 128), '2001:db8::1')
  t.assert.strictEqual(key('2001:db8::1', 0), '::/0')
  t.assert.strictEqual(key('::ffff:192.0.2.5', 0), '192.0.2.5')
  fc.assert(fc.property(fc.nat(0xffffffff), (n) => {
    return key(`2001:db8::${(n >>> 16).toString(16)}:${(n & 0xffff).toString(16)}`, 64) === '2001:db8::/64'
  }), { numRuns: 50 })
})

test('loopback is known in both families', (t: TestContext) => {
  for (const peer of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) t.assert.ok(read({ peer }).loopback, peer)
  for (const peer of ['128.0.0.1', '::2', '::', '0.0.0.0']) t.assert.ok(!read({ peer }).loopback, peer)
})

test('an address that is absent or cannot be read is one client of its own', (t: TestContext) => {
  for (const peer of [undefined, '', 'unknown', '010.0.0.1', '0x7f.1', '3221225989', '127.1', 'a'.repeat(10_000)]) {
    const client = read({ peer })
    t.assert.deepStrictEqual({ ...client }, { ip: '', key: 'unknown', hash: hashOf('unknown'), address: undefined, viaProxy: false, loopback: false })
  }
})

test('the same address gives the same object', (t: TestContext) => {
  const reader = clientReader({ clientIp: undefined, ipv6Prefix: 64, lists })
  t.assert.strictEqual(reader.client(requestOf({ peer: '192.0.2.5' })), reader.client(requestOf({ peer: '192.0.2.5' })))
})

test('hashes spread over all 32 bits', (t: TestContext) => {
  const hashes = Array.from({ length: 10_000 }, (_, i) => hashOf(`192.0.${i >> 8}.${i & 255}`))
  const below = hashes.filter((hash) => hash < 2 ** 32 * 0.1).length
  t.assert.ok(below > 850 && below < 1150, `${below} of 10,000 in the lowest tenth`)
  t.assert.ok(new Set(hashes).size > 9990)
})

// Fastify's own trustProxy.

test('without clientIp the address is request.ip, and viaProxy when Fastify rewrote it', (t: TestContext) => {
  const reader = clientReader({ clientIp: undefined, ipv6Prefix: 64, lists })
  const client = reader.client(requestOf({ peer: PROXY, ip: '203.0.113.9:1234' }))
  t.assert.strictEqual(client.ip, '203.0.113.9')
  t.assert.strictEqual(client.viaProxy, true)
  t.assert.strictEqual(reader.client(requestOf({ peer: PROXY, ip: 'not-an-ip' })).ip, '')
  t.assert.ok(reader.trustsPeer(PROXY))
  t.assert.ok(!reader.trustsPeer('203.0.113.9'))
})

for (const [trustProxy, expected] of [[false, PROXY], [true, '198.51.100.66'], ['10.0.0.0/8', '203.0.113.9']] as const) {
  test(`Fastify's trustProxy ${trustProxy} is followed`, async (t: TestContext) => {
    const app = Fastify({ trustProxy })
    t.after(() => app.close())
    const reader = clientReader({ clientIp: undefined, ipv6Prefix: 64, lists })
    app.get('/', async (request) => ({ ...reader.client(request), secure: reader.secure(request) }))
    const headers = { 'x-forwarded-for': '198.51.100.66, 203.0.113.9', 'x-forwarded-proto': 'https' }
    const { ip, viaProxy, secure } = (await app.inject({ url: '/', remoteAddress: PROXY, headers })).json<Client & { secure: boolean }>()
    t.assert.deepStrictEqual({ ip, viaProxy, secure }, { ip: expected, viaProxy: trustProxy !== false, secure: trustProxy !== false })
  })
}

// Our own reading of forwarding headers.

test('headers of a peer that is not trusted are ignored', (t: TestContext) => {
  for (const header of ['x-forwarded-for', 'forwarded', 'x-real-ip']) {
    const client = read({ peer: '192.0.2.5', headers: { [header]: '127.0.0.1' } }, { ...trusting, header })
    t.assert.strictEqual(client.ip, '192.0.2.5')
    t.assert.strictEqual(client.viaProxy, false)
  }
})

test('other headers than the one named are ignored', (t: TestContext) => {
  const headers = { forwarded: 'for=127.0.0.1', 'x-real-ip': '127.0.0.1', 'x-client-ip': '127.0.0.1', 'cf-connecting-ip': '127.0.0.1', 'true-client-ip': '127.0.0.1' }
  t.assert.strictEqual(read({ peer: PROXY, headers }, trusting).ip, PROXY)
})

for (const [header, expected] of [
  ['203.0.113.9', '203.0.113.9'],
  ['127.0.0.1, 203.0.113.9', '203.0.113.9'],
  ['127.0.0.1, 10.0.0.9, 203.0.113.9, 10.0.0.3, 10.0.0.2', '203.0.113.9'],
  ['127.0.0.1,\t203.0.113.9 ,10.0.0.2', '203.0.113.9'],
  [', ,203.0.113.9,, ,', '203.0.113.9'],
  ['  203.0.113.9  ', '203.0.113.9'],
  ['203.0.113.9:1234', '203.0.113.9'],
  ['[2001:db8::1]:443', '2001:db8::1'],
  ['2001:DB8::1', '2001:db8::1'],
  ['2001:db8::1%eth0', '2001:db8::1'],
  ['::ffff:203.0.113.9', '203.0.113.9'],
  ['203.0.113.9, ::ffff:10.0.0.2', '203.0.113.9'],
  ['203.0.113.9, 2001:db8:f::1', '203.0.113.9'],
  ['10.0.0.7, 10.0.0.2', '10.0.0.7'],
  ['', PROXY],
  [' , ,', PROXY],
  [','.repeat(10_000), PROXY],
  [`${'127.0.0.1,'.repeat(1500)}203.0.113.9`, '203.0.113.9'],
  ['unknown', ''],
  ['203.0.113.9, unknown', ''],
  ['203.0.113.9, 010.0.0.1', ''],
  ['203.0.113.9, 0x7f.1', ''],
  ['203.0.113.9, 3221225989', ''],
  ['203.0.113.9, "10.0.0.2"', ''],
  ['203.0.113.9, 10.0.0.2\u0000', ''],
  ['203.0.113.9 10.0.0.2', ''],
  ['203.0.113.9;10.0.0.2', ''],
  ['unknown, 203.0.113.9', '203.0.113.9'],
  ['203.0.113.9, unknown, 10.0.0.2', '']
] as const) {
  test(`X-Forwarded-For ${JSON.stringify(header.slice(0, 60))} names ${expected === '' ? 'nobody' : expected}`, (t: TestContext) => {
    t.assert.strictEqual(forwarded(header), expected)
    const client = read({ peer: PROXY, headers: { 'x-forwarded-for': header } }, trusting)
    t.assert.strictEqual(client.viaProxy, true)
  })
}

test('all lines of a repeated header count, the last hop first', (t: TestContext) => {
  t.assert.strictEqual(forwarded(['127.0.0.1', '203.0.113.9']), '203.0.113.9')
  t.assert.strictEqual(forwarded(['203.0.113.9', '10.0.0.2'], { header: 'X-Client-IP' }), '203.0.113.9')
})

test('depth bounds the hops', (t: TestContext) => {
  const header = '203.0.113.9, 10.0.0.3, 10.0.0.2'
  t.assert.strictEqual(forwarded(header, { depth: 1 }), '10.0.0.2')
  t.assert.strictEqual(forwarded(header, { depth: 2 }), '10.0.0.3')
  t.assert.strictEqual(forwarded(header, { depth: 3 }), '203.0.113.9')
  t.assert.strictEqual(forwarded(header, { depth: 9 }), '203.0.113.9')
  t.assert.strictEqual(forwarded('127.0.0.1, 203.0.113.9', { depth: 2 }), '203.0.113.9')
})

test('a client cannot choose its address, whatever it sends first', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary-ascii' }), (decoy) => {
    return forwarded(`${decoy}, 203.0.113.9`) === '203.0.113.9' &&
      forwarded(`${decoy}, 203.0.113.9, 10.0.0.2`) === '203.0.113.9' &&
      forwarded(`${decoy}, for=203.0.113.9;proto=https`, { header: 'forwarded' }) === '203.0.113.9' &&
      forwarded(`${decoy}, for="203.0.113.9:1234", for=10.0.0.2`, { header: 'forwarded' }) === '203.0.113.9'
  }), { numRuns: 3000 })
})

for (const [header, expected] of [
  ['for=203.0.113.9', '203.0.113.9'],
  ['For=203.0.113.9; Proto=https;by=10.0.0.1', '203.0.113.9'],
  ['for="203.0.113.9:1234"', '203.0.113.9'],
  ['for="[2001:db8::1]"', '2001:db8::1'],
  ['for="[2001:DB8::1]:443";proto=https', '2001:db8::1'],
  ['for="203.0.113.9:_port"', '203.0.113.9'],
  ['for=127.0.0.1, for=203.0.113.9, for=10.0.0.2', '203.0.113.9'],
  ['for=127.0.0.1,for=203.0.113.9 ,, for=10.0.0.2,', '203.0.113.9'],
  ['by="a,b";for=203.0.113.9', '203.0.113.9'],
  ['host="x;for=127.0.0.1;y";for=203.0.113.9', '203.0.113.9'],
  ['for="127.0.0.1, for=203.0.113.9', '203.0.113.9'],
  ['for=203.0.113.9;', '203.0.113.9'],
  ['for=unknown', ''],
  ['for=_hidden', ''],
  ['for="_hidden:80"', ''],
  ['proto=https', ''],
  ['for=203.0.113.9, proto=https', ''],
  ['for=203.0.113.9;for=127.0.0.1', ''],
  ['for="203.0.113.9', ''],
  ['for="203.0.113.9\\""', ''],
  ['for = 203.0.113.9', ''],
  ['203.0.113.9', ''],
  ['for=', ''],
  ['for=203.0.113.9 x', ''],
  [`host="${'\\"'.repeat(5000)}"`, ''],
  ['', PROXY]
] as const) {
  test(`Forwarded ${JSON.stringify(header.slice(0, 60))} names ${expected === '' ? 'nobody' : expected}`, (t: TestContext) => {
    t.assert.strictEqual(forwarded(header, { header: 'Forwarded' }), expected)
  })
}

function all (walk: Walk): string[] {
  const found: string[] = []
  for (let each = walk(); each !== undefined; each = walk()) found.push(each)
  return found
}

for (const [header, expected] of [
  ['', []], [',', []], [',a', ['a']], ['a, b ,,c', ['c', 'b', 'a']], ['a="x,y", b', ['b', 'a="x,y"']]
] as const) {
  test(`the elements of ${JSON.stringify(header)} come from right to left`, (t: TestContext) => {
    t.assert.deepStrictEqual(all(quotedElements(header)), expected)
    if (!header.includes('"')) t.assert.deepStrictEqual(all(elements(header)), expected)
  })
}

test('an open quote swallows what stands left of it, never what a proxy wrote after it', (t: TestContext) => {
  t.assert.deepStrictEqual(all(quotedElements('a, "b, c')), ['c', 'a, "b'])
})

test('elements are those of a plain split, from the right', () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', ',', ' ', '\t') }), (header) => {
    const expected = header.split(',').map((each) => each.trim()).filter((each) => each !== '').reverse()
    const walk = elements(header)
    return [...expected, undefined].every((each) => walk() === each)
  }), { numRuns: 5000 })
})

test('reading Forwarded never throws, and finds no address that is not there', () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('for=', 'proto=', '"', ';', ',', ' ', '1.2.3.4', '\\', 'x') }), (element) => {
    const hop = forwardedHop(element)
    return hop?.for === undefined || element.includes(`for=${hop.for}`) || element.includes(`for="${hop.for}"`)
  }), { numRuns: 5000 })
})

// The scheme.

for (const [name, sent, options, expected] of [
  ['a plain connection', { peer: PROXY }, {}, false],
  ['an encrypted connection', { peer: PROXY, encrypted: true }, {}, true],
  ['the header without trustProto', { peer: PROXY, headers: { 'x-forwarded-proto': 'https' } }, {}, false],
  ['the header of a trusted peer', { peer: PROXY, headers: { 'x-forwarded-proto': 'https' } }, { trustProto: true }, true],
  ['the header of another peer', { peer: '192.0.2.5', headers: { 'x-forwarded-proto': 'https' } }, { trustProto: true }, false],
  ['the right-most of several', { peer: PROXY, headers: { 'x-forwarded-proto': 'https, http' } }, { trustProto: true }, false],
  ['a repeated header', { peer: PROXY, headers: { 'x-forwarded-proto': ['http', 'https'] } }, { trustProto: true }, true],
  ['http over an encrypted hop', { peer: PROXY, encrypted: true, headers: { 'x-forwarded-proto': 'http' } }, { trustProto: true }, false],
  ['upper case', { peer: PROXY, headers: { 'x-forwarded-proto': ' HTTPS ' } }, { trustProto: true }, true],
  ['wss', { peer: PROXY, headers: { 'x-forwarded-proto': 'wss' } }, { trustProto: true }, true],
  ['something else', { peer: PROXY, encrypted: true, headers: { 'x-forwarded-proto': 'httpsx' } }, { trustProto: true }, false],
  ['an empty header', { peer: PROXY, encrypted: true, headers: { 'x-forwarded-proto': '' } }, { trustProto: true }, true],
  ['Forwarded', { peer: PROXY, headers: { forwarded: 'for=1.2.3.4;proto=http, for=10.0.0.2;proto=https' } }, { trustProto: true, header: 'forwarded' }, true],
  ['Forwarded, downgraded', { peer: PROXY, encrypted: true, headers: { forwarded: 'for=1.2.3.4;proto="http"' } }, { trustProto: true, header: 'forwarded' }, false],
  ['Forwarded without a scheme', { peer: PROXY, headers: { forwarded: 'for=1.2.3.4', 'x-forwarded-proto': 'https' } }, { trustProto: true, header: 'forwarded' }, false],
  ['Forwarded that is malformed', { peer: PROXY, encrypted: true, headers: { forwarded: 'proto="https' } }, { trustProto: true, header: 'forwarded' }, false]
] as ReadonlyArray<readonly [string, Sent, Partial<ClientIpOptions>, boolean]>) {
  test(`${name} is ${expected ? '' : 'not '}secure`, (t: TestContext) => {
    const reader = clientReader({ clientIp: { ...trusting, ...options }, ipv6Prefix: 64, lists })
    t.assert.strictEqual(reader.secure(requestOf(sent)), expected)
  })
}

test('a trusted peer is known by any spelling', (t: TestContext) => {
  const { trustsPeer } = clientReader({ clientIp: trusting, ipv6Prefix: 64, lists })
  for (const text of [PROXY, '::ffff:10.0.0.1', '2001:DB8:F::1']) t.assert.ok(trustsPeer(text), text)
  for (const text of ['192.0.2.5', '', 'x']) t.assert.ok(!trustsPeer(text), text)
})

test('clients of HTTP/2 and their scheme are read as those of HTTP/1.1', async (t: TestContext) => {
  const app = Fastify({ http2: true })
  t.after(() => app.close())
  const reader = clientReader({ clientIp: { trustedProxies: 'loopback', trustProto: true }, ipv6Prefix: 64, lists })
  app.get('/', async (request) => `${reader.client(request as unknown as FastifyRequest).ip} ${reader.secure(request as unknown as FastifyRequest)}`)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const session = connectHttp2(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
  t.after(() => session.close())
  const ask = async (headers: Record<string, string>): Promise<string> => new Promise((resolve, reject) => {
    const stream = session.request({ ':path': '/', ...headers })
    let text = ''
    stream.setEncoding('utf8').on('data', (chunk: string) => { text += chunk }).on('end', () => resolve(text)).on('error', reject)
  })
  t.assert.strictEqual(await ask({ 'x-forwarded-for': '127.0.0.1, 203.0.113.9', 'x-forwarded-proto': 'https' }), '203.0.113.9 true')
  t.assert.strictEqual(await ask({}), '127.0.0.1 false')
  session.close()
})

test('a Unix socket has no address, and its headers are not believed', (t: TestContext) => {
  t.assert.strictEqual(read({ peer: undefined, headers: { 'x-forwarded-for': '127.0.0.1' } }, trusting).ip, '')
})

test('remembers the texts seen last, and makes each once', (t: TestContext) => {
  let made = 0
  const get = memo(2, (text) => { made++; return text === 'none' ? undefined : { text } })
  const a = get('a')
  t.assert.strictEqual(get('a'), a)
  get('b')
  t.assert.strictEqual(made, 2)
  get('c')
  t.assert.strictEqual(get('a'), a, 'the older generation still knows it')
  t.assert.strictEqual(made, 3)
  for (const text of 'defgh') get(text)
  get('a')
  t.assert.strictEqual(made, 9, 'forgotten')
  get('none')
  get('none')
  t.assert.strictEqual(made, 11, 'what is no value is not kept')
})
