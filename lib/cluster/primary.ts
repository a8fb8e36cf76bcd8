import cluster, { type Worker } from 'node:cluster'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import { memoryStore } from '../limits/memory.ts'
import type { Ask, Counter, LimiterStore, Taken } from '../limits/store.ts'
import type { GuardClusterOptions } from '../../types/index.ts'
import { keptBans, type KeptBans } from './kept.ts'
import { isOurs, TAG, type Operation, type SentAsk, type ToPrimary, type ToWorker } from './messages.ts'

/** Bans of one message. */
const PIECE = 500

/** `members`: the apps that want to hear of bans, by their own names. */
interface State { limits: LimiterStore<false>, bans: KeptBans, counters: Map<string, Counter>, members: Map<string, Worker> }

/**
 * Keeps limits and bans of a cluster's workers, in the primary process. To be called there once, before workers are
 * forked; workers register the guard with `store: { cluster: true }`. Returns what ends it.
 *
 * @throws {GUARD_OPTION_INVALID} in a worker
 */
export function guardCluster ({ maxKeys = 250_000 }: GuardClusterOptions = {}): () => void {
  if (!cluster.isPrimary) throw new GUARD_OPTION_INVALID('guard: guardCluster() belongs in the primary process; workers set store: { cluster: true }')
  const states = new Map<string, State>()
  let warned = false

  function stateOf (prefix: string): State {
    let state = states.get(prefix)
    if (state === undefined) states.set(prefix, state = { limits: memoryStore({ maxKeys }), bans: keptBans(maxKeys), counters: new Map(), members: new Map() })
    return state
  }

  function hear (worker: Worker, message: unknown): void {
    if (!isOurs(message)) return
    try {
      obey(worker, message as ToPrimary)
    } catch (error) {
      // A worker of another version must not end this process; what it asked stays without an answer.
      if (!warned) process.emitWarning(`a message of worker ${worker.id} cannot be read: ${(error as Error).message}`, { code: 'GUARD_CLUSTER_MESSAGE' })
      warned = true
    }
  }

  function obey (worker: Worker, asked: ToPrimary): void {
    const { prefix, from } = asked
    const state = stateOf(prefix)
    if ('operations' in asked) {
      send(worker, { tag: TAG, to: from, id: asked.id, answers: asked.operations.map((operation) => answer(state, operation)) })
    } else if ('bans' in asked) {
      for (const ban of asked.bans) state.bans.apply(ban)
      for (const [to, member] of state.members) if (to !== from) send(member, { tag: TAG, to, bans: asked.bans, all: false })
    } else if ('join' in asked) {
      state.members.set(from, worker)
      tellAll(worker, from, state)
    } else {
      state.members.delete(from)
    }
  }

  function forget (worker: Worker): void {
    for (const { members } of states.values()) for (const [name, member] of members) if (member === worker) members.delete(name)
  }

  cluster.on('message', hear)
  cluster.on('disconnect', forget)
  return () => {
    cluster.off('message', hear)
    cluster.off('disconnect', forget)
  }
}

/** Says all bans in pieces, so that neither side is held up. Each is what it is by then: it may have been lifted since. */
function tellAll (worker: Worker, to: string, { bans, members }: State): void {
  const names = bans.names()
  function piece (from: number): void {
    if (members.get(to) !== worker) return
    const last = from + PIECE >= names.length
    send(worker, { tag: TAG, to, bans: bans.of(names.slice(from, from + PIECE)), all: last })
    if (!last) setImmediate(piece, from + PIECE)
  }
  piece(0)
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
