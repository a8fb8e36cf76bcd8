import type { FarStrikes } from './strikes.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { Counter, LimiterStore } from '../limits/store.ts'

/** Counts strikes where limits are counted, so that a threshold is one of all nodes together. No request waits for it. */
export function farStrikes (store: LimiterStore, limiter: Limiter): FarStrikes {
  const counters = new Map<string, Counter>()
  return {
    async count (name, window, key, threshold) {
      const counter = limiter.counter(`strikes:${name}`, window, 'sliding-window') as Counter
      counters.set(name, counter)
      const { passed, failed, left } = await store.take([{ counter, key, max: threshold, burst: threshold, cost: 1 }])
      return failed === undefined && (!passed || left[0]!.remaining === 0)
    },

    forget (key) {
      if (counters.size === 0) return
      // Where that fails, the next ban may come a few strikes early: they expire with the window.
      Promise.resolve(store.reset([...counters.values()], key)).catch(() => {})
    }
  }
}
