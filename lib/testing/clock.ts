import { GUARD_OPTION_INVALID } from '../errors.ts'
import type { Guard } from '../guard.ts'
import { milliseconds } from '../options/shape.ts'
import type { Duration } from '../../types/index.ts'

export interface FakeClock {
  /** Milliseconds since the epoch. */
  now: () => number
  /** @param duration milliseconds, or a text such as `1m` */
  advance: (duration: Duration) => void
  /** To a moment, for rules that look at the time of day. Backwards only what looks at the time of day follows: limits do not. */
  set: (time: Date | number | string) => void
  /** To the real time, where it stands still again. */
  reset: () => void
  /** Lets the guard have the real clock. */
  restore: () => void
}

/** Takes the place of a guard's clock. */
export function clockOf (guard: Guard): FakeClock {
  const real = guard.clock.now
  let time = real()
  guard.clock.now = () => time
  return {
    now: () => time,
    advance (duration) {
      const length = milliseconds(duration)
      if (length === undefined) throw new GUARD_OPTION_INVALID("guard: clock.advance takes milliseconds or a text such as '1m'")
      time += length
    },
    set (to) {
      const moment = new Date(to).getTime()
      if (Number.isNaN(moment)) throw new GUARD_OPTION_INVALID('guard: clock.set takes a Date, milliseconds or an ISO 8601 text')
      time = moment
    },
    reset () { time = real() },
    restore () { guard.clock.now = real }
  }
}
