import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { databaseOf, openDatabase } from '../../lib/geo/mmdb.ts'
import { parseAddress } from '../../lib/net/address.ts'
import { build, CLIENT, startError, status } from '../helpers.ts'
import { folder } from '../download/server.ts'
import { tar } from '../download/tar.ts'
import type { Place } from '../../types/index.ts'
import { asnDatabase, countryDatabase } from './databases.ts'
import { writeMmdb, type Value } from './write-mmdb.ts'

const layouts: Array<[type: string, record: Value, has: [country: boolean, asn: boolean], place: object]> = [
  ['GeoLite2-Country', { continent: { code: 'EU', geoname_id: 1, names: { en: 'Europe' } }, country: { geoname_id: 2, iso_code: 'GB', names: { en: 'United Kingdom' } }, registered_country: { iso_code: 'US' } }, [true, false], { country: 'GB', continent: 'EU' }],
  ['GeoLite2-City', { city: { names: { en: 'Linkoping' } }, country: { iso_code: 'SE' }, continent: { code: 'EU' } }, [true, false], { country: 'SE', continent: 'EU' }],
  ['GeoLite2-ASN', { autonomous_system_number: 1221, autonomous_system_organization: 'Telstra' }, [false, true], { asn: 1221, network: 'Telstra' }],
  ['DBIP-Country-Lite', { continent: { code: 'NA' }, country: { iso_code: 'US', is_in_european_union: false } }, [true, false], { country: 'US', continent: 'NA' }],
  ['DBIP-ASN-Lite (compat=GeoLite2-ASN)', { autonomous_system_number: 64500, autonomous_system_organization: 'Example' }, [false, true], { asn: 64500, network: 'Example' }],
  ['ipinfo country.mmdb', { country: 'FR', country_name: 'France', continent: 'EU', continent_name: 'Europe' }, [true, false], { country: 'FR', continent: 'EU' }],
  ['ipinfo asn.mmdb', { asn: 'AS15169', name: 'Google LLC', domain: 'google.com' }, [false, true], { asn: 15169, network: 'Google LLC' }],
  ['ipinfo ipinfo_lite.mmdb', { asn: 'AS15169', as_name: 'Google LLC', as_domain: 'google.com', country: 'United States', country_code: 'US', continent: 'North America', continent_code: 'NA' }, [true, true], { country: 'US', continent: 'NA', asn: 15169, network: 'Google LLC' }],
  ['ip-location-db geo-whois-asn-country', { country_code: 'AU' }, [true, false], { country: 'AU' }],
  ['ip-location-db asn', { autonomous_system_number: 13335, autonomous_system_organization: 'Cloudflare' }, [false, true], { asn: 13335, network: 'Cloudflare' }],
  ['a type nobody has heard of', { country_code: 'de' }, [true, false], { country: 'DE' }]
]
for (const [type, record, [country, asn], place] of layouts) {
  test(`layout: ${type}`, (t: TestContext) => {
    for (const recordSize of [24, 28, 32] as const) {
      for (const ipVersion of [4, 6] as const) {
        const bytes = writeMmdb({ '81.2.69.0/24': record }, { type, recordSize, ipVersion })
        const found = databaseOf(bytes, 'file', country ? 'country' : 'asn')
        t.assert.deepStrictEqual(found.has, { country, asn })
        t.assert.deepStrictEqual(found.lookup(parseAddress('81.2.69.142')!), place)
        t.assert.strictEqual(found.lookup(parseAddress('81.2.70.0')!), undefined)
        t.assert.strictEqual(found.lookup(parseAddress('2001:db8::1')!), undefined)
        if (!country) t.assert.throws(() => databaseOf(bytes, 'the-file', 'country'), /the-file holds no countries \(its type is .*npx fastify-api-guard geo download/)
        if (!asn) t.assert.throws(() => databaseOf(bytes, 'the-file', 'asn'), /the-file holds no autonomous systems/)
      }
    }
  })
}

test('v6 and mapped addresses', (t: TestContext) => {
  const database = databaseOf(countryDatabase({ '2001:db8::/32': 'DE', '192.0.2.0/24': 'FR' }), 'file', 'country')
  const lookup = (ip: string): Place | undefined => database.lookup(parseAddress(ip)!)
  t.assert.deepStrictEqual([lookup('2001:db8:1::1')?.country, lookup('192.0.2.1')?.country, lookup('2001:db9::')], ['DE', 'FR', undefined])
})

test('a byte that is flipped, or a file that is cut: a clear error at the start, or an address that is unknown', (t: TestContext) => {
  const sound = countryDatabase({ '81.2.69.0/24': 'DE', '203.0.113.0/24': 'FR', '2001:db8::/32': 'US' })
  const addresses = ['81.2.69.142', '203.0.113.7', '2001:db8::1', '8.8.8.8', 'ffff::'].map((ip) => parseAddress(ip)!)
  const outcomes = { refused: 0, opened: 0 }
  const look = (bytes: Buffer, what: string): void => {
    let database
    try {
      database = databaseOf(bytes, 'file', 'country')
      outcomes.opened++
    } catch (error) {
      t.assert.match((error as Error).message, /^guard: geo database file (?:is|holds no) .*npx fastify-api-guard geo download/, what)
      outcomes.refused++
      return
    }
    for (const address of addresses) t.assert.doesNotThrow(() => database.lookup(address), what)
  }
  for (let at = 0; at < sound.length; at += 5) {
    const bytes = Buffer.from(sound)
    bytes[at] = bytes[at]! ^ 0xff
    look(bytes, `byte ${at}`)
  }
  t.assert.ok(outcomes.refused > 0 && outcomes.opened > 0, JSON.stringify(outcomes))
  const { opened } = outcomes
  for (const percent of [10, 50, 90]) look(sound.subarray(0, Math.floor(sound.length * percent / 100)), `${percent} %`)
  t.assert.strictEqual(outcomes.opened, opened, 'what is cut is not opened')
})

test('archives are named as what they are', async (t: TestContext) => {
  const database = countryDatabase({ '192.0.2.0/24': 'FR' })
  t.assert.throws(() => databaseOf(tar({ 'a.mmdb': database }), 'file', 'country'), /is a tar archive/)
  t.assert.throws(() => databaseOf(Buffer.from('PK\u0003\u0004'), 'file', 'country'), /is a zip archive/)
  await t.assert.rejects(openDatabase(join(folder(t), 'none.mmdb'), 'asn'), /none\.mmdb does not exist; an ASN database in mmdb format is needed/)
})

test('a country file serves no asn rule, and the other way round; one that has both serves both', async (t: TestContext) => {
  const path = folder(t)
  writeFileSync(join(path, 'country.mmdb'), countryDatabase({ '203.0.113.0/24': 'FR' }))
  writeFileSync(join(path, 'asn.mmdb'), asnDatabase({ '203.0.113.0/24': 64500 }))
  writeFileSync(join(path, 'both.mmdb'), writeMmdb({ '203.0.113.0/24': { country_code: 'FR', asn: 'AS64500' } }, { type: 'ipinfo ipinfo_lite.mmdb' }))
  t.assert.match((await startError({ geo: { database: join(path, 'country.mmdb') }, asn: { deny: [1] } })).message, /asn needs a database with autonomous systems.*npx fastify-api-guard geo download/)
  t.assert.match((await startError({ geo: { asn: join(path, 'asn.mmdb') }, country: { deny: ['FR'] } })).message, /country needs a database with countries/)
  t.assert.match((await startError({ geo: { asn: join(path, 'asn.mmdb') }, rateLimit: { max: 1, window: '1m', byCountry: { FR: 2 } } })).message, /rateLimit\.byCountry needs a database with countries/)
  t.assert.match((await startError({ geo: { database: join(path, 'asn.mmdb') } })).message, /asn\.mmdb holds no countries/)
  const { app } = await build(t, { geo: { database: join(path, 'both.mmdb') }, country: { deny: ['DE'] }, asn: { deny: [64500] } })
  t.assert.strictEqual(await status(app, { ip: CLIENT }), 403)
})

const wrong: Array<[unknown, RegExp]> = [
  [{}, /geo needs one of the members/],
  [{ download: 'dbip' }, /geo\.download must be one of 'dbip-lite'/],
  [{ download: {} }, /geo\.download must be 'dbip-lite' or have one of/],
  [{ download: { ipinfo: 'a', url: 'https://example.com/' } }, /have one of the members/],
  [{ download: { maxmind: { account: 1 } } }, /geo\.download\.maxmind\.key is missing/],
  [{ download: { url: 'http://example.com/' } }, /geo\.download\.url must be an https URL/],
  [{ download: 'dbip-lite', database: 'a.mmdb' }, /geo\.database cannot go with download/],
  [{ handler: { lookup: () => null }, asn: 'a.mmdb' }, /geo\.asn goes with database/],
  [{ download: { ipinfo: 'a', asn: 'https://example.com/' } }, /geo\.download\.asn goes with url/],
  [{ database: 'a.mmdb', refresh: 'soon' }, /geo\.refresh must be/]
]
for (const [geo, message] of wrong) {
  test(`geo: ${JSON.stringify(geo)} stops the start`, async (t: TestContext) => {
    const error = await startError({ geo })
    t.assert.strictEqual(error.code, 'GUARD_OPTION_INVALID')
    t.assert.match(error.message, message)
  })
}
