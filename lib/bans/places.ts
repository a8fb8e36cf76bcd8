import { keyedHash } from '../limits/hash.ts'

const SMALLEST = 512

/** Slots by name, as pairs of 32-bit words in one array: half of the name's keyed hash, and slot + 1. */
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
  let pairs = new Int32Array(SMALLEST * 2)
  let mask = SMALLEST - 1
  let size = 0

  function put (high: number, slot: number): void {
    let at = high & mask
    while (pairs[at * 2 + 1] !== 0) at = (at + 1) & mask
    pairs[at * 2] = high
    pairs[at * 2 + 1] = slot + 1
  }

  function grow (): void {
    const old = pairs
    pairs = new Int32Array(old.length * 2)
    mask = pairs.length / 2 - 1
    for (let at = 0; at < old.length; at += 2) if (old[at + 1] !== 0) put(old[at]!, old[at + 1]! - 1)
  }

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
      if (++size * 4 > (mask + 1) * 3) grow()
      put(high, slot)
    },

    remove (high, slot) {
      size--
      let hole = high & mask
      while (pairs[hole * 2 + 1] !== slot + 1) hole = (hole + 1) & mask
      // Pairs behind the hole move into it, unless that is before their own place.
      for (let at = (hole + 1) & mask; pairs[at * 2 + 1] !== 0; at = (at + 1) & mask) {
        const home = pairs[at * 2]! & mask
        if (((at - home) & mask) < ((at - hole) & mask)) continue
        pairs[hole * 2] = pairs[at * 2]!
        pairs[hole * 2 + 1] = pairs[at * 2 + 1]!
        hole = at
      }
      pairs[hole * 2 + 1] = 0
    },

    clear () {
      pairs = new Int32Array(SMALLEST * 2)
      mask = SMALLEST - 1
      size = 0
    }
  }
}
