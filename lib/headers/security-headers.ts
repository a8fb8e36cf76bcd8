import helmet from 'helmet'
import { also, bool, either, int, list, no, object, oneOf, type Report } from '../options/shape.ts'
import { compileCsp, cspShape, type CspTemplate } from './csp.ts'
import { headersOf } from './helmet.ts'
import { featuresShape, permissionsPolicy } from './permissions-policy.ts'
import { customHeaders, headerValue } from './values.ts'
import type { SecurityHeaderRules } from '../../types/index.ts'

/** One route's security headers, computed at start; names in lower case. */
export interface HeaderSet {
  plain: Readonly<Record<string, string>>
  /** For answers over https: `plain` and Strict-Transport-Security. */
  secure: Readonly<Record<string, string>>
  /** A policy that has nonces, and so is completed for each answer. */
  csp?: CspTemplate
}

const YEAR = 31_536_000

const REFERRER = oneOf('no-referrer', 'no-referrer-when-downgrade', 'same-origin', 'origin', 'strict-origin', 'origin-when-cross-origin',
  'strict-origin-when-cross-origin', 'unsafe-url')

const hsts = also(object({ maxAge: int(0), includeSubDomains: bool, preload: bool }), (value: Hsts, path: string, report: Report) => {
  if (value.preload !== true) return
  if ((value.maxAge ?? YEAR) < YEAR) report(`${path}.maxAge`, `must be at least ${YEAR} for preload`)
  if (value.includeSubDomains !== true) report(`${path}.includeSubDomains`, 'must be true for preload')
})

const referrers = also(list(REFERRER, 1), (value: readonly unknown[], path: string, report: Report) => {
  value.forEach((token, i) => { if (value.indexOf(token) < i) report(`${path}[${i}]`, 'stands there twice') })
})

/** `securityHeaders` of a layer; `false` turns all of them off. */
export const securityHeadersShape = either(bool, object({
  preset: oneOf('api', 'html'),
  hsts: either(no, hsts),
  csp: either(no, cspShape),
  frameOptions: either(no, oneOf('DENY', 'SAMEORIGIN')),
  referrerPolicy: either(no, REFERRER, referrers),
  permissionsPolicy: either(no, headerValue, featuresShape),
  crossOriginOpenerPolicy: either(no, oneOf('same-origin', 'same-origin-allow-popups', 'noopener-allow-popups', 'unsafe-none')),
  crossOriginResourcePolicy: either(no, oneOf('same-origin', 'same-site', 'cross-origin')),
  crossOriginEmbedderPolicy: either(no, oneOf('require-corp', 'credentialless', 'unsafe-none')),
  custom: customHeaders,
  inherit: bool
}))

type Hsts = Exclude<SecurityHeaderRules['hsts'], false | undefined>
type HelmetOptions = NonNullable<Parameters<typeof helmet>[0]>

/** Computes every value once; a request only copies them. The rules have passed `securityHeadersShape`. */
export function compileSecurityHeaders (rules: SecurityHeaderRules): HeaderSet {
  const html = rules.preset === 'html'
  const headers = headersOf(helmet(helmetOptions(rules, html)))
  const transport = headers['strict-transport-security']
  delete headers['strict-transport-security']
  const { permissionsPolicy: permissions = { geolocation: [], microphone: [], camera: [] } } = rules
  if (permissions !== false) headers['permissions-policy'] = typeof permissions === 'string' ? permissions : permissionsPolicy(permissions)
  let csp = rules.csp === false || (rules.csp === undefined && !html) ? undefined : compileCsp(rules.csp ?? {}, html)
  if (csp?.nonces.length === 0) {
    headers[csp.name] = csp.parts[0]!
    csp = undefined
  }
  for (const [name, value] of Object.entries(rules.custom ?? {})) {
    const lower = name.toLowerCase()
    if (csp?.name === lower) csp = undefined
    if (value === false) delete headers[lower]
    else if (value !== undefined) headers[lower] = value
  }
  return {
    plain: { ...headers },
    secure: transport === undefined ? { ...headers } : { ...headers, 'strict-transport-security': transport },
    ...(csp !== undefined && { csp })
  }
}

function helmetOptions (rules: SecurityHeaderRules, html: boolean): HelmetOptions {
  const { crossOriginEmbedderPolicy: embedder = html ? 'require-corp' : false } = rules
  const options = {
    contentSecurityPolicy: false,
    strictTransportSecurity: rules.hsts === false ? false : { maxAge: YEAR, includeSubDomains: false, ...rules.hsts },
    xFrameOptions: rules.frameOptions === false ? false : { action: (rules.frameOptions ?? 'SAMEORIGIN').toLowerCase() },
    referrerPolicy: rules.referrerPolicy === false ? false : { policy: rules.referrerPolicy ?? 'strict-origin-when-cross-origin' },
    crossOriginOpenerPolicy: policy(rules.crossOriginOpenerPolicy ?? 'same-origin'),
    crossOriginResourcePolicy: policy(rules.crossOriginResourcePolicy ?? 'same-origin'),
    crossOriginEmbedderPolicy: policy(embedder)
  }
  // Our texts have been checked; helmet types them as its own literals.
  return options as HelmetOptions
}

function policy (value: string | false): { policy: string } | false {
  return value === false ? false : { policy: value }
}
