import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openGeo } from '../lib/geo/geo.ts'
import { parseAddress, text4 } from '../lib/net/address.ts'
import type { Client } from '../lib/net/client.ts'
import { writeMmdb, type Value } from '../test/geo/write-mmdb.ts'

/** What a country look-up costs: of an address that was never seen, and of one that was. */
export const columns = ['uncached, us', 'cached, us']

const NETWORKS = 100_000
const CLIENTS = 8192
const ROUNDS = 101
const NAMES = { de: 'Land', en: 'Country', es: 'Pais', fr: 'Pays', ja: 'Kuni', 'pt-BR': 'Pais', ru: 'Strana', 'zh-CN': 'Guo' }
const COUNTRIES = ['DE', 'FR', 'GB', 'US', 'JP', 'BR', 'IN', 'CN', 'ZA', 'AU']

/** Numbers without a pattern that are the same in each run. */
function generator (seed: number): () => number {
  return () => {
    seed = Math.imul(seed ^ seed >>> 15, 0x2c1b3c6d) + 0x9e3779b9 | 0
    return (seed ^ seed >>> 13) >>> 0
  }
}

function clientOf (ip: string): Client {
  return { ip, key: ip, hash: 0, address: parseAddress(ip), viaProxy: false, loopback: false }
}

export async function bench (): Promise<Record<string, number[]>> {
  const folder = mkdtempSync(join(tmpdir(), 'guard-'))
  const next = generator(7)
  // Public space only: private addresses are not asked about.
  const address = (): number => (next() % 0x60000000 + 0x10000000) >>> 0
  const networks: Record<string, Value> = {}
  for (let i = 0; i < NETWORKS; i++) {
    const code = COUNTRIES[i % COUNTRIES.length]!
    networks[`${text4((address() & 0xffffff00) >>> 0)}/24`] = { continent: { code: 'EU', geoname_id: 6255148, names: NAMES }, country: { iso_code: code, geoname_id: 2921044, names: NAMES }, registered_country: { iso_code: code, geoname_id: 2921044, names: NAMES } }
  }
  const path = join(folder, 'country.mmdb')
  writeFileSync(path, writeMmdb(networks, { type: 'GeoLite2-Country', recordSize: 24 }))
  const geo = (await openGeo({ database: path }, { log: { warn () {}, info () {} }, emit () {}, now: Date.now }))!
  const known = Object.keys(networks).map((cidr) => cidr.replace('.0/24', '.7'))
  const rows = { 'in the database': measure(geo.place, () => known[next() % known.length]!), anywhere: measure(geo.place, () => text4(address())) }
  await geo.close()
  rmSync(folder, { recursive: true })
  return rows
}

/** Rounds of as many clients as a server remembers in a generation; the median of the rounds. */
function measure (place: (client: Client) => unknown, ip: () => string): number[] {
  const uncached: number[] = []
  const cached: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const clients = Array.from({ length: CLIENTS }, () => clientOf(ip()))
    uncached.push(time(() => { for (const client of clients) place(client) }) / CLIENTS)
    cached.push(time(() => { for (const client of clients) place(client) }) / CLIENTS)
  }
  return [uncached, cached].map((times) => times.sort((a, b) => a - b)[ROUNDS >> 1]!)
}

/** Microseconds of CPU time: others use the machine too. */
function time (run: () => void): number {
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return user + system
}
