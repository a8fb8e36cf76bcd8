import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { openChannel, type Channel } from './channel.ts'
import { assertReady, isReady } from './client.ts'
import { openConnection, type RedisConnection } from './connection.ts'
import { nodeFinder } from './keys.ts'
import { leased } from './lease.ts'
import { remote } from './remote.ts'
import { resilient } from './resilient.ts'
import { ALL, shards } from './shards.ts'
import { GUARD_STORE_DOWN } from '../errors.ts'
import type { LimiterStore } from '../limits/store.ts'
import type { GuardEvent, RedisStoreOptions, StoreStats } from '../../types/index.ts'

/** Milliseconds that the start, or `ready()`, waits for Redis at most. */
const PATIENCE = 2000
/** Milliseconds between two lines of the log. */
const QUIET = 10_000

export interface RedisStore {
  limits: LimiterStore
  connection: RedisConnection
  /** Messages between nodes; opened by the first call. */
  channel: () => Channel
  /** Resolves once Redis answers, or after 2 s; never rejects. */
  started: () => Promise<void>
  /** @throws {GUARD_STORE_DOWN} if Redis does not answer for 2 s */
  ready: () => Promise<void>
  stats: () => StoreStats
  close: () => Promise<void>
}

export interface RedisStoreContext {
  app: FastifyInstance
  log: FastifyBaseLogger
  now: () => number
  emit: (event: GuardEvent) => void
  /** Counts while Redis fails. */
  local: LimiterStore<false>
}

/** State in Redis that outlives its faults. Throws where the option names no client, never since Redis is away. */
export function openRedisStore (options: RedisStoreOptions, { app, log, now, emit, local }: RedisStoreContext): RedisStore {
  const { mode = 'strict', timeout = 50, onError = 'local' } = options
  const connection = openConnection(app, options)
  const { client, prefix } = connection
  const waiting = new Set<() => void>()
  let channel: Channel | undefined
  let since = now()
  let failures = 0
  let down = false
  /** Until the start has waited for Redis, its absence is no news. */
  let starting = true
  const tell = teller(log, onError)

  const far = remote({
    client,
    prefix,
    timeout,
    onOutcome (error, key) {
      if (error === undefined) return circuits.succeeded(key)
      failures++
      circuits.failed(error.message, key)
    }
  })
  const nodeOf = nodeFinder(client, prefix)
  const circuits = shards({
    nodeOf,
    async probe (key) {
      if (nodeOf === undefined) return far.probe()
      // A connection to a cluster says nothing of its shards: requests find out which of them work.
      if (key === undefined) return assertReady(client)
      try {
        await far.probe(key)
      } catch (error) {
        // A replica may have taken over meanwhile; from a master that hangs nobody hears that.
        client.refreshSlotsCache?.()
        throw error
      }
    },
    // Whoever waits for an answer now would wait in vain.
    onOpen: (reason, concerns) => far.abandon(new Error(reason), concerns),
    onChange () {
      if (circuits.open !== down) since = now()
      down = circuits.open
      if (!starting) announce()
      if (!down) waiting.forEach((resolve) => resolve())
    }
  })
  const unwatch = connection.watch((error) => error === undefined ? circuits.retry() : circuits.trip(error.message))
  if (!isReady(client)) circuits.trip('not connected yet')
  const leases = mode === 'lease' ? leased(far) : undefined
  const limits = resilient({ remote: leases ?? far, local, breaker: circuits, onError })

  function announce (): void {
    const { open, where, reason } = circuits
    tell.say(where, reason)
    emit({ type: 'store', time: now(), state: open ? 'down' : 'up', reason })
  }

  /** Whether Redis answers now or soon. */
  async function up (): Promise<boolean> {
    if (!circuits.open) return true
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, PATIENCE)
      function done (): void {
        clearTimeout(timer)
        waiting.delete(done)
        resolve()
      }
      waiting.add(done)
    })
    return !circuits.open
  }

  return {
    limits,
    connection,
    channel: () => (channel ??= openChannel(connection)),
    async started () {
      if (!starting) return
      const there = await up()
      starting = false
      if (!there) announce()
    },
    async ready () { if (!await up()) throw new GUARD_STORE_DOWN(circuits.reason) },
    stats: () => ({ kind: 'redis', mode, state: circuits.open ? 'down' : 'up', reason: circuits.reason, since, ...far.counts, failures, fallbacks: limits.fallbacks, ...(leases !== undefined && { leased: leases.leased, leases: leases.leases }) }),

    async close () {
      unwatch()
      tell.close()
      if (circuits.where !== ALL) await leases?.release().catch(() => {})
      circuits.close()
      channel?.close()
      await connection.close()
    }
  }
}

/** Faults may come and go many times in a second: the log hears of them at most once in an interval, and how it ended. */
function teller (log: FastifyBaseLogger, onError: 'local' | 'pass' | 'refuse'): { say: (where: string, reason: string) => void, close: () => void } {
  const then = { local: 'this node counts by itself', pass: 'requests are not counted', refuse: 'requests are refused' }[onError]
  let timer: NodeJS.Timeout | undefined
  let said = ''
  let next: { where: string, reason: string } | undefined

  function say (where: string, reason: string): void {
    if (timer !== undefined) {
      next = { where, reason }
      return
    }
    timer = setTimeout(again, QUIET).unref()
    if (where === said) return
    said = where
    if (where !== '') log.warn({ event: 'guard.store', state: 'down', reason }, `guard: Redis does not answer (${reason}); ${then}`)
    else log.info({ event: 'guard.store', state: 'up', reason }, 'guard: Redis answers again')
  }

  function again (): void {
    timer = undefined
    const latest = next
    next = undefined
    if (latest !== undefined) say(latest.where, latest.reason)
  }

  return { say, close: () => clearTimeout(timer) }
}
