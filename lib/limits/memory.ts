import type { Count } from './algorithm.ts'
import { fixedWindow } from './fixed-window.ts'
import { gcra } from './gcra.ts'
import { slidingWindow } from './sliding-window.ts'
import type { Algorithm, Ask, Left, LimiterStore, Taken } from './store.ts'
import { Table } from './table.ts'

export interface MemoryStoreOptions {
  /** Keys that are counted at once, over all counters. */
  maxKeys?: number
  /** Milliseconds since any moment. */
  now?: () => number
  /** 8 bytes that keys are hashed with; for tests. */
  secret?: Uint8Array
}

const counts: Readonly<Record<Algorithm, Count>> = { 'sliding-window': slidingWindow, 'fixed-window': fixedWindow, gcra }

/** Keeps the state of limiters in this process, in 49 bytes a key and 16 for each bucket beyond its newest, of which there are no more than keys. */
export function memoryStore ({ maxKeys = 250_000, now = Date.now, secret }: MemoryStoreOptions = {}): LimiterStore<false> {
  const table = new Table(maxKeys, secret)
  const clock = steady(now)

  /** 0 if the ask passes. A key that has no record gets none. */
  function waitOf (ask: Ask, slot: number, time: number): number {
    if (slot !== -1) return counts[ask.counter.algorithm].wait(table, slot, ask, time)
    return ask.cost <= unused(ask) ? 0 : Infinity
  }

  /** Takes from the record at `slot`, or from a new one for the key that was looked for last. */
  function takeAt (slot: number, ask: Ask, time: number): Left {
    const at = slot === -1 ? table.add(time) : slot
    const count = counts[ask.counter.algorithm]
    count.take(table, at, ask, time)
    return count.left(table, at, ask, time, 0)
  }

  function judge (asks: readonly Ask[], time: number): Taken {
    const left = asks.map((ask): Left => {
      const slot = table.find(ask.counter.number, ask.key)
      const found = waitOf(ask, slot, time)
      const wait = found === Infinity ? ask.counter.window : found
      return slot === -1
        ? { remaining: unused(ask), wait, next: 0, reset: 0 }
        : counts[ask.counter.algorithm].left(table, slot, ask, time, wait)
    })
    return { passed: left.every(({ wait }) => wait === 0), at: time, left }
  }

  function takeOne (ask: Ask, time: number): Taken | undefined {
    const slot = table.find(ask.counter.number, ask.key)
    if (waitOf(ask, slot, time) > 0) return undefined
    return { passed: true, at: time, left: [takeAt(slot, ask, time)] }
  }

  function takeAll (asks: readonly Ask[], time: number): Taken | undefined {
    for (const ask of asks) {
      if (waitOf(ask, table.find(ask.counter.number, ask.key), time) > 0) return undefined
    }
    return { passed: true, at: time, left: asks.map((ask) => takeAt(table.find(ask.counter.number, ask.key), ask, time)) }
  }

  return {
    take (asks) {
      const time = clock()
      return (asks.length === 1 ? takeOne(asks[0]!, time) : takeAll(asks, time)) ?? judge(asks, time)
    },

    peek: (asks) => judge(asks, clock()),

    refund (asks, at) {
      const time = clock()
      for (const ask of asks) {
        const slot = table.find(ask.counter.number, ask.key)
        if (slot !== -1) counts[ask.counter.algorithm].refund(table, slot, ask, at, time)
      }
    },

    reset (counters, key) {
      for (const { number } of counters) {
        const slot = table.find(number, key)
        if (slot !== -1) table.empty(slot)
      }
    },

    clear: () => table.clear(),
    stats: () => ({ keys: table.size, maxKeys, evicted: table.evicted })
  }
}

/** Units of a key that took none yet. */
function unused ({ counter, max, burst }: Ask): number {
  return counter.algorithm === 'gcra' && max > 0 ? burst : max
}

/** Whole milliseconds since it was made, never going back: a system clock that is set back must not lengthen anybody's wait. */
function steady (now: () => number): () => number {
  let start = now()
  let latest = 0
  return () => {
    const time = Math.floor(now() - start)
    if (time < latest) start -= latest - time
    else latest = time
    return latest
  }
}
