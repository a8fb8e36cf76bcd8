import type { Duration, GuardOptions, GuardRules } from './options.ts'
import type { Verdict } from './events.ts'
import type { WebSocketGuard, WebSocketOptions } from './websocket.ts'
import type { StoreStats } from './store.ts'

/** A ban in force. */
export interface BanInfo {
  /** Address, CIDR, or the /64 of an IPv6 client. */
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

export interface GuardStats extends Tally {
  byCheck: Record<string, Tally>
  byCode: Record<string, Tally>
  /** By route pattern; `(none)` is what matched no route. */
  byRoute: Record<string, Tally>
  bans: Record<string, number>
  limits: Record<string, number>
  store: StoreStats
  emergency: boolean
}

/** `app.guard`. */
export interface GuardApi {
  /** Bans an address (an IPv6 one with its /64) or a CIDR. Default duration: 1 hour. */
  ban: (target: string, options?: { duration?: Duration, reason?: string }) => BanInfo
  /** Lifts a ban; whether there was one. */
  unban: (target: string) => boolean
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
  update: (options: Pick<GuardOptions, keyof GuardRules | 'mode' | 'exclude' | 'policies'>) => Promise<void>
  /** Guards the messages of WebSocket connections. The connection itself is under the rules of its route. */
  websocket: (options: WebSocketOptions) => WebSocketGuard
  routes: () => RouteInfo[]
  stats: () => GuardStats
  /** Forgets counters, bans and statistics; for tests. */
  reset: () => void | Promise<void>
  /** Resolves once lists and stores are ready to serve. Rejects with `GUARD_STORE_DOWN` if Redis does not answer for 2 s. */
  ready: () => Promise<void>
}

/** `request.guard`. */
export interface RequestGuard {
  /** Canonical address of the client, `''` if it is not readable. */
  readonly ip: string
  /** ISO 3166-1 alpha-2; where a database knows it, as the next ones. */
  readonly country?: string
  readonly continent?: string
  readonly asn?: number
  /** Name of the network's owner. */
  readonly network?: string
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
