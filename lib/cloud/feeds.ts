import { isObject } from '../options/shape.ts'

/** A network of a provider, and by what it can be selected: region, service, place; in lower case. */
export interface FeedEntry { cidr: string, tags: readonly string[] }

/** Reads a provider's feed. @throws {Error} that says what is wrong with it */
export type ReadFeed = (text: string) => FeedEntry[]

/** AWS `ip-ranges.json`: one entry for each service that uses a network. */
export const aws: ReadFeed = (text) => {
  const feed = objectOf(text)
  return [
    ...objects(feed, 'prefixes').map((entry) => ({ cidr: textAt(entry, 'ip_prefix'), tags: tags(entry['region'], entry['service']) })),
    ...objects(feed, 'ipv6_prefixes').map((entry) => ({ cidr: textAt(entry, 'ipv6_prefix'), tags: tags(entry['region'], entry['service']) }))
  ]
}

/** Google `cloud.json`, and `goog.json`, which has neither regions nor services. */
export const google: ReadFeed = (text) => objects(objectOf(text), 'prefixes')
  .map((entry) => ({ cidr: textAt(entry, entry['ipv4Prefix'] === undefined ? 'ipv6Prefix' : 'ipv4Prefix'), tags: tags(entry['scope'], entry['service']) }))

/** Azure `ServiceTags_Public_*.json`: networks by tag (`Storage.WestEurope`), which has a region and a service. */
export const azure: ReadFeed = (text) => objects(objectOf(text), 'values').flatMap((entry) => {
  const properties = entry['properties']
  if (!isObject(properties) || !Array.isArray(properties['addressPrefixes'])) throw new Error('has a service tag without addressPrefixes')
  const own = tags(entry['name'], properties['region'], properties['systemService'])
  return properties['addressPrefixes'].map((cidr) => ({ cidr: String(cidr), tags: own }))
})

export const oracle: ReadFeed = (text) => objects(objectOf(text), 'regions')
  .flatMap((region) => objects(region, 'cidrs').map((entry) => ({ cidr: textAt(entry, 'cidr'), tags: tags(region['region'], ...(Array.isArray(entry['tags']) ? entry['tags'] : [])) })))

/** A geofeed (RFC 8805): network, country, region, city. DigitalOcean, Linode, and Vultr with `?csv`. */
export const geofeed: ReadFeed = (text) => lines(text).map((line) => {
  const [cidr = '', country, region, city] = line.split(',').map((field) => field.trim().replace(/^"(.*)"$/, '$1'))
  return { cidr, tags: tags(country, region, city) }
})

/** Vultr's geofeed is JSON or CSV, as one asks for it. */
export const vultr: ReadFeed = (text) => text.trimStart().startsWith('{')
  ? objects(objectOf(text), 'subnets').map((entry) => ({ cidr: textAt(entry, 'ip_prefix'), tags: tags(entry['alpha2code'], entry['region'], entry['city']) }))
  : geofeed(text)

/** One network a line. */
export const plain: ReadFeed = (text) => lines(text).map((cidr) => ({ cidr, tags: [] }))

/** What the file is, before anybody reads it as something else. */
export function textOf (bytes: Buffer): string {
  const text = bytes.toString('utf8').replace(/^\ufeff/, '')
  if (text.trim() === '') throw new Error('is empty')
  if (/^\s*</.test(text)) throw new Error('is HTML or XML, not a feed')
  return text
}

function objectOf (text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Error(`is no whole JSON (${(error as Error).message.slice(0, 100)})`)
  }
  if (!isObject(value)) throw new Error('is no JSON object')
  return value
}

function objects (parent: Record<string, unknown>, name: string): Array<Record<string, unknown>> {
  const list = parent[name]
  if (!Array.isArray(list) || !list.every(isObject)) throw new Error(`has no list of objects named ${name}`)
  return list
}

function textAt (entry: Record<string, unknown>, name: string): string {
  const value = entry[name]
  if (typeof value !== 'string') throw new Error(`has an entry without ${name}`)
  return value
}

function tags (...values: unknown[]): string[] {
  return values.flatMap((value) => typeof value === 'string' && value !== '' ? value.toLowerCase() : [])
}

function lines (text: string): string[] {
  return text.split('\n').map((line) => line.replace(/#.*/, '').trim()).filter((line) => line !== '')
}
