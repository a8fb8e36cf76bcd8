import { isSafe } from '../download/fetch.ts'
import { also, duration, either, int, is, object, oneOf, someText, text, type Report } from '../options/shape.ts'

/** May have members beyond the protocol. */
const geoHandler = is('an object with a lookup(ip) function', (value) => typeof (value as { lookup?: unknown } | null)?.lookup === 'function', undefined)

/** Where files may come from. */
export const safeUrl = is('an https URL without a user name (http only on loopback)', (value) => typeof value === 'string' && URL.canParse(value) && isSafe(new URL(value)), someText)

const from = also(object({ ipinfo: text, maxmind: object({ account: either(text, int(1)), key: text }, 'key'), url: safeUrl, asn: safeUrl }), (value: Record<string, unknown>, path: string, report: Report) => {
  const named = ['ipinfo', 'maxmind', 'url'].filter((name) => value[name] !== undefined)
  if (named.length !== 1) report(path, "must be 'dbip-lite' or have one of the members ipinfo, maxmind, url")
  if (value['asn'] !== undefined && value['url'] === undefined) report(`${path}.asn`, 'goes with url')
})

export const geoShape = also(
  object({ database: text, asn: text, download: either(oneOf('dbip-lite'), from), refresh: duration, cacheDir: text, mirror: safeUrl, handler: geoHandler }),
  (value: Record<string, unknown>, path: string, report: Report) => {
    const ways = ['handler', 'download', 'database'].filter((name) => value[name] !== undefined)
    if (ways.length > 1) report(`${path}.${ways[1]!}`, `cannot go with ${ways[0]!}: one of them says where places come from`)
    else if (ways.length === 0 && value['asn'] === undefined) report(path, 'needs one of the members database, asn, download, handler')
    if (value['asn'] !== undefined && (value['handler'] ?? value['download']) !== undefined) report(`${path}.asn`, 'goes with database, or alone')
  })
