import type { Verdict } from './events.ts'
import type { GuardCode } from './codes.ts'
import type { Mode } from './options.ts'

/** A refusal or report that is past, as `app.guard.explain(reference)` finds it; redacted as log lines are. */
export interface PastVerdict extends Verdict {
  /** Milliseconds since the epoch. */
  readonly time: number
  /** Canonical address of the client, `''` if it could not be read. */
  readonly ip: string
  readonly method: string
  /** Pattern of the matched route; absent where there was none. */
  readonly route?: string
  /** Request target without its query, cut to 256 characters. */
  readonly path: string
  readonly reqId: string
}

/** A request to be explained. */
export interface RequestLike {
  /** Default `GET`. */
  method?: string
  /** Path and query. Default `/`. */
  url?: string
  /** Address of the connection's other end: the client, or the proxy before it. Default `127.0.0.1`. */
  ip?: string
  headers?: Readonly<Record<string, string | readonly string[]>>
  /** An object is taken for what the body parser gives; a text or bytes are parsed as JSON or as a form if `content-type` says so. */
  body?: unknown
  /** Whether the connection is encrypted. Default `http`. */
  protocol?: 'http' | 'https'
}

export interface ExplainOptions {
  /** Calls the application's own functions too: `verify`, `check`, and the `key`, `max`, `cost` and `skip` of limits. Default false. */
  run?: boolean
}

/**
 * What became of one check.
 *
 * `delay`: the request would be held back. `not run`: a function of the application decides, see `ExplainOptions.run`.
 * `trusted`: passed by, the client is on `ip.trust`. `not sampled`: the rule's `sample` leaves this client out.
 * `no body`: it looks at bodies. `not reached`: an earlier one refused.
 */
export type CheckOutcome = 'pass' | 'refuse' | 'report' | 'delay' | 'not run' | 'trusted' | 'not sampled' | 'no body' | 'not reached'

export interface CheckAnswer {
  /** The rule's key. */
  check: string
  /** When it runs: before the body is read, or after. */
  phase: 'request' | 'body'
  mode: Exclude<Mode, 'off'>
  outcome: CheckOutcome
  /** Microseconds that it took; absent where it did not run. */
  micros?: number
  code?: GuardCode
  status?: number
  reason?: string
  /** The entry, limit or rule that matched. */
  rule?: string
  evidence?: string
  category?: string
  /** The narrowest `detection.exclude` that would let it pass. */
  exclusion?: Readonly<Record<string, readonly string[]>>
  /** What this would count as towards a ban. */
  strike?: string
}

/** One address on the way from the connection to the client. */
export interface ClientStep {
  /** Canonical; `''` if it could not be read. */
  address: string
  /** Where it stood: `connection`, `trustProxy` (Fastify's own), or a header and its hop from the right. */
  from: string
  /** It is a proxy that is believed. */
  trusted: boolean
}

export interface Explanation {
  method: string
  /** Without the values of its query that are secrets. */
  url: string
  /** Pattern of the route that it matches; `undefined`: none. */
  route: string | undefined
  /** The request is a preflight, judged by the rules of the route that it asks for. */
  preflight: boolean
  client: {
    /** Canonical, `''` if it cannot be read. */
    ip: string
    /** What limits and bans know it by. */
    key: string
    /** The way from the connection to the client. */
    found: ClientStep[]
    /** On the `ip.trust` list. */
    trusted: boolean
    country?: string
    asn?: number
    network?: string
  }
  mode: Mode
  /** Effective rules, by key, and the layers that each value came from, outermost first, by path. */
  rules: Record<string, unknown>
  origins: Record<string, string[]>
  /** In the order in which they run. */
  checks: CheckAnswer[]
  /**
   * `refuse`: a check refuses. `depends`: none does, but some were not run. `not seen`: the application answers
   * before the guard sees the request.
   */
  verdict: 'pass' | 'refuse' | 'depends' | 'not seen'
  /** The check that refuses. */
  refusal?: CheckAnswer
  /** What passive rules would have refused. */
  passive: CheckAnswer[]
  /** What was not judged, and why. */
  notes: string[]
  /** Microseconds that all checks took. */
  micros: number
}
