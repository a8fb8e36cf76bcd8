import type { Client } from '../net/client.ts'
import { needsDatabase } from '../checks/country.ts'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import type { Geo } from '../geo/geo.ts'
import { show } from '../options/shape.ts'
import { printable } from '../report.ts'
import { held, type Ban, type HeldBan, type Past } from './held.ts'
import { strikes, type FarStrikes } from './strikes.ts'
import { banTarget, principalName, type BanTarget } from './target.ts'
import type { BanInfo, Category, GuardEvent, StrikeKind } from '../../types/index.ts'

export type { Ban, HeldBan }

/** How strikes lead to bans; compiled from a `ban` rule. Times in milliseconds. */
export interface BanPolicy {
  threshold: number
  window: number
  duration: number
  maxDuration: number
  /** Each further ban lasts this many times as long as the one before. */
  escalate: number
  /** Each ban lasts longer by a random share, up to this one. */
  jitter: number
  on: ReadonlySet<StrikeKind>
  /** Categories that are counted by themselves. */
  categories: ReadonlyMap<Category, { threshold: number, duration: number }>
  /** Whom no strike bans. */
  spares: (client: Client) => boolean
}

/** `unbanned` is told even where no ban was known here: others may know one. */
export type BanChange = { type: 'banned', ban: Ban } | { type: 'unbanned', name: string }

/** A ban as it comes from elsewhere. Times in milliseconds since the epoch. */
export type OtherBan = Pick<Ban, 'client' | 'reason' | 'since' | 'until' | 'kind' | 'past' | 'at'>

/** The bans of one app. */
export interface Bans {
  /** The ban that a client is under. */
  find: (client: Client) => HeldBan | undefined
  /** The ban that whoever was let in by an authentication gate is under. */
  findPrincipal: (principal: unknown) => HeldBan | undefined
  /**
   * Bans an address with the whole client it belongs to, a CIDR, `{ asn }`, `{ country }` or `{ principal }`;
   * replaces an earlier ban of the same target.
   *
   * @throws {GUARD_OPTION_INVALID} if the target is none of these, or everybody, or needs a database that is not there
   */
  add: (target: unknown, options: { duration: number, reason: string, kind?: Ban['kind'] }) => BanInfo
  /** Lifts the ban of that target; whether there was one. Bans of networks around it stay. */
  lift: (target: unknown) => boolean
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
  /** Calls back after each ban and each lift of this node, not when a ban ends by itself. Returns what stops it. */
  onChange: (listener: (change: BanChange) => void) => () => void
  /** What other nodes, or a file, know: no event, no listener hears of it. */
  others: {
    get: (name: string) => Ban | undefined
    /** @throws {GUARD_OPTION_INVALID} if the name is no target */
    add: (ban: OtherBan) => void
    lift: (name: string) => void
    /** Tells when one was made, by the store's clock. */
    setAt: (name: string, at: number) => void
    /**
     * All, in lists of some hundred. Between two of them others may come and go.
     *
     * @param share of them, from 0 to 1, that come last
     */
    parts: (share?: number) => Iterable<readonly Ban[]>
  }
}

export interface BansOptions {
  /** Milliseconds since the epoch. */
  now: () => number
  /** Bound of bans, and of clients with strikes. */
  maxKeys: number
  /** Bits of a v6 address that make one client. */
  ipv6Prefix?: number
  onEvent?: (event: GuardEvent) => void
  /** Where clients are; without it nobody is banned by country or autonomous system. */
  geo?: Pick<Geo, 'place' | 'has'> | undefined
  far?: FarStrikes | undefined
}

/** Places of one part of all bans. */
const PART = 500
/** Bans that have ended and are dropped by one call at most: thousands may end at one moment. */
const DROPS = 500
/** Between two warnings that bans had to make room. */
const WARN_EVERY = 60_000

/** Keeps bans in this process. They end by themselves, without timers: each call drops some of what has ended. */
export function bans ({ now, maxKeys, ipv6Prefix = 64, onEvent = () => {}, geo, far }: BansOptions): Bans {
  const all = held(maxKeys)
  const counted = strikes({ now, maxKeys, far })
  const listeners = new Set<(change: BanChange) => void>()
  let made = 0
  let evicted = 0
  let warned = -Infinity

  const tell = (change: BanChange): void => { for (const listener of listeners) listener(change) }

  const whole = (ban: HeldBan): Ban => ({ ...ban, past: counted.past(ban.client) })

  function * parts (share = 0): Generator<readonly Ban[]> {
    const start = Math.floor(share * all.used)
    const part = (from: number, count: number): readonly Ban[] => all.part(from, count).filter(inForce(now())).map(whole)
    for (let from = start; from < all.used; from += PART) yield part(from, PART)
    for (let from = 0; from < start; from += PART) yield part(from, Math.min(PART, start - from))
  }

  /** Below the bound no ban is lost; at the bound the one that would end first is, and it is said. */
  function makeRoom (time: number): void {
    if (all.size < maxKeys) return
    all.dropFirst()
    evicted++
    if (time - warned < WARN_EVERY) return
    warned = time
    onEvent({ type: 'warning', time, code: 'GUARD_BANS_FULL', message: `${maxKeys} bans are in force, more than maxKeys allows: bans that end soonest are lifted early, ${evicted} so far` })
  }

  function put ({ name, kind: target, network }: BanTarget, { reason, since, until, kind, at }: Omit<OtherBan, 'client' | 'past'>, time: number): HeldBan {
    const ban = { client: name, reason, since, until, kind, target, at }
    all.dropEnded(time, DROPS)
    all.remove(name)
    makeRoom(time)
    all.add(ban, network)
    return ban
  }

  function make (target: BanTarget, duration: number, reason: string, kind: Ban['kind'], past?: Past, reference?: string): Ban {
    const since = now()
    const ban: Ban = { ...put(target, { reason, since, until: since + duration, kind, at: 0 }, since), past }
    made++
    onEvent({ type: 'banned', time: since, client: ban.client, reason, kind, until: ban.until, ...(reference !== undefined && { reference }) })
    tell({ type: 'banned', ban })
    return ban
  }

  /** The ban of one strike too many. */
  function convict (client: Client, kind: StrikeKind, category: Category | undefined, policy: BanPolicy, reference: string): Ban {
    const { threshold, duration, past } = counted.sentence(client.key, category, policy)
    counted.begin(client.key, past)
    far?.forget(client.key)
    const reason = `${threshold} ${threshold === 1 ? 'strike' : 'strikes'}, the last for ${category ?? kind}`
    return make({ name: client.key, kind: 'client', network: undefined }, duration, reason, kind, past, reference)
  }

  return {
    find (client) {
      if (all.size === 0) return undefined
      const time = now()
      const ban = all.find(client, time)
      return ban !== undefined || all.counts.place === 0 ? ban : all.findPlace(geo?.place(client), time)
    },

    findPrincipal (principal) {
      if (all.counts.principal === 0) return undefined
      const name = principalName(principal)
      const ban = name === undefined ? undefined : all.get(name)
      return ban !== undefined && ban.until > now() ? ban : undefined
    },

    add (target, { duration, reason, kind = 'manual' }) {
      const read = banTarget(target, ipv6Prefix)
      const part = read.name.startsWith('asn:') ? 'asn' : 'country'
      if (read.kind === 'place' && geo?.has[part] !== true) throw new GUARD_OPTION_INVALID(`guard: a ban of ${read.name} ${needsDatabase(part)}`)
      if (typeof reason !== 'string') throw new GUARD_OPTION_INVALID(`guard: the reason of a ban must be a text, got ${show(reason)}`)
      return info(make(read, duration, printable(reason), kind))
    },

    lift (target) {
      const time = now()
      const { name } = banTarget(target, ipv6Prefix)
      counted.forget(name)
      far?.forget(name)
      const known = (all.get(name)?.until ?? 0) > time
      all.remove(name)
      if (known) onEvent({ type: 'unbanned', time, client: name })
      tell({ type: 'unbanned', name })
      return known
    },

    list () {
      const time = now()
      all.dropEnded(time, DROPS)
      return all.part(0, all.used).filter(inForce(time)).map(info).sort((one, other) => one.until - other.until)
    },

    strike (client, kind, category, policy, reference, atOnce = false) {
      // A call of `request.guard.strike()` is meant to count, whatever `on` lists.
      if (kind !== 'custom' && !atOnce && !policy.on.has(kind)) return undefined
      const isBanned = (): boolean => all.find(client, now()) !== undefined
      if (client.address === undefined || client.loopback || policy.spares(client) || isBanned()) return undefined
      const late = (): void => { if (!isBanned()) convict(client, kind, category, policy, reference) }
      return atOnce || counted.count(client.key, category, policy, late) ? convict(client, kind, category, atOnce ? { ...policy, threshold: 1 } : policy, reference) : undefined
    },

    reset () {
      const names = all.part(0, all.used).map(({ client }) => client)
      all.clear()
      counted.reset()
      for (const name of names) tell({ type: 'unbanned', name })
    },

    stats () {
      const time = now()
      all.dropEnded(time, DROPS)
      return { active: all.active(time), networks: all.counts.network, made, evicted, ...counted.stats() }
    },

    onChange (listener) {
      listeners.add(listener)
      return () => { listeners.delete(listener) }
    },

    others: {
      get (name) {
        const ban = all.get(name)
        return ban && whole(ban)
      },
      add (ban) {
        const target = banTarget(ban.client, ipv6Prefix)
        counted.begin(target.name, ban.past)
        put(target, ban, now())
      },
      lift (name) {
        counted.forget(name)
        far?.forget(name)
        all.remove(name)
      },
      setAt: all.setAt,
      parts
    }
  }
}

function inForce (time: number): (ban: HeldBan) => boolean {
  return ({ until }) => until > time
}

/** What `app.guard.bans()` tells of a ban. */
export function info ({ client, reason, since, until }: BanInfo): BanInfo {
  return { client, reason, since, until }
}
