import { existsSync, writeFileSync, mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { openDatabase } from '../../lib/geo/mmdb.ts'
import { placeOf } from '../../lib/geo/records.ts'
import { parseAddress } from '../../lib/net/address.ts'
import { build, CLIENT, startError, status } from '../helpers.ts'

const FILES = join(import.meta.dirname, '../../../shared/geo')
const skip = existsSync(FILES) ? false : 'no ../shared/geo here'

const handler = {
  lookup: (ip: string) => ({ '203.0.113.1': { country: 'DE', continent: 'EU', asn: 64500, network: 'Example' }, '203.0.113.2': { country: 'US', asn: 64501 }, '2001:db8::1': { country: 'DE' } })[ip] ?? null,
  extra: 'a handler may have members beyond the protocol'
}
const geo = { handler }

test('country: deny, allow, unknown, private, mapped', async (t: TestContext) => {
  const deny = await build(t, { geo, country: { deny: ['de'] } })
  for (const ip of ['203.0.113.1', '::ffff:203.0.113.1', '2001:db8::1']) t.assert.strictEqual(await status(deny.app, { ip }), 403, ip)
  for (const ip of ['203.0.113.2', CLIENT, '10.0.0.1', '127.0.0.1', '::1']) t.assert.strictEqual(await status(deny.app, { ip }), 200, ip)
  const allow = await build(t, { geo, country: { allow: ['DE'] } }, (app) => {
    app.get('/open', { config: { guard: { country: false } } }, async () => 'ok')
    app.get('/unknown', { config: { guard: { country: { unknown: 'pass' } } } }, async () => 'ok')
  })
  for (const [ip, expected] of [['203.0.113.1', 200], ['203.0.113.2', 403], [CLIENT, 403], ['10.0.0.1', 200]] as const) t.assert.strictEqual(await status(allow.app, { ip }), expected, ip)
  t.assert.strictEqual(await status(allow.app, { url: '/open' }), 200)
  t.assert.strictEqual(await status(allow.app, { url: '/unknown' }), 200)
  const passive = await build(t, { geo, country: { deny: ['DE'], mode: 'passive' } })
  t.assert.strictEqual(await status(passive.app, { ip: '203.0.113.1' }), 200)
  t.assert.strictEqual(passive.app.guard.stats().reported, 1)
})

test('asn: deny and allow', async (t: TestContext) => {
  const { app } = await build(t, { geo, asn: { deny: [64500] } }, (app) => { app.get('/only', { config: { guard: { asn: { allow: [64501], deny: [1] } } } }, async () => 'ok') })
  t.assert.strictEqual(await status(app, { ip: '203.0.113.1' }), 403)
  t.assert.strictEqual(await status(app, { ip: CLIENT }), 200)
  t.assert.strictEqual(await status(app, { url: '/only', ip: '203.0.113.2' }), 200)
  t.assert.strictEqual(await status(app, { url: '/only', ip: CLIENT }), 403)
})

test('request.guard shows the place', async (t: TestContext) => {
  const { app } = await build(t, { geo }, (app) => { app.get('/me', async (request) => ({ ...request.guard })) })
  t.assert.deepStrictEqual((await app.inject({ url: '/me', remoteAddress: '203.0.113.1' })).json(), { ip: '203.0.113.1', country: 'DE', continent: 'EU', asn: 64500, network: 'Example', trusted: false, verdicts: [] })
})

test('codes that would never match, and rules without a database, are start errors', async (t: TestContext) => {
  for (const code of ['Q9', 'UK', 'usa', '', 'ZZ']) t.assert.match((await startError({ geo, country: { deny: [code] } })).message, /country\.deny\[0\]/, code)
  t.assert.match((await startError({ geo, country: { deny: ['UK'] } })).message, /did you mean GB\?/)
  t.assert.match((await startError({ country: { deny: ['DE'] } })).message, /country needs a database/)
  t.assert.match((await startError({}, { country: { deny: ['DE'] } })).message, /\/route config\.guard\.country needs a database/)
  t.assert.match((await startError({ asn: { deny: [1] } })).message, /asn needs a database/)
  t.assert.match((await startError({ geo, asn: { deny: ['AS1'] } })).message, /asn\.deny\[0\]/)
})

test('real databases', { skip }, async (t: TestContext) => {
  const { app } = await build(t, { geo: { database: join(FILES, 'GeoLite2-Country-Test.mmdb'), asn: join(FILES, 'GeoLite2-ASN-Test.mmdb') }, country: { deny: ['GB'] }, asn: { deny: [1221] } })
  for (const ip of ['2.125.160.216', '81.2.69.142', '::ffff:2.125.160.216', '1.128.0.0']) t.assert.strictEqual(await status(app, { ip }), 403, ip)
  t.assert.strictEqual(await status(app, { ip: '8.8.8.8' }), 200)
})

test('a file that is missing, empty, packed, foreign, cut or of the wrong kind names itself and the fault', { skip }, async (t: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'guard-geo-'))
  const file = (name: string, bytes: Buffer | string): string => {
    writeFileSync(join(folder, name), bytes)
    return join(folder, name)
  }
  const sound = (await import('node:fs')).readFileSync(join(FILES, 'GeoLite2-Country-Test.mmdb'))
  for (const [path, fault] of [
    [join(folder, 'none.mmdb'), /none\.mmdb does not exist/], [file('empty.mmdb', ''), /is empty/], [file('packed.mmdb', gzipSync(sound)), /gzip/],
    [file('page.mmdb', '<html>sorry</html>'), /damaged or no mmdb/], [file('cut.mmdb', sound.subarray(0, 9000)), /damaged or no mmdb/]
  ] as const) await t.assert.rejects(openDatabase(path, 'country'), fault)
  await t.assert.rejects(openDatabase(join(FILES, 'GeoLite2-ASN-Test.mmdb'), 'country'), /holds no countries/)
  await t.assert.rejects(openDatabase(join(FILES, 'GeoLite2-Country-Test.mmdb'), 'asn'), /holds no autonomous systems/)
})

test('broken databases are refused or answer nothing, and never throw into a request', { skip }, async (t: TestContext) => {
  const broken = [...readdirSync(join(FILES, 'bad')).map((name) => join('bad', name)), 'GeoIP2-City-Test-Broken-Double-Format.mmdb', 'GeoIP2-City-Test-Invalid-Node-Count.mmdb']
  for (const name of broken) {
    const lookup = await openDatabase(join(FILES, name), 'country').catch((error: Error) => {
      t.assert.match(error.message, /^guard: geo database .*mmdb/)
      return undefined
    })
    for (const ip of ['1.1.1.1', '2.125.160.216', '2001:db8::1', '255.255.255.255']) t.assert.doesNotThrow(() => lookup?.lookup(parseAddress(ip)!), name)
  }
})

test('one flipped byte in each percent of a file is never thrown into a request', { skip }, async (t: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'guard-geo-'))
  const sound = (await import('node:fs')).readFileSync(join(FILES, 'GeoLite2-Country-Test.mmdb'))
  for (let percent = 0; percent < 100; percent++) {
    const bytes = Buffer.from(sound)
    const at = Math.floor(bytes.length * percent / 100)
    bytes[at] = bytes[at]! ^ 0xff
    const path = join(folder, `${percent}.mmdb`)
    writeFileSync(path, bytes)
    const lookup = await openDatabase(path, 'country').catch(() => undefined)
    for (const ip of ['2.125.160.216', '81.2.69.142', '2001:218::']) t.assert.doesNotThrow(() => lookup?.lookup(parseAddress(ip)!))
  }
})

test('reads the layouts of all vendors', (t: TestContext) => {
  t.assert.deepStrictEqual(placeOf({ country: 'us', continent: 'NA', asn: 'AS15169', as_name: 'Google LLC' }), { country: 'US', continent: 'NA', asn: 15169, network: 'Google LLC' })
  t.assert.deepStrictEqual(placeOf({ country: { iso_code: 'GB' }, continent: { code: 'EU' } }), { country: 'GB', continent: 'EU' })
  t.assert.deepStrictEqual(placeOf({ country_code: 'FR' }), { country: 'FR' })
  t.assert.deepStrictEqual(placeOf({ country: 'United States', country_code: 'US' }), { country: 'US' })
  t.assert.deepStrictEqual(placeOf({ autonomous_system_number: 1221, autonomous_system_organization: 'Telstra' }), { asn: 1221, network: 'Telstra' })
  t.assert.strictEqual(placeOf('junk'), undefined)
})
