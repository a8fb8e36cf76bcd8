import type { Client } from '../net/client.ts'
import { heap } from './heap.ts'
import { networks } from './networks.ts'
import { asnName, countryName, type BanTarget } from './target.ts'
import type { BanInfo, Place, StrikeKind } from '../../types/index.ts'

/** How often a client was banned before, and until when that is remembered. */
export interface Past { times: number, until: number }

export interface Ban extends BanInfo {
  kind: StrikeKind | 'behavior' | 'manual'
  target: BanTarget['kind']
  network: BanTarget['network']
  /** What lengthens the next one; `undefined` where nothing does. */
  past: Past | undefined
  /** When it was made, by the clock of the store that shares it; 0: not known there yet. */
  at: number
  /** For the heap. */
  place: number
}

/** Whether it is of many clients at once, most of whom did nothing. */
export function isWide ({ target }: Ban): boolean {
  return target === 'network' || target === 'place'
}

/** Bans by whom they are for, and by their end. */
export interface Held {
  readonly size: number
  /** Those of targets that are wider than a client. */
  readonly counts: Readonly<Record<BanTarget['kind'], number>>
  get: (name: string) => Ban | undefined
  add: (ban: Ban) => void
  remove: (ban: Ban) => void
  /** The one that ends first. */
  first: () => Ban | undefined
  values: () => readonly Ban[]
  clear: () => void
  /** The ban in force at that time of the client itself, or of a network around it. */
  find: (client: Client, time: number) => Ban | undefined
  /** The same of its autonomous system or country. */
  findPlace: (place: Place | undefined, time: number) => Ban | undefined
}

export function held (): Held {
  const byName = new Map<string, Ban>()
  const cidrs = networks<Ban>()
  const byEnd = heap<Ban>()
  const counts: Record<BanTarget['kind'], number> = { client: 0, network: 0, place: 0, principal: 0 }

  function inForce (name: string, time: number): Ban | undefined {
    const ban = byName.get(name)
    return ban !== undefined && ban.until > time ? ban : undefined
  }

  return {
    get size () { return byEnd.size },
    counts,
    get: (name) => byName.get(name),

    add (ban) {
      byName.set(ban.client, ban)
      byEnd.add(ban)
      counts[ban.target]++
      if (ban.network !== undefined) cidrs.add(ban.network.address, ban.network.prefix, ban)
    },

    remove (ban) {
      byName.delete(ban.client)
      byEnd.remove(ban)
      counts[ban.target]--
      if (ban.network !== undefined) cidrs.remove(ban.network.address, ban.network.prefix)
    },

    first: () => byEnd.first(),
    values: () => byEnd.values(),

    clear () {
      byName.clear()
      cidrs.clear()
      byEnd.clear()
      for (const kind of Object.keys(counts) as Array<BanTarget['kind']>) counts[kind] = 0
    },

    find (client, time) {
      const ban = inForce(client.key, time)
      if (ban !== undefined || counts.network === 0 || client.address === undefined) return ban
      return cidrs.find(client.address, ({ until }) => until > time)
    },

    findPlace (place, time) {
      if (place === undefined) return undefined
      const { asn, country } = place
      return (asn === undefined ? undefined : inForce(asnName(asn), time)) ?? (country === undefined ? undefined : inForce(countryName(country), time))
    }
  }
}
