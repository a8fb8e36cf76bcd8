import type { CorsRules, GuardOptions, SecurityHeaderRules } from '../../types/index.ts'
import { isObject } from '../options/shape.ts'
import { membersOf, textsOf, type Config, type Convert } from './draft.ts'

type Headers = { -readonly [Key in keyof SecurityHeaderRules]: SecurityHeaderRules[Key] }

/** Header fields of the original whose value is the one that is always sent here. */
const FIXED: Readonly<Record<string, string>> = { content_type_options: 'nosniff', xss_protection: '1; mode=block' }

function headers (value: unknown, options: GuardOptions): string[] {
  if (value === null) {
    options.securityHeaders = false
    return []
  }
  const { enabled = true, hsts, csp, frame_options: frame, referrer_policy: referrer, permissions_policy: permissions, custom, ...others } = membersOf(value)
  if (enabled === false) {
    options.securityHeaders = false
    return []
  }
  const rules: Headers = {}
  const notes = ['X-XSS-Protection is 0, and Strict-Transport-Security goes over https only; Cross-Origin-Embedder-Policy is not sent unless you set crossOriginEmbedderPolicy']
  if (hsts !== undefined) rules.hsts = hsts === null ? false : hstsOf(membersOf(hsts), notes)
  if (isObject(csp)) rules.csp = { useDefaults: false, directives: Object.fromEntries(Object.entries(csp).map(([name, sources]) => [name, textsOf(sources).length === 0 ? true : textsOf(sources)])) }
  if (frame === 'DENY' || frame === 'SAMEORIGIN') rules.frameOptions = frame
  if (typeof referrer === 'string') rules.referrerPolicy = referrer
  if (permissions !== undefined) rules.permissionsPolicy = typeof permissions === 'string' && permissions !== '' ? permissions : false
  if (isObject(custom)) rules.custom = custom as Record<string, string>
  for (const [name, own] of Object.entries(others)) if (own !== FIXED[name]) notes.push(`TODO security_headers.${name} is not taken over; securityHeaders.custom takes any header`)
  if (Object.keys(rules).length > 0) options.securityHeaders = rules
  return notes
}

function hstsOf ({ max_age: maxAge, include_subdomains: subdomains, preload }: Record<string, unknown>, notes: string[]): NonNullable<Headers['hsts']> {
  const long = typeof maxAge === 'number' && maxAge >= 31_536_000
  if (preload === true && !long) notes.push('hsts.preload needs a max_age of a year: left out, as it was there')
  return { ...(typeof maxAge === 'number' && { maxAge }), ...(subdomains === true || (preload === true && long) ? { includeSubDomains: true } : {}), ...(preload === true && long && { preload: true }) }
}

function cors (value: unknown, options: GuardOptions, config: Config): string[] {
  if (value !== true) return []
  const origins = textsOf(config['cors_allow_origins'] ?? ['*'])
  const any = origins.includes('*')
  const list = (name: string): string[] | undefined => config[name] === undefined ? undefined : textsOf(config[name])
  const rules: CorsRules = { origin: any ? '*' : origins }
  const [methods, allowed, exposed] = [list('cors_allow_methods'), list('cors_allow_headers'), list('cors_expose_headers')]
  if (methods !== undefined) rules.methods = methods
  const credentials = config['cors_allow_credentials'] === true && !any
  if (allowed !== undefined && !allowed.includes('*')) rules.allowedHeaders = allowed
  if (exposed !== undefined && exposed.length > 0) rules.exposedHeaders = exposed
  if (typeof config['cors_max_age'] === 'number') rules.maxAge = config['cors_max_age']
  if (credentials) rules.credentials = true
  options.cors = rules
  return [
    'cors_expose_headers and cors_max_age count here; foreign origins get no CORS header at all',
    ...(config['cors_allow_credentials'] === true && any ? ['TODO credentials with every origin are left out, as they were there: name the origins'] : [])
  ]
}

const part: Convert = () => undefined

export const headerFields: Readonly<Record<string, Convert>> = {
  security_headers: headers,
  enable_cors: cors,
  cors_allow_origins: part,
  cors_allow_methods: part,
  cors_allow_headers: part,
  cors_allow_credentials: part,
  cors_expose_headers: part,
  cors_max_age: part
}
