import { randomUUID } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import type { Bans } from '../bans/bans.ts'
import type { BanKeeper } from '../bans/keep.ts'
import { GUARD_OPTION_INVALID, GUARD_STORE_DOWN } from '../errors.ts'
import type { LimiterStore } from '../limits/store.ts'
import { breaker } from '../redis/breaker.ts'
import { resilient } from '../redis/resilient.ts'
import { applyBan, isOurs, sentBan, TAG, type SentBan, type ToWorker } from './messages.ts'
import { clusterRemote } from './remote.ts'
import type { ClusterStoreOptions, GuardEvent, StoreStats } from '../../types/index.ts'

/** Milliseconds that the start waits for the primary at most. */
const PATIENCE = 2000

export interface ClusterStore {
  limits: LimiterStore
  /** Shares bans with the other workers. */
  keep: (bans: Bans) => BanKeeper
  /** Resolves once the primary answers. @throws {GUARD_STORE_DOWN} if it does not */
  ready: () => Promise<void>
  stats: () => StoreStats
  close: () => Promise<void>
}

export interface ClusterStoreContext {
  log: FastifyBaseLogger
  now: () => number
  emit: (event: GuardEvent) => void
  /** Counts while the primary does not answer. */
  local: LimiterStore<false>
}

/** State in the primary process of a cluster. @throws {GUARD_OPTION_INVALID} in a process that has none */
export function openClusterStore ({ prefix = 'guard:', timeout = 50, onError = 'local' }: ClusterStoreOptions, { log, now, emit, local }: ClusterStoreContext): ClusterStore {
  if (process.send === undefined) throw new GUARD_OPTION_INVALID('guard: option store.cluster is for workers that node:cluster forked; this process has no primary')
  let since = now()
  let failures = 0
  let apply: (bans: SentBan[], all: boolean) => void = () => {}
  let join: () => void = () => {}

  /** Tells this app from others of the process. */
  const from = randomUUID()

  function send (message: object, failed: (error: Error) => void = () => {}): void {
    const done = (error: Error | null): void => { if (error !== null) failed(error) }
    if (!process.connected) failed(new Error('the primary process is gone'))
    else process.send!({ tag: TAG, prefix, from, ...message }, undefined, {}, done)
  }

  const far = clusterRemote({
    send,
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
      emit({ type: 'store', time: since, state: open ? 'down' : 'up', reason })
      if (open) {
        log.warn({ event: 'guard.store', state: 'down', reason }, `guard: the primary process does not answer (${reason})`)
        far.abandon(new Error(reason))
      } else {
        log.info({ event: 'guard.store', state: 'up', reason }, 'guard: the primary process answers again')
        join()
      }
    }
  })
  const limits = resilient({ remote: far, local, breaker: circuit, onError })

  function hear (message: unknown): void {
    if (!isOurs(message) || (message as ToWorker).to !== from) return
    const told = message as ToWorker
    if ('answers' in told) far.heard(told)
    else apply(told.bans, told.all)
  }
  const gone = (): void => circuit.trip('the primary process is gone')
  process.on('message', hear)
  process.on('disconnect', gone)

  function keep (bans: Bans): BanKeeper {
    let joined: () => void = () => {}
    const greeted = new Promise<void>((resolve) => { joined = resolve })
    let complete = false
    /** What was heard since the greeting. */
    let known = new Set<string>()
    apply = (told, all) => {
      for (const ban of told) {
        if (!complete) known.add(ban.client)
        if (!applyBan(bans, ban)) failures++
      }
      if (!all) return
      for (const part of bans.others.parts()) {
        const own = part.filter(({ client }) => !known.has(client)).map(sentBan)
        if (own.length > 0) send({ bans: own })
      }
      known = new Set()
      complete = true
      joined()
    }
    join = () => {
      complete = false
      send({ join: true })
    }
    join()
    const unlisten = bans.onChange((change) => {
      send({ bans: [change.type === 'banned' ? sentBan(change.ban) : { client: change.name }] })
    })
    return {
      async started () {
        let timer: NodeJS.Timeout | undefined
        const late = new Promise<void>((resolve) => { timer = setTimeout(resolve, PATIENCE) })
        await Promise.race([greeted, late])
        clearTimeout(timer)
        if (circuit.open) return
        // Whoever did not answer the greeting is asked at once, and not by the first request.
        await far.probe().catch((error: Error) => circuit.trip(error.message))
      },
      async close () {
        unlisten()
        send({ leave: true })
      },
      stats: () => ({})
    }
  }

  return {
    limits,
    keep,
    ready: () => far.probe().catch((error: Error) => { throw new GUARD_STORE_DOWN(error.message) }),
    stats: () => ({ kind: 'cluster', state: circuit.open ? 'down' : 'up', reason: circuit.reason, since, ...far.counts, failures, fallbacks: limits.fallbacks }),
    async close () {
      process.off('message', hear)
      process.off('disconnect', gone)
      circuit.close()
      far.abandon(new Error('closed'))
    }
  }
}
