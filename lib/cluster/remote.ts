import type { RemoteTaken } from '../redis/batch.ts'
import { deadline } from '../redis/deadline.ts'
import type { Ask, Counter, Taken } from '../limits/store.ts'
import type { Kind, Operation, ToWorker } from './messages.ts'

/** Requests of one message. */
const LARGEST = 256

export interface ClusterRemoteOptions {
  send: (message: object, failed: (error: Error) => void) => void
  timeout: number
  /** Told how each message ended; `undefined`: well. */
  onOutcome: (error: Error | undefined) => void
}

/** Limiter state in the primary process. What fails rejects. */
export interface ClusterRemote {
  take: (asks: readonly Ask[]) => Promise<RemoteTaken>
  peek: (asks: readonly Ask[]) => Promise<RemoteTaken>
  refund: (asks: readonly Ask[], at: number) => Promise<void>
  reset: (counters: readonly Counter[], key: string) => Promise<void>
  clear: () => Promise<void>
  probe: () => Promise<void>
  /** Fails everything that waits for an answer. */
  abandon: (error: Error) => void
  heard: (message: Extract<ToWorker, { id: number }>) => void
  readonly counts: { calls: number, operations: number }
}

interface Asked { operation: Operation, resolve: (taken: Taken | null) => void, reject: (error: Error) => void }

export function clusterRemote ({ send, timeout, onOutcome }: ClusterRemoteOptions): ClusterRemote {
  const counts = { calls: 0, operations: 0 }
  const waiting = new Map<number, { asked: Asked[], cancel: () => void }>()
  let queue: Asked[] = []
  let ids = 0

  function fail (id: number, error: Error): void {
    const batch = waiting.get(id)
    if (batch === undefined) return
    waiting.delete(id)
    batch.cancel()
    // First of all the breaker: what those who asked do next may depend on it.
    onOutcome(error)
    for (const { reject } of batch.asked) reject(error)
  }

  function message (asked: Asked[]): void {
    const id = ++ids
    counts.calls++
    counts.operations += asked.length
    const cancel = deadline(timeout, () => fail(id, new Error(`the primary process does not answer within ${timeout} ms: is guardCluster() called there?`)))
    waiting.set(id, { asked, cancel })
    send({ id, operations: asked.map(({ operation }) => operation) }, (error) => fail(id, error))
  }

  /** What came in during one turn of the event loop goes out together. */
  function flush (): void {
    const all = queue
    queue = []
    for (let i = 0; i < all.length; i += LARGEST) message(all.slice(i, i + LARGEST))
  }

  function ask (kind: Kind, asks: readonly Ask[] = [], at = 0): Promise<Taken | null> {
    const operation = { kind, at, asks: asks.map(({ counter: { id, algorithm, window }, key, max, burst, cost }) => ({ counter: { id, algorithm, window }, key, max, burst, cost })) }
    return new Promise((resolve, reject) => {
      if (queue.push({ operation, resolve, reject }) === 1) setImmediate(flush)
    })
  }

  async function judge (kind: 'take' | 'peek', asks: readonly Ask[]): Promise<RemoteTaken> {
    const taken = await ask(kind, asks)
    return { ...taken!, granted: [] }
  }

  return {
    counts,
    take: (asks) => judge('take', asks),
    peek: (asks) => judge('peek', asks),
    async refund (asks, at) { await ask('refund', asks, at) },
    async reset (counters, key) { await ask('reset', counters.map((counter) => ({ counter, key, max: 0, burst: 0, cost: 0 }))) },
    async clear () { await ask('clear') },
    async probe () { await ask('ping') },
    abandon (error) { for (const id of [...waiting.keys()]) fail(id, error) },

    heard ({ id, answers }) {
      const batch = waiting.get(id)
      if (batch === undefined) return
      waiting.delete(id)
      batch.cancel()
      onOutcome(undefined)
      batch.asked.forEach(({ resolve }, i) => resolve(answers[i] ?? null))
    }
  }
}
