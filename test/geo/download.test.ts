import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mock, test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { copies } from '../../lib/download/copies.ts'
import { fetchDatabase } from '../../lib/geo/fetch.ts'
import { openGeo } from '../../lib/geo/geo.ts'
import { parseAddress } from '../../lib/net/address.ts'
import { build, CLIENT, startError, status } from '../helpers.ts'
import { folder, until, vendorServer, type Page, type Vendor } from '../download/server.ts'
import { tar } from '../download/tar.ts'
import type { GeoDownload, GuardEvent } from '../../types/index.ts'
import { asnDatabase, countryDatabase } from './databases.ts'
import { writeMmdb } from './write-mmdb.ts'

const FRENCH = countryDatabase({ '203.0.113.0/24': 'FR' })
const GERMAN = countryDatabase({ '203.0.113.0/24': 'DE' })
const SYSTEMS = asnDatabase({ '203.0.113.0/24': 64500 })
const now = new Date()
const thisMonth = now.toISOString().slice(0, 7)
const lastMonth = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1)).toISOString().slice(0, 7)

function sha256 (bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function warnings (events: GuardEvent[]): string[] {
  return events.flatMap((event) => event.type === 'warning' ? `${event.code} ${event.message}` : [])
}

async function dbip (t: TestContext, month = thisMonth): Promise<Vendor> {
  return vendorServer(t, { [`/free/dbip-country-lite-${month}.mmdb.gz`]: gzipSync(FRENCH), [`/free/dbip-asn-lite-${month}.mmdb.gz`]: gzipSync(SYSTEMS) })
}

for (const month of [thisMonth, lastMonth]) {
  test(`DB-IP Lite, whose newest files are of ${month === thisMonth ? 'this month' : 'last month'}`, async (t: TestContext) => {
    const vendor = await dbip(t, month)
    const cacheDir = folder(t)
    const geo = { download: 'dbip-lite', mirror: vendor.url, cacheDir } as const
    const { app } = await build(t, { geo, country: { deny: ['FR'] } }, (app) => { app.get('/me', { config: { guard: { country: false } } }, async (request) => ({ ...request.guard })) })
    t.assert.strictEqual(await status(app), 403)
    const { country, asn, network } = (await app.inject({ url: '/me', remoteAddress: CLIENT })).json<Record<string, unknown>>()
    t.assert.deepStrictEqual([country, asn, network], ['FR', 64500, 'Network 64500'])
    t.assert.deepStrictEqual(readdirSync(cacheDir).sort(), ['geo-dbip-asn-lite.mmdb', 'geo-dbip-asn-lite.mmdb.json', 'geo-dbip-country-lite.mmdb', 'geo-dbip-country-lite.mmdb.json'])
    const asked = vendor.seen.length
    const again = await build(t, { geo, country: { deny: ['FR'] } })
    t.assert.strictEqual(await status(again.app), 403)
    t.assert.strictEqual(vendor.seen.length, asked, 'copies that are fresh ask nobody')
  })
}

test('DB-IP Lite of the next month is taken up without a restart', async (t: TestContext) => {
  const vendor = await dbip(t)
  const clock = { now: Date.now() }
  const geo = (await openGeo({ download: 'dbip-lite', mirror: vendor.url, cacheDir: folder(t) }, { log: { warn: () => {}, info: () => {} }, emit: () => {}, now: () => clock.now }))!
  t.after(() => geo.close())
  const client = { ip: CLIENT, key: CLIENT, hash: 0, address: parseAddress(CLIENT), viaProxy: false, loopback: false }
  t.assert.strictEqual(geo.place(client)?.country, 'FR')
  clock.now = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 2)
  vendor.pages.set(`/free/dbip-country-lite-${new Date(clock.now).toISOString().slice(0, 7)}.mmdb.gz`, gzipSync(GERMAN))
  t.assert.strictEqual(await geo.refresh(), true)
  t.assert.strictEqual(geo.place(client)?.country, 'DE')
})

test('MaxMind: account and key go to MaxMind alone, the archive has the digest that it says', async (t: TestContext) => {
  const storage = await vendorServer(t)
  const vendor = await vendorServer(t)
  for (const [edition, database] of [['GeoLite2-Country', countryDatabase({ '203.0.113.0/24': 'FR' }, { type: 'GeoLite2-Country' })], ['GeoLite2-ASN', SYSTEMS]] as const) {
    const archive = gzipSync(tar({ [`${edition}_20261117/COPYRIGHT.txt`]: 'text', [`${edition}_20261117/${edition}.mmdb`]: database }))
    storage.pages.set(`/${edition}?signature=1`, archive)
    vendor.pages.set(`/geoip/databases/${edition}/download?suffix=tar.gz`, (_request, response) => { response.writeHead(302, { location: `${storage.url}/${edition}?signature=1` }).end() })
    vendor.pages.set(`/geoip/databases/${edition}/download?suffix=tar.gz.sha256`, `${sha256(archive)}  ${edition}_20261117.tar.gz\n`)
  }
  const { app } = await build(t, { geo: { download: { maxmind: { account: 42, key: 'secret' } }, mirror: vendor.url, cacheDir: folder(t) }, country: { deny: ['FR'] }, asn: { deny: [1] } })
  t.assert.strictEqual(await status(app), 403)
  t.assert.strictEqual(vendor.seen[0]!.headers.authorization, `Basic ${Buffer.from('42:secret').toString('base64')}`)
  for (const { headers } of storage.seen) t.assert.strictEqual(headers.authorization, undefined)
  vendor.pages.set('/geoip/databases/GeoLite2-ASN/download?suffix=tar.gz.sha256', `${'0'.repeat(64)}  GeoLite2-ASN.tar.gz\n`)
  const error = await startError({ geo: { download: { maxmind: { account: 42, key: 'secret' } }, mirror: vendor.url, cacheDir: folder(t) } })
  t.assert.match(error.message, /GeoLite2-ASN\/download has the SHA-256 [0-9a-f]{64}, but its vendor says 0{64}/)
})

test('MaxMind with a key alone', async (t: TestContext) => {
  const pages = Object.fromEntries((['Country', 'ASN'] as const).flatMap((kind) => {
    const archive = gzipSync(tar({ [`a/GeoLite2-${kind}.mmdb`]: kind === 'ASN' ? SYSTEMS : FRENCH }))
    const url = `/app/geoip_download?edition_id=GeoLite2-${kind}&license_key=secret&suffix=tar.gz`
    return [[url, archive], [`${url}.sha256`, `${sha256(archive)}  file`]] as const
  }))
  const { app } = await build(t, { geo: { download: { maxmind: { key: 'secret' } }, mirror: (await vendorServer(t, pages)).url, cacheDir: folder(t) }, country: { deny: ['FR'] } })
  t.assert.strictEqual(await status(app), 403)
})

test('IPinfo Lite has both in one file; its token is in no message', async (t: TestContext) => {
  const both = writeMmdb({ '203.0.113.0/24': { country: 'France', country_code: 'FR', asn: 'AS64500', as_name: 'Example' } }, { type: 'ipinfo ipinfo_lite.mmdb' })
  const vendor = await vendorServer(t, { '/data/ipinfo_lite.mmdb?token=secret': both, '/data/ipinfo_lite.mmdb/checksums?token=secret': JSON.stringify({ checksums: { md5: 'a', sha1: 'b', sha256: sha256(both) } }) })
  const cacheDir = folder(t)
  const { app } = await build(t, { geo: { download: { ipinfo: 'secret' }, mirror: vendor.url, cacheDir }, country: { allow: ['FR'] }, asn: { deny: [64500] } })
  t.assert.strictEqual((await app.inject({ url: '/', remoteAddress: CLIENT })).json<{ code: string }>().code, 'GUARD_ASN_REFUSED')
  t.assert.ok(!readFileSync(join(cacheDir, 'geo-ipinfo-lite.mmdb.json'), 'utf8').includes('secret'))
  vendor.pages.set('/data/ipinfo_lite.mmdb?token=secret', (_request, response) => { response.writeHead(403).end() })
  const error = await startError({ geo: { download: { ipinfo: 'secret' }, mirror: vendor.url, cacheDir: folder(t) } })
  t.assert.match(error.message, /geo\.download failed and there is no copy.*answered 403: the token or key is not accepted; npx fastify-api-guard geo download/)
  t.assert.ok(!error.message.includes('secret'))
})

const refused: Array<[string, string | Buffer, RegExp]> = [
  ['HTML', '<html>sorry</html>', /damaged or no mmdb/],
  ['empty', '', /is empty/],
  ['cut', FRENCH.subarray(0, 200), /damaged or no mmdb/],
  ['of the wrong kind', SYSTEMS, /holds no countries/],
  ['half of a gzip file', gzipSync(FRENCH).subarray(0, 100), /no whole gzip file/]
]
for (const [name, page, fault] of refused) {
  test(`a file that is no good changes nothing but a warning: ${name}`, async (t: TestContext) => {
    const vendor = await vendorServer(t, { '/country.mmdb': FRENCH })
    const cacheDir = folder(t)
    const { app, events } = await build(t, { geo: { download: { url: `${vendor.url}/country.mmdb` }, cacheDir, refresh: 20 }, country: { deny: ['FR'] } })
    vendor.pages.set('/country.mmdb', page)
    await until(() => warnings(events).length > 0, 'a warning')
    t.assert.match(warnings(events)[0]!, /GUARD_GEO_BROKEN the last good geo database stays: .*country\.mmdb/)
    t.assert.match(warnings(events)[0]!, fault)
    t.assert.match(Object.values(app.guard.stats().geo)[0]!.fault!, fault)
    t.assert.strictEqual(await status(app), 403)
    t.assert.deepStrictEqual(readFileSync(join(cacheDir, 'geo-country.mmdb')), FRENCH)
    t.assert.strictEqual(warnings(events).length, 1)
  })
}

test('a newer file is taken up while it serves, and not sent again if it is the same', async (t: TestContext) => {
  const vendor = await vendorServer(t, { '/country.mmdb': FRENCH, '/asn.mmdb': SYSTEMS })
  const { app } = await build(t, { geo: { download: { url: `${vendor.url}/country.mmdb`, asn: `${vendor.url}/asn.mmdb` }, cacheDir: folder(t), refresh: 20 }, country: { deny: ['DE'] } })
  t.assert.strictEqual(await status(app), 200)
  await until(() => vendor.seen.some(({ status }) => status === 304), 'it is asked again')
  vendor.pages.set('/country.mmdb', GERMAN)
  for (let i = 0; i < 1500 && await status(app) !== 403; i++) await new Promise((resolve) => { setTimeout(resolve, 10) })
  t.assert.strictEqual(await status(app), 403)
  t.assert.deepStrictEqual([...new Set(vendor.seen.map(({ path, status }) => `${path} ${status}`))].sort(), ['/asn.mmdb 200', '/asn.mmdb 304', '/country.mmdb 200', '/country.mmdb 304'])
})

test('a file that was put there by hand counts at once, also while the vendor cannot be had', async (t: TestContext) => {
  const vendor = await vendorServer(t, { '/country.mmdb': FRENCH })
  const cacheDir = folder(t)
  const { app } = await build(t, { geo: { download: { url: `${vendor.url}/country.mmdb` }, cacheDir, refresh: 20 }, country: { deny: ['FR'] } })
  t.assert.strictEqual(await status(app), 403)
  vendor.pages.clear()
  await until(() => vendor.seen.some(({ status }) => status === 404), 'the vendor is gone')
  const path = join(cacheDir, 'geo-country.mmdb')
  writeFileSync(`${path}.new`, GERMAN)
  renameSync(`${path}.new`, path)
  for (let i = 0; i < 300 && await status(app) !== 200; i++) await new Promise((resolve) => { setTimeout(resolve, 10) })
  t.assert.strictEqual(await status(app), 200)
})

test('a folder that cannot be written is no fault of a file that is the newest', async (t: TestContext) => {
  const vendor = await vendorServer(t, { '/country.mmdb': FRENCH })
  const disk = copies(folder(t))
  const file = { kind: 'country', name: 'geo-country.mmdb', urls: () => [`${vendor.url}/country.mmdb`] } as const
  const found = await fetchDatabase(file, { copies: disk, timeout: 5000, now: Date.now })
  t.assert.ok(found !== undefined && found.unwritten === undefined)
  const image = { ...disk, confirm: async () => { throw new Error('EROFS: read-only file system') } }
  t.assert.strictEqual(await fetchDatabase(file, { copies: image, timeout: 5000, now: Date.now }), undefined)
  t.assert.strictEqual(vendor.seen.at(-1)?.status, 304)
})

test('a start waits for all that a vendor has to say together, not for each: Fastify waits 10 s', async (t: TestContext) => {
  const own = AbortSignal.timeout.bind(AbortSignal)
  t.mock.method(AbortSignal, 'timeout', (ms: number) => own(ms / 20))
  const vendor = await vendorServer(t)
  const slow = (body?: Buffer): Page => (_request, response) => { setTimeout(() => response.writeHead(body === undefined ? 404 : 200).end(body), 300) }
  for (const [kind, file] of [['country', FRENCH], ['asn', SYSTEMS]] as const) {
    vendor.pages.set(`/free/dbip-${kind}-lite-${thisMonth}.mmdb.gz`, slow())
    vendor.pages.set(`/free/dbip-${kind}-lite-${lastMonth}.mmdb.gz`, slow(file))
  }
  const error = await startError({ geo: { download: 'dbip-lite', mirror: vendor.url, cacheDir: folder(t) } })
  t.assert.match(error.message, /geo\.download failed.*gave no whole answer within 8 s/)
})

test('a start with a copy does not need the vendor; a broken copy is downloaded anew', async (t: TestContext) => {
  const vendor = await vendorServer(t, { '/country.mmdb': FRENCH })
  const cacheDir = folder(t)
  const geo = { download: { url: `${vendor.url}/country.mmdb` } satisfies GeoDownload, cacheDir }
  await build(t, { geo, country: { deny: ['FR'] } })
  const path = join(cacheDir, 'geo-country.mmdb')
  writeFileSync(path, FRENCH.subarray(0, 100))
  const mended = await build(t, { geo, country: { deny: ['FR'] } })
  t.assert.match(warnings(mended.events)[0]!, /geo-country\.mmdb is damaged or no mmdb file.*downloaded anew/)
  t.assert.deepStrictEqual(readFileSync(path), FRENCH)
  vendor.pages.clear()
  rmSync(`${path}.json`)
  const { app } = await build(t, { geo, country: { deny: ['FR'] } })
  t.assert.strictEqual(await status(app), 403)
})

test('processes that share a folder get one whole file', async (t: TestContext) => {
  const vendor = await vendorServer(t, { '/country.mmdb': FRENCH })
  const cacheDir = folder(t)
  const all = await Promise.all(Array.from({ length: 6 }, async () => build(t, { geo: { download: { url: `${vendor.url}/country.mmdb` }, cacheDir }, country: { deny: ['FR'] } })))
  for (const { app } of all) t.assert.strictEqual(await status(app), 403)
  t.assert.deepStrictEqual(readdirSync(cacheDir).sort(), ['geo-country.mmdb', 'geo-country.mmdb.json'])
})

test('a database older than 90 days is warned about, and its age is shown', async (t: TestContext) => {
  const path = join(folder(t), 'old.mmdb')
  const built = Math.floor(Date.now() / 1000) - 91 * 86_400
  writeFileSync(path, countryDatabase({ '203.0.113.0/24': 'FR' }, { built }))
  const { app, events } = await build(t, { geo: { database: path }, country: { deny: ['FR'] } })
  t.assert.match(warnings(events).join(), /GUARD_GEO_OLD geo database .*old\.mmdb \(DBIP-Country-Lite\) is 91 days old; npx fastify-api-guard geo download/)
  await app.ready()
  const stats = app.guard.stats().geo[path]!
  t.assert.strictEqual(stats.built, built * 1000)
  t.assert.ok(stats.age > 90 * 86_400_000)
  writeFileSync(path, countryDatabase({ '203.0.113.0/24': 'FR' }, { built: built + 2 * 86_400 }))
  t.assert.deepStrictEqual(warnings((await build(t, { geo: { database: path } })).events), [])
})

test('no request asks a vendor', async (t: TestContext) => {
  const vendor = await vendorServer(t, { '/country.mmdb': FRENCH })
  const { app } = await build(t, { geo: { download: { url: `${vendor.url}/country.mmdb` }, cacheDir: folder(t) }, country: { deny: ['FR'] } })
  await app.ready()
  const fetched = mock.method(globalThis, 'fetch')
  t.after(() => { fetched.mock.restore() })
  for (let i = 0; i < 50; i++) await status(app, { ip: `203.0.${i}.1` })
  t.assert.strictEqual(fetched.mock.callCount(), 0)
})
