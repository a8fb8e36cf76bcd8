import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyCorsOptions } from '@fastify/cors'
import type { GuardCode } from './codes.ts'
import type { GuardEvent, Verdict } from './events.ts'
import type { RedisStoreOptions } from './store.ts'

/** What a rule does with a request that it would refuse: refuse it, only report it, or not look at all. */
export type Mode = 'enforce' | 'passive' | 'off'

/** Members that every rule object takes. */
export interface RuleCommon {
  /** Default: the plugin's `mode`. */
  mode?: Mode
  /** Share of clients that the rule applies to, 0 to 1, chosen by a hash of the client's key. Default 1. */
  sample?: number
  /** `false`: nothing of this key is taken over from outer layers. */
  inherit?: boolean
}

/** Milliseconds, or a text such as `'30s'`, `'1m'`, `'2h'`, `'1d'`. */
export type Duration = number | string

export type ListKeyword = 'loopback' | 'private' | 'linklocal' | 'uniquelocal'

/** An address, a CIDR, an `a-b` range, a keyword, a host name (with a dot, or `{ host }`), or a source of more entries. */
export type ListEntry = string | { host: string } | { file: string } | { url: string, refresh?: Duration } | ListFunction
export type ListFunction = () => string | ReadonlyArray<string> | Promise<string | ReadonlyArray<string>>
export type List = ListEntry | ReadonlyArray<ListEntry>

export interface IpRules extends RuleCommon {
  /** A gate: who is not listed is refused. */
  allow?: List
  /** Refused; adds up over all layers. */
  deny?: List
  /** In order, the first match wins; who matches none goes on to the next check. */
  rules?: ReadonlyArray<{ allow: ListEntry } | { deny: ListEntry }>
  /** Skips the checks that judge clients (not https, hosts, auth and content rules); adds up over all layers. */
  trust?: List
  /** An unreadable or absent address. Default `refuse`. */
  invalid?: 'refuse' | 'pass'
}

export interface EmergencyRules {
  enabled?: boolean
  /** Who is served all the same. */
  allow?: List
}

export interface HttpsRules extends RuleCommon {
  /** Answers with a redirect to `host` in place of a refusal. */
  redirect?: boolean
  /** Host, with a port if it is not 443; never taken from the request. */
  host?: string
}

export interface UserAgentRules extends RuleCommon {
  /** Strings match literally anywhere, in any case. */
  deny?: ReadonlyArray<string | RegExp>
  /** Exempts from `deny`. */
  allow?: ReadonlyArray<string | RegExp>
  /** No `User-Agent`, or an empty one. Default `pass`. */
  missing?: 'pass' | 'refuse'
}

export interface CountryRules extends RuleCommon {
  /** A gate. ISO 3166-1 alpha-2 codes, in any case. */
  allow?: ReadonlyArray<string>
  deny?: ReadonlyArray<string>
  /** An address whose country the database does not know. Default `refuse` with `allow`, else `pass`. Private and loopback addresses always pass. */
  unknown?: 'pass' | 'refuse'
}

export interface AsnRules extends RuleCommon {
  /** A gate: who is in none of these networks, or in an unknown one, is refused. */
  allow?: ReadonlyArray<number>
  deny?: ReadonlyArray<number>
}

/** Headers a request must have: with any value, exactly this one, or one that matches. */
export type RequireHeaders = Record<string, true | string | RegExp> | (RuleCommon & Record<string, unknown>)

export interface ReferrerRules extends RuleCommon {
  /** Hosts, each with its subdomains. */
  allow?: ReadonlyArray<string>
  /** Default `refuse`. */
  missing?: 'refuse' | 'pass'
}

export interface FetchMetadataRules extends RuleCommon {
  /** Values of `Sec-Fetch-Site` let through. Default `same-origin` and `none`. */
  allow?: ReadonlyArray<'same-origin' | 'same-site' | 'none'>
}

export interface ContentTypeRules extends RuleCommon {
  /** Media types; `image/*` stands for all of a kind. */
  allow?: ReadonlyArray<string>
}

export interface TimeWindow extends RuleCommon {
  /** `HH:MM`, inclusive. */
  start: string
  /** `HH:MM`, exclusive; before `start`: on the next day. */
  end: string
  /** IANA name. Default `UTC`. */
  timeZone?: string
  /** Days on which a window starts. Default: all. */
  days?: ReadonlyArray<'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun'>
}

/** Answers who it is, or `null`. */
export type Verify<Credential = string> = (credential: Credential, request: FastifyRequest) => unknown

export type AuthRules = RuleCommon & (
  | { scheme: 'basic', verify: Verify<{ username: string, password: string }> }
  | { scheme: string, verify: Verify<string> })

export interface ApiKeyRules extends RuleCommon {
  /** Default `x-api-key`. */
  header?: string
  /** The keys, compared in constant time, or a function that answers who it is. */
  keys: ReadonlyArray<string> | Verify
}

export type CustomCheck = (request: FastifyRequest, reply: FastifyReply) => void | undefined | null | { status: number, message: string } | Promise<void | undefined | null | { status: number, message: string }>

export interface HoneypotRules extends RuleCommon {
  /** Fields of forms, multipart and JSON bodies, at any depth, that people leave empty. */
  fields?: ReadonlyArray<string>
  /** Paths that nobody links to. */
  paths?: ReadonlyArray<string>
  /** Default `refuse`; `ban` bans at once, where `ban` is configured. */
  action?: 'refuse' | 'ban'
}

/** Where an address is, and in whose network. */
export interface Place { country?: string, continent?: string, asn?: number, network?: string }

/** A source of places. Countries are ISO 3166-1 alpha-2, upper case. */
export interface GeoHandler {
  lookup: (ip: string) => Place | null
  ready?: () => boolean | Promise<boolean>
  close?: () => void | Promise<void>
}

export interface GeoOptions {
  /** Path of an mmdb file with countries (MaxMind, IPinfo, DB-IP). */
  database?: string
  /** Path of an mmdb file with autonomous systems, where `database` has none. */
  asn?: string
  /** In place of files. */
  handler?: GeoHandler
}

/** What a strike, and so a ban, can come from. */
export type StrikeKind = 'detection' | 'honeypot' | 'rateLimit' | 'auth' | 'apiKey' | 'userAgent' | 'ip' | 'malformed' | 'custom'

export interface BanRules extends RuleCommon {
  /** Strikes within `window` that lead to a ban. Default 5. */
  threshold?: number
  /** Default 10 minutes. */
  window?: Duration
  /** Length of the first ban. Default 1 hour. */
  duration?: Duration
  /** What counts as a strike. Default detection and honeypot. */
  on?: ReadonlyArray<StrikeKind>
  /** Other thresholds for attack categories. */
  categories?: Partial<Record<Category, { threshold?: number, duration?: Duration }>>
  /** Each further ban of a client lasts this many times as long as the one before. Default 1. */
  escalate?: number
  /** Longest ban. Default 7 days. */
  maxDuration?: Duration
  /** Never banned, beside trusted addresses, loopback and trusted proxies. */
  exempt?: List
}

export interface Limit extends RuleCommon {
  /** Requests let through in `window`. */
  max: number | ((request: FastifyRequest) => number)
  window: Duration
  /** Name in the `RateLimit` headers, log and events. */
  name?: string
  /** Default `'ip'`: the client. A function runs after authentication and may read `request.guard.principal`. */
  key?: 'ip' | ((request: FastifyRequest) => string)
  /** `max` by country, ISO 3166-1 alpha-2. */
  byCountry?: Record<string, number>
  /** For `gcra`: requests let through at once. Default `max`. */
  burst?: number
  /** What a request takes. Default 1. */
  cost?: number | ((request: FastifyRequest) => number)
  /** Default `'all'`. Others reserve before the handler and give back after it. */
  count?: 'all' | 'failures' | ((request: FastifyRequest, reply: FastifyReply) => boolean)
  skip?: (request: FastifyRequest) => boolean
  /** Limits of one group share their bucket. */
  group?: string
  algorithm?: 'sliding-window' | 'fixed-window' | 'gcra'
  /** Default `'draft'`. */
  headers?: 'draft' | 'legacy' | 'both' | false
}

export interface ConcurrencyRules extends RuleCommon {
  /** Requests of one client, or of one key, that may be under way at once. */
  max: number
  /** Default `'ip'`: the client. */
  key?: 'ip' | ((request: FastifyRequest) => string)
}

/** What a rule of `behavior` found. */
export interface BehaviorFinding {
  /** `usage`, `frequency`, `returns[0]`. */
  rule: string
  max: number
  /** Milliseconds. */
  window: number
  client: string
  /** Pattern of the matched route. */
  route?: string
  /** Milliseconds since the epoch. */
  time: number
}

export type BehaviorAction = 'log' | 'alert' | 'throttle' | 'ban' | ((request: FastifyRequest, found: BehaviorFinding) => unknown)

export interface BehaviorRule {
  /** Events in `window` that nothing comes of; for `frequency` calls a second. */
  max: number
  /** Default 1 hour; for `frequency` 1 minute. */
  window?: Duration
  /** Default `log`. */
  action?: BehaviorAction
  /** Length of a ban. Default 1 hour. */
  duration?: Duration
  /** How long `throttle` holds a request back, at most 30 seconds. Default 1 second. */
  delay?: Duration
}

/** Counts answers that match all of `status`, `json`, `regexp` and `text` that are given. */
export interface ReturnRule extends BehaviorRule {
  status?: number | ReadonlyArray<number>
  /** A value in a JSON answer; `items[].type` looks at every entry of a list. */
  json?: { path: string, equals: string | number | boolean | null }
  regexp?: RegExp
  /** Anywhere in the answer. */
  text?: string
  /** For `text`. Default false. */
  ignoreCase?: boolean
  /** Bytes of an answer that are looked at. Default 65,536. */
  maxBytes?: number
}

export interface BehaviorRules extends RuleCommon {
  /** Calls of a client. */
  usage?: BehaviorRule
  /** Calls of a client a second, over a window. */
  frequency?: BehaviorRule
  /** What a client gets. */
  returns?: ReadonlyArray<ReturnRule>
}

export type Category = 'xss' | 'sqli' | 'nosql' | 'command' | 'traversal' | 'file-inclusion' | 'ldap' | 'xml' | 'ssrf' | 'template' | 'code' |
  'deserialization' | 'prototype-pollution' | 'crlf' | 'jndi' | 'upload' | 'probe'

export interface OwnRule {
  id: string
  category?: Category
  /** Strings match literally, in any case; expressions and functions see each decoded value. */
  pattern: string | RegExp | ((value: string) => boolean)
  /** Default: enough to refuse alone. */
  score?: number
}

export interface DetectionRules extends RuleCommon {
  /** Default: all. */
  categories?: ReadonlyArray<Category> | Partial<Record<Category, boolean>>
  /** 1 (default; fewest false alarms) to 4 (finds most). */
  level?: 1 | 2 | 3 | 4
  /** Score from which a request is refused. Default 5. */
  threshold?: number
  /** What is not looked at; adds up over all layers. */
  exclude?: {
    /** Route URLs, with everything below them. */
    paths?: ReadonlyArray<string>
    params?: ReadonlyArray<string>
    headers?: ReadonlyArray<string>
    /** Body fields, as dotted paths or last names. */
    fields?: ReadonlyArray<string>
    rules?: ReadonlyArray<string>
    categories?: ReadonlyArray<Category>
  }
  rules?: ReadonlyArray<OwnRule>
  /** Characters of a body that are looked at. Default: the route's `bodyLimit`. */
  maxBytes?: number
  /** What becomes of a body past a bound. Default `refuse`. */
  overflow?: 'refuse' | 'pass'
  /** Time for one request, in microseconds. Default: none. */
  budget?: number
  /** Default 64. */
  maxDepth?: number
  /** Names and values in a request. Default 100,000. */
  maxKeys?: number
  scan?: { query?: boolean, path?: boolean, headers?: boolean, cookies?: boolean, body?: boolean }
}

/** A header's value; `false` leaves it out. */
export type HeaderOption = string | false

export interface SecurityHeaderRules {
  /** Default `api`. `html` adds a Content-Security-Policy (nonce at `reply.cspNonce`) and Cross-Origin-Embedder-Policy. */
  preset?: 'api' | 'html'
  hsts?: false | { maxAge?: number, includeSubDomains?: boolean, preload?: boolean }
  /** Directives by their name in kebab case; `'nonce'` among the sources stands for the answer's nonce. */
  csp?: false | { directives?: Record<string, ReadonlyArray<string> | true>, reportOnly?: boolean, useDefaults?: boolean }
  frameOptions?: 'DENY' | 'SAMEORIGIN' | false
  referrerPolicy?: string | ReadonlyArray<string> | false
  permissionsPolicy?: Record<string, ReadonlyArray<string>> | string | false
  crossOriginOpenerPolicy?: HeaderOption
  crossOriginResourcePolicy?: HeaderOption
  crossOriginEmbedderPolicy?: HeaderOption
  /** Further headers by name; `false` leaves one of ours out. */
  custom?: Record<string, HeaderOption>
  inherit?: boolean
}

export type CorsRules = FastifyCorsOptions & { inherit?: boolean }

/** The rules of a layer: the plugin, a child scope, a policy or a route. */
export interface GuardRules {
  /** Root registration only. */
  emergency?: boolean | EmergencyRules
  ban?: false | BanRules
  ip?: false | IpRules
  country?: false | CountryRules
  asn?: false | AsnRules
  https?: boolean | HttpsRules
  hosts?: false | ReadonlyArray<string>
  methods?: false | ReadonlyArray<string>
  userAgent?: false | UserAgentRules
  timeWindow?: false | TimeWindow | ReadonlyArray<TimeWindow>
  requireHeaders?: false | RequireHeaders
  referrer?: false | ReferrerRules
  fetchMetadata?: boolean | FetchMetadataRules
  contentType?: false | ContentTypeRules
  apiKey?: false | ApiKeyRules
  auth?: false | AuthRules
  check?: false | CustomCheck
  honeypot?: false | HoneypotRules
  rateLimit?: false | Limit | ReadonlyArray<Limit>
  concurrency?: false | ConcurrencyRules
  behavior?: false | BehaviorRules
  maxBodyBytes?: false | number
  detection?: boolean | DetectionRules
  securityHeaders?: boolean | SecurityHeaderRules
  cors?: boolean | CorsRules
}

/** What `config.guard` of a route takes: rules, `false` (no guard), a policy's name, or an array of these, later ones winning. */
export type RouteGuard = GuardRules | false | string | ReadonlyArray<GuardRules | false | string>

export interface ClientIpOptions {
  /** Whose forwarding headers are believed. */
  trustedProxies: List
  /** At most this many hops from the right; default: as many as are trusted. */
  depth?: number
  /** Default `x-forwarded-for`. */
  header?: string
  /** Believe `X-Forwarded-Proto` of a trusted peer. Default false. */
  trustProto?: boolean
}

/** Rules as data: a JSON object of rules and policies. */
export type RulesSource = ({ file: string } | { url: string }) & {
  /** How often it is looked for again. Default 2 seconds for a file, 5 minutes for a URL. */
  refresh?: Duration
  /** `sha256-` and the hexadecimal digest of the only text that is taken. */
  digest?: string
}

export interface GuardOptions extends GuardRules {
  /** Default `enforce`. */
  mode?: Mode
  /** Makes warnings at start errors. Default false. */
  strict?: boolean
  /** Path prefixes, by matched route and at segment boundaries, that skip every check. */
  exclude?: ReadonlyArray<string>
  policies?: Record<string, GuardRules>
  /** Default: Fastify's own `request.ip`. */
  clientIp?: ClientIpOptions
  /** Bits of an IPv6 address that stand for one client. Default 64. */
  ipv6Prefix?: number
  geo?: GeoOptions
  /** Where counters and bans are kept. Default `memory`: in each process by itself. */
  store?: 'memory' | RedisStoreOptions
  /** Bound of each kind of state in memory. Default 250,000. */
  maxKeys?: number
  log?: {
    /** Level of a refusal's line. Default `warn`. */
    refused?: LogLevel | false
    /** Level of a line for each request that passed. Default false; in `file` `info`. */
    passed?: LogLevel | false
    /** An access log: a line for each request, refused or passed. A number is added to its name. */
    file?: string | {
      path: string
      /** A file that is full is followed by the next. Default 5 MiB. */
      maxBytes?: number
      /** Full files that are kept. Default 7. */
      keep?: number
    }
    /** Of `file`. Default `json`. */
    format?: 'json' | 'text'
    /** Query parameters whose values are left out, beside `token`, `password` and the like. */
    redact?: ReadonlyArray<string>
  }
  response?: {
    /** Default `json`: `{ statusCode, code, error, message }`; `problem`: RFC 9457, where no handler of the application answered. */
    format?: 'json' | 'problem'
    /** The message of each code. */
    messages?: Partial<Record<GuardCode, string>>
    /** Last change to a refusal's answer. */
    modify?: (reply: FastifyReply, verdict: Verdict) => void
  }
  /** Swapped in while requests are served; a later version that is faulty changes nothing. */
  rules?: RulesSource
  onEvent?: (event: GuardEvent) => void
  /** Name of the decorator on the instance. Default `guard`. */
  decorator?: string
}

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
