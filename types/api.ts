import type { BotCategory, CloudProvider, Duration, GuardOptions, GuardRules } from './options.ts'
import type { Verdict } from './events.ts'
import type { ExplainOptions, Explanation, PastVerdict, RequestLike } from './explain.ts'
import type { WebSocketGuard, WebSocketOptions } from './websocket.ts'
import type { StoreStats } from './store.ts'

/**
 * Whom a ban is for: an address (an IPv6 one with its /64), a CIDR, the number of an autonomous system, a country, or
 * a principal as an authentication gate lets it in: a text or a number, of an object its `id`, else its `sub`. Or the
 * `client` of a ban that stands in a list.
 */
export type BanTarget = string | { asn: number } | { country: string } | { principal: unknown }

/** A ban in force. */
export interface BanInfo {
  /** Address, CIDR, the /64 of an IPv6 client, or a name such as `asn:64496`, `country:NL`, `principal:alice`. */
  client: string
  reason: string
  /** Milliseconds since the epoch. */
  since: number
  until: number
}

/** What a client has left of a limit. */
export interface LimitState {
  limit: string
  max: number
  remaining: number
  /** Milliseconds until one more request is let through; 0 if one is now. */
  retryAfter: number
}

/** A route and what the guard does on it. */
export interface RouteInfo {
  methods: string[]
  /** Pattern; `undefined` stands for requests that match no route. */
  url: string | undefined
  /** `false`: no check runs here. */
  guarded: boolean
  /** Declared where the guard could not see it: its own rules count from its first request on. */
  late: boolean
  /** Keys of the checks, in order. */
  checks: string[]
  rules: GuardRules
  /** The layers that each value came from, outermost first, by path: `ip.deny`, `rateLimit`. */
  origins: Record<string, string[]>
}

export interface Tally { refused: number, reported: number }

/** What a passive rule would have refused. The ten routes and clients that it would have hit most. */
export interface PassiveCount {
  check: string
  /** The entry, limit or rule that matched; else the code. */
  rule: string
  count: number
  routes: Array<{ name: string, count: number }>
  clients: Array<{ name: string, count: number }>
}

export interface GuardStats extends Tally {
  byCheck: Record<string, Tally>
  byCode: Record<string, Tally>
  /** By route pattern; `(none)` is what matched no route. */
  byRoute: Record<string, Tally>
  /** Most frequent first. */
  passive: PassiveCount[]
  bans: Record<string, number>
  limits: Record<string, number>
  /** Databases in use, by path. */
  geo: Record<string, GeoDatabaseStats>
  /** Ranges of cloud providers that are loaded, by provider. */
  cloud: Record<string, CloudStats>
  /** Entries of lists that are loaded, by what is loaded, e.g. `file /etc/deny.txt` (of an address neither query nor credentials). */
  lists: Record<string, ListStats>
  store: StoreStats
  /** What looking for attacks has found and cost since the start or the last `reset()`. */
  detection: DetectionStats
  emergency: boolean
}

export interface DetectionStats {
  /** Requests and bodies judged. */
  calls: number
  /** Mean microseconds of one, measured on one in 64. */
  micros: number
  /** Rules that have found something, and the application's own: findings, and of the latter the mean microseconds they take of a call. */
  rules: Record<string, { matches: number, micros?: number }>
}

export interface GeoDatabaseStats {
  /** As its metadata have it, e.g. `GeoLite2-Country`. */
  type: string
  /** Milliseconds since the epoch. */
  built: number
  /** Milliseconds since then. */
  age: number
  /** Why the last attempt to renew it failed. */
  fault?: string
}

export interface CloudStats {
  /** 0: none are loaded. */
  networks: number
  /** When the provider last confirmed them, in milliseconds since the epoch. */
  checked?: number
  /** Milliseconds since then. */
  age?: number
  /** Why the last attempt to renew them failed. */
  fault?: string
}

export interface ListStats {
  /** Networks that are in force. */
  entries: number
  /** When it was last loaded or found unchanged, in milliseconds since the epoch. */
  checked?: number
  /** Milliseconds since then. */
  age?: number
  /** Why the last attempt to load it failed. */
  fault?: string
  /** Since when it fails, in milliseconds since the epoch. */
  failingSince?: number
}

export interface UpdateOptions {
  /** Who changes it, for the event `update` and the log. */
  by?: string
  /** For all nodes that share the store, and those that start later. Needs `store: { redis }`, and rules that JSON can say. Default false. */
  broadcast?: boolean
}

/** `app.guard`. */
export interface GuardApi {
  /**
   * Bans for 1 hour, or as long as it says, on all nodes that share a store. A later ban of the same target replaces it.
   *
   * @throws {GUARD_OPTION_INVALID} if the target is none, or everybody, or needs `geo` and there is none
   */
  ban: (target: BanTarget, options?: { duration?: Duration, reason?: string }) => BanInfo
  /** Lifts the ban of that target, on all nodes; whether this node knew one. */
  unban: (target: BanTarget) => boolean
  bans: () => BanInfo[]
  /** Promises with `store: { redis }`; with `await` the same code serves both. */
  limits: {
    peek: (client: string) => LimitState[] | Promise<LimitState[]>
    consume: (client: string, limit?: string, cost?: number) => LimitState[] | Promise<LimitState[]>
    reset: (client: string) => void | Promise<void>
  }
  /** Switches emergency mode on, off, or on for a while. */
  emergency: (on: boolean | { for: Duration }) => void
  /**
   * Changes rules, `mode`, `exclude` or `policies` of the root registration, all at once or, where something is
   * wrong, not at all. Counters and bans stay. Where a list has a source that has to be loaded first, the old
   * rules stay until it has; the promise tells when.
   *
   * @throws {GUARD_OPTION_INVALID} at once
   */
  update: (options: Pick<GuardOptions, keyof GuardRules | 'mode' | 'exclude' | 'policies'>, how?: UpdateOptions) => Promise<void>
  /** Takes the last `update()` back, up to ten of them; with `broadcast` the last one of all nodes. Whether there was one. */
  rollback: (how?: UpdateOptions) => Promise<boolean>
  /** Guards the messages of WebSocket connections. The connection itself is under the rules of its route. */
  websocket: (options: WebSocketOptions) => WebSocketGuard
  /**
   * Says what the guard would answer to a request now and why: how the client was found, the rules and where each
   * came from, what each check answered. Counts nothing, takes nothing, bans nobody.
   *
   * @throws {GUARD_NOT_COVERED} for a route that the guard does not know
   */
  explain: {
    (request: RequestLike, options?: ExplainOptions): Promise<Explanation>
    /** Looks up a refusal or report by its reference; `undefined` if it is none of the last 500. */
    (reference: string): PastVerdict | undefined
  }
  routes: () => RouteInfo[]
  stats: () => GuardStats
  /** Forgets counters, bans and statistics; for tests. */
  reset: () => void | Promise<void>
  /** Resolves once lists and stores are ready to serve. Rejects with `GUARD_STORE_DOWN` if Redis does not answer for 2 s. */
  ready: () => Promise<void>
}

/** `request.guard`. */
/** A bot, by its `User-Agent`. */
export interface Bot {
  /** Lower case, e.g. `googlebot`; `unknown` where only that it is one could be seen. */
  readonly name: string
  readonly categories: readonly BotCategory[]
  /** With `bots.verify`: whether its address is its operator's. Absent where nothing could tell, or not yet. */
  readonly verified?: boolean
}

export interface RequestGuard {
  /** Canonical address of the client, `''` if it is not readable. */
  readonly ip: string
  /** ISO 3166-1 alpha-2; where a database knows it, as the next ones. */
  readonly country?: string
  readonly continent?: string
  readonly asn?: number
  /** Name of the network's owner. */
  readonly network?: string
  /** Whose address it is, of the providers that a rule or `cloudRanges.sources` names. */
  readonly cloud?: CloudProvider
  /** Where some rule is for bots: what bot the `User-Agent` is of; `undefined` where it is a person's. */
  readonly bot?: Bot | undefined
  /** On the `ip.trust` list. */
  readonly trusted: boolean
  /** Whoever an authentication gate let in. */
  principal?: unknown
  readonly verdicts: readonly Verdict[]
  /**
   * Judges what no body parser shows the guard: streamed parts, messages, raw payloads. What is found is
   * reported and counts towards a ban; answering it is the caller's part.
   *
   * @param where name for log and events, e.g. `upload.title`
   */
  inspect: (value: unknown, where: string) => Verdict | undefined
  /** Counts an abuse that only the application sees towards a ban. */
  strike: (reason: string) => void
}
