// Writes examples/demo.mmdb: the documentation networks (RFC 5737, RFC 3849), placed in countries and networks.
//
//   node --import tsx scripts/demo-database.ts
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeMmdb, type Value } from '../test/geo/write-mmdb.ts'

/** 64496 to 64511 are systems for documentation (RFC 5398); 24940 is Hetzner's, so that a cloud rule can be tried. */
const PLACES: Record<string, [country: string, continent: string, asn: number, network: string]> = {
  '192.0.2.0/24': ['ZA', 'AF', 64496, 'Example Cape'],
  '198.51.100.0/25': ['DE', 'EU', 64497, 'Example Berlin'],
  '198.51.100.128/25': ['AQ', 'AN', 64498, 'Example South Pole'],
  '203.0.113.0/25': ['NL', 'EU', 64499, 'Example Amsterdam'],
  '203.0.113.128/26': ['US', 'NA', 64500, 'Example Scrapers'],
  '203.0.113.192/26': ['DE', 'EU', 24940, 'Hetzner Online GmbH'],
  '2001:db8::/33': ['SE', 'EU', 64501, 'Example Stockholm'],
  '2001:db8:8000::/33': ['AQ', 'AN', 64498, 'Example South Pole']
}

/** Dated ahead, so that nobody is told that it is old. */
const BUILT = Date.UTC(2038, 0, 1) / 1000

export function demoDatabase (): Buffer {
  const records = Object.entries(PLACES).map(([cidr, [country, continent, asn, network]]): [string, Value] => [cidr, {
    continent: { code: continent }, country: { iso_code: country }, autonomous_system_number: asn, autonomous_system_organization: network
  }])
  return writeMmdb(Object.fromEntries(records), { type: 'fastify-api-guard-demo', built: BUILT })
}

if (process.argv[1] === import.meta.filename) writeFileSync(join(import.meta.dirname, '../examples/demo.mmdb'), demoDatabase())
