import { readFile } from 'node:fs/promises'
import { Reader, type Response } from 'maxmind'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import { parseAddress, type Address } from '../net/address.ts'
import type { Place } from '../../types/index.ts'
import { placeOf } from './records.ts'
import { sampleAddresses, treeSearch, type Tree } from './tree.ts'

export type DatabaseKind = 'country' | 'asn'

/** An mmdb file that was opened. */
export interface Database {
  lookup: (address: Address) => Place | undefined
  /** `GeoLite2-Country`, `DBIP-ASN-Lite`, `ipinfo ipinfo_lite.mmdb`. */
  type: string
  /** Milliseconds since the epoch. */
  built: number
  /** What its records hold. */
  has: Readonly<Record<DatabaseKind, boolean>>
}

/** Addresses that any real database has an opinion on; a file that throws for one is broken. */
const PROBES = ['1.1.1.1', '8.8.8.8', '81.2.69.142', '2001:4860:4860::8888', '0.0.0.1', '255.255.255.254']
const SAMPLE = 200
/** Places that are remembered; a country database has some hundreds, one of networks 100,000. */
const REMEMBERED = 32_768

/**
 * Opens an mmdb file of MaxMind, DB-IP, IPinfo or ip-location-db layout.
 *
 * @param kind what it has to hold
 * @throws {GUARD_OPTION_INVALID} that names the file, its fault and the remedy
 */
export async function openDatabase (path: string, kind: DatabaseKind): Promise<Database> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => fail(path, kind, error.code === 'ENOENT' ? 'does not exist' : `cannot be read (${error.code})`))
  return databaseOf(bytes, path, kind)
}

/** @throws {GUARD_OPTION_INVALID} if a file lacks what the one before it had: rules that need that would judge nobody */
export function holdsAsMuch (next: Database, before: Database | undefined, name: string): Database {
  for (const kind of ['country', 'asn'] as const) if (before?.has[kind] === true && !next.has[kind]) lacks(name, kind, next.type)
  return next
}

/** The same for a file that is in memory; `name` stands in errors. */
export function databaseOf (bytes: Buffer, name: string, kind: DatabaseKind): Database {
  if (bytes.length === 0) fail(name, kind, 'is empty')
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) fail(name, kind, 'is compressed with gzip: unpack it first')
  if (bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3) fail(name, kind, 'is a zip archive: unpack it first')
  if (bytes.toString('latin1', 257, 262) === 'ustar') fail(name, kind, 'is a tar archive: unpack it first')
  const { reader, tree, records } = open(bytes, name, kind)
  const type = String(reader.metadata.databaseType)
  const has = kindsOf(records, type)
  if (!has[kind]) lacks(name, kind, type)
  return { type, built: reader.metadata.buildEpoch.getTime(), has, lookup: lookupIn(reader, tree) }
}

/** Many addresses share a record, so it is decoded once. */
function lookupIn (reader: Reader<Response>, tree: Tree): Database['lookup'] {
  const search = treeSearch(tree)
  const places = new Map<number, Place | undefined>()
  return (address) => {
    const record = search(address)
    if (record === 0) return undefined
    const known = places.get(record)
    if (known !== undefined || places.has(record)) return known
    if (places.size >= REMEMBERED) places.clear()
    const place = decoded(reader, address)
    places.set(record, place)
    return place
  }
}

/** A damaged record in an otherwise sound file: the address is unknown, the request goes on. */
function decoded (reader: Reader<Response>, { text }: Address): Place | undefined {
  try {
    return Object.freeze(placeOf(reader.get(text)))
  } catch {
    return undefined
  }
}

function lacks (name: string, kind: DatabaseKind, type: string): never {
  fail(name, kind, `holds no ${kind === 'country' ? 'countries' : 'autonomous systems'} (its type is ${type})`)
}

function fail (name: string, kind: DatabaseKind, fault: string): never {
  throw new GUARD_OPTION_INVALID(`guard: geo database ${name} ${fault}; ${kind === 'asn' ? 'an ASN' : 'a country'} database in mmdb format is needed (MaxMind GeoLite2, IPinfo or DB-IP Lite): npx fastify-api-guard geo download gets one`)
}

function open (bytes: Buffer, name: string, kind: DatabaseKind): { reader: Reader<Response>, tree: Tree, records: unknown[] } {
  try {
    const reader = new Reader<Response>(bytes)
    const { nodeCount, recordSize, ipVersion, searchTreeSize, buildEpoch } = reader.metadata
    if (![4, 6].includes(ipVersion) || !(nodeCount > 0) || searchTreeSize + 16 > bytes.length || Number.isNaN(buildEpoch.getTime())) throw new Error('its metadata make no sense')
    for (const ip of PROBES) reader.get(ip)
    const tree = { bytes, nodeCount, recordSize, ipVersion }
    const find = treeSearch(tree)
    const records = sampleAddresses(tree, SAMPLE).map((ip) => find(parseAddress(ip)!) === 0 ? null : reader.get(ip))
    return { reader, tree, records }
  } catch (error) {
    return fail(name, kind, `is damaged or no mmdb file (${error instanceof Error ? error.message : String(error)})`)
  }
}

/** The records tell; a file without any is what its type says. */
function kindsOf (records: readonly unknown[], type: string): Record<DatabaseKind, boolean> {
  const places = records.flatMap((record) => placeOf(record) ?? [])
  if (places.length === 0) return { country: /country|city|location/i.test(type), asn: /asn|isp/i.test(type) }
  return { country: places.some(({ country }) => country !== undefined), asn: places.some(({ asn }) => asn !== undefined) }
}
