export type Algorithm = 'sliding-window' | 'fixed-window' | 'gcra'

/** What is counted, for each key by itself. Made once for a limit; see `Limiter.counter`. */
export interface Counter {
  /** The same on all nodes: which bucket of the rules this is. */
  readonly id: string
  /** The same within this process, and small. */
  readonly number: number
  readonly algorithm: Algorithm
  /** Milliseconds. */
  readonly window: number
}

/** What a request wants of one counter. */
export interface Ask {
  counter: Counter
  /** Whose: a client's key, or what a limit's `key` function gave; at most 128 characters. */
  key: string
  /** Units in `window`, a whole number from 0 to 2 ** 32 - 1. It may differ from call to call. */
  max: number
  /** For `gcra`: units at once. */
  burst: number
  /** Units, a whole number. */
  cost: number
}

/** The state of one counter, after a request that passed, or as a refused one found it. */
export interface Left {
  /** Units that are free now. */
  remaining: number
  /** Milliseconds until the same ask passes if nothing else is taken; 0 if it did or does. One that never can waits `window`. */
  wait: number
  /** Milliseconds until more units are free than now; 0 if all are. */
  next: number
  /** Milliseconds until all units are free. */
  reset: number
}

export interface Taken {
  passed: boolean
  /** When, by the store's own clock; for `refund` alone. */
  at: number
  /** Why nothing could be judged, where that refuses. */
  failed?: string
  /** In the order of the asks. */
  left: Left[]
}

type Answer<Remote extends boolean, T> = Remote extends true ? Promise<T> : T

/**
 * State of limiters: in this process (answers at once, so that the hot path has no promise) or elsewhere. A
 * store that fails rejects; the limiter's caller decides what becomes of the request.
 */
export interface LimiterStore<Remote extends boolean = boolean> {
  /** Takes what all asks want, or nothing if one of them would go over its limit. Refusals change no state. */
  take: (asks: readonly Ask[]) => Answer<Remote, Taken>
  /** What `take` would answer; takes nothing. */
  peek: (asks: readonly Ask[]) => Answer<Remote, Taken>
  /** Gives back what `take` took at that time; what has expired since is left alone. */
  refund: (asks: readonly Ask[], at: number) => Answer<Remote, void>
  /** Forgets what one key took of these counters. */
  reset: (counters: readonly Counter[], key: string) => Answer<Remote, void>
  /** Forgets everything. */
  clear: () => Answer<Remote, void>
  /** Numbers for `app.guard.stats()`. */
  stats: () => Record<string, number>
}
