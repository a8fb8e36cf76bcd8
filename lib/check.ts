import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Bans } from './bans/bans.ts'
import type { Clouds } from './cloud/clouds.ts'
import type { Bots } from './bots/bots.ts'
import type { Chain } from './compile.ts'
import type { Detector } from './detect/index.ts'
import type { Geo } from './geo/geo.ts'
import type { Limiter } from './limits/limiter.ts'
import type { Client, ClientReader } from './net/client.ts'
import type { ListReader } from './net/list.ts'
import type { Shape } from './options/shape.ts'
import type { Refused } from './run.ts'
import type { Category, GuardCode, GuardRules, RequestGuard, StrikeKind, Verdict } from '../types/index.ts'

/** What a check found: data only. Checks neither log nor answer, and know nothing of passive mode. */
export interface Refusal {
  code: GuardCode
  status: number
  /** For log and events; never sent to the client. */
  reason: string
  /** The entry, limit or rule that matched. */
  rule?: string
  evidence?: string
  /** Attack category. */
  category?: Category
  /** The `detection.exclude` that would let it pass. */
  exclusion?: Readonly<Record<string, readonly string[]>>
  /** Headers of the answer, e.g. `retry-after`. */
  headers?: Readonly<Record<string, string>>
  /** The answer is a redirect to this URL. */
  redirect?: string
  /** The client reads this in place of the code's message. */
  message?: string
  /** Leads to a ban at once, where bans are configured. */
  bans?: boolean
  /** Says, at this level, what came to pass; nothing is refused. */
  notice?: 'warn' | 'error'
  /** What this counts as towards a ban; none if absent. */
  strike?: StrikeKind
}

/** What is known of one request while it is judged. */
export interface Visit {
  chain: Chain
  client: Client
  /** On the `ip.trust` list. */
  trusted: boolean
  /** Pattern of the matched route. */
  route: string | undefined
  verdicts: Verdict[]
  /** The refusal that the answer is. */
  refused: Refused | undefined
  /** The body was judged. */
  bodySeen: boolean
  /** The handler gets a body that nothing has judged so far. */
  unread: boolean
  /** Whether the client is the bot that it says it is; `undefined`: nothing asked, or nothing could tell. */
  verifiedBot: boolean | undefined
  /** Whoever an authentication gate let in. */
  principal: unknown
  /** To be called once the answer has gone, or the client has; nearly always undefined. */
  after: Array<(request: FastifyRequest, reply: FastifyReply) => void> | undefined
  /** `request.guard`, once somebody asked for it. */
  view: RequestGuard | undefined
}

/** Looks at one request; `undefined` lets it pass. */
export type Check = (request: FastifyRequest, visit: Visit, reply: FastifyReply) => Refusal | undefined | Promise<Refusal | undefined>

/** Looks at an answer that is about to go; a promise that rejects is logged. */
export type SendCheck = (request: FastifyRequest, visit: Visit, reply: FastifyReply, payload: unknown) => Promise<void> | undefined

/** `not run`: a function of the application decides. `delay`: the request would be held back. */
export type DryAnswer = Refusal | 'not run' | 'delay' | undefined

/**
 * Answers what the check would answer to this request now, and changes nothing: counts nothing, takes nothing.
 * Calls the application's functions only where `run` says so.
 */
export type DryCheck = (request: FastifyRequest, visit: Visit, reply: FastifyReply, run: boolean) => DryAnswer | Promise<DryAnswer>

/** A check's parts, by the moment they run at. */
export interface Checks {
  /** `onRequest`, at the key's place in the order. */
  request?: Check | undefined
  /** `onRequest`, after authentication. */
  late?: Check | undefined
  /** Once the body is parsed. */
  body?: Check | undefined
  /** For `explain`, of those parts that change something or call the application. */
  dry?: { request?: DryCheck | undefined, late?: DryCheck | undefined } | undefined
  /** `onSend`: sees the answer, may hold it back, refuses nothing. */
  send?: SendCheck | undefined
  /** For `request.guard.inspect`. */
  inspect?: ((value: unknown, where: string) => Refusal | undefined) | undefined
}

/** Where a value of the effective rules came from. */
export type Origin = 'default' | 'plugin' | 'route' | `scope ${string}` | `policy ${string}`

/** The route that a check is compiled for; `url` is undefined for what matches no route. */
export interface Target {
  url: string | undefined
  bodyLimit: number
  /** The route's `schema`, as it was declared. */
  schema?: unknown
  /** Where the key's value came from. */
  origin: Origin
  /** It only reports: nothing of it may show in the answer. */
  passive: boolean
  /** Identifies the layer whose value this is: one bucket of a limit each. */
  layer: string
  /** Where each member of an object came from, outermost first. */
  members?: Readonly<Record<string, readonly Origin[]>>
  /** Reports what is wrong with the effective rule as a whole; the server then does not start. */
  problem: (path: string, message: string) => void
}

/** What checks share: made once for an app, never global. */
export interface Services {
  app: FastifyInstance
  /** Milliseconds since the epoch. */
  now: () => number
  lists: ListReader
  bans: Bans
  limiter: Limiter
  bots: Bots
  clients: ClientReader
  /** `undefined`: no database. */
  geo: Geo | undefined
  clouds: Clouds
  /** Compiled detections: routes whose rule is the same share one, and with it what it remembers as clean. */
  detectors: WeakMap<object, Map<number, Detector>>
  /** Requests under way: by the layer whose rule counts them, then by client. */
  inFlight: Map<string, Map<string, number>>
  /** Emergency mode, switched at run time, and the time at which it ends by itself. */
  emergency: { enabled: boolean, until?: number | undefined }
}

/** One key of the rules. A module in `checks/` exports one. */
export interface CheckModule<Key extends keyof GuardRules> {
  key: Key
  shape: Shape
  /** Whether a trusted client passes it by. */
  trustSkips: boolean
  /** Whether it is compiled for each route; otherwise routes with the same value share it. */
  perRoute?: boolean
  /** Does all work that does not depend on the request. `false` never gets here; `true` comes as `{}` where the key takes objects. */
  compile: (rule: Exclude<GuardRules[Key], boolean | undefined>, services: Services, target: Target) => Checks | undefined
}
