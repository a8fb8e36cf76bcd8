import type { Breaker } from './breaker.ts'
import type { RemoteTaken } from './batch.ts'
import type { Remote } from './remote.ts'
import type { Ask, LimiterStore, Taken } from '../limits/store.ts'

export interface ResilientOptions {
  remote: Pick<Remote, 'peek' | 'refund' | 'reset' | 'clear'> & { take: (asks: readonly Ask[]) => Taken | Promise<RemoteTaken> }
  /** Decides while the other one fails. */
  local: LimiterStore<false>
  breaker: Pick<Breaker, 'open' | 'reason'>
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

  /** Permits for later are counted with the request that brought them. */
  function counted (asks: readonly Ask[], taken: RemoteTaken): Taken {
    if (warm && taken.passed) {
      const all = taken.granted.length > 0 ? asks.map((ask, i) => ({ ...ask, cost: ask.cost + (taken.granted[i] ?? 0) })) : asks
      ahead = taken.at - local.take(all).at
    }
    return taken
  }

  return {
    get fallbacks () { return fallbacks },

    take (asks) {
      if (breaker.open) return instead(asks)
      const taken = remote.take(asks)
      if (!(taken instanceof Promise)) return taken
      return taken.then((taken) => counted(asks, taken), () => instead(asks))
    },

    peek (asks) {
      if (breaker.open) return instead(asks, true)
      return remote.peek(asks).catch(() => instead(asks, true))
    },

    refund (asks, at) {
      if (Number.isNaN(at)) return
      if (at < 0) return local.refund(asks, -1 - at)
      if (warm) local.refund(asks, Math.max(0, at - ahead - SLACK))
      if (breaker.open) return
      // Without it the request counts: one too many, never one too few.
      return remote.refund(asks, at).catch(() => {})
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
