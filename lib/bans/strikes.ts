import { memoryStore } from '../limits/memory.ts'
import type { Counter } from '../limits/store.ts'
import { EXPIRES, MAX, Table, TIMES, TOTAL, WORDS } from '../limits/table.ts'
import type { BanPolicy } from './bans.ts'
import type { Past } from './held.ts'
import type { Category } from '../../types/index.ts'

const MOST_TIMES = 2 ** 31 - 1

/** Counts strikes of all nodes. Where that fails, this node's own count has to do. */
export interface FarStrikes {
  /** Counts one; whether it was one too many. */
  count: (counter: string, window: number, key: string, threshold: number) => Promise<boolean>
  forget: (key: string) => void
}

/** Counts strikes, and remembers earlier bans. */
export interface Strikes {
  /**
   * Counts one; whether it is one too many.
   *
   * @param late called if it turns out later that it was, with the strikes of other nodes
   */
  count: (key: string, category: Category | undefined, policy: BanPolicy, late: () => void) => boolean
  /** What one too many leads to. */
  sentence: (key: string, category: Category | undefined, policy: BanPolicy) => { threshold: number, duration: number, past: Past | undefined }
  /** Begins to count anew here; `past`: what is remembered of earlier bans from now on. */
  begin: (key: string, past: Past | undefined) => void
  /** What is remembered of earlier bans. */
  past: (key: string) => Past | undefined
  /** Forgets a client's strikes and earlier bans here. */
  forget: (key: string) => void
  reset: () => void
  stats: () => Record<string, number>
}

/**
 * Strikes are units of sliding windows, in 49 bytes a client. Routes whose rules differ in thresholds
 * only count together; those with another window count by themselves.
 */
export function strikes ({ now, maxKeys, far }: { now: () => number, maxKeys: number, far?: FarStrikes | undefined }): Strikes {
  const store = memoryStore({ now, maxKeys })
  const counters = new Map<string, Counter>()
  /** Times as units, in 49 bytes a client. */
  const earlier = new Table(maxKeys)

  function counterOf (name: string, window: number): Counter {
    const id = `${name}|${window}`
    let counter = counters.get(id)
    if (counter === undefined) counters.set(id, counter = { id, number: counters.size, algorithm: 'sliding-window', window })
    return counter
  }

  function ruleOf (category: Category | undefined, policy: BanPolicy): { name: string, threshold: number, duration: number } {
    const own = category === undefined ? undefined : policy.categories.get(category)
    return own === undefined ? { name: '*', threshold: policy.threshold, duration: policy.duration } : { name: category!, ...own }
  }

  /** Of some, the one that is to be forgotten soonest makes room. */
  function remember (key: string, { times, until }: Past): void {
    const found = earlier.find(0, key)
    const slot = found === -1 ? earlier.add(now()) : found
    earlier.words[slot * WORDS + TOTAL] = Math.min(times, MOST_TIMES)
    earlier.words[slot * WORDS + MAX] = 0
    earlier.times[slot * TIMES + EXPIRES] = until
  }

  function pastOf (key: string): Past | undefined {
    const slot = earlier.find(0, key)
    if (slot === -1) return undefined
    const until = earlier.times[slot * TIMES + EXPIRES]!
    return until <= now() ? undefined : { times: earlier.words[slot * WORDS + TOTAL]!, until }
  }

  return {
    count (key, category, policy, late) {
      const { name, threshold } = ruleOf(category, policy)
      const counter = counterOf(name, policy.window)
      const { passed, left } = store.take([{ counter, key, max: threshold, burst: threshold, cost: 1 }])
      if (!passed || left[0]!.remaining === 0) return true
      far?.count(counter.id, policy.window, key, threshold).then((over) => { if (over) late() }, () => {})
      return false
    },

    sentence (key, category, policy) {
      const { threshold, duration } = ruleOf(category, policy)
      const { escalate, jitter, maxDuration } = policy
      const time = now()
      const times = pastOf(key)?.times ?? 0
      const longer = duration * escalate ** times * (1 + jitter * Math.random())
      const length = Math.round(Math.min(longer, maxDuration))
      // Longer after each ban that is remembered: for as long as the longest ban after the last one's end.
      return { threshold, duration: length, past: escalate === 1 ? undefined : { times: times + 1, until: time + length + maxDuration } }
    },

    begin (key, past) {
      store.reset([...counters.values()], key)
      if (past !== undefined) remember(key, past)
    },

    past: pastOf,

    forget (key) {
      store.reset([...counters.values()], key)
      const slot = earlier.find(0, key)
      if (slot !== -1) earlier.empty(slot)
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
