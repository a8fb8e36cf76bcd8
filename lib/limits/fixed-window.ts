import type { Count } from './algorithm.ts'
import { EXPIRES, MAX, TIMES, TOTAL, WORDS, type Table } from './table.ts'

/** A window begins with the first unit after the end of the one before. Across its end, twice `max` may pass within `window`. */
export const fixedWindow: Count = {
  wait (table, slot, { max, cost }, now) {
    if (total(table, slot, now) + cost <= max) return 0
    return cost > max ? Infinity : table.times[slot * TIMES + EXPIRES]! - now
  },

  take (table, slot, { counter: { window }, max, cost }, now) {
    const taken = total(table, slot, now)
    if (taken === 0) table.times[slot * TIMES + EXPIRES] = now + window
    table.words[slot * WORDS + TOTAL] = taken + cost
    table.words[slot * WORDS + MAX] = max
  },

  refund (table, slot, { counter: { window }, cost }, at, now) {
    if (at < table.times[slot * TIMES + EXPIRES]! - window) return
    table.words[slot * WORDS + TOTAL] = Math.max(0, total(table, slot, now) - cost)
  },

  left (table, slot, { max }, now, wait) {
    const taken = total(table, slot, now)
    if (taken === 0) return { remaining: max, wait, next: 0, reset: 0 }
    const reset = table.times[slot * TIMES + EXPIRES]! - now
    return { remaining: taken < max ? max - taken : 0, wait, next: reset, reset }
  }
}

function total ({ words, times }: Table, slot: number, now: number): number {
  return times[slot * TIMES + EXPIRES]! <= now ? 0 : words[slot * WORDS + TOTAL]! >>> 0
}
