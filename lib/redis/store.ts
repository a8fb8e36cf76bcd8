import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { breaker } from './breaker.ts'
import { openChannel, type Channel } from './channel.ts'
import { isReady } from './client.ts'
import { openConnection, type RedisConnection } from './connection.ts'
import { leased } from './lease.ts'
import { remote } from './remote.ts'
import { resilient } from './resilient.ts'
import { GUARD_STORE_DOWN } from '../errors.ts'
import type { Ask, LimiterStore } from '../limits/store.ts'
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
  /** Until the start has waited for Redis, its absence is no news. */
  let starting = true
  const tell = teller(log, onError)

  const far = remote({
    client,
    prefix,
    timeout,
    onOutcome (error) {
      if (error === undefined) return circuit.succeeded()
      failures++
      circuit.failed(error.message)
    }
  })
  const circuit = breaker({
    probe: far.probe,
    onChange (open, reason) {
      since = now()
      if (!starting) announce()
      // Whoever waits for an answer now would wait in vain.
      if (open) far.abandon(new Error(reason))
      else waiting.forEach((resolve) => resolve())
    }
  })
  const unwatch = connection.watch((error) => error === undefined ? circuit.retry() : circuit.trip(error.message))
  if (!isReady(client)) circuit.trip('not connected yet')
  // What was taken ahead counts here too, for the time that this node may have to count by itself.
  const warm = (ask: Ask): void => { if (onError === 'local') local.take([ask]) }
  const leases = mode === 'lease' ? leased(far, undefined, warm) : undefined
  const limits = resilient({ remote: leases ?? far, local, breaker: circuit, onError })

  function announce (): void {
    const { open, reason } = circuit
    tell.say(open, reason)
    emit({ type: 'store', time: since, state: open ? 'down' : 'up', reason })
  }

  /** Whether Redis answers now or soon. */
  async function up (): Promise<boolean> {
    if (!circuit.open) return true
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, PATIENCE)
      function done (): void {
        clearTimeout(timer)
        waiting.delete(done)
        resolve()
      }
      waiting.add(done)
    })
    return !circuit.open
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
    async ready () { if (!await up()) throw new GUARD_STORE_DOWN(circuit.reason) },
    stats: () => ({ kind: 'redis', mode, state: circuit.open ? 'down' : 'up', reason: circuit.reason, since, ...far.counts, failures, fallbacks: limits.fallbacks, ...(leases !== undefined && { leased: leases.leased, leases: leases.leases }) }),

    async close () {
      unwatch()
      tell.close()
      if (!circuit.open) await leases?.release().catch(() => {})
      circuit.close()
      channel?.close()
      await connection.close()
    }
  }
}

/** Faults may come and go many times in a second: the log hears of them at most once in an interval, and how it ended. */
function teller (log: FastifyBaseLogger, onError: 'local' | 'pass' | 'refuse'): { say: (open: boolean, reason: string) => void, close: () => void } {
  const then = { local: 'this node counts by itself', pass: 'requests are not counted', refuse: 'requests are refused' }[onError]
  let timer: NodeJS.Timeout | undefined
  let said = false
  let next: { open: boolean, reason: string } | undefined

  function say (open: boolean, reason: string): void {
    if (timer !== undefined) {
      next = { open, reason }
      return
    }
    timer = setTimeout(again, QUIET).unref()
    if (open === said) return
    said = open
    if (open) log.warn({ event: 'guard.store', state: 'down', reason }, `guard: Redis does not answer (${reason}); ${then}`)
    else log.info({ event: 'guard.store', state: 'up', reason }, 'guard: Redis answers again')
  }

  function again (): void {
    timer = undefined
    const latest = next
    next = undefined
    if (latest !== undefined) say(latest.open, latest.reason)
  }

  return { say, close: () => clearTimeout(timer) }
}
