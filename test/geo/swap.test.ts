import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openGeo, type Geo } from '../../lib/geo/geo.ts'
import { parseAddress } from '../../lib/net/address.ts'
import type { Client } from '../../lib/net/client.ts'
import type { GeoOptions } from '../../types/index.ts'
import { folder, until } from '../download/server.ts'
import { build, CLIENT, status } from '../helpers.ts'
import { countryDatabase } from './databases.ts'
import { writeMmdb } from './write-mmdb.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function clientOf (ip: string): Client {
  return { ip, key: ip, hash: 0, address: parseAddress(ip), viaProxy: false, loopback: false }
}

async function open (t: TestContext, options: GeoOptions): Promise<{ geo: Geo, told: string[] }> {
  const told: string[] = []
  const geo = (await openGeo(options, { log: { warn: (_fields, message) => { told.push(message) }, info: () => {} }, emit: () => {}, now: Date.now }))!
  t.after(() => geo.close())
  return { geo, told }
}

/** Replaces a file as a vendor's tool does. */
function put (path: string, bytes: Buffer): void {
  writeFileSync(`${path}.new`, bytes)
  renameSync(`${path}.new`, path)
}

test('100 swaps under load: no error, new answers at once, memory flat', async (t: TestContext) => {
  const path = join(folder(t), 'country.mmdb')
  const networks = (code: string): Record<string, string> => Object.fromEntries(Array.from({ length: 16_384 }, (_, i) => [`81.${i >> 8}.${i & 255}.0/24`, code]))
  const databases = ['DE', 'FR'].map((code) => countryDatabase(networks(code)))
  put(path, databases[0]!)
  const { geo, told } = await open(t, { database: path })
  const clients = Array.from({ length: 2000 }, (_, i) => clientOf(`81.2.${i % 256}.${i >> 8}`))
  let lookups = 0
  let strange = 0
  const load = { on: true }
  const loading = (async () => {
    while (load.on) {
      for (const client of clients) {
        const country = geo.place(client)?.country
        lookups++
        if (country !== 'DE' && country !== 'FR') strange++
      }
      await turn()
    }
  })()
  const heap: number[] = []
  for (let i = 1; i <= 100; i++) {
    put(path, databases[i % 2]!)
    t.assert.strictEqual(await geo.refresh(), true)
    const expected = i % 2 === 0 ? 'DE' : 'FR'
    for (const client of clients.slice(0, 256)) t.assert.strictEqual(geo.place(client)?.country, expected)
    if (i === 20 || i === 100) {
      collect()
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      heap.push(heapUsed + arrayBuffers)
    }
  }
  load.on = false
  await loading
  t.assert.strictEqual(strange, 0)
  t.assert.ok(lookups > 100_000, `${lookups} look-ups`)
  t.assert.deepStrictEqual(told, [])
  // 80 databases that stay would be 8 MB of files alone.
  t.assert.ok(heap[1]! - heap[0]! < 2 * 1024 * 1024, `grew by ${heap[1]! - heap[0]!} bytes`)
})

test('swaps while requests are served: each is answered by the old file or the new one', async (t: TestContext) => {
  const path = join(folder(t), 'country.mmdb')
  const databases = ['DE', 'FR'].map((code) => countryDatabase({ '203.0.113.0/24': code }))
  put(path, databases[0]!)
  const { app, events } = await build(t, { geo: { database: path, refresh: 5 }, country: { deny: ['FR'] } })
  const found = new Map<number, number>()
  for (let i = 1; i <= 31; i++) {
    put(path, databases[i % 2]!)
    const wanted = i % 2 === 0 ? 200 : 403
    for (let tries = 0, last = 0; last !== wanted && tries < 5000; tries++) {
      last = await status(app)
      found.set(last, (found.get(last) ?? 0) + 1)
      await turn()
    }
  }
  t.assert.deepStrictEqual([...found.keys()].sort(), [200, 403])
  t.assert.strictEqual(await status(app), 403)
  t.assert.deepStrictEqual(events.filter((event) => event.type === 'warning' && event.code.startsWith('GUARD_GEO')), [])
})

test('the swap to a file that is broken, of the wrong kind, or gone changes nothing but a warning', async (t: TestContext) => {
  const path = join(folder(t), 'country.mmdb')
  put(path, countryDatabase({ '81.2.69.0/24': 'DE' }))
  const { geo, told } = await open(t, { database: path })
  const client = clientOf('81.2.69.1')
  put(path, Buffer.from('<html>'))
  t.assert.strictEqual(await geo.refresh(), false)
  t.assert.strictEqual(await geo.refresh(), true, 'a broken file is looked at once')
  t.assert.match(Object.values(geo.stats())[0]!.fault!, /is damaged/)
  t.assert.strictEqual(geo.place(client)?.country, 'DE')
  t.assert.match(told[0]!, /the last good geo database stays: .*country\.mmdb is damaged or no mmdb file.*npx fastify-api-guard geo download/)
  rmSync(path)
  t.assert.strictEqual(await geo.refresh(), true)
  t.assert.strictEqual(geo.place(client)?.country, 'DE')
  put(path, countryDatabase({ '81.2.69.0/24': 'FR' }))
  t.assert.strictEqual(await geo.refresh(), true)
  t.assert.strictEqual(geo.place(client)?.country, 'FR')
  t.assert.strictEqual(told.length, 1)
  t.assert.strictEqual(Object.values(geo.stats())[0]!.fault, undefined)
})

test('a file that lacks what the one before it had is not taken up: rules for it would judge nobody', async (t: TestContext) => {
  const path = join(folder(t), 'both.mmdb')
  put(path, writeMmdb({ '203.0.113.0/24': { country: 'France', country_code: 'FR', asn: 'AS64500' } }, { type: 'ipinfo ipinfo_lite.mmdb' }))
  const { app, events } = await build(t, { geo: { database: path, refresh: 5 }, asn: { deny: [64500] } })
  t.assert.strictEqual(await status(app), 403)
  put(path, countryDatabase({ '203.0.113.0/24': 'FR' }))
  const told = (): string[] => events.flatMap((event) => event.type === 'warning' ? event.message : [])
  await until(() => told().length > 0, 'a warning')
  t.assert.match(told()[0]!, /the last good geo database stays: .*both\.mmdb holds no autonomous systems/)
  t.assert.strictEqual(await status(app), 403)
})

test('a handler\'s countries count in any case', async (t: TestContext) => {
  const { app } = await build(t, { geo: { handler: { lookup: () => ({ country: 'fr', network: 'Example' }) } }, country: { deny: ['FR'] } }, (app) => { app.get('/me', { config: { guard: { country: false } } }, async (request) => [request.guard.country, request.guard.network]) })
  t.assert.strictEqual(await status(app), 403)
  t.assert.deepStrictEqual((await app.inject({ url: '/me', remoteAddress: CLIENT })).json(), ['FR', 'Example'])
})

test('private and reserved addresses never reach a handler; others once', async (t: TestContext) => {
  const asked: string[] = []
  const { geo } = await open(t, { handler: { lookup: (ip) => { asked.push(ip); return { country: 'DE' } } } })
  const special = ['10.0.0.1', '172.16.0.1', '192.168.1.1', '127.0.0.1', '169.254.1.1', '100.64.0.1', '224.0.0.1', '255.255.255.255', '0.0.0.0', '::1', '::', 'fe80::1', 'fc00::1', 'ff02::1', '::ffff:10.0.0.1']
  for (const ip of special) t.assert.strictEqual(geo.place(clientOf(ip)), undefined, ip)
  t.assert.deepStrictEqual(asked, [])
  const client = clientOf('203.0.113.1')
  for (let i = 0; i < 3; i++) t.assert.strictEqual(geo.place(client)?.country, 'DE')
  t.assert.deepStrictEqual(asked, ['203.0.113.1'])
})
