// The rows on client addresses and ranges of the threats that this package is built against; each row is a test.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { build, CLIENT, raw, startError, status } from '../helpers.ts'
import type { GuardOptions } from '../../types/index.ts'

const PROXY = '10.0.0.1'
const VICTIM = '198.51.100.66'
const DENIED = '203.0.113.9'
const behind: GuardOptions = { clientIp: { trustedProxies: ['10.0.0.0/8'] } }
const via = (header: string): { ip: string, headers: Record<string, string> } => ({ ip: PROXY, headers: { 'x-forwarded-for': header } })
const attack = '/?q=%3Cscript%3Ealert(1)%3C/script%3E'

test('X-Forwarded-For with decoys, blanks, ports, brackets, zones and commas: the right-most untrusted entry counts', async (t: TestContext) => {
  const { app } = await build(t, { ...behind, ip: { deny: [DENIED, '2001:db8::9', 'fe80::9'] } })
  for (const header of [DENIED, `${VICTIM}, ${DENIED}`, `127.0.0.1,\t ${DENIED} `, `${DENIED}, 10.1.2.3, 10.0.0.9`, `${DENIED}:49152`, '2001:db8::9', '[2001:db8::9]', '[2001:db8::9]:443', '2001:DB8:0::0:9', 'fe80::9%eth0', `${','.repeat(10_000)}${DENIED}`, `${DENIED}${' ,'.repeat(5000)}`, `${'1.1.1.1,'.repeat(1200)}${DENIED}`]) {
    t.assert.strictEqual(await status(app, via(header)), 403, header.slice(0, 60))
  }
  for (const header of [`${DENIED}, ${VICTIM}`, `${DENIED}:1, ${VICTIM}:2`]) t.assert.strictEqual(await status(app, via(header)), 200, header)
})

test('what is no address is refused under an allow list, and never taken for another entry', async (t: TestContext) => {
  const { app } = await build(t, { ...behind, ip: { allow: [VICTIM] } })
  for (const entry of ['unknown', '_hidden', 'localhost', '', '198.51.100.66.', '198.51.100', '198.51.100.66/32', '198.51.100.66%00', "198.51.100.66'", '[198.51.100.66', '::ffff:198.51.100.66:1:2:3', 'a'.repeat(9000)]) {
    const code = await status(app, via(`${VICTIM}, ${entry === '' ? '-' : entry}`))
    t.assert.ok(code === 400 || code === 403, `${entry.slice(0, 40)}: ${code}`)
  }
  t.assert.strictEqual(await status(app, via(VICTIM)), 200)
})

test('mapped, hex-mapped and upper-case spellings are the same client', async (t: TestContext) => {
  const { app } = await build(t, { ip: { deny: [DENIED, '2001:db8::9'] } })
  for (const ip of [DENIED, `::ffff:${DENIED}`, '::FFFF:CB00:7109', '::ffff:cb00:7109', '0:0:0:0:0:ffff:cb00:7109', '2001:DB8::9', '2001:0db8:0000::0009']) t.assert.strictEqual(await status(app, { ip }), 403, ip)
  for (const ip of ['::ffff:203.0.113.8', '::203.0.113.9', '2001:db8::90']) t.assert.strictEqual(await status(app, { ip }), 200, ip)
})

test('octal, hexadecimal, short and whole-number addresses are none, from a header as in a list', async (t: TestContext) => {
  const { app } = await build(t, { ...behind, ip: { deny: ['192.0.2.5'] } })
  for (const entry of ['0300.0.2.5', '3221225989', '0xc0.0.2.5', '192.0.517', '192.0.2.05', '0xC0000205', '192.0.2.5.']) {
    t.assert.strictEqual(await status(app, via(entry)), 400, entry)
    t.assert.match((await startError({ ip: { deny: [entry] } })).message, /ip\.deny\[0\]/, entry)
  }
})

test('going through the addresses of a /64 makes no new client, for limits as for bans', async (t: TestContext) => {
  const { app } = await build(t, { rateLimit: { max: 3, window: '1m' }, ban: { threshold: 2, duration: '1h' } })
  const codes: number[] = []
  for (let i = 1; i <= 5; i++) codes.push(await status(app, { ip: `2001:db8::${i}:${i * 7}` }))
  t.assert.deepStrictEqual(codes, [200, 200, 200, 429, 429])
  for (let i = 1; i <= 2; i++) await status(app, { ip: `2001:db8:0:5::${i}`, url: attack })
  t.assert.strictEqual((await app.inject({ url: '/', remoteAddress: '2001:db8:0:5:ffff::1' })).json().code, 'GUARD_BANNED')
  t.assert.strictEqual(await status(app, { ip: '2001:db8:0:6::1' }), 200)
})

test('a port, a zone, case or padding makes no new key', async (t: TestContext) => {
  const { app } = await build(t, { ...behind, rateLimit: { max: 2, window: '1m' } })
  const codes: number[] = []
  for (const entry of ['2001:db8::1', '[2001:DB8::1]:5', ' 2001:db8:0::1 ', '2001:db8::1%1', '[2001:db8::2]']) codes.push(await status(app, via(entry)))
  t.assert.deepStrictEqual(codes, [200, 200, 429, 429, 429])
})

test('a ban cannot be turned on a victim, nor on the proxy', async (t: TestContext) => {
  const { app } = await build(t, { ...behind, ban: { threshold: 2, duration: '1h' } })
  for (let i = 0; i < 5; i++) await status(app, { ...via(`${VICTIM}, ${DENIED}`), url: attack })
  t.assert.strictEqual(await status(app, via(VICTIM)), 200)
  t.assert.strictEqual(await status(app, { ip: VICTIM }), 200)
  t.assert.deepStrictEqual(app.guard.bans().map(({ client }) => client), [DENIED])
  // Nameless requests of the proxy itself, and ones whose client cannot be read.
  for (const header of ['10.0.0.2', 'unknown']) for (let i = 0; i < 5; i++) await status(app, { ...via(header), url: attack })
  t.assert.strictEqual(await status(app, via('203.0.113.77')), 200)
  t.assert.deepStrictEqual(app.guard.bans().map(({ client }) => client), [DENIED])
})

test('a banned client stays banned, whatever it puts before its address', async (t: TestContext) => {
  const { app } = await build(t, { ...behind, ban: { threshold: 1, duration: '1h' } })
  await status(app, { ...via(DENIED), url: attack })
  for (const header of [DENIED, `${VICTIM}, ${DENIED}`, `10.0.0.7, ${DENIED}`, `::ffff:${DENIED}`, `${DENIED}:80`]) t.assert.strictEqual(await status(app, via(header)), 403, header)
  t.assert.strictEqual(await status(app, { ip: DENIED, headers: { 'x-forwarded-for': '127.0.0.1' } }), 403)
})

test('names of members of objects are no addresses and harm nothing', async (t: TestContext) => {
  const { app } = await build(t, { ...behind, ip: { invalid: 'pass' }, rateLimit: { max: 2, window: '1m' } })
  const codes: number[] = []
  for (const name of ['__proto__', 'constructor', 'toString']) codes.push(await status(app, via(name)))
  t.assert.deepStrictEqual(codes, [200, 200, 429], 'all that cannot be read are one client')
  t.assert.strictEqual(Object.keys(Object.prototype).length, 0)
  t.assert.strictEqual(await status(app, via(CLIENT)), 200)
})

test('headers that name another URL or address lead nowhere', async (t: TestContext) => {
  const { app } = await build(t, { ip: { deny: [DENIED] } })
  for (const name of ['x-original-url', 'x-rewrite-url', 'x-forwarded-for', 'x-real-ip', 'x-client-ip', 'client-ip', 'true-client-ip', 'cf-connecting-ip', 'x-cluster-client-ip', 'x-original-forwarded-for', 'forwarded', 'via']) {
    t.assert.strictEqual(await status(app, { ip: DENIED, headers: { [name]: '127.0.0.1' } }), 403, name)
  }
})

test("a forged address does not pass emergency mode's list", async (t: TestContext) => {
  const { app } = await build(t, { ...behind, emergency: { enabled: true, allow: [VICTIM] } })
  t.assert.strictEqual(await status(app, via(VICTIM)), 200)
  for (const header of [`${VICTIM}, ${DENIED}`, DENIED]) t.assert.strictEqual(await status(app, via(header)), 503, header)
  t.assert.strictEqual(await status(app, { ip: DENIED, headers: { 'x-forwarded-for': VICTIM } }), 503)
})

test('line ends and escapes of a header do not get into the log', async (t: TestContext) => {
  const { app, lines } = await build(t, { ...behind, clientIp: { trustedProxies: ['loopback'] }, ip: { deny: [DENIED] } })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const answer = await raw(app, `GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-forwarded-for: \x1b[31m{"level":60}\\n, ${DENIED}\r\n\r\n`)
  t.assert.match(answer, /^HTTP\/1\.1 (?:400|403) /)
  t.assert.ok(lines.length > 0)
  for (const line of lines) t.assert.doesNotMatch(JSON.stringify(line), /\\u001b|\[31m/)
})

test('private, mapped, unspecified and unreadable addresses pass country rules without a look-up', async (t: TestContext) => {
  const asked: string[] = []
  const { app } = await build(t, { ...behind, ip: { invalid: 'pass' }, geo: { handler: { lookup: (ip) => { asked.push(ip); return ip === DENIED ? { country: 'DE' } : null } } }, country: { deny: ['DE'] } })
  for (const ip of ['10.9.9.9', '::ffff:10.9.9.9', '127.0.0.1', '::1', '::', '0.0.0.0', 'fe80::1', 'fc00::1']) t.assert.strictEqual(await status(app, { ip }), 200, ip)
  t.assert.deepStrictEqual(asked.filter((ip) => ip !== '::' && ip !== '0.0.0.0'), [])
  for (const ip of [DENIED, `::ffff:${DENIED}`]) t.assert.strictEqual(await status(app, { ip }), 403, ip)
})

async function serve (t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/list`
}

test('a list that is packed small and unpacks without end is cut off', async (t: TestContext) => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, '# \n'))
  const url = await serve(t, (_request, response) => { response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb) })
  t.assert.match((await startError({ ip: { deny: { url } } })).message, /is larger than 33554432 bytes/)
})

test('a list of more entries than anybody publishes is refused', async (t: TestContext) => {
  const file = join(mkdtempSync(join(tmpdir(), 'guard-threats-')), 'list')
  writeFileSync(file, '192.0.2.1\n'.repeat(1_000_001))
  t.assert.match((await startError({ ip: { deny: { file } } })).message, /has more than 1000000 entries/)
})

test('a list of IPv6 alone, and one with duplicates and overlaps, hold what they say', async (t: TestContext) => {
  const url = await serve(t, (request, response) => { response.end(request.url === '/list' ? '2001:db8::/32\n' : '10.0.0.0/8\n10.0.0.0/8\n10.1.0.0/16\n10.1.2.3\n9.255.255.255-10.0.0.1\n') })
  const six = await build(t, { ip: { deny: { url } } })
  t.assert.deepStrictEqual([await status(six.app, { ip: '2001:db8::1' }), await status(six.app, { ip: '2001:db9::1' }), await status(six.app)], [403, 200, 200])
  const overlapping = await build(t, { ip: { deny: { url: `${url}2` } } })
  for (const [ip, code] of [['9.255.255.255', 403], ['9.255.255.254', 200], ['10.0.0.0', 403], ['10.1.2.3', 403], ['10.255.255.255', 403], ['11.0.0.0', 200]] as const) t.assert.strictEqual(await status(overlapping.app, { ip }), code, ip)
})
