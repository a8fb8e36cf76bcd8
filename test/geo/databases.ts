import { writeMmdb, type MmdbOptions, type Value } from './write-mmdb.ts'

/** A country database of MaxMind's layout; which country, tests can tell apart. */
export function countryDatabase (countries: Record<string, string>, options: Partial<MmdbOptions> = {}): Buffer {
  const records = Object.entries(countries).map(([cidr, code]): [string, Value] => [cidr, { continent: { code: 'EU', names: { en: 'Europe' } }, country: { iso_code: code, names: { en: code } } }])
  return writeMmdb(Object.fromEntries(records), { type: 'DBIP-Country-Lite', ...options })
}

export function asnDatabase (systems: Record<string, number>, options: Partial<MmdbOptions> = {}): Buffer {
  const records = Object.entries(systems).map(([cidr, asn]): [string, Value] => [cidr, { autonomous_system_number: asn, autonomous_system_organization: `Network ${asn}` }])
  return writeMmdb(Object.fromEntries(records), { type: 'DBIP-ASN-Lite (compat=GeoLite2-ASN)', ...options })
}
