import type { Client } from '../net/client.ts'
import { networks } from './networks.ts'
import { records } from './records.ts'
import { asnName, countryName, type BanTarget } from './target.ts'
import type { BanInfo, Place, StrikeKind } from '../../types/index.ts'

/** How often a client was banned before, and until when that is remembered. */
export interface Past { times: number, until: number }

export interface Ban extends BanInfo {
  kind: StrikeKind | 'behavior' | 'manual'
  target: BanTarget['kind']
  /** What lengthens the next one; `undefined` where nothing does. */
  past: Past | undefined
  /** When it was made, by the clock of the store that shares it; 0: not known there yet. */
  at: number
}

/** What lengthens the next one is kept elsewhere: it outlives the ban. */
export type HeldBan = Omit<Ban, 'past'>

/** Whether it is of many clients at once, most of whom did nothing. */
export function isWide ({ target }: HeldBan): boolean {
  return target === 'network' || target === 'place'
}

/** Bans by whom they are for, and by their end. What is read is a copy. */
export interface Held {
  readonly size: number
  /** Those of targets that are wider than a client. */
  readonly counts: Readonly<Record<BanTarget['kind'], number>>
  get: (name: string) => HeldBan | undefined
  /** @param network of a ban of one */
  add: (ban: HeldBan, network: BanTarget['network']) => void
  /** Whether there was one. */
  remove: (name: string) => boolean
  /** Removes those that have ended by then, but not more than that. */
  dropEnded: (time: number, most?: number) => void
  /** How many are in force then. */
  active: (time: number) => number
  /** Removes the one that ends first. */
  dropFirst: () => void
  setAt: (name: string, at: number) => void
  /** Those in a part of the memory, which is `used` places long; none moves. */
  part: (from: number, count: number) => HeldBan[]
  readonly used: number
  clear: () => void
  /** The ban in force at that time of the client itself, or of a network around it. */
  find: (client: Client, time: number) => HeldBan | undefined
  /** The same of its autonomous system or country. */
  findPlace: (place: Place | undefined, time: number) => HeldBan | undefined
  /** Of what is kept for each. */
  readonly bytes: number
}

/** @param maxKeys most bans at once; whoever adds one more removes one first */
export function held (maxKeys: number): Held {
  const all = records(maxKeys)
  const cidrs = networks<number>()
  /** Networks by slot. */
  const ranges = new Map<number, NonNullable<BanTarget['network']>>()
  const counts: Record<BanTarget['kind'], number> = { client: 0, network: 0, place: 0, principal: 0 }

  function read (slot: number, time = -Infinity): HeldBan | undefined {
    return slot === -1 || all.until(slot) <= time ? undefined : all.read(slot)
  }

  function drop (slot: number): void {
    counts[all.read(slot)!.target]--
    const range = ranges.get(slot)
    if (range !== undefined) cidrs.remove(range.address, range.prefix)
    ranges.delete(slot)
    all.remove(slot)
  }

  return {
    get size () { return all.size },
    get used () { return all.used },
    get bytes () { return all.bytes },
    counts,
    get: (name) => read(all.find(name)),

    add (ban, network) {
      const slot = all.add(ban)
      counts[ban.target]++
      if (network === undefined) return
      ranges.set(slot, network)
      cidrs.add(network.address, network.prefix, slot)
    },

    remove (name) {
      const slot = all.find(name)
      if (slot !== -1) drop(slot)
      return slot !== -1
    },

    dropEnded (time, most = Infinity) {
      let left = most
      for (let slot = all.first(); slot !== -1 && all.until(slot) <= time && left-- > 0; slot = all.first()) drop(slot)
    },

    active (time) {
      const slot = all.first()
      return slot === -1 || all.until(slot) > time ? all.size : all.size - all.ended(time)
    },

    dropFirst () {
      const slot = all.first()
      if (slot !== -1) drop(slot)
    },

    setAt (name, at) {
      const slot = all.find(name)
      if (slot !== -1) all.setAt(slot, at)
    },

    part (from, count) {
      const found: HeldBan[] = []
      for (let slot = from; slot < Math.min(all.used, from + count); slot++) {
        const ban = all.read(slot)
        if (ban !== undefined) found.push(ban)
      }
      return found
    },

    clear () {
      all.clear()
      cidrs.clear()
      ranges.clear()
      for (const kind of Object.keys(counts) as Array<BanTarget['kind']>) counts[kind] = 0
    },

    find (client, time) {
      const ban = read(all.find(client.key), time)
      if (ban !== undefined || counts.network === 0 || client.address === undefined) return ban
      return read(cidrs.find(client.address, (slot) => all.until(slot) > time) ?? -1)
    },

    findPlace (place, time) {
      if (place === undefined) return undefined
      const { asn, country } = place
      return (asn === undefined ? undefined : read(all.find(asnName(asn)), time)) ?? (country === undefined ? undefined : read(all.find(countryName(country)), time))
    }
  }
}
