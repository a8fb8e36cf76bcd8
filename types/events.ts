import type { GuardCode } from './codes.ts'
import type { StrikeKind } from './options.ts'

/** What the guard decided about one request and why. `reason` and `evidence` never reach the client. */
export interface Verdict {
  /** The rule's key, e.g. `rateLimit`. */
  check: string
  code: GuardCode
  /** `report`: passive, the request went on. */
  action: 'refuse' | 'report'
  status: number
  reason: string
  /** Stands in the answer's `x-guard-reference`, in the log and in events. */
  reference: string
  /** The entry, limit or rule that matched. */
  rule?: string
  /** A short excerpt of what was found, control characters escaped. */
  evidence?: string
  /** Attack category, if it is one. */
  category?: string
  /** Of an attack: the narrowest `detection.exclude` that would have let it pass, should it be a false alarm. */
  exclusion?: Readonly<Record<string, readonly string[]>>
}

interface RequestEvent {
  /** Milliseconds since the epoch. */
  time: number
  /** Canonical address, `''` if there is none. */
  ip: string
  method: string
  /** Pattern of the matched route; `undefined` for a 404 or a malformed request. */
  route?: string
  /** Request target without its query, cut to 256 characters. */
  path: string
  reqId: string
}

export type GuardEvent =
  | RequestEvent & Verdict & { type: 'refused' | 'reported' }
  | RequestEvent & { type: 'passed', status: number }
  | { type: 'banned', time: number, client: string, reason: string, kind: StrikeKind | 'behavior' | 'manual', until: number, reference?: string }
  | { type: 'unbanned', time: number, client: string }
  | { type: 'store', time: number, state: 'up' | 'down', reason: string }
  | { type: 'emergency', time: number, enabled: boolean, by: 'code' | 'signal' | 'store' | 'timer' }
  | { type: 'rules', time: number, state: 'applied' | 'refused' | 'expired', source: string, version?: string, reason?: string, changed?: string[] }
  | { type: 'update', time: number, source: 'code' | 'store', by?: string, changed: string[] }
  | { type: 'warning', time: number, code: string, message: string }
