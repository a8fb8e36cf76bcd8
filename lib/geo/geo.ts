import { copies, defaultFolder } from '../download/copies.ts'
import { repeat } from '../download/repeat.ts'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import type { Address } from '../net/address.ts'
import type { Client } from '../net/client.ts'
import { isSpecial } from '../net/special.ts'
import { milliseconds } from '../options/shape.ts'
import type { GeoDatabaseStats, GeoHandler, GeoOptions, GuardEvent, Place } from '../../types/index.ts'
import { geoFile, type GeoFile } from './file.ts'
import type { DatabaseKind } from './mmdb.ts'
import { vendorOf } from './vendors.ts'

/** Places of clients, looked up once for each. */
export interface Geo {
  /** `undefined`: nobody knows. Private and reserved addresses are not asked about. */
  place: (client: Client) => Place | undefined
  isPrivate: (client: Client) => boolean
  /** What places are known to have. */
  has: Readonly<Record<DatabaseKind, boolean>>
  ready: () => Promise<void>
  /** Takes up other files, and asks the vendor for newer ones. Whether all went well. */
  refresh: () => Promise<boolean>
  stats: () => Record<string, GeoDatabaseStats>
  close: () => Promise<void>
}

export interface GeoServices {
  log: { warn: (fields: object, message: string) => void, info: (fields: object, message: string) => void }
  emit: (event: GuardEvent) => void
  now: () => number
}

/** What looks places up, and what keeps it up to date. */
interface Source extends Omit<GeoHandler, 'lookup'> {
  lookup: (client: Client, address: Address) => Place | null | undefined
  has: Readonly<Record<DatabaseKind, boolean>>
  refresh: () => Promise<boolean>
  stats: () => Record<string, GeoDatabaseStats>
}

const DAY = 86_400_000
const OLD = 90 * DAY
/** How often files that nobody downloads are looked at. */
const POLL = 60_000
const NOWHERE: Place = Object.freeze({})

/** @throws {GUARD_OPTION_INVALID} that names the file, its fault and the remedy */
export async function openGeo (options: GeoOptions | undefined, services: GeoServices): Promise<Geo | undefined> {
  if (options === undefined) return undefined
  // Clients are kept by their address, so a place lives as long as its client is remembered, or till other files come.
  let known = new WeakMap<Client, Place>()
  const source = options.handler === undefined ? await files(options, services, () => { known = new WeakMap() }) : own(options.handler)
  return {
    isPrivate: ({ address }) => address !== undefined && isSpecial(address),
    has: source.has,
    place (client) {
      let place = known.get(client)
      if (place === undefined) {
        if (client.address === undefined) return undefined
        place = isSpecial(client.address) ? NOWHERE : placeOf(source.lookup(client, client.address))
        known.set(client, place)
      }
      return place === NOWHERE ? undefined : place
    },
    async ready () {
      if (await source.ready?.() === false) throw new Error('guard: geo.handler is not ready')
    },
    refresh: source.refresh,
    stats: source.stats,
    async close () { await source.close?.() }
  }
}

function own (handler: GeoHandler): Source {
  return {
    lookup: ({ ip }) => handler.lookup(ip),
    ready: () => handler.ready?.() ?? true,
    close: () => handler.close?.(),
    has: { country: true, asn: true },
    refresh: async () => true,
    stats: () => ({})
  }
}

/** Requests do not wait for places: an answer that comes later would let everybody pass meanwhile. */
function placeOf (place: Place | null | undefined): Place {
  if (typeof (place as { then?: unknown } | null | undefined)?.then === 'function') throw new TypeError('geo.handler.lookup must answer at once, not with a promise')
  const country = typeof place?.country === 'string' ? place.country.toUpperCase() : undefined
  // Rules compare with upper case.
  return place === null || place === undefined ? NOWHERE : country === place.country ? place : { ...place, country: country! }
}

async function files (options: GeoOptions, { log, emit, now }: GeoServices, onSwap: () => void): Promise<Source> {
  const { database, asn, download } = options
  const disk = copies(options.cacheDir ?? defaultFolder())
  const every = milliseconds(options.refresh) ?? (download === undefined ? POLL : DAY)
  const warn = (code: string, message: string): void => {
    log.warn({ event: 'guard.geo', code }, `guard: ${message}`)
    emit({ type: 'warning', time: now(), code, message })
  }
  const common = { copies: disk, now, refresh: every, warn }
  const vendor = download === undefined ? undefined : vendorOf(download, options.mirror)
  const all: GeoFile[] = (vendor?.files ?? []).map((file) => geoFile({ ...common, kind: file.kind, path: disk.path(file.name), vendor: file }))
  if (database !== undefined) all.push(geoFile({ ...common, kind: 'country', path: database, vendor: undefined }))
  if (asn !== undefined) all.push(geoFile({ ...common, kind: 'asn', path: asn, vendor: undefined }))
  await Promise.all(all.map(async (file) => file.open())).catch((error: Error) => {
    throw error instanceof GUARD_OPTION_INVALID ? error : new GUARD_OPTION_INVALID(`guard: geo.download failed and there is no copy in ${disk.path('')}: ${error.message}; npx fastify-api-guard geo download gets one beforehand`)
  })

  /** Faults that last are told once, by file. */
  const faults = new Map<GeoFile, string>()
  const aged = new Map<GeoFile, number>()
  function tellAge (file: GeoFile): void {
    const { built, type } = file.current!
    const age = now() - built
    if (age <= OLD || aged.get(file) === built) return
    aged.set(file, built)
    warn('GUARD_GEO_OLD', `geo database ${file.path} (${type}) is ${Math.floor(age / DAY)} days old; npx fastify-api-guard geo download gets a newer one`)
  }
  async function renew (file: GeoFile, signal: AbortSignal): Promise<boolean> {
    try {
      const changed = await file.reload().catch((error: NodeJS.ErrnoException) => { if (error.code !== 'ENOENT') throw error; return false })
      if (changed) onSwap()
      const renewed = await file.renew(signal)
      if (renewed) onSwap()
      const swapped = changed || renewed
      if (swapped) {
        log.info({ event: 'guard.geo', file: file.path, type: file.current!.type, built: new Date(file.current!.built).toISOString() }, `guard: geo database ${file.path} was swapped`)
      }
      // A file that is still the broken one keeps its fault.
      if (swapped || vendor !== undefined) faults.delete(file)
      tellAge(file)
      return true
    } catch (error) {
      const fault = (error as Error).message
      if (faults.get(file) !== fault && !signal.aborted) warn('GUARD_GEO_BROKEN', `the last good geo database stays: ${fault}`)
      faults.set(file, fault)
      return false
    }
  }
  all.forEach(tellAge)
  const refresh = async (signal: AbortSignal): Promise<boolean> => (await Promise.all(all.map(async (file) => renew(file, signal)))).every(Boolean)
  const ending = new AbortController()
  // A copy of an earlier run may be old; the start does not wait for a newer one.
  const repeating = repeat(every, refresh, vendor === undefined ? undefined : refresh(ending.signal))

  return {
    lookup (_client, address) {
      if (all.length === 1) return all[0]!.current!.lookup(address)
      const place: Place = {}
      for (const { current } of all) Object.assign(place, current!.lookup(address))
      return place.country === undefined && place.asn === undefined ? null : place
    },
    get has () { return { country: all.some(({ current }) => current!.has.country), asn: all.some(({ current }) => current!.has.asn) } },
    refresh: async () => refresh(ending.signal),
    stats: () => Object.fromEntries(all.map((file) => [file.path, {
      type: file.current!.type,
      built: file.current!.built,
      age: now() - file.current!.built,
      ...(faults.has(file) && { fault: faults.get(file)! })
    }])),
    async close () {
      ending.abort()
      await repeating.close()
    }
  }
}
