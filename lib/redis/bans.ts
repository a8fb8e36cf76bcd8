import { randomBytes } from 'node:crypto'
import { isOf, type Answer, type News, type Row } from './bans-rows.ts'
import { BANS_SCRIPT, BANS_SHA } from './bans-script.ts'
import { openFeed } from './bans-feed.ts'
import { isReady } from './client.ts'
import type { RedisConnection } from './connection.ts'
import { deadline } from './deadline.ts'
import { atMost, breath, firstOf } from './turns.ts'
import type { Bans } from '../bans/bans.ts'
import type { BanKeeper } from '../bans/keep.ts'
import type { GuardEvent } from '../../types/index.ts'

/** Milliseconds between comparisons, more or less a quarter; where nothing is heard in between, and after a failure, one second. */
const EVERY = 5000
const SOON = 1000
/** Comparisons between two that look at everything. */
const WHOLE = 60
/** Milliseconds that an answer may take, and the start waits at most. */
const PATIENCE = 2000
/** Milliseconds for which a change counts as made when Redis hears of it, as in the script. */
const NEW = 1000
/** For how long Redis keeps lifts at least. */
const DAY = 86_400_000
/** Failures in a row after which it is said. */
const SILENT = 3
/** Milliseconds that the last words may take. */
const FAREWELL = 500
/** Changes of one call; rows of one answer: nothing else runs in Redis beside it, for one or two milliseconds. */
const CHANGES = 200
const ROWS = 500

/** What Redis has not heard yet. `at` is a moment of this process's clock, or one of Redis if it is `known` there. */
interface Change { at: number, known: boolean, lift: boolean }

export interface SharedBansOptions {
  connection: RedisConnection
  bans: Bans
  now: () => number
  maxKeys: number
  emit: (event: GuardEvent) => void
}

/**
 * Keeps the bans of this process and those in Redis the same. Each node has all of them, so that no request asks;
 * changes go out at once and come in as messages, and what was missed is found by comparing numbers. While Redis is
 * away nothing is lost: what changed waits, and the later change of a target wins, whichever node made it.
 */
export function shareBans ({ connection, bans, now, maxKeys, emit }: SharedBansOptions): BanKeeper {
  const { client, prefix } = connection
  const keys = ['meta', 'rows', 'log', 'ends'].map((part) => `${prefix}bans:{bans}:${part}`)
  const channel = `${prefix}bans`
  /** Names this node in what it publishes. */
  const id = randomBytes(8).toString('hex')
  const waiting = new Map<string, Change>()
  /** Lifts that Redis knows, and when they were. */
  const lifted = new Map<string, number>()
  let epoch = ''
  let seq = 0
  /** What Redis's clock is ahead. */
  let ahead = 0
  let whole = true
  let turn: Promise<void> | undefined
  let again = false
  let timer: NodeJS.Timeout | undefined
  let next: NodeJS.Immediate | undefined
  let closed = false
  let ticks = 0
  let compared = 0
  let failures = 0
  /** Failures in a row. */
  let row = 0
  let abandon: (error: Error) => void = () => {}
  let begun: () => void = () => {}
  const complete = new Promise<void>((resolve) => { begun = resolve })

  /** One answer, or a rejection after a while. */
  function within<T> (call: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        cancel()
        reject(error)
      }
      const cancel = deadline(PATIENCE, () => fail(new Error(`no answer within ${PATIENCE} ms`)))
      abandon = fail
      call().finally(cancel).then(resolve, reject)
    })
  }

  function bounded<T> (map: Map<string, T>, name: string, value: T): void {
    map.delete(name)
    if (map.size >= maxKeys) map.delete(map.keys().next().value!)
    map.set(name, value)
  }

  /** `undefined`: there is nothing to say any more. A ban that ended, or had to make room, was not lifted. */
  function rowOf (name: string, { at, known, lift }: Change): Row | undefined {
    const moment = known ? at : -(at + ahead)
    if (lift) return [name, moment, 0, 0, 'lift', '', 0, 0]
    const ban = bans.others.get(name)
    if (ban === undefined) return undefined
    const { since, until, kind, reason, past } = ban
    return [name, moment, since + ahead, until + ahead, kind, reason, past?.times ?? 0, past === undefined ? 0 : past.until + ahead]
  }

  async function call (changes: readonly Row[], from: number): Promise<Answer> {
    if (!isReady(client)) throw new Error('not connected')
    const input = JSON.stringify({ changes, from, limit: ROWS, most: 2 * maxKeys, epoch: randomBytes(8).toString('hex'), node: id })
    const sent = now()
    const text = await within(() => client.evalsha(BANS_SHA, keys.length, ...keys, input, channel).catch((error: unknown) => {
      if (!String(error).includes('NOSCRIPT')) throw error
      return client.eval(BANS_SCRIPT, keys.length, ...keys, input, channel)
    }))
    const answer = JSON.parse(String(text)) as Answer
    const before = ahead
    ahead = Math.round(answer[2] - (sent + now()) / 2)
    // A clock was set: bans of this node would end with it.
    if (Math.abs(ahead - before) > PATIENCE) whole = true
    return answer
  }

  function apply (row: Row): void {
    const [name, at, since, until, kind, reason, times, remembered] = row
    const change = waiting.get(name)
    const own = bans.others.get(name)
    if (change !== undefined) {
      // What waits is told to Redis, which says who wins: what is new here is new there.
      if (change.known ? change.at > at : now() - change.at < NEW || change.at + ahead > at) return
      waiting.delete(name)
    }
    const lift = kind === 'lift'
    // Of two that seem to be of one moment, the lift wins. Of a moment that Redis has yet to see nothing is known there.
    const passed = (moment = 0): number => moment > now() + ahead + PATIENCE ? 0 : moment
    const ends = until - ahead
    const endsThen = own !== undefined && Math.abs(own.until - ends) < PATIENCE
    if (at <= passed(lifted.get(name)) || at < passed(own?.at) || (at === own?.at && !lift && endsThen)) return
    if (lift) {
      bounded(lifted, name, at)
      return bans.others.lift(name)
    }
    lifted.delete(name)
    // The very ban that was made here keeps its own times.
    if (endsThen && own.kind === kind && own.reason === reason) bans.others.setAt(name, at)
    else if (ends > now()) bans.others.add({ client: name, reason, since: since - ahead, until: ends, kind, past: times === 0 ? undefined : { times, until: remembered - ahead }, at })
  }

  /** A row that another version wrote, or nobody of us, is no reason to stop. */
  function applyAll (rows: readonly Row[]): void {
    for (const row of rows) {
      try {
        apply(row)
      } catch {
        failures++
      }
    }
  }

  /** Tells what waits, and hears what is new. */
  async function step (): Promise<void> {
    const sent = firstOf(waiting, CHANGES)
    const [name, number, , last, rows] = await call(sent.flatMap(([name, change]) => { const row = rowOf(name, change); return row === undefined ? [] : [row] }), seq)
    for (const [name, change] of sent) if (waiting.get(name) === change) waiting.delete(name)
    compared++
    applyAll(rows)
    // Other contents than those that were read last: Redis was emptied, or is an older copy of itself.
    if (name !== epoch || number < seq) whole = true
    else seq = Math.max(seq, last)
    again ||= waiting.size > 0 || last < number
  }

  /** Reads all, and tells what is missing there. */
  async function compare (): Promise<void> {
    const seen = new Map<string, number>()
    let from = 0
    let name, number, last, rows
    do {
      [name, number, , last, rows] = await call([], from)
      for (const [name, at] of rows) seen.set(name, at)
      applyAll(rows)
      from = last
    } while (last < number)
    epoch = name
    seq = last
    whole = false
    compared++
    begun()
    // Redis may be an older copy of itself, too.
    const isMissing = (name: string, at: number): boolean => at > (seen.get(name) ?? 0) && !waiting.has(name)
    // Nodes that fill it together begin at different places.
    for (const part of bans.others.parts(Math.random())) {
      for (const { client, at } of part) if (isMissing(client, at)) waiting.set(client, { at, known: true, lift: false })
      await breath()
    }
    for (const [name, at] of lifted) {
      if (at + DAY < now() + ahead) lifted.delete(name)
      else if (isMissing(name, at)) waiting.set(name, { at, known: true, lift: true })
    }
    again ||= waiting.size > 0
  }

  const hasMore = (): boolean => (again || whole) && !closed

  async function work (): Promise<void> {
    try {
      do {
        again = false
        if (whole) await compare()
        else await step()
      } while (hasMore())
      row = 0
      later(feed === undefined ? SOON : EVERY)
    } catch (error) {
      failures++
      // What the store's own breaker says need not be said twice; but a user who may not do this sees it only here.
      if (++row === SILENT && isReady(client)) emit({ type: 'warning', time: now(), code: 'GUARD_BANS_NOT_SHARED', message: `bans are not shared: ${(error as Error).message}` })
      whole = true
      later(SOON)
    } finally {
      turn = undefined
    }
  }

  /** Exchanges now, or once more if that is under way. */
  function wake (): void {
    again = true
    if (closed || !isReady(client)) return
    turn ??= work()
  }

  function later (ms: number): void {
    clearTimeout(timer)
    if (closed) return
    // Nodes that started at one moment need not ask at one.
    timer = setTimeout(() => {
      feed?.check()
      if (++ticks % WHOLE === 0) whole = true
      if (isReady(client)) wake()
      else later(SOON)
    }, ms * (0.75 + Math.random() / 2)).unref()
  }

  function heard (message: string): void {
    // The answer to the call told it, or will.
    if (isOf(message, id)) return
    // While a call is under way nobody knows what came first, its changes or these: they are asked for afterwards.
    if (turn !== undefined || whole) return wake()
    try {
      const [name, first, last, rows] = JSON.parse(message) as News
      if (name !== epoch || first > seq + 1) return wake()
      applyAll(rows)
      seq = Math.max(seq, last)
    } catch {
      // Nobody of us said that.
      failures++
    }
  }

  const unlisten = bans.onChange((change) => {
    const name = change.type === 'banned' ? change.ban.client : change.name
    bounded(waiting, name, { at: now(), known: false, lift: change.type === 'unbanned' })
    // Those of one turn go out together.
    next ??= setImmediate(() => {
      next = undefined
      wake()
    })
  })
  const anew = (): void => {
    whole = true
    wake()
  }
  const unwatch = connection.watch((error) => { if (error === undefined) anew() })
  const feed = openFeed(connection, channel, heard, anew)
  // What was made before, such as bans of a file, is told as it is.
  for (const part of bans.others.parts()) for (const { client, since } of part) waiting.set(client, { at: since, known: false, lift: false })
  later(SOON)
  wake()

  return {
    started: () => atMost(PATIENCE, complete),

    async close () {
      closed = true
      unlisten()
      unwatch()
      clearTimeout(timer)
      clearImmediate(next)
      const last = async (): Promise<void> => {
        await turn
        while (waiting.size > 0 && isReady(client)) await step()
      }
      await atMost(FAREWELL, last().catch(() => {}))
      abandon(new Error('closed'))
      feed?.close()
    },

    stats: () => ({ waiting: waiting.size, compared, syncFailures: failures })
  }
}
