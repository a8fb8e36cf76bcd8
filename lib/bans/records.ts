import { parseAddress, text4, text6 } from '../net/address.ts'
import { places } from './places.ts'
import type { BanTarget } from './target.ts'
import { texts } from './texts.ts'
import type { HeldBan } from './held.ts'

/** 32-bit words of a record. */
const WORDS = 10
const HIGH = 0
const LOW = 1
/** Four words of the address. */
const ADDRESS = 2
/** The kind of target, and how the name is written. */
const FORM = 6
const REASON = 7
const KIND = 8
/** In the heap. */
const PLACE = 9
/** Doubles of a record. */
const TIMES = 3
const UNTIL = 0
const SINCE = 1
const AT = 2

const TARGETS = ['client', 'network', 'place', 'principal'] as const satisfies ReadonlyArray<BanTarget['kind']>
/** Forms: the lowest two bits are the target; above them what the name is. */
const V4 = 1 << 2
const V6 = 2 << 2
const TEXT = 3 << 2
const PREFIX = 4
const FEWEST = 256

/**
 * Bans as records of 64 bytes in typed arrays, behind an index of names' hashes and a heap of ends: 84 bytes a ban in
 * all, and no objects that the collector would have to follow. Names of clients are kept as the numbers that they are.
 */
export interface Records {
  readonly size: number
  /** Slots that were ever used; those below may be empty. */
  readonly used: number
  /** The slot of a name, or -1. */
  find: (name: string) => number
  add: (ban: HeldBan) => number
  remove: (slot: number) => void
  until: (slot: number) => number
  setAt: (slot: number, at: number) => void
  /** The ban at a slot; `undefined` if there is none. */
  read: (slot: number) => HeldBan | undefined
  /** How many have ended by then. */
  ended: (time: number) => number
  /** The slot of the ban that ends first, or -1. */
  first: () => number
  clear: () => void
  /** Of all arrays. */
  readonly bytes: number
}

/** @param maxKeys most bans at once */
export function records (maxKeys: number): Records {
  const index = places()
  const reasons = texts()
  const names = new Map<number, string>()
  let words = new Int32Array(0)
  let times = new Float64Array(0)
  /** Slots by end, the soonest first. */
  let heap = new Int32Array(0)
  let size = 0
  let used = 0
  let free: number[] = []

  const lowOf = (slot: number): number => words[slot * WORDS + LOW]!
  const endOf = (slot: number): number => times[slot * TIMES + UNTIL]!

  function grow (): void {
    const slots = Math.min(maxKeys, Math.max(FEWEST, Math.ceil(used * 1.5)))
    const [before, then, order] = [words, times, heap]
    words = new Int32Array(slots * WORDS)
    times = new Float64Array(slots * TIMES)
    heap = new Int32Array(slots)
    words.set(before)
    times.set(then)
    heap.set(order)
  }

  function put (slot: number, place: number): void {
    heap[place] = slot
    words[slot * WORDS + PLACE] = place
  }

  function rise (slot: number, from: number): void {
    let place = from
    for (const end = endOf(slot); place > 0;) {
      const above = (place - 1) >> 1
      if (endOf(heap[above]!) <= end) break
      put(heap[above]!, place)
      place = above
    }
    put(slot, place)
  }

  function sink (slot: number, from: number): void {
    let place = from
    const end = endOf(slot)
    for (let below = place * 2 + 1; below < size; below = place * 2 + 1) {
      if (below + 1 < size && endOf(heap[below + 1]!) < endOf(heap[below]!)) below++
      if (endOf(heap[below]!) >= end) break
      put(heap[below]!, place)
      place = below
    }
    put(slot, place)
  }

  function write (slot: number, { client, target }: HeldBan): void {
    const at = slot * WORDS
    const slash = client.indexOf('/')
    const address = target === 'client' ? parseAddress(slash === -1 ? client : client.slice(0, slash)) : undefined
    if (address !== undefined) {
      const { family, v4, a, b, c, d } = address
      words.set(family === 4 ? [v4, 0, 0, 0] : [a, b, c, d], at + ADDRESS)
      words[at + FORM] = family === 4 ? V4 : V6 | (slash === -1 ? 128 : Number(client.slice(slash + 1))) << PREFIX
      if (nameOf(slot) === client) return
    }
    words[at + FORM] = TEXT | TARGETS.indexOf(target)
    names.set(slot, client)
  }

  function nameOf (slot: number): string {
    const at = slot * WORDS
    const form = words[at + FORM]!
    const kind = form & TEXT
    if (kind === TEXT) return names.get(slot)!
    const word = (i: number): number => words[at + ADDRESS + i]! >>> 0
    if (kind === V4) return text4(word(0))
    const prefix = form >>> PREFIX
    const text = text6(word(0), word(1), word(2), word(3))
    return prefix === 128 ? text : `${text}/${prefix}`
  }

  return {
    get size () { return size },
    get used () { return used },
    get bytes () { return words.byteLength + times.byteLength + heap.byteLength + index.bytes },

    find (name) {
      index.hash(name)
      return index.find(lowOf)
    },

    add (ban) {
      if (free.length === 0 && used * WORDS === words.length) grow()
      const slot = free.pop() ?? used++
      index.hash(ban.client)
      words[slot * WORDS + HIGH] = index.high
      words[slot * WORDS + LOW] = index.low
      index.insert(index.high, slot)
      write(slot, ban)
      words[slot * WORDS + REASON] = reasons.use(ban.reason)
      words[slot * WORDS + KIND] = reasons.use(ban.kind)
      times[slot * TIMES + UNTIL] = ban.until
      times[slot * TIMES + SINCE] = ban.since
      times[slot * TIMES + AT] = ban.at
      rise(slot, size++)
      return slot
    },

    remove (slot) {
      const at = slot * WORDS
      index.remove(words[at + HIGH]!, slot)
      reasons.leave(words[at + REASON]!)
      reasons.leave(words[at + KIND]!)
      names.delete(slot)
      const place = words[at + PLACE]!
      const last = heap[--size]!
      if (last !== slot) {
        rise(last, place)
        sink(last, words[last * WORDS + PLACE]!)
      }
      words[at + FORM] = 0
      free.push(slot)
    },

    until: endOf,
    ended (time) {
      let count = 0
      for (let slot = 0; slot < used; slot++) if (words[slot * WORDS + FORM] !== 0 && endOf(slot) <= time) count++
      return count
    },
    setAt (slot, at) { times[slot * TIMES + AT] = at },
    first: () => size === 0 ? -1 : heap[0]!,

    read (slot) {
      const at = slot * WORDS
      const form = words[at + FORM]!
      if (form === 0) return undefined
      return {
        client: nameOf(slot),
        reason: reasons.get(words[at + REASON]!),
        since: times[slot * TIMES + SINCE]!,
        until: endOf(slot),
        kind: reasons.get(words[at + KIND]!) as HeldBan['kind'],
        target: TARGETS[(form & TEXT) === TEXT ? form & 3 : 0]!,
        at: times[slot * TIMES + AT]!
      }
    },

    clear () {
      index.clear()
      reasons.clear()
      names.clear()
      words = new Int32Array(0)
      times = new Float64Array(0)
      heap = new Int32Array(0)
      size = used = 0
      free = []
    }
  }
}
