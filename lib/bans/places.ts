import { keyedHash } from '../limits/hash.ts'
import { grownPairs, insertPair, pairsFor, removePair } from '../limits/pairs.ts'

const SMALLEST = 512

/** Slots by name. */
export interface Places {
  /** Hashes a name, for the calls that follow; 64 bits that nobody outside can predict. */
  hash: (name: string) => void
  readonly high: number
  readonly low: number
  /** The slot of the name that was hashed last, or -1. */
  find: (lowOf: (slot: number) => number) => number
  insert: (high: number, slot: number) => void
  remove: (high: number, slot: number) => void
  clear: () => void
  readonly bytes: number
}

/** Open addressing, with 8 bytes for each of at most twice to four times as many places as slots. */
export function places (): Places {
  const hashed = keyedHash()
  const { out } = hashed
  let pairs = pairsFor(SMALLEST)
  let mask = SMALLEST - 1
  let size = 0

  return {
    hash (name) { hashed(0, name) },
    get high () { return out[0]! },
    get low () { return out[1]! },
    get bytes () { return pairs.byteLength },

    find (lowOf) {
      const high = out[0]!
      const low = out[1]!
      for (let at = high & mask; ; at = (at + 1) & mask) {
        const slot = pairs[at * 2 + 1]! - 1
        if (slot === -1) return -1
        if (pairs[at * 2] === high && lowOf(slot) === low) return slot
      }
    },

    insert (high, slot) {
      if (++size * 4 > (mask + 1) * 3) {
        pairs = grownPairs(pairs)
        mask = pairs.length / 2 - 1
      }
      insertPair(pairs, high, slot)
    },

    remove (high, slot) {
      size--
      removePair(pairs, high, slot)
    },

    clear () {
      pairs = pairsFor(SMALLEST)
      mask = SMALLEST - 1
      size = 0
    }
  }
}
