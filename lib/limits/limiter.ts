import { isIP } from 'node:net'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import { parseAddress } from '../net/address.ts'
import { boundedKey, clientKey } from './client-key.ts'
import { stateTexts, type StateText } from './state-text.ts'
import type { Algorithm, Ask, Counter, LimiterStore, Taken } from './store.ts'
import type { LimitState } from '../../types/index.ts'

/** A limit as `app.guard.limits` knows it. */
export interface KnownLimit {
  /** Its name, or that of its bucket. */
  name: string
  counter: Counter
  /** `undefined`: only a request can tell. */
  max: number | undefined
  burst: number
  /** Whether its keys are clients. */
  byClient: boolean
}

/** Rate limits of one app. */
export interface Limiter {
  /**
   * The counter of a bucket; the same for the same id.
   *
   * @returns what is wrong, if the bucket is known with another window or algorithm
   */
  counter: (id: string, window: number, algorithm: Algorithm, group?: string) => Counter | string
  /** Forgets which limits there are, before all are compiled anew; their counts stay. Returns what takes that back. */
  begin: () => () => void
  /** Makes a limit known to `peek`, `consume` and `reset`. */
  know: (limit: KnownLimit) => void
  take: (asks: readonly Ask[]) => Taken | Promise<Taken>
  /** What `take` would answer; takes nothing. */
  look: (asks: readonly Ask[]) => Taken | Promise<Taken>
  refund: (asks: readonly Ask[], at: number) => void | Promise<void>
  /** What is left to a client, by its address, or to any key of a limit with a `key` function. Limits whose `max` is a function are left out. */
  peek: (client: string) => LimitState[] | Promise<LimitState[]>
  /** Takes from one of a client's limits, or from all; nothing if one of them has too little left. */
  consume: (client: string, limit?: string, cost?: number) => LimitState[] | Promise<LimitState[]>
  /** Forgets what a client took, of all limits. */
  reset: (client: string) => void | Promise<void>
  resetAll: () => void | Promise<void>
  stats: () => Record<string, number>
  /** What headers say of a limit. */
  textOf: StateText
}

export interface LimiterOptions {
  store: LimiterStore
  now: () => number
  /** Bits of a v6 address that make one client. */
  ipv6Prefix?: number
}

export function limiter ({ store, ipv6Prefix = 64 }: LimiterOptions): Limiter {
  const counters = new Map<string, Counter>()
  let limits = new Map<string, KnownLimit>()
  /** What the limits of each group agree on. */
  let groups = new Map<string, { window: number, algorithm: Algorithm }>()

  const keyOf = (client: string): string => {
    const address = parseAddress(client)
    return address === undefined ? boundedKey(client) : clientKey(address, ipv6Prefix)
  }

  function asksOf (client: string, name: string | undefined, cost: number): Array<Ask & { limit: string }> {
    const key = keyOf(client)
    const byClient = isIP(client) !== 0 || key === 'unknown' || /\/\d+$/.test(client)
    const asks: Array<Ask & { limit: string }> = []
    for (const limit of limits.values()) {
      const { max, burst, counter } = limit
      if (max === undefined || limit.byClient !== byClient || (name !== undefined && limit.name !== name)) continue
      // Limits of a group are one bucket.
      if (asks.some((ask) => ask.counter === counter)) continue
      asks.push({ limit: limit.name, counter, key, max, burst, cost })
    }
    return asks
  }

  return {
    begin () {
      const before = { limits, groups }
      limits = new Map()
      groups = new Map()
      return () => { ({ limits, groups } = before) }
    },

    counter (id, window, algorithm, group) {
      const agreed = group === undefined ? undefined : groups.get(group)
      if (agreed !== undefined && (agreed.window !== window || agreed.algorithm !== algorithm)) {
        return `must have the same window and algorithm wherever it is used: ${agreed.window} ms by ${agreed.algorithm} and ${window} ms by ${algorithm}`
      }
      if (group !== undefined) groups.set(group, { window, algorithm })
      let counter = counters.get(id)
      if (counter === undefined) counters.set(id, counter = { id, number: counters.size, algorithm, window })
      return counter
    },

    know (limit) {
      limits.set(`${limit.counter.id} ${limit.name}`, limit)
    },

    take: (asks) => store.take(asks),
    look: (asks) => store.peek(asks),
    refund: (asks, at) => store.refund(asks, at),

    peek (client) {
      const asks = asksOf(client, undefined, 1)
      return statesOf(asks, store.peek(asks))
    },

    consume (client, name, cost = 1) {
      if (!Number.isSafeInteger(cost) || cost < 1) throw new GUARD_OPTION_INVALID('guard: cost must be a whole number from 1 up')
      const asks = asksOf(client, name, cost)
      if (name !== undefined && asks.length === 0) throw new GUARD_OPTION_INVALID(`guard: there is no limit ${JSON.stringify(name)} for such a key`)
      return statesOf(asks, store.take(asks))
    },

    reset (client) {
      return store.reset([...counters.values()], keyOf(client))
    },

    resetAll: () => store.clear(),
    stats: () => store.stats(),
    textOf: stateTexts()
  }
}

function statesOf (asks: ReadonlyArray<Ask & { limit: string }>, taken: Taken | Promise<Taken>): LimitState[] | Promise<LimitState[]> {
  return taken instanceof Promise ? taken.then((taken) => states(asks, taken)) : states(asks, taken)
}

function states (asks: ReadonlyArray<Ask & { limit: string }>, { left }: Taken): LimitState[] {
  return asks.map(({ limit, max }, i) => ({ limit, max, remaining: left[i]!.remaining, retryAfter: left[i]!.remaining > 0 ? left[i]!.wait : Math.max(left[i]!.wait, left[i]!.next) }))
}
