import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyCorsOptions } from '@fastify/cors'
import type { GuardCode } from './codes.ts'
import type { GuardEvent, Verdict } from './events.ts'
import type { ClusterStoreOptions, FileStoreOptions, RedisStoreOptions } from './store.ts'

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
  /** Switches it on, and off again, at each such signal to the process. Root options only. Default: none. */
  signal?: 'SIGUSR2' | 'SIGHUP'
}

export interface HttpsRules extends RuleCommon {
  /** Answers with a redirect to `host` in place of a refusal. */
  redirect?: boolean
  /** Host, with a port if it is not 443; never taken from the request. */
  host?: string
}

export interface UserAgentRules extends RuleCommon {
  /** Strings match literally anywhere, in any case. No `User-Agent` is an empty one: `/^$/` matches it. */
  deny?: ReadonlyArray<string | RegExp>
  /** Exempts from `deny`. */
  allow?: ReadonlyArray<string | RegExp>
  /** No `User-Agent`, or an empty one. Default `pass`: only `deny` may refuse it. */
  missing?: 'pass' | 'refuse'
  /** One that does not start with a letter or digit, or has unmatched parentheses, `<` or `>`, no letter, or more than 2048 characters. Default `pass`. */
  malformed?: 'pass' | 'refuse'
}

/** What a bot is for. `unknown`: it says that it is one, but nobody has written down which. */
export type BotCategory = 'search-engine' | 'ai-crawler' | 'seo' | 'monitor' | 'scanner' | 'scraper' | 'http-library' | 'headless-browser' | 'social-preview' |
  'feed-reader' | 'advertising' | 'archiver' | 'academic' | 'unknown'

export interface BotVerification {
  /** Networks that a bot's operator publishes, by the bot's name; in place of DNS. */
  ranges?: Readonly<Record<string, List>>
  /** DNS servers, each an address with an optional port. Default: the system's. */
  servers?: ReadonlyArray<string>
  /** Longest time that a request waits for DNS. Default 1 second. */
  timeout?: Duration
}

export interface BotRules extends RuleCommon {
  /** Categories that are refused. Default: none. */
  deny?: 'all' | ReadonlyArray<BotCategory>
  /** Exempts from `deny`: names of bots, categories, or texts of agents that the data does not know, in any case. */
  allow?: ReadonlyArray<string>
  /** Refuses who says that it is a bot whose operator has published how to know it, and is not; `allow` then exempts real ones only. Default false. */
  verify?: boolean | BotVerification
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

export type CloudProvider = 'aws' | 'gcp' | 'azure' | 'digitalocean' | 'linode' | 'vultr' | 'oracle' | 'hetzner' | 'ovh' | 'cloudflare' | 'alibaba'

/** A provider, or its networks of a region or service: `'aws'`, `'aws:eu-west-1'`, `'aws:CLOUDFRONT'`, in any case. */
export type CloudSelector = CloudProvider | Uppercase<CloudProvider> | Capitalize<CloudProvider> | `${CloudProvider | Uppercase<CloudProvider> | Capitalize<CloudProvider>}:${string}`

export interface CloudRules extends RuleCommon {
  /** Refused. `'all'`: every provider that is known. */
  deny?: ReadonlyArray<CloudSelector> | 'all'
}

/** Where the networks of cloud providers come from. */
export interface CloudRangesOptions {
  /** How often the providers are asked for newer ones. Default 1 day. */
  refresh?: Duration
  /** Folder of the last good copies, which processes may share. Default `~/.cache/fastify-api-guard`. */
  cacheDir?: string
  /** A mirror of a provider's feed, in its format; `true` is its own. Those named here are loaded even if no rule asks for them. */
  sources?: Partial<Record<CloudProvider, true | string | ReadonlyArray<string>>>
  /** What a rule does while ranges that could tell are not loaded. Default `pass`. */
  whileEmpty?: 'pass' | 'refuse'
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
  /**
   * The keys, compared in constant time, or a function that answers who it is. With keys `request.guard.principal` is
   * `{ id }`: `key-` and the first 12 characters of the key's SHA-256 in base64url, the same wherever it stands in the list.
   */
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
  /** Gets both from a vendor, and newer ones later. */
  download?: GeoDownload
  /** How often files are looked at for newer ones. Default 1 minute; with `download` 1 day, and then the vendor is asked. */
  refresh?: Duration
  /** Folder of the last good copies, which processes may share. Default `~/.cache/fastify-api-guard`. */
  cacheDir?: string
  /** URL in place of the vendor's origin, for a mirror that has the same paths. */
  mirror?: string
  /** In place of files. */
  handler?: GeoHandler
}

/**
 * `dbip-lite`: countries and networks, free, CC BY 4.0, no token. IPinfo Lite needs a token, MaxMind GeoLite2 an
 * account and a key (a key alone is taken too). `url`: any server that has mmdb files, as they are or gzipped.
 */
export type GeoDownload = 'dbip-lite' | { ipinfo: string } | { maxmind: { account?: string | number, key: string } } | { url: string, asn?: string }

/** What a strike, and so a ban, can come from. */
export type StrikeKind = 'detection' | 'honeypot' | 'rateLimit' | 'auth' | 'apiKey' | 'userAgent' | 'bots' | 'ip' | 'malformed' | 'custom'

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
  /** From 0 to 1: each ban lasts longer by a random share of its length, up to this one, so that not all end at once. Default 0. */
  jitter?: number
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
  /** What becomes of a request past a bound. Default `refuse`. */
  overflow?: 'refuse' | 'pass'
  /** Microseconds for the URL with the headers, and again for the body; what is left then counts as an overflow. Default: none. */
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
  /** Bans clients that misbehave, for a while. Default: bans by hand only. */
  ban?: false | BanRules
  /** Addresses that are let in, refused or trusted. */
  ip?: false | IpRules
  /** Countries that are let in or refused; needs `geo`. */
  country?: false | CountryRules
  /** Autonomous systems (networks) that are let in or refused; needs `geo`. */
  asn?: false | AsnRules
  /** Refuses addresses of cloud providers. */
  cloud?: false | CloudRules
  /** Refuses, or redirects, what does not come over https. */
  https?: boolean | HttpsRules
  /** Values of `Host` that are served; `*.example.com` takes in subdomains. */
  hosts?: false | ReadonlyArray<string>
  /** HTTP methods that are served. */
  methods?: false | ReadonlyArray<string>
  /** Refuses by the header `User-Agent`. */
  userAgent?: false | UserAgentRules
  /** Refuses known bots by category. */
  bots?: false | BotRules
  /** Times of day at which requests are served. */
  timeWindow?: false | TimeWindow | ReadonlyArray<TimeWindow>
  /** Headers that a request must have. */
  requireHeaders?: false | RequireHeaders
  /** Sites that requests may come from, by `Referer`. */
  referrer?: false | ReferrerRules
  /** Refuses unsafe requests from other sites (CSRF) by `Sec-Fetch-Site`. */
  fetchMetadata?: boolean | FetchMetadataRules
  /** Media types of bodies that are taken. */
  contentType?: false | ContentTypeRules
  /** Keys that a request must have one of. */
  apiKey?: false | ApiKeyRules
  /** Credentials that a request must have, verified by a function. */
  auth?: false | AuthRules
  /** A check of the application's own. */
  check?: false | CustomCheck
  /** Fields and paths that only bots fill in or ask for. */
  honeypot?: false | HoneypotRules
  /** How many requests a client may send in a time. */
  rateLimit?: false | Limit | ReadonlyArray<Limit>
  /** How many requests of a client may be under way at once. */
  concurrency?: false | ConcurrencyRules
  /** Counts what clients do and get, and acts on it. */
  behavior?: false | BehaviorRules
  /** Largest body, in bytes, counted while it comes in. */
  maxBodyBytes?: false | number
  /** Looks for attacks in URL, headers and body. Default: on, at level 1. */
  detection?: boolean | DetectionRules
  /** Security headers of every answer. Default: on. */
  securityHeaders?: boolean | SecurityHeaderRules
  /** Which other origins may read answers. */
  cors?: boolean | CorsRules
}

/** What `config.guard` of a route takes: rules, `false` (no guard), a policy's name, or an array of these, later ones winning. */
export type RouteGuard = GuardRules | false | string | ReadonlyArray<GuardRules | false | string>

/** What `clientIp.trustedProxies` knows by name: networks of providers, and `unix`: connections over the server's Unix socket. */
export type ProxyPreset = 'cloudflare' | 'fastly' | 'google-lb' | 'unix'

export interface ClientIpOptions {
  /** Whose forwarding headers are believed: a list, in which names of providers (`ProxyPreset`) may stand. */
  trustedProxies: List
  /** At most this many hops from the right; default: as many as are trusted. */
  depth?: number
  /** Default `x-forwarded-for`. */
  header?: string
  /** Believe `X-Forwarded-Proto` of a trusted peer. Default false. */
  trustProto?: boolean
}

/** What a file or URL of `rules` holds, as JSON or YAML; `schema.json` of the package describes it. */
export interface RulesFile extends Omit<GuardRules, 'auth' | 'apiKey' | 'check'> {
  /** For editors. */
  $schema?: string
  /** For events and log. Default: SHA-256 of the text. */
  version?: string
  /** ISO 8601 with a time zone; from then on the options of the program count. */
  expires?: string
  /** Policies of the program are replaced as a whole. */
  policies?: Record<string, Omit<GuardRules, 'auth' | 'apiKey' | 'check' | 'emergency'>>
}

/** Where rules as data come from: JSON, or YAML where the name ends in .yaml or .yml. */
export type RulesSource = ({ file: string } | { url: string }) & {
  /** How often it is looked for again. Default 2 seconds for a file, 5 minutes for a URL. */
  refresh?: Duration
  /** `sha256-` and the hexadecimal digest of the only text that is taken. */
  digest?: string
}

export interface DashboardOptions {
  /** Of the page; what it loads is below. Default `/guard`. */
  path?: string
  /**
   * Who may see and steer: a credential, as for the rule `auth`, or a function that answers who sent a request (a
   * session's user, say), or `null`. Without it only this machine's own browsers, and the server must listen on loopback.
   */
  auth?: { scheme: 'basic', verify: Verify<{ username: string, password: string }> } | { scheme: string, verify: Verify<string> } | ((request: FastifyRequest) => unknown)
}

/** At least one of both. */
export interface MetricsOptions {
  /** A registry of prom-client, which has to be installed. */
  registry?: MetricsRegistry
  /** Meters and span attributes through @opentelemetry/api, which has to be installed. Default: whether there is no `registry`. */
  opentelemetry?: boolean
  /** Of every name in the registry. Default `guard_`. */
  prefix?: string
}

/** What the guard calls of prom-client's `Registry`. */
export interface MetricsRegistry {
  registerMetric: (metric: never) => void
  getSingleMetric: (name: string) => unknown
  removeSingleMetric: (name: string) => void
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
  cloudRanges?: CloudRangesOptions
  /** Where counters and bans are kept. Default `memory`: in each process by itself. */
  store?: 'memory' | FileStoreOptions | ClusterStoreOptions | RedisStoreOptions
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
    /** Parameters of query and path whose values are left out, beside `token`, `password` and the like. */
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
  /** Metrics for Prometheus, OpenTelemetry or both; `true`: OpenTelemetry. Default: none. */
  metrics?: boolean | MetricsOptions
  /** A page that shows what the guard does, and steers it. Default false. */
  dashboard?: false | DashboardOptions
  /** Swapped in while requests are served; a later version that is faulty changes nothing. */
  rules?: RulesSource
  onEvent?: (event: GuardEvent) => void
  /** Name of the decorator on the instance. Default `guard`. */
  decorator?: string
}

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
