import type { Count } from './algorithm.ts'
import type { Ask } from './store.ts'
import { EXPIRES, MAX, TIMES, TOTAL, WORDS, type Table } from './table.ts'

/** Far below a millisecond, and below an interval: it must not add units. Above the rounding of sums of intervals, below 1e-4 ms in 10 years. */
function epsilonOf (interval: number): number {
  return Math.min(0.01, Math.max(0.0001, interval / 8))
}

/**
 * Generic cell rate algorithm (ITU-T I.371): `burst` units at once, and one more each `window / max`
 * milliseconds. The record's expiry is the theoretical arrival time. In a span of `window` up to
 * `max + burst` may pass.
 */
export const gcra: Count = {
  wait (table, slot, ask, now) {
    if (ask.max === 0 || ask.cost > ask.burst) return Infinity
    const interval = intervalOf(ask)
    return whole(level(table, slot, now) + (ask.cost - ask.burst) * interval, interval)
  },

  take (table, slot, ask, now) {
    const taken = level(table, slot, now) + ask.cost * intervalOf(ask)
    table.times[slot * TIMES + EXPIRES] = now + taken
    // For the choice of whom to evict only.
    table.words[slot * WORDS + TOTAL] = Math.ceil(taken / intervalOf(ask))
    table.words[slot * WORDS + MAX] = ask.burst
  },

  // What of it has run off since is not given back: that would give other units back.
  refund (table, slot, ask, at, now) {
    const left = Math.max(0, level(table, slot, now) - Math.max(0, ask.cost * intervalOf(ask) - (now - at)))
    table.times[slot * TIMES + EXPIRES] = now + left
    table.words[slot * WORDS + TOTAL] = Math.ceil(left / intervalOf(ask))
  },

  left (table, slot, ask, now, wait) {
    if (ask.max === 0) return { remaining: 0, wait, next: 0, reset: 0 }
    const interval = intervalOf(ask)
    const taken = level(table, slot, now)
    const remaining = Math.min(ask.burst, Math.max(0, Math.floor((ask.burst * interval - taken + epsilonOf(interval)) / interval)))
    return { remaining, wait, next: remaining === ask.burst ? 0 : whole(taken - (ask.burst - remaining - 1) * interval, interval), reset: whole(taken, interval) }
  }
}

function intervalOf ({ counter: { window }, max }: Ask): number {
  return window / max
}

/** Milliseconds' worth of units that are taken. */
function level ({ times }: Table, slot: number, now: number): number {
  return Math.max(0, times[slot * TIMES + EXPIRES]! - now)
}

function whole (ms: number, interval: number): number {
  return Math.max(0, Math.ceil(ms - epsilonOf(interval)))
}
