import type { Breaker } from './breaker.ts'
import type { Remote } from './remote.ts'
import type { Ask, LimiterStore, Taken } from '../limits/store.ts'

export interface ResilientOptions {
  remote: Pick<Remote, 'peek' | 'refund' | 'reset' | 'clear'> & { take: (asks: readonly Ask[]) => Taken | Promise<Taken> }
  /** Decides while the other one fails. */
  local: LimiterStore<false>
  breaker: Pick<Breaker, 'open' | 'reason'> & {
    /** Of an open one: whether it is for this key. Absent: for all. */
    isOpen?: (key: string) => boolean
  }
  onError: 'local' | 'pass' | 'refuse'
}

export interface Resilient extends LimiterStore {
  /** Requests that `onError` decided. */
  readonly fallbacks: number
}

/** Milliseconds by which the moments of two clocks are known at best. */
const SLACK = 100

/**
 * A store that always answers: while the remote one fails, `onError` decides. What the remote one let through is counted
 * locally as well, so that the local limiter does not begin with full allowances when it has to take over.
 *
 * `at` tells `refund` who counted: the remote clock is far above 0, local times are written as -1 and below, and NaN
 * is nobody.
 */
export function resilient ({ remote, local, breaker, onError }: ResilientOptions): Resilient {
  const warm = onError === 'local'
  let fallbacks = 0
  /** What the remote clock is ahead of the local one. */
  let ahead = 0

  function instead (asks: readonly Ask[], peeks = false): Taken {
    fallbacks++
    if (onError === 'local') {
      const taken = peeks ? local.peek(asks) : local.take(asks)
      return { ...taken, at: -1 - taken.at }
    }
    const left = asks.map(({ max }) => ({ remaining: max, wait: 0, next: 0, reset: 0 }))
    if (onError === 'pass') return { passed: true, at: NaN, left }
    return { passed: false, at: NaN, left, failed: breaker.reason }
  }

  function counted (asks: readonly Ask[], taken: Taken): Taken {
    if (!warm || !taken.passed) return taken
    const { at } = local.take(asks)
    // A fraction: it was paid by lease, and this is the time of the lease.
    if (Number.isInteger(taken.at)) ahead = taken.at - at
    return taken
  }

  function isLost ({ key }: Ask): boolean {
    return breaker.isOpen === undefined || breaker.isOpen(key)
  }

  /**
   * Some keys are on a shard that fails: the others are counted where they are. Nobody can give back at two places
   * by one time: it counts, one too many, never one too few.
   */
  async function apart (asks: readonly Ask[], peeks: boolean): Promise<Taken> {
    if (onError === 'refuse') return instead(asks, peeks)
    const lost = asks.filter(isLost)
    const kept = asks.filter((ask) => !lost.includes(ask))
    const asked = peeks ? remote.peek(kept) : remote.take(kept)
    let far: Taken
    try {
      far = await asked
    } catch {
      return instead(asks, peeks)
    }
    const near = instead(lost, peeks || !far.passed)
    const passed = far.passed && near.passed
    if (!peeks && far.passed) {
      if (!passed) remote.refund(kept, far.at).catch(() => {})
      else counted(kept, far)
    }
    const left = asks.map((ask) => lost.includes(ask) ? near.left[lost.indexOf(ask)]! : far.left[kept.indexOf(ask)]!)
    return { passed, at: NaN, left, ...(near.failed !== undefined && { failed: near.failed }) }
  }

  return {
    get fallbacks () { return fallbacks },

    take (asks) {
      if (breaker.open && asks.some(isLost)) return asks.every(isLost) ? instead(asks) : apart(asks, false)
      const taken = remote.take(asks)
      if (!(taken instanceof Promise)) return counted(asks, taken)
      return taken.then((taken) => counted(asks, taken), () => instead(asks))
    },

    peek (asks) {
      if (breaker.open && asks.some(isLost)) return asks.every(isLost) ? instead(asks, true) : apart(asks, true)
      return remote.peek(asks).catch(() => instead(asks, true))
    },

    refund (asks, at) {
      if (Number.isNaN(at)) return
      if (at < 0) return local.refund(asks, -1 - at)
      if (warm) local.refund(asks, Math.max(0, at - ahead - SLACK))
      const kept = breaker.open ? asks.filter((ask) => !isLost(ask)) : asks
      if (kept.length === 0) return
      // Without it the request counts: one too many, never one too few.
      return remote.refund(kept, at).catch(() => {})
    },

    reset (counters, key) {
      local.reset(counters, key)
      return remote.reset(counters, key)
    },

    clear () {
      local.clear()
      return remote.clear()
    },

    stats: () => local.stats()
  }
}
