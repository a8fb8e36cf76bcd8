import type { Address } from './address.ts'
import { compareWords, type Range, type Words } from './entry.ts'

/** An immutable set of addresses. */
export interface RangeSet {
  has: (address: Address) => boolean
  /** The entry, as it was written, that holds the address. */
  find: (address: Address) => string | undefined
  /** Disjoint ranges in the set. */
  size: number
}

/** A range and the entry that it comes from. */
export interface LabelledRange { range: Range, label: string }

/** Position of the range that holds an address, or -1. */
type Locate = (address: Address) => number

/** From so many ranges on, an index of 256 KiB over the upper 16 bits pays. */
const INDEXED = 256

const nowhere: Locate = () => -1

/**
 * Compiles ranges to sorted disjoint ones in typed arrays. Where entries overlap, `find` names one of those
 * that hold the address. Entries are kept as one text and not one string each, so that 100,000 of them with their
 * ranges take less than 4 MiB.
 */
export function compileRanges (entries: readonly LabelledRange[]): RangeSet {
  if (entries.length > MOST) throw new RangeError(`a list holds at most ${MOST} ranges`)
  const labels = labelsOf(entries)
  const v4 = compile4(entries, labels)
  const v6 = compile6(entries, labels)
  const locate = (address: Address): number => address.family === 4 ? v4.locate(address) : v6.locate(address)
  return {
    size: v4.offsets.length + v6.offsets.length,
    has: v4.offsets.length + v6.offsets.length === 0 ? () => false : (address) => locate(address) !== -1,
    find (address) {
      const at = locate(address)
      if (at === -1) return undefined
      const start = (address.family === 4 ? v4 : v6).offsets[at]!
      return labels.text.slice(start, labels.text.indexOf('\n', start))
    }
  }
}

interface Labels { text: string, offsets: Uint32Array }

function labelsOf (entries: readonly LabelledRange[]): Labels {
  const offsets = new Uint32Array(entries.length)
  const lines: string[] = []
  let at = 0
  for (let i = 0; i < entries.length; i++) {
    const { label } = entries[i]!
    // The ranges of one entry stand next to each other and share its line.
    if (i > 0 && entries[i - 1]!.label === label) {
      offsets[i] = offsets[i - 1]!
      continue
    }
    offsets[i] = at
    lines.push(label, '\n')
    at += label.length + 1
  }
  return { text: lines.join(''), offsets }
}

interface Compiled { locate: Locate, offsets: Uint32Array }

function compile4 (entries: readonly LabelledRange[], labels: Labels): Compiled {
  const { starts, ends, offsets } = disjoint4(entries, labels)
  if (offsets.length === 0) return { locate: nowhere, offsets }
  if (offsets.length < INDEXED) return { locate: ({ v4 }) => search4(starts, ends, v4, 0, starts.length), offsets }
  const index = indexOf(starts)
  return { locate: ({ v4 }) => search4(starts, ends, v4, index[v4 >>> 16]!, index[(v4 >>> 16) + 1]!), offsets }
}

/** The last range from `low` to before `high` that starts at or before the address; the one before `low` if none does. */
function search4 (starts: Uint32Array, ends: Uint32Array, address: number, low: number, high: number): number {
  while (low < high) {
    const middle = (low + high) >>> 1
    if (starts[middle]! <= address) low = middle + 1
    else high = middle
  }
  return low > 0 && address <= ends[low - 1]! ? low - 1 : -1
}

/** For each value of the upper 16 bits, how many ranges start below it. */
function indexOf (starts: Uint32Array): Uint32Array {
  const index = new Uint32Array(65537)
  for (const start of starts) index[(start >>> 16) + 1]!++
  for (let i = 1; i < index.length; i++) index[i] = index[i]! + index[i - 1]!
  return index
}

function disjoint4 (entries: readonly LabelledRange[], labels: Labels): { starts: Uint32Array, ends: Uint32Array, offsets: Uint32Array } {
  const order = sorted(positions(entries, 4), (i) => (entries[i]!.range as Range4).from)
  const starts = new Uint32Array(order.length)
  const ends = new Uint32Array(order.length)
  const offsets = new Uint32Array(order.length)
  let count = 0
  let covered = -1
  for (const i of order) {
    const { from, to } = entries[i]!.range as Range4
    if (to <= covered) continue
    starts[count] = Math.max(from, covered + 1)
    ends[count] = covered = to
    offsets[count++] = labels.offsets[i]!
  }
  return { starts: starts.slice(0, count), ends: ends.slice(0, count), offsets: offsets.slice(0, count) }
}

type Range4 = Extract<Range, { family: 4 }>
type Range6 = Extract<Range, { family: 6 }>

function positions (entries: readonly LabelledRange[], family: 4 | 6): number[] {
  const found: number[] = []
  for (let i = 0; i < entries.length; i++) if (entries[i]!.range.family === family) found.push(i)
  return found
}

/** Up to so many ranges; their positions have to fit beside a word in the 53 bits of a number. */
const MOST = 2 ** 21

/** Sorts positions by a word of their ranges: both packed in one number sort without a comparing function, five times as fast. */
function sorted (found: readonly number[], word: (i: number) => number): number[] {
  const packed = new Float64Array(found.length)
  for (let k = 0; k < found.length; k++) packed[k] = word(found[k]!) * MOST + found[k]!
  packed.sort()
  const order = new Array<number>(found.length)
  for (let k = 0; k < order.length; k++) order[k] = packed[k]! % MOST
  return order
}

/** The same for v6: equal words are sorted by the next. */
function sorted6 (entries: readonly LabelledRange[], found: readonly number[], at = 0): number[] {
  const word = (i: number): number => (entries[i]!.range as Range6).from[at]!
  const order = sorted(found, word)
  if (at === 3) return order
  for (let start = 0, end = 1; start < order.length; start = end++) {
    while (end < order.length && word(order[end]!) === word(order[start]!)) end++
    if (end - start > 1) sorted6(entries, order.slice(start, end), at + 1).forEach((i, k) => { order[start + k] = i })
  }
  return order
}

/** Sorted disjoint v6 ranges, two or four words each: four only if a range divides a /64. */
interface Ranges6 { starts: Uint32Array, ends: Uint32Array, width: 2 | 4, offsets: Uint32Array }

function compile6 (entries: readonly LabelledRange[], labels: Labels): Compiled {
  const ranges = disjoint6(entries, labels)
  const { offsets, width, starts, ends } = ranges
  if (offsets.length === 0) return { locate: nowhere, offsets }
  return { locate: width === 2 ? (address) => search6(starts, ends, address) : (address) => searchWide6(starts, ends, address), offsets }
}

function search6 (starts: Uint32Array, ends: Uint32Array, { a, b }: Address): number {
  let low = 0
  let high = starts.length >>> 1
  while (low < high) {
    const middle = (low + high) >>> 1
    const first = starts[middle * 2]!
    if (first < a || (first === a && starts[middle * 2 + 1]! <= b)) low = middle + 1
    else high = middle
  }
  const at = low * 2 - 2
  return low > 0 && (a < ends[at]! || (a === ends[at] && b <= ends[at + 1]!)) ? low - 1 : -1
}

function searchWide6 (starts: Uint32Array, ends: Uint32Array, address: Address): number {
  let low = 0
  let high = starts.length >>> 2
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareAt(starts, middle * 4, address) <= 0) low = middle + 1
    else high = middle
  }
  return low > 0 && compareAt(ends, low * 4 - 4, address) >= 0 ? low - 1 : -1
}

/** Negative, 0 or positive, as the four words at a place are less than, equal to or greater than the address. */
function compareAt (words: Uint32Array, at: number, { a, b, c, d }: Address): number {
  return (words[at]! - a) || (words[at + 1]! - b) || (words[at + 2]! - c) || (words[at + 3]! - d)
}

function disjoint6 (entries: readonly LabelledRange[], labels: Labels): Ranges6 {
  const kept: number[] = []
  const froms: Words[] = []
  let covered: Words | undefined
  for (const i of sorted6(entries, positions(entries, 6))) {
    const { from, to } = entries[i]!.range as Range6
    if (covered !== undefined && compareWords(to, covered) <= 0) continue
    kept.push(i)
    froms.push(covered !== undefined && compareWords(from, covered) <= 0 ? successor(covered) : from)
    covered = to
  }
  const tos = kept.map((i) => (entries[i]!.range as Range6).to)
  const whole = froms.every((from) => (from[2] | from[3]) === 0) && tos.every((to) => (to[2] & to[3]) === -1)
  const width = whole ? 2 : 4
  return { starts: pack(froms, width), ends: pack(tos, width), width, offsets: Uint32Array.from(kept, (i) => labels.offsets[i]!) }
}

function pack (ranges: readonly Words[], width: 2 | 4): Uint32Array {
  const words = new Uint32Array(ranges.length * width)
  for (let i = 0; i < ranges.length; i++) {
    for (let k = 0; k < width; k++) words[i * width + k] = ranges[i]![k]!
  }
  return words
}

/** The next address; the last one has none, and nothing is past it. */
function successor (words: Words): Words {
  const next: [number, number, number, number] = [...words]
  for (let i = 3; i >= 0; i--) {
    next[i] = (next[i]! + 1) >>> 0
    if (next[i] !== 0) break
  }
  return next
}
