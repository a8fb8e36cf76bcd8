import type { Client } from '../net/client.ts'
import { heap } from './heap.ts'
import { networks } from './networks.ts'
import { strikes } from './strikes.ts'
import { banTarget, type BanTarget } from './target.ts'
import type { BanInfo, Category, GuardEvent, StrikeKind } from '../../types/index.ts'

/** How strikes lead to bans; compiled from a `ban` rule. Times in milliseconds. */
export interface BanPolicy {
  threshold: number
  window: number
  duration: number
  maxDuration: number
  /** Each further ban lasts this many times as long as the one before. */
  escalate: number
  on: ReadonlySet<StrikeKind>
  /** Categories that are counted by themselves. */
  categories: ReadonlyMap<Category, { threshold: number, duration: number }>
  /** Whom no strike bans. */
  spares: (client: Client) => boolean
}

export interface Ban extends BanInfo {
  kind: StrikeKind | 'behavior' | 'manual'
  network: BanTarget['network']
  /** For the heap. */
  place: number
}

export interface BanChange { type: 'banned' | 'unbanned', ban: Readonly<Ban> }

/** The bans of one app. */
export interface Bans {
  /** The ban that a client is under. */
  find: (client: Client) => Ban | undefined
  /**
   * Bans an address with the whole client it belongs to, or a CIDR; replaces an earlier ban of the same target.
   *
   * @throws {GUARD_OPTION_INVALID} if the target is neither, or everybody
   */
  add: (target: string, options: { duration: number, reason: string, kind?: Ban['kind'] }) => BanInfo
  /** Lifts the ban of that target; whether there was one. Bans of networks around it stay. */
  lift: (target: string) => boolean
  /** Bans in force, those that end soonest first. */
  list: () => BanInfo[]
  /**
   * Counts a strike against a client; the ban, if that was one too many. No strike prolongs a ban.
   *
   * @param reference of the verdict, for the event
   * @param atOnce one strike of this kind is one too many
   */
  strike: (client: Client, kind: StrikeKind, category: Category | undefined, policy: BanPolicy, reference: string, atOnce?: boolean) => Ban | undefined
  /** Forgets bans, strikes and earlier bans. */
  reset: () => void
  stats: () => Record<string, number>
  /** Calls back after each ban and each lift, not when a ban ends by itself. Returns what stops it. */
  onChange: (listener: (change: BanChange) => void) => () => void
}

export interface BansOptions {
  /** Milliseconds since the epoch. */
  now: () => number
  /** Bound of bans, and of clients with strikes. */
  maxKeys: number
  /** Bits of a v6 address that make one client. */
  ipv6Prefix?: number
  onEvent?: (event: GuardEvent) => void
}

/** Between two warnings that bans had to make room. */
const WARN_EVERY = 60_000

/** Keeps bans in this process. They end by themselves, without timers: each call drops what has ended. */
export function bans ({ now, maxKeys, ipv6Prefix = 64, onEvent = () => {} }: BansOptions): Bans {
  const clients = new Map<string, Ban>()
  const cidrs = networks<Ban>()
  const byEnd = heap<Ban>()
  const counted = strikes({ now, maxKeys })
  const listeners = new Set<(change: BanChange) => void>()
  let networkBans = 0
  let made = 0
  let evicted = 0
  let warned = -Infinity

  function drop (ban: Ban): void {
    byEnd.remove(ban)
    if (ban.network === undefined) {
      clients.delete(ban.client)
    } else {
      networkBans--
      cidrs.remove(ban.network.address, ban.network.prefix)
    }
  }

  function dropEnded (time: number): void {
    for (let ban = byEnd.first(); ban !== undefined && ban.until <= time; ban = byEnd.first()) drop(ban)
  }

  /** Below the bound no ban is lost; at the bound the one that would end first is, and it is said. */
  function makeRoom (time: number): void {
    if (byEnd.size < maxKeys) return
    drop(byEnd.first()!)
    evicted++
    if (time - warned < WARN_EVERY) return
    warned = time
    onEvent({ type: 'warning', time, code: 'GUARD_BANS_FULL', message: `${maxKeys} bans are in force, more than maxKeys allows: bans that end soonest are lifted early, ${evicted} so far` })
  }

  function exact ({ name, network }: BanTarget): Ban | undefined {
    return network === undefined ? clients.get(name) : cidrs.find(network.address, ({ client }) => client === name)
  }

  function make (target: BanTarget, duration: number, reason: string, kind: Ban['kind'], reference?: string): Ban {
    const since = now()
    const ban: Ban = { client: target.name, reason, since, until: since + duration, kind, network: target.network, place: 0 }
    dropEnded(since)
    const before = exact(target)
    if (before !== undefined) drop(before)
    makeRoom(since)
    byEnd.add(ban)
    if (ban.network === undefined) {
      clients.set(ban.client, ban)
    } else {
      networkBans++
      cidrs.add(ban.network.address, ban.network.prefix, ban)
    }
    made++
    onEvent({ type: 'banned', time: since, client: ban.client, reason, kind, until: ban.until, ...(reference !== undefined && { reference }) })
    for (const listener of listeners) listener({ type: 'banned', ban })
    return ban
  }

  function find (client: Client): Ban | undefined {
    if (byEnd.size === 0) return undefined
    const ban = clients.get(client.key)
    if (ban !== undefined && ban.until > now()) return ban
    if (networkBans === 0 || client.address === undefined) return undefined
    const time = now()
    return cidrs.find(client.address, ({ until }) => until > time)
  }

  return {
    find,
    add: (target, { duration, reason, kind = 'manual' }) => info(make(banTarget(target, ipv6Prefix), duration, reason, kind)),

    lift (target) {
      const time = now()
      dropEnded(time)
      const read = banTarget(target, ipv6Prefix)
      counted.forget(read.name)
      const ban = exact(read)
      if (ban === undefined) return false
      drop(ban)
      onEvent({ type: 'unbanned', time, client: ban.client })
      for (const listener of listeners) listener({ type: 'unbanned', ban })
      return true
    },

    list () {
      dropEnded(now())
      return byEnd.values().map(info).sort((one, other) => one.until - other.until)
    },

    strike (client, kind, category, policy, reference, atOnce = false) {
      // A call of `request.guard.strike()` is meant to count, whatever `on` lists.
      if (kind !== 'custom' && !atOnce && !policy.on.has(kind)) return undefined
      if (client.address === undefined || client.loopback || policy.spares(client) || find(client) !== undefined) return undefined
      const sentence = counted.count(client.key, category, atOnce ? { ...policy, threshold: 1 } : policy)
      if (sentence === undefined) return undefined
      const reason = `${sentence.threshold} ${sentence.threshold === 1 ? 'strike' : 'strikes'}, the last for ${category ?? kind}`
      return make({ name: client.key, network: undefined }, sentence.duration, reason, kind, reference)
    },

    reset () {
      clients.clear()
      cidrs.clear()
      byEnd.clear()
      counted.reset()
      networkBans = 0
    },

    stats () {
      dropEnded(now())
      return { active: byEnd.size, networks: networkBans, made, evicted, ...counted.stats() }
    },

    onChange (listener) {
      listeners.add(listener)
      return () => { listeners.delete(listener) }
    }
  }
}

function info ({ client, reason, since, until }: Ban): BanInfo {
  return { client, reason, since, until }
}
