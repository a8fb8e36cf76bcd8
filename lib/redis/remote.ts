import { encode, settle, type Kind, type Operation, type RemoteAsk, type RemoteTaken } from './batch.ts'
import { isReady, type RedisClient } from './client.ts'
import { deadline } from './deadline.ts'
import { patternOf, tagOf } from './keys.ts'
import { SCRIPT, SHA } from './script.ts'
import type { Counter } from '../limits/store.ts'

/** Requests judged by one call of the script, which nothing else in Redis runs beside: a fifth of a millisecond. */
const LARGEST = 32

export interface RemoteOptions {
  client: RedisClient
  prefix?: string
  /** Milliseconds that an answer may take. */
  timeout?: number
  /** Told how each call ended; `undefined`: well. `key`: one of those that it was for; of a cluster the only one. */
  onOutcome?: (error: Error | undefined, key: string | undefined) => void
}

/** Limiter state in Redis, with nothing done about its faults: what fails rejects. */
export interface Remote {
  take: (asks: readonly RemoteAsk[]) => Promise<RemoteTaken>
  peek: (asks: readonly RemoteAsk[]) => Promise<RemoteTaken>
  refund: (asks: readonly RemoteAsk[], at: number) => Promise<void>
  reset: (counters: readonly Counter[], key: string) => Promise<void>
  clear: () => Promise<void>
  /** Rejects unless Redis, or of a cluster the shard of `key`, takes writes. */
  probe: (key?: string) => Promise<void>
  /** Fails everything that waits for an answer, or what of it concerns such a key. */
  abandon: (error: Error, concerns?: (key: string | undefined) => boolean) => void
  /** Calls of the script, requests in them, and reloads of the script. */
  readonly counts: { calls: number, operations: number, reloads: number }
}

/** A write that every script of ours does too: a replica, a full memory or a failing disk refuses it. */
const PROBE = 'return redis.call(\'SET\', KEYS[1], 1, \'PX\', 1000)'

export function remote ({ client, prefix = 'guard:', timeout = 50, onOutcome = () => {} }: RemoteOptions): Remote {
  const counts = { calls: 0, operations: 0, reloads: 0 }
  const waiting = new Map<(error: Error) => void, string | undefined>()
  let queue: Operation[] = []
  let turn: NodeJS.Immediate | undefined

  /** One answer, or a rejection after `timeout`. */
  function within<T> (key: string | undefined, call: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        cancel()
        waiting.delete(fail)
      }
      const fail = (error: Error): void => {
        done()
        reject(error)
      }
      const cancel = deadline(timeout, () => fail(new Error(`no answer within ${timeout} ms`)))
      waiting.set(fail, key)
      if (!isReady(client)) return fail(new Error(`not connected (${client.status})`))
      call().then((value) => {
        done()
        resolve(value)
      }, fail)
    })
  }

  async function run (keys: string[], json: string): Promise<unknown> {
    try {
      return await client.evalsha(SHA, keys.length, ...keys, json)
    } catch (error) {
      if (!String(error).includes('NOSCRIPT')) throw error
      counts.reloads++
      return client.eval(SCRIPT, keys.length, ...keys, json)
    }
  }

  async function call (operations: readonly Operation[]): Promise<void> {
    counts.calls++
    counts.operations += operations.length
    const key = operations[0]!.asks[0]?.key
    try {
      const { keys, json } = encode(operations, prefix)
      settle(operations, await within(key, () => run(keys, json)))
      onOutcome(undefined, key)
    } catch (error) {
      // First of all the breaker: what the operations' owners do next may depend on it.
      onOutcome(error as Error, key)
      for (const { reject } of operations) reject(error as Error)
    }
  }

  /** What came in during one turn of the event loop goes out together, or as soon as it is enough for Redis to begin. */
  function flush (): void {
    clearImmediate(turn)
    const operations = queue
    queue = []
    if (client.isCluster === true) for (const group of bySlot(operations)) call(group).catch(never)
    else call(operations).catch(never)
  }

  function send (kind: Kind, asks: readonly RemoteAsk[], at = 0): Promise<RemoteTaken> {
    return new Promise((resolve, reject) => {
      const length = queue.push({ kind, asks, at, resolve, reject })
      if (length === 1) turn = setImmediate(flush)
      else if (length === LARGEST) flush()
    })
  }

  /** Of a cluster a script reaches one slot: asks for different keys are judged one after the other. */
  async function takeApart (asks: readonly RemoteAsk[]): Promise<RemoteTaken> {
    const taken: Array<{ group: readonly RemoteAsk[], outcome: RemoteTaken }> = []
    let passed = true
    for (const group of byKey(asks)) {
      const outcome = await send(passed ? 'take' : 'peek', group)
      if (passed && !outcome.passed) {
        // What was granted beyond the cost goes back too: nobody will spend it.
        await Promise.all(taken.map(({ group, outcome: { at, granted } }) => send('refund', group.map((ask, i) => ({ ...ask, cost: ask.cost + (granted[i] ?? 0) })), at)))
      }
      passed &&= outcome.passed
      taken.push({ group, outcome })
    }
    return merged(asks, taken, passed)
  }

  function ask (kind: 'take' | 'peek', asks: readonly RemoteAsk[]): Promise<RemoteTaken> {
    if (client.isCluster !== true || isOneKey(asks)) return send(kind, asks)
    if (kind === 'take') return takeApart(asks)
    return Promise.all([...byKey(asks)].map(async (group) => ({ group, outcome: await send('peek', group) })))
      .then((peeked) => merged(asks, peeked, peeked.every(({ outcome }) => outcome.passed)))
  }

  return {
    counts,
    take: (asks) => ask('take', asks),
    peek: (asks) => ask('peek', asks),
    async refund (asks, at) { await Promise.all([...byKey(asks)].map((group) => send('refund', group, at))) },

    async reset (counters, key) {
      const { keys } = encode([{ kind: 'peek', at: 0, asks: counters.map((counter) => ({ counter, key, max: 0, burst: 0, cost: 0 })), resolve () {}, reject () {} }], prefix)
      await Promise.all(keys.map((place) => within(key, () => client.unlink(place))))
    },

    async clear () {
      for (const node of client.nodes?.('master') ?? [client]) await clearNode(node, client, prefix)
    },

    async probe (key) {
      await within(key, () => client.eval(PROBE, 1, key === undefined ? `${prefix}{probe}` : `${prefix}{${tagOf(key)}}:probe`))
    },

    abandon (error, concerns = () => true) {
      for (const [fail, key] of [...waiting]) if (concerns(key)) fail(error)
    }
  }
}

async function clearNode (node: RedisClient, client: RedisClient, prefix: string): Promise<void> {
  // ioredis writes it before keys, but neither before patterns nor off keys that were found.
  const before = (client as { options?: { keyPrefix?: string } }).options?.keyPrefix ?? ''
  let cursor = '0'
  do {
    const [next, keys] = await node.scan(cursor, 'MATCH', patternOf(before + prefix), 'COUNT', 500)
    await Promise.all(keys.map((key) => client.unlink(key.slice(before.length))))
    cursor = next
  } while (cursor !== '0')
}

/** `call` rejects nothing: it hands every failure to those who wait. */
function never (): void {}

function isOneKey (asks: readonly RemoteAsk[]): boolean {
  return asks.every(({ key }) => key === asks[0]!.key)
}

function byKey (asks: readonly RemoteAsk[]): Iterable<readonly RemoteAsk[]> {
  return isOneKey(asks) ? [asks] : grouped(asks, ({ key }) => key)
}

/** `Map.groupBy`, which Node 20 does not have. */
function grouped<T> (list: readonly T[], keyOf: (entry: T) => unknown): Iterable<readonly T[]> {
  const groups = new Map<unknown, T[]>()
  for (const entry of list) {
    const key = keyOf(entry)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [entry])
    else group.push(entry)
  }
  return groups.values()
}

/** Operations of one slot: each is of one key by now. */
function bySlot (operations: readonly Operation[]): Iterable<readonly Operation[]> {
  return operations.length === 1 ? [operations] : grouped(operations, ({ asks }) => asks[0]?.key)
}

/** One answer for all asks, in their order. The earliest time gives back no more than was taken. */
function merged (asks: readonly RemoteAsk[], parts: ReadonlyArray<{ group: readonly RemoteAsk[], outcome: RemoteTaken }>, passed: boolean): RemoteTaken {
  const taken: RemoteTaken = { passed, at: Math.min(...parts.map(({ outcome }) => outcome.at)), left: [], granted: [] }
  for (const ask of asks) {
    const { group, outcome } = parts.find(({ group }) => group.includes(ask))!
    taken.left.push(outcome.left[group.indexOf(ask)]!)
    taken.granted.push(passed ? outcome.granted[group.indexOf(ask)] : undefined)
  }
  return taken
}
