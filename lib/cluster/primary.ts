import cluster, { type Worker } from 'node:cluster'
import { bans, type Bans } from '../bans/bans.ts'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import { memoryStore } from '../limits/memory.ts'
import type { Ask, Counter, LimiterStore, Taken } from '../limits/store.ts'
import type { GuardClusterOptions } from '../../types/index.ts'
import { applyBan, isOurs, sentBan, TAG, type Operation, type SentAsk, type ToPrimary, type ToWorker } from './messages.ts'

interface State { limits: LimiterStore<false>, bans: Bans, counters: Map<string, Counter>, members: Set<Worker> }

/**
 * Keeps limits and bans of a cluster's workers, in the primary process. To be called there once, before workers are
 * forked; workers register the guard with `store: { cluster: true }`. Returns what ends it.
 *
 * @throws {GUARD_OPTION_INVALID} in a worker
 */
export function guardCluster ({ maxKeys = 250_000 }: GuardClusterOptions = {}): () => void {
  if (!cluster.isPrimary) throw new GUARD_OPTION_INVALID('guard: guardCluster() belongs in the primary process; workers set store: { cluster: true }')
  const states = new Map<string, State>()

  function stateOf (prefix: string): State {
    let state = states.get(prefix)
    if (state === undefined) states.set(prefix, state = { limits: memoryStore({ maxKeys }), bans: bans({ now: Date.now, maxKeys }), counters: new Map(), members: new Set() })
    return state
  }

  function hear (worker: Worker, message: unknown): void {
    if (!isOurs(message)) return
    const asked = message as ToPrimary
    const { prefix } = asked
    const state = stateOf(prefix)
    if ('operations' in asked) {
      send(worker, { tag: TAG, prefix, id: asked.id, answers: asked.operations.map((operation) => answer(state, operation)) })
    } else if ('bans' in asked) {
      for (const ban of asked.bans) applyBan(state.bans, ban)
      for (const member of state.members) if (member !== worker) send(member, { tag: TAG, prefix, bans: asked.bans, all: false })
    } else if ('join' in asked) {
      state.members.add(worker)
      const now = Date.now()
      send(worker, { tag: TAG, prefix, bans: state.bans.others.values().filter(({ until }) => until > now).map(sentBan), all: true })
    } else {
      state.members.delete(worker)
    }
  }

  function forget (worker: Worker): void {
    for (const { members } of states.values()) members.delete(worker)
  }

  cluster.on('message', hear)
  cluster.on('disconnect', forget)
  return () => {
    cluster.off('message', hear)
    cluster.off('disconnect', forget)
  }
}

/** A worker that has just died hears nothing any more. */
function send (worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message, () => {})
}

function answer (state: State, { kind, asks: sent, at }: Operation): Taken | null {
  const { limits } = state
  const asks = sent.map((ask) => askOf(state, ask))
  if (kind === 'take') return limits.take(asks)
  if (kind === 'peek') return limits.peek(asks)
  if (kind === 'refund') limits.refund(asks, at)
  else if (kind === 'clear') limits.clear()
  else if (kind === 'reset') for (const { counter, key } of asks) limits.reset([counter], key)
  return null
}

function askOf ({ counters }: State, { counter: { id, algorithm, window }, ...ask }: SentAsk): Ask {
  const name = `${algorithm}|${window}|${id}`
  let counter = counters.get(name)
  if (counter === undefined) counters.set(name, counter = { id, number: counters.size, algorithm, window })
  return { ...ask, counter }
}
