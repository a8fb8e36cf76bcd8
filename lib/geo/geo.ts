import type { Client } from '../net/client.ts'
import { parseAddress } from '../net/address.ts'
import { labelled } from '../net/list.ts'
import { compileRanges } from '../net/ranges.ts'
import { openDatabase } from './mmdb.ts'
import type { GeoHandler, GeoOptions, Place } from '../../types/index.ts'

/** Places of clients, looked up once for each. */
export interface Geo {
  /** `undefined`: nobody knows. Private and reserved addresses are not asked about. */
  place: (client: Client) => Place | undefined
  isPrivate: (client: Client) => boolean
  ready: () => Promise<void>
  close: () => Promise<void>
}

/** Addresses that are no public ones (IANA special-purpose registries; documentation networks can be looked up). */
const special = compileRanges(labelled([
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.168.0.0/16', '198.18.0.0/15', '224.0.0.0/3',
  '::/127', 'fc00::/7', 'fe80::/10', 'ff00::/8'
]))

/** @throws {GUARD_OPTION_INVALID} that names the file, its fault and the remedy */
export async function openGeo (options: GeoOptions | undefined): Promise<Geo | undefined> {
  if (options === undefined) return undefined
  const handler = options.handler ?? await files(options)
  // Clients are kept by their address, so a place lives as long as its client is remembered.
  const known = new WeakMap<Client, Place>()
  return {
    isPrivate: ({ address }) => address !== undefined && special.has(address),
    place (client) {
      if (client.address === undefined || special.has(client.address)) return undefined
      let place = known.get(client)
      if (place === undefined) known.set(client, place = placeOf(handler.lookup(client.ip)))
      return place === NOWHERE ? undefined : place
    },
    async ready () {
      if (await handler.ready?.() === false) throw new Error('guard: geo.handler is not ready')
    },
    async close () { await handler.close?.() }
  }
}

const NOWHERE: Place = Object.freeze({})

/** Requests do not wait for places: an answer that comes later would let everybody pass meanwhile. */
function placeOf (place: Place | null | undefined): Place {
  if (typeof (place as { then?: unknown } | null | undefined)?.then === 'function') throw new TypeError('geo.handler.lookup must answer at once, not with a promise')
  return place ?? NOWHERE
}

async function files ({ database, asn }: GeoOptions): Promise<GeoHandler> {
  const country = database === undefined ? undefined : await openDatabase(database, 'country')
  const network = asn === undefined ? undefined : await openDatabase(asn, 'asn')
  return {
    lookup (ip) {
      if (parseAddress(ip) === undefined) return null
      const place = { ...country?.(ip), ...network?.(ip) }
      return place.country === undefined && place.asn === undefined ? null : place
    }
  }
}
