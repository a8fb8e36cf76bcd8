import { CellPool } from './cells.ts'
import { keyedHash, type KeyedHash } from './hash.ts'
import { grownPairs, insertPair, pairsFor, removePair } from './pairs.ts'

/** A record is 32 bytes, so that it seldom lies on two lines of the processor's cache. Its 32-bit words, from `slot * WORDS` on: */
export const WORDS = 8
/** The key's hash; keys themselves are not kept. */
const HIGH = 0
const LOW = 1
/** Units taken and not expired. */
export const TOTAL = 4
/** Milliseconds from the beginning of the newest bucket to the last unit in it. */
export const SPAN = 5
/** The newest of the older buckets, in the pool of cells; 0 if there is none. */
export const TAIL = 6
/** The limit at the last take, to tell how busy the key is. */
export const MAX = 7

/** Words 2 and 3, as one double from `slot * TIMES + EXPIRES` on: when all of it has expired, in milliseconds. */
export const TIMES = 4
export const EXPIRES = 1

/** Records that a new key may look at to find one to take over: an expired one, or the one that is missed least. */
const CANDIDATES = 16
const SWEPT = 2
const SMALLEST = 256

/**
 * Records of a bounded number of keys: structs in one buffer behind an open-addressing index of 64-bit keyed
 * hashes. 32 bytes a record, 8 an index entry (of which 3/8 to 3/4 are used), and 16 for each bucket beyond a
 * key's newest. No record has an object or a timer of its own: each new key looks at the next few
 * records and takes over an expired one.
 */
export class Table {
  words = new Int32Array(0)
  times = new Float64Array(0)
  readonly cells: CellPool
  /** Records in use, expired ones included. */
  size = 0
  /** Live records that had to make room. */
  evicted = 0
  readonly #maxKeys: number
  readonly #hash: KeyedHash
  #index: Int32Array = pairsFor(0)
  #mask = 0
  #hand = 0

  constructor (maxKeys: number, secret?: Uint8Array) {
    this.#maxKeys = maxKeys
    this.#hash = keyedHash(secret)
    this.cells = new CellPool(maxKeys)
    this.clear()
  }

  clear (): void {
    this.size = 0
    this.#hand = 0
    this.cells.clear()
    this.words = new Int32Array(0)
    this.times = new Float64Array(0)
    this.#growRecords()
    this.#setIndex(pairsFor(SMALLEST * 2))
  }

  /** The slot of a key, or -1: `add` gives it one. */
  find (number: number, key: string): number {
    this.#hash(number, key)
    const high = this.#hash.out[0]!
    const low = this.#hash.out[1]!
    const index = this.#index
    for (let at = high & this.#mask; ; at = (at + 1) & this.#mask) {
      const slot = index[at * 2 + 1]! - 1
      if (slot === -1) return -1
      if (index[at * 2] === high && this.words[slot * WORDS + LOW] === low) return slot
    }
  }

  /** Empties a record; it is taken over later. */
  empty (slot: number): void {
    const at = slot * WORDS
    this.cells.freeList(this.words[at + TAIL]!)
    this.words.fill(0, at + TOTAL, at + WORDS)
    this.times[slot * TIMES + EXPIRES] = 0
  }

  /** Frees the cells of expired records among the next few. */
  sweep (now: number): void {
    for (let i = 0; i < SWEPT && i < this.size; i++) {
      const slot = this.#next()
      if (this.times[slot * TIMES + EXPIRES]! <= now) this.empty(slot)
    }
  }

  /** An empty slot for the key that was looked for last and not found. Other slots may change hands. */
  add (now: number): number {
    const slot = this.#room(now)
    const high = this.#hash.out[0]!
    const at = slot * WORDS
    this.words[at + HIGH] = high
    this.words[at + LOW] = this.#hash.out[1]!
    if (this.size * 4 > (this.#mask + 1) * 3) this.#setIndex(grownPairs(this.#index))
    insertPair(this.#index, high, slot)
    return slot
  }

  /** An empty slot that the index does not know. */
  #room (now: number): number {
    const full = this.size >= this.#maxKeys
    const looks = Math.min(full ? CANDIDATES : SWEPT, this.size)
    let victim = -1
    for (let i = 0; i < looks; i++) {
      const slot = this.#next()
      if (this.times[slot * TIMES + EXPIRES]! <= now) return this.#remove(slot)
      if (full && (victim === -1 || this.#isMissedLess(slot, victim))) victim = slot
    }
    if (full) {
      this.evicted++
      return this.#remove(victim)
    }
    if (this.size * WORDS === this.words.length) this.#growRecords()
    return this.size++
  }

  /**
   * Whoever sends requests from ever new addresses pushes out others that took little of their limit, and not
   * the clients that are about to be refused, or are being refused.
   */
  #isMissedLess (slot: number, other: number): boolean {
    const use = this.#use(slot) - this.#use(other)
    return use < 0 || (use === 0 && this.times[slot * TIMES + EXPIRES]! < this.times[other * TIMES + EXPIRES]!)
  }

  #use (slot: number): number {
    const max = this.words[slot * WORDS + MAX]! >>> 0
    return max === 0 ? 0 : (this.words[slot * WORDS + TOTAL]! >>> 0) / max
  }

  #next (): number {
    this.#hand = this.#hand + 1 < this.size ? this.#hand + 1 : 0
    return this.#hand
  }

  #remove (slot: number): number {
    this.empty(slot)
    removePair(this.#index, this.words[slot * WORDS + HIGH]!, slot)
    return slot
  }

  #growRecords (): void {
    const slots = Math.min(this.#maxKeys, Math.max(SMALLEST, this.size * 2))
    const buffer = new ArrayBuffer(slots * WORDS * 4)
    const words = new Int32Array(buffer)
    words.set(this.words)
    this.words = words
    this.times = new Float64Array(buffer)
  }

  #setIndex (pairs: Int32Array): void {
    this.#index = pairs
    this.#mask = pairs.length / 2 - 1
  }
}
