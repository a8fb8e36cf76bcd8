import type { Count } from './algorithm.ts'
import { EXPIRES, MAX, SPAN, TAIL, TIMES, TOTAL, WORDS, type Table } from './table.ts'

/** Spans are 32-bit numbers; buckets of windows longer than two years are this long. */
const LONGEST_SPAN = 2 ** 32 - 1

/**
 * In no span of `window` milliseconds is more than `max` taken. In place of a time for each unit there are
 * buckets: a unit joins the newest one up to a sixteenth of the window after that one's first, or else begins
 * another. A bucket expires `window` after the last unit in it, so a unit is held for at most
 * window + window / 16, and units that came at once are held for exactly `window`. There are at most 18.
 */
export const slidingWindow: Count = {
  wait (table, slot, { max, cost }, now) {
    expire(table, slot, now)
    const { words, times, cells } = table
    let excess = (words[slot * WORDS + TOTAL]! >>> 0) + cost - max
    if (excess <= 0) return 0
    if (cost > max) return Infinity
    const tail = words[slot * WORDS + TAIL]!
    for (let left = tail, cell = tail; left !== 0; left = cell === tail ? 0 : cell) {
      cell = cells.next(cell)
      excess -= cells.count(cell)
      if (excess <= 0) return cells.expires(cell) - now
    }
    return times[slot * TIMES + EXPIRES]! - now
  },

  take (table, slot, { counter: { window }, max, cost }, now) {
    const { words, times } = table
    const at = slot * WORDS
    const total = words[at + TOTAL]! >>> 0
    const last = times[slot * TIMES + EXPIRES]! - window
    const span = total === 0 ? 0 : (words[at + SPAN]! >>> 0) + now - last
    const joins = span <= Math.min(window / 16, LONGEST_SPAN) || !keepNewest(table, slot, now)
    words[at + SPAN] = joins ? Math.min(span, LONGEST_SPAN) : 0
    words[at + TOTAL] = total + cost
    words[at + MAX] = max
    times[slot * TIMES + EXPIRES] = now + window
  },

  refund (table, slot, { counter: { window }, cost }, at, now) {
    expire(table, slot, now)
    const { words, cells } = table
    const ends = at + window
    if (ends <= now) return
    const total = words[slot * WORDS + TOTAL]! >>> 0
    // The bucket that holds a unit is the first that expires no earlier than the unit would by itself.
    let newest = total
    const tail = words[slot * WORDS + TAIL]!
    for (let left = tail, cell = tail; left !== 0; left = cell === tail ? 0 : cell) {
      cell = cells.next(cell)
      const count = cells.count(cell)
      newest -= count
      if (cells.expires(cell) < ends) continue
      cells.setCount(cell, Math.max(0, count - cost))
      words[slot * WORDS + TOTAL] = total - Math.min(count, cost)
      return
    }
    if (table.times[slot * TIMES + EXPIRES]! >= ends) words[slot * WORDS + TOTAL] = total - Math.min(newest, cost)
  },

  left (table, slot, { max }, now, wait) {
    const { words, times, cells } = table
    const total = words[slot * WORDS + TOTAL]! >>> 0
    if (total === 0) return { remaining: max, wait, next: 0, reset: 0 }
    const tail = words[slot * WORDS + TAIL]!
    const reset = times[slot * TIMES + EXPIRES]! - now
    return { remaining: total < max ? max - total : 0, wait, next: tail === 0 ? reset : cells.expires(cells.next(tail)) - now, reset }
  }
}

function expire (table: Table, slot: number, now: number): void {
  const { words, cells } = table
  const at = slot * WORDS
  if (table.times[slot * TIMES + EXPIRES]! <= now) {
    if (words[at + TOTAL] !== 0 || words[at + TAIL] !== 0) table.empty(slot)
    return
  }
  for (let tail = words[at + TAIL]!; tail !== 0;) {
    const head = cells.next(tail)
    if (cells.expires(head) > now) return
    words[at + TOTAL] = words[at + TOTAL]! - cells.count(head)
    words[at + TAIL] = tail = cells.drop(tail)
  }
}

/**
 * Moves the newest bucket into a cell, to begin another one. With no cell left in the pool the newest bucket
 * goes on instead: it is held longer, but nothing is forgotten.
 */
function keepNewest (table: Table, slot: number, now: number): boolean {
  const { words, cells } = table
  const at = slot * WORDS
  const tail = words[at + TAIL]!
  let count = words[at + TOTAL]! >>> 0
  for (let left = tail, cell = tail; left !== 0; left = cell === tail ? 0 : cell) {
    cell = cells.next(cell)
    count -= cells.count(cell)
  }
  const expires = table.times[slot * TIMES + EXPIRES]!
  let cell = cells.add(tail, expires, count)
  if (cell === 0) {
    table.sweep(now)
    cell = cells.add(tail, expires, count)
  }
  if (cell !== 0) words[at + TAIL] = cell
  return cell !== 0
}
