import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { run } from '../cli/run.ts'
import { build, status } from '../helpers.ts'
import { folder, vendorServer } from '../download/server.ts'
import { asnDatabase, countryDatabase } from './databases.ts'

const FRENCH = countryDatabase({ '203.0.113.0/24': 'FR' })
const SYSTEMS = asnDatabase({ '203.0.113.0/24': 64500 })

test('geo download: the files, the line that uses them, the attribution; then nothing new', async (t: TestContext) => {
  const month = new Date().toISOString().slice(0, 7)
  const vendor = await vendorServer(t, { [`/free/dbip-country-lite-${month}.mmdb.gz`]: gzipSync(FRENCH), [`/free/dbip-asn-lite-${month}.mmdb.gz`]: gzipSync(SYSTEMS) })
  const dir = folder(t)
  const first = await run(['geo', 'download', '--mirror', vendor.url, '--dir', dir])
  t.assert.strictEqual(first.code, 0, first.err)
  t.assert.match(first.out, /geo-dbip-country-lite\.mmdb {2}DBIP-Country-Lite, of \d{4}-\d\d-\d\d\n/)
  t.assert.match(first.out, /Use them with geo: \{ download: 'dbip-lite', cacheDir: '/)
  t.assert.match(first.out, /IP Geolocation by DB-IP \(https:\/\/db-ip\.com\), CC BY 4\.0/)
  const second = await run(['geo', 'download', '--mirror', vendor.url, '--dir', dir, '--json'])
  const { files } = JSON.parse(second.out) as { files: Array<{ path: string, changed: boolean }> }
  t.assert.deepStrictEqual(files.map(({ changed }) => changed), [false, false])
  t.assert.deepStrictEqual(vendor.seen.map(({ status }) => status), [200, 200, 304, 304])
  const { app } = await build(t, { geo: { download: 'dbip-lite', cacheDir: dir, mirror: 'http://127.0.0.1:1' }, country: { deny: ['FR'] } })
  t.assert.strictEqual(await status(app), 403)
})

test('geo download --url', async (t: TestContext) => {
  const vendor = await vendorServer(t, { '/a': FRENCH, '/b': SYSTEMS })
  const dir = join(folder(t), 'new')
  t.assert.strictEqual((await run(['geo', 'download', '--url', `${vendor.url}/a`, '--asn-url', `${vendor.url}/b`, '--dir', dir])).code, 0)
  t.assert.deepStrictEqual(readdirSync(dir).sort(), ['geo-asn.mmdb', 'geo-asn.mmdb.json', 'geo-country.mmdb', 'geo-country.mmdb.json'])
})

test('geo: wrong use, and what cannot be had, is exit code 2 and a line', async (t: TestContext) => {
  const vendor = await vendorServer(t, { '/asn': SYSTEMS, '/data/ipinfo_lite.mmdb?token=secret': (_request, response) => { response.writeHead(401).end() } })
  const dir = ['--dir', folder(t)]
  for (const [args, message] of [
    [['geo'], /geo has one command/],
    [['geo', 'get'], /geo has one command/],
    [['geo', 'download', '--ipinfo', 'a', '--maxmind', 'b'], /--ipinfo and --maxmind exclude each other/],
    [['geo', 'download', '--asn-url', 'https://example.com/'], /--asn-url goes with --url/],
    [['geo', 'download', '--ipinfo', '-'], /IPINFO_TOKEN/],
    [['geo', 'download', '--maxmnid', 'b'], /--maxmnid is unknown, did you mean --maxmind\?/],
    [['geo', 'download', '--url', 'http://example.com/', ...dir], /must be an https URL/],
    [['geo', 'download', '--url', `${vendor.url}/asn`, ...dir], /holds no countries/],
    [['geo', 'download', '--url', `${vendor.url}/none`, ...dir], /answered 404/],
    [['geo', 'download', '--ipinfo', 'secret', '--mirror', vendor.url, ...dir], /answered 401: the token or key is not accepted/]
  ] as const) {
    const { code, out, err } = await run([...args])
    t.assert.deepStrictEqual([code, out], [2, ''], args.join(' '))
    t.assert.match(err, message)
    t.assert.ok(!err.includes('secret'))
  }
  t.assert.match((await run(['geo', '--help'])).out, /fastify-api-guard geo download/)
})
