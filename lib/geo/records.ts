import { isObject } from '../options/shape.ts'
import type { Place } from '../../types/index.ts'

/**
 * Reads a record of any of the usual layouts: MaxMind and DB-IP (`country.iso_code`, `autonomous_system_number`),
 * IPinfo (`country`, `asn: 'AS15169'`, in Lite `country_code` beside the country's name), ip-location-db (`country_code`).
 */
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
  const found = typeof value === 'string' && value !== '' ? Number(value.replace(/^AS/i, '')) : value
  return typeof found === 'number' && Number.isInteger(found) ? found : undefined
}
