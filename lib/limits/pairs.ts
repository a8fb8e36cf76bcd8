/*
 * An open-addressing index in one array: pairs of 32-bit words, half of a name's keyed hash and slot + 1, so that a 0
 * in the second is a place that is free. Its number of places is a power of 2, and some of them are always free.
 */

/** An empty index with so many places. */
export function pairsFor (places: number): Int32Array {
  return new Int32Array(places * 2)
}

export function insertPair (pairs: Int32Array, high: number, slot: number): void {
  const mask = pairs.length / 2 - 1
  let at = high & mask
  while (pairs[at * 2 + 1] !== 0) at = (at + 1) & mask
  pairs[at * 2] = high
  pairs[at * 2 + 1] = slot + 1
}

/** @param slot is there, with this half of the hash */
export function removePair (pairs: Int32Array, high: number, slot: number): void {
  const mask = pairs.length / 2 - 1
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
}

/** The same pairs in twice as many places. */
export function grownPairs (pairs: Int32Array): Int32Array {
  const grown = pairsFor(pairs.length)
  for (let at = 0; at < pairs.length; at += 2) if (pairs[at + 1] !== 0) insertPair(grown, pairs[at]!, pairs[at + 1]! - 1)
  return grown
}
