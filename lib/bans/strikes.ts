import { memoryStore } from '../limits/memory.ts'
import type { Counter } from '../limits/store.ts'
import type { BanPolicy } from './bans.ts'
import type { Category } from '../../types/index.ts'

/** Counts strikes, and remembers earlier bans. */
export interface Strikes {
  /** Counts one; what it leads to, if it is one too many. */
  count: (key: string, category: Category | undefined, policy: BanPolicy) => { threshold: number, duration: number } | undefined
  /** Forgets a client's strikes and earlier bans. */
  forget: (key: string) => void
  reset: () => void
  stats: () => Record<string, number>
}

/** How often a client was banned before, and until when that is remembered. */
interface Past { times: number, until: number }

/**
 * Strikes are units of sliding windows, in about 48 bytes a client. Routes whose rules differ in thresholds
 * only count together; those with another window count by themselves.
 */
export function strikes ({ now, maxKeys }: { now: () => number, maxKeys: number }): Strikes {
  const store = memoryStore({ now, maxKeys })
  const counters = new Map<string, Counter>()
  const earlier = new Map<string, Past>()

  function counterOf (name: string, window: number): Counter {
    const id = `${name}|${window}`
    let counter = counters.get(id)
    if (counter === undefined) counters.set(id, counter = { id, number: counters.size, algorithm: 'sliding-window', window })
    return counter
  }

  /** Longer after each ban that is remembered: for as long as the longest ban after the last one's end. */
  function escalated (key: string, duration: number, { escalate, maxDuration }: BanPolicy): number {
    if (escalate === 1) return Math.min(duration, maxDuration)
    const time = now()
    const past = earlier.get(key)
    const times = past === undefined || past.until <= time ? 0 : past.times
    const longer = Math.min(duration * escalate ** times, maxDuration)
    // The one that was banned longest ago makes room.
    earlier.delete(key)
    if (earlier.size >= maxKeys) earlier.delete(earlier.keys().next().value!)
    earlier.set(key, { times: times + 1, until: time + longer + maxDuration })
    return Math.round(longer)
  }

  return {
    count (key, category, policy) {
      const own = category === undefined ? undefined : policy.categories.get(category)
      const { threshold, duration } = own ?? policy
      const counter = counterOf(own === undefined ? '*' : category!, policy.window)
      const { passed, left } = store.take([{ counter, key, max: threshold, burst: threshold, cost: 1 }])
      if (passed && left[0]!.remaining > 0) return undefined
      // The next ban takes as many strikes again.
      store.reset([counter], key)
      return { threshold, duration: escalated(key, duration, policy) }
    },

    forget (key) {
      store.reset([...counters.values()], key)
      earlier.delete(key)
    },

    reset () {
      store.clear()
      earlier.clear()
    },

    stats () {
      const { keys, evicted } = store.stats()
      return { strikeKeys: keys ?? 0, strikesEvicted: evicted ?? 0, remembered: earlier.size }
    }
  }
}
