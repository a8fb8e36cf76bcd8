import { readFile } from 'node:fs/promises'
import { Reader, type Response } from 'maxmind'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import { isObject } from '../options/shape.ts'
import type { Place } from '../../types/index.ts'

/** Addresses that any real database has an opinion on; a file that throws for one is broken. */
const PROBES = ['1.1.1.1', '8.8.8.8', '81.2.69.142', '2001:4860:4860::8888', '0.0.0.1', '255.255.255.254']

/**
 * Opens an mmdb file of MaxMind, IPinfo or DB-IP layout.
 *
 * @param kind what it has to hold
 * @throws {GUARD_OPTION_INVALID} that names the file, its fault and the remedy
 */
export async function openDatabase (path: string, kind: 'country' | 'asn'): Promise<(ip: string) => Place | undefined> {
  const fail = (fault: string): never => {
    throw new GUARD_OPTION_INVALID(`guard: geo database ${path} ${fault}; a ${kind} database in mmdb format is needed (MaxMind GeoLite2, IPinfo or DB-IP Lite)`)
  }
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => fail(error.code === 'ENOENT' ? 'does not exist' : `cannot be read (${error.code})`))
  if (bytes.length === 0) fail('is empty')
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) fail('is compressed with gzip: unpack it first')
  const reader = open(bytes, fail)
  const type = reader.metadata.databaseType
  if (kind === 'country' && /asn|isp/i.test(type) && !/country|city/i.test(type)) fail(`holds no countries (its type is ${type})`)
  if (kind === 'asn' && /city|country/i.test(type) && !/asn/i.test(type)) fail(`holds no autonomous systems (its type is ${type})`)
  return (ip) => {
    try {
      return placeOf(reader.get(ip))
    } catch {
      // A damaged record in an otherwise sound file: the address is unknown, the request goes on.
      return undefined
    }
  }
}

function open (bytes: Buffer, fail: (fault: string) => never): Reader<Response> {
  try {
    const reader = new Reader<Response>(bytes)
    for (const ip of PROBES) reader.get(ip)
    return reader
  } catch (error) {
    return fail(`is damaged or no mmdb file (${error instanceof Error ? error.message : String(error)})`)
  }
}

/** Reads a record of any of the usual layouts. */
export function placeOf (record: unknown): Place | undefined {
  if (!isObject(record)) return undefined
  const country = code(record['country']) ?? code(record['country_code']) ?? code(record['registered_country'])
  const continent = code(record['continent']) ?? code(record['continent_code'])
  const asn = number(record['autonomous_system_number'] ?? record['asn'])
  const network = record['autonomous_system_organization'] ?? record['as_name'] ?? record['as_organization'] ?? record['name']
  return {
    ...(country !== undefined && { country }),
    ...(continent !== undefined && { continent }),
    ...(asn !== undefined && { asn }),
    ...(typeof network === 'string' && { network })
  }
}

function code (value: unknown): string | undefined {
  const text = isObject(value) ? value['iso_code'] ?? value['code'] : value
  return typeof text === 'string' && /^[A-Za-z]{2}$/.test(text) ? text.toUpperCase() : undefined
}

function number (value: unknown): number | undefined {
  const found = typeof value === 'string' ? Number(value.replace(/^AS/i, '')) : value
  return typeof found === 'number' && Number.isInteger(found) ? found : undefined
}
