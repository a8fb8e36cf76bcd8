import type { Category, GuardCode, GuardOptions, Limit } from '../../types/index.ts'
import { durationOf, levelOf, membersOf, numberOf, put, textOf, textsOf, type Convert } from './draft.ts'
import { headerFields } from './header-fields.ts'
import { CATEGORY_NAMES, categoriesOf, detectionFields } from './detection-fields.ts'
import { leftFields } from './left-fields.ts'

const CODES: Readonly<Record<string, readonly GuardCode[]>> = {
  400: ['GUARD_ATTACK_DETECTED', 'GUARD_HEADER_REQUIRED', 'GUARD_IP_INVALID'],
  401: ['GUARD_AUTH_REQUIRED', 'GUARD_API_KEY_REQUIRED'],
  403: ['GUARD_IP_REFUSED', 'GUARD_BANNED', 'GUARD_COUNTRY_REFUSED', 'GUARD_ASN_REFUSED', 'GUARD_CLOUD_REFUSED', 'GUARD_USER_AGENT_REFUSED', 'GUARD_REFERRER_REFUSED', 'GUARD_TIME_WINDOW', 'GUARD_HONEYPOT', 'GUARD_HTTPS_REQUIRED'],
  413: ['GUARD_BODY_TOO_LARGE'],
  415: ['GUARD_CONTENT_TYPE'],
  429: ['GUARD_RATE_LIMITED'],
  500: ['GUARD_CHECK_FAILED'],
  503: ['GUARD_EMERGENCY']
}

const flag = (then: (options: GuardOptions) => string | undefined | void): Convert => (value, options) => value === true ? then(options) : undefined

const limitOf = (max: unknown, window: unknown): Limit => ({ max: numberOf(max, 0), window: durationOf(window) })

/** An expression of Python as one of JavaScript; what has no special characters is a text. */
function agentOf (pattern: string): { deny?: string | RegExp, note?: string } {
  if (/^[\w\s/;:,@~-]+$/.test(pattern)) return { deny: pattern }
  try {
    return { deny: new RegExp(pattern.replace(/^\(\?i\)/, ''), 'i') }
  } catch {
    return { note: `${JSON.stringify(pattern)} is no expression of JavaScript: write it anew` }
  }
}

const trust: Convert = (value, options) => {
  const list = textsOf(value)
  const known = list.filter((entry) => !/\/0$/.test(entry))
  if (known.length > 0) put(options, 'clientIp', { trustedProxies: known })
  return [
    known.length > 0 ? 'clients are found from the right of X-Forwarded-For, over these proxies only; there the left-most entry was taken' : undefined,
    known.length < list.length ? 'TODO networks of every address are left out: name the proxies' : undefined
  ]
}

const countries = (member: 'allow' | 'deny', text: string): Convert => (value, options) => {
  const list = textsOf(value)
  if (list.length === 0) return undefined
  put(options, 'country', { [member]: list.map((code) => code.toUpperCase()) })
  return text
}

/** Fields in the order of the original, each with what it becomes. */
export const FIELDS: Readonly<Record<string, Convert>> = {
  trusted_proxies: trust,
  trusted_proxy_depth: () => undefined,
  trust_x_forwarded_proto: (value, options, config) => {
    if (value === true && Array.isArray(config['trusted_proxies']) && config['trusted_proxies'].length > 0) put(options, 'clientIp', { trustProto: true })
  },
  passive_mode: flag((options) => { options.mode = 'passive' }),
  geo_ip_handler: (value) => value === null ? undefined : 'TODO is code: give it as geo: { handler: { lookup (ip) { return { country } } } }, or geo: { download: \'dbip-lite\' }',
  enable_redis: (value, options, config) => {
    if (value === false || config['redis_url'] === null) return undefined
    options.store = { redis: typeof config['redis_url'] === 'string' ? config['redis_url'] : 'redis://localhost:6379', ...(typeof config['redis_prefix'] === 'string' && { prefix: config['redis_prefix'] }) }
    return 'a server whose Redis is away starts and limits in its own memory; there it did not start'
  },
  redis_url: () => undefined,
  redis_prefix: () => undefined,
  whitelist: (value, options) => {
    const list = value === null ? [] : textsOf(value)
    if (list.length === 0) return undefined
    put(options, 'ip', { allow: list, trust: list })
    return 'ip.allow is the gate, ip.trust the exemption from limits, bans and detection; drop trust if you want the gate alone'
  },
  blacklist: (value, options) => {
    const list = textsOf(value)
    if (list.length > 0) put(options, 'ip', { deny: list })
  },
  whitelist_countries: countries('allow', 'is a gate: other and unknown countries are refused, on every route. Needs geo'),
  blocked_countries: countries('deny', 'counts on every route, decorated ones too. Needs geo'),
  blocked_user_agents: (value, options) => {
    const agents = textsOf(value).map(agentOf)
    const deny = agents.flatMap(({ deny }) => deny === undefined ? [] : [deny])
    if (deny.length > 0) put(options, 'userAgent', { deny })
    return agents.map(({ note }) => note === undefined ? undefined : `TODO ${note}`)
  },
  auto_ban_threshold: (value, options, config) => {
    if (config['enable_ip_banning'] === false) return undefined
    put(options, 'ban', { threshold: numberOf(value) })
    return 'strikes count within ban.window (10 minutes); there they counted until a restart'
  },
  auto_ban_duration: (value, options, config) => { if (config['enable_ip_banning'] !== false) put(options, 'ban', { duration: durationOf(value) }) },
  custom_log_file: (value, options, config) => {
    if (value === null) return undefined
    put(options, 'log', { file: textOf(value), ...(config['log_format'] === 'text' && { format: 'text' }) })
    return 'is rotated, and a number is added to its name'
  },
  log_suspicious_level: (value, options) => put(options, 'log', { refused: levelOf(value) }),
  log_request_level: (value, options) => put(options, 'log', { passed: levelOf(value) }),
  log_format: () => undefined,
  custom_error_responses: (value, options) => {
    const unknown: string[] = []
    const messages: Partial<Record<GuardCode, string>> = {}
    for (const [status, message] of Object.entries(membersOf(value))) {
      if (CODES[status] === undefined) unknown.push(status)
      for (const code of CODES[status] ?? []) messages[code] = textOf(message)
    }
    if (Object.keys(messages).length > 0) put(options, 'response', { messages })
    return unknown.length > 0 ? `no code of ours answers ${unknown.join(', ')}` : undefined
  },
  rate_limit: (value, options, config) => {
    if (config['enable_rate_limiting'] === false) return undefined
    options.rateLimit = limitOf(value, config['rate_limit_window'] ?? 60)
  },
  rate_limit_window: () => undefined,
  enforce_https: flag((options) => {
    options.https = true
    return 'TODO refuses with 403. For a redirect name your host: https: { redirect: true, host: \'example.com\' }; it is never taken from the request'
  }),
  ...headerFields,
  custom_request_check: (value) => value === null ? undefined : 'TODO is code: give it as check: (request) => { ... }',
  custom_response_modifier: (value) => value === null ? undefined : 'TODO is code: response.modify for refusals, Fastify\'s onSend hook for all answers',
  block_cloud_providers: (value, options) => {
    const list = value === null ? [] : textsOf(value)
    if (list.length === 0) return undefined
    put(options, 'cloud', { deny: list.map((name) => name.toLowerCase().replace(/:!.*$/, '')) })
    return [list.some((name) => name.includes(':!')) ? 'TODO selectors that exclude regions take in the whole provider here' : undefined]
  },
  cloud_ip_refresh_interval: (value, options, config) => {
    if (Array.isArray(config['block_cloud_providers']) && config['block_cloud_providers'].length > 0) put(options, 'cloudRanges', { refresh: durationOf(value) })
  },
  exclude_paths: (value, options) => {
    const list = textsOf(value)
    const known = list.filter((path) => /^\/+[^/*]/.test(path) && !path.endsWith('*'))
    if (known.length > 0) options.exclude = known
    return [
      known.length > 0 ? 'these paths skip every check, and paths below them; there they still were judged' : undefined,
      known.length < list.length ? `TODO left out, since they take in every route or are no paths: ${list.filter((path) => !known.includes(path)).join(', ')}` : undefined
    ]
  },
  enable_ip_banning: () => undefined,
  enable_rate_limiting: () => undefined,
  enable_rate_limit_auto_ban: flag((options) => put(options, 'ban', { on: ['detection', 'honeypot', 'rateLimit'] })),
  threat_ban_config: (value, options) => {
    const entries = Object.entries(membersOf(value))
    const categories: Partial<Record<Category, object>> = {}
    for (const [name, own] of entries) {
      const { threshold, duration } = membersOf(own)
      for (const category of CATEGORY_NAMES[name] ?? []) categories[category] = { ...(threshold !== undefined && { threshold: numberOf(threshold) }), ...(duration !== undefined && { duration: durationOf(duration) }) }
    }
    if (Object.keys(categories).length > 0) put(options, 'ban', { categories })
    const { unknown } = categoriesOf(entries.map(([name]) => name))
    return unknown.length > 0 ? `TODO no category here is called ${unknown.join(', ')}; for limits use ban.on: ['rateLimit']` : undefined
  },
  ipinfo_token: (value) => value === null ? undefined : 'TODO is a secret: give it as geo: { download: { ipinfo: process.env.IPINFO_TOKEN } }',
  ipinfo_db_path: (value, options, config) => {
    if (typeof value === 'string' && value !== 'data/ipinfo/country_asn.mmdb' && (config['ipinfo_token'] ?? null) === null) put(options, 'geo', { database: value })
  },
  emergency_mode: (value, options) => { if (value === true) put(options, 'emergency', { enabled: true }) },
  emergency_whitelist: (value, options) => {
    const list = textsOf(value)
    if (list.length > 0) put(options, 'emergency', { allow: list })
  },
  endpoint_rate_limits: (value, options) => {
    const entries = Object.entries(membersOf(value))
    if (entries.length === 0) return undefined
    options.policies = Object.fromEntries(entries.map(([path, limit]) => {
      const [max, window] = Array.isArray(limit) ? limit as unknown[] : []
      return [`limit ${path}`, { rateLimit: limitOf(max, window) }]
    }))
    return `TODO name the policies at their routes: ${entries.map(([path]) => `app.route({ url: '${path}', config: { guard: 'limit ${path}' } })`).join(', ')}`
  },
  ...detectionFields,
  ...leftFields
}
