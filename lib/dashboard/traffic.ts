import type { RouteRecord } from '../routes.ts'

/** What is counted of every request, so it is next to nothing: two increments, and a clock for one request in 16. */
export interface Traffic {
  /** Requests that met the guard, those of the dashboard left out. */
  requests: number
  count: (record: RouteRecord) => void
  /** Whether the checks of this request are to be timed. */
  due: () => boolean
  /** @param ms that a check took, also waiting */
  took: (check: string, ms: number) => void
  /** Hears of every time that is taken. */
  listeners: Set<(check: string, ms: number) => void>
  /** Times since the last call, and how they spread since the last `rotate`. */
  drain: (each: (check: string, micros: number, count: number) => void) => void
  times: () => CheckTimes[]
  /** Starts a new period; the one before counts half. */
  rotate: () => void
}

/** Microseconds, right to about a quarter. */
export interface CheckTimes { check: string, samples: number, p50: number, p99: number }

const SAMPLED = 16

/** Four places for each doubling, from 1/16 us to 268 s. */
const PLACES = 128

interface Timing { micros: number, count: number, spread: Float64Array }

/** @param sampled one request in so many is timed; a power of 2 */
export function traffic (sampled = SAMPLED): Traffic {
  const timings = new Map<string, Timing>()
  const listeners: Traffic['listeners'] = new Set()
  let turn = 0
  return {
    requests: 0,
    listeners,
    count (record) {
      if (record.own) return
      record.requests++
      this.requests++
    },
    due: () => (turn = turn + 1 & sampled - 1) === 1,
    took (check, ms) {
      for (const listen of listeners) listen(check, ms)
      let timing = timings.get(check)
      if (timing === undefined) timings.set(check, timing = { micros: 0, count: 0, spread: new Float64Array(PLACES) })
      const micros = ms * 1000
      timing.micros += micros
      timing.count++
      timing.spread[placeOf(micros)]!++
    },
    drain (each) {
      for (const [check, timing] of timings) {
        if (timing.count === 0) continue
        each(check, timing.micros, timing.count)
        timing.micros = timing.count = 0
      }
    },
    times: () => [...timings].map(([check, { spread }]) => ({ check, samples: Math.round(spread.reduce((sum, count) => sum + count, 0)), p50: quantile(spread, 0.5), p99: quantile(spread, 0.99) })),
    rotate () {
      for (const { spread } of timings.values()) for (let i = 0; i < PLACES; i++) spread[i]! /= 2
    }
  }
}

function placeOf (micros: number): number {
  return Math.min(PLACES - 1, Math.max(0, Math.floor((Math.log2(Math.max(micros, 1e-9)) + 4) * 4)))
}

/** The middle of the place in which the share is reached. */
function quantile (spread: Float64Array, share: number): number {
  const total = spread.reduce((sum, count) => sum + count, 0)
  let seen = 0
  for (let i = 0; i < PLACES; i++) {
    seen += spread[i]!
    if (total > 0 && seen >= total * share) return Math.round(2 ** ((i + 0.5) / 4 - 4) * 100) / 100
  }
  return 0
}
