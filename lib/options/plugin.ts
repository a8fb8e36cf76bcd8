import { emergency } from '../checks/emergency.ts'
import { checks } from '../checks/index.ts'
import { maxBodyBytesShape } from '../checks/max-body-bytes.ts'
import { dashboardShape } from '../dashboard/options.ts'
import { cloudRangesShape } from '../cloud/shape.ts'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import { geoShape } from '../geo/shape.ts'
import { corsShape } from '../headers/cors.ts'
import { securityHeadersShape } from '../headers/security-headers.ts'
import { headerName } from '../headers/values.ts'
import { proxiesShape } from '../net/presets.ts'
import { pathPrefix } from './path-prefix.ts'
import { also, bool, either, examine, fn, int, is, isObject, list, no, object, oneOf, record, text, yes, show, type Problem, type Report, type Shape } from './shape.ts'
import { CODES } from '../codes.ts'
import { metricsShape } from '../metrics/shape.ts'
import { rulesSourceShape } from '../rules/shape.ts'
import type { GuardOptions, GuardRules } from '../../types/index.ts'

const rules: Record<string, Shape> = {
  ...Object.fromEntries(checks.map(({ key, shape }) => [key, either(shape, no)])),
  maxBodyBytes: maxBodyBytesShape,
  securityHeaders: securityHeadersShape,
  cors: corsShape
}

const rootOnly = is("left to the guard's root registration", () => false, undefined)

/** Rules as they may stand in a policy, a child scope or a route. */
export const rulesShape = object({ ...rules, emergency: rootOnly })

const level = either(no, oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace'))

/** What leads to Redis: its parts are ioredis's, which knows them better. */
const redis = is('true, a redis:// or rediss:// URL, options of ioredis or a client', (value) => value === true || isObject(value) || (typeof value === 'string' && /^rediss?:\/\//.test(value)),
  { anyOf: [{ const: true }, { type: 'string', pattern: '^rediss?://' }, { type: 'object' }] })
const storeShape = either(oneOf('memory'), also(object({
  redis,
  file: text,
  cluster: yes,
  prefix: is('a text without braces', (value) => typeof value === 'string' && /^[^{}]+$/.test(value), { type: 'string', pattern: '^[^{}]+$' }),
  mode: oneOf('strict', 'lease'),
  timeout: int(1, 60_000),
  onError: oneOf('local', 'pass', 'refuse')
}), ({ redis, file, ...rest }: Record<string, unknown>, path: string, report: Report) => {
  const { cluster, mode } = rest
  if (file === undefined && redis === undefined && cluster === undefined) report(`${path}.redis`, 'is missing')
  else if (file !== undefined && (redis !== undefined || Object.keys(rest).length > 0)) report(`${path}.file`, 'stands alone: bans are kept in a file or in Redis')
  else if (cluster !== undefined && redis !== undefined) report(`${path}.cluster`, 'stands without redis: workers share their state in one or the other')
  else if (cluster !== undefined && mode !== undefined) report(`${path}.mode`, 'is for redis')
}))

/** What the root registration takes. */
export const optionsShape = object({
  ...rules,
  emergency: either(bool, object({ ...emergency.shape.keys, signal: oneOf('SIGUSR2', 'SIGHUP') })),
  mode: oneOf('enforce', 'passive', 'off'),
  strict: bool,
  exclude: list(pathPrefix),
  policies: record(rulesShape),
  clientIp: object({ trustedProxies: proxiesShape, depth: int(1), header: headerName, trustProto: bool }, 'trustedProxies'),
  ipv6Prefix: int(1, 128),
  geo: geoShape,
  cloudRanges: cloudRangesShape,
  store: storeShape,
  maxKeys: int(100, 10_000_000),
  log: object({ refused: level, passed: level, file: either(text, object({ path: text, maxBytes: int(1024), keep: int(0, 10_000) }, 'path')), format: oneOf('json', 'text'), redact: list(text) }),
  response: object({ format: oneOf('json', 'problem'), messages: record(text, oneOf(...CODES)), modify: fn }),
  rules: rulesSourceShape,
  dashboard: dashboardShape,
  metrics: metricsShape,
  onEvent: fn,
  decorator: text
})

/** What a registration in a child scope takes: rules and policies. */
const childShape = object({ ...rules, emergency: rootOnly, policies: record(rulesShape) })

const guardShape: Shape = {
  expected: 'rules, false, the name of a policy, or an array of these',
  json: undefined,
  kind: (value) => value === false || typeof value === 'string' || Array.isArray(value) || isObject(value),
  inside (value, path, report) {
    if (Array.isArray(value)) value.forEach((entry, i) => examine(guardShape, entry, `${path}[${i}]`, report))
    else if (isObject(value)) rulesShape.inside(value, path, report)
  }
}

/** Copies and checks the root's options. @throws {GUARD_OPTION_INVALID} with every problem */
export function readOptions (options: unknown): GuardOptions {
  return read<GuardOptions>(optionsShape, options)
}

/** Copies and checks a child registration's options. @throws {GUARD_OPTION_INVALID} with every problem */
export function readChildOptions (options: unknown): GuardRules & Pick<GuardOptions, 'policies'> {
  return read(childShape, options)
}

/** Rules come at run time too, from files and other nodes: finding the nearest name of each of many takes seconds. */
const MOST_PROBLEMS = 100

function read<T> (shape: Shape, options: unknown): T {
  const problems: Problem[] = []
  const { prefix: _prefix, logLevel: _logLevel, logSerializers: _serializers, ...own } = isObject(options) ? options : {} as Record<string, unknown>
  examine(shape, own, '', (path, message) => {
    problems.push({ path, message })
    if (problems.length === MOST_PROBLEMS) throwIfAny([...problems, { path: 'and', message: 'perhaps more, which were not looked for' }])
  })
  throwIfAny(problems)
  return snapshot(own) as T
}

/** Reports what is wrong with a route's `config.guard`. */
export function examineGuard (value: unknown, report: Report): void {
  examine(guardShape, value, 'config.guard', report)
}

/** What may change at run time. */
const updateShape = object({ ...rules, mode: optionsShape.keys!['mode']!, exclude: optionsShape.keys!['exclude']!, policies: record(rulesShape) })

/** Copies and checks what `app.guard.update()` is to change. @throws {GUARD_OPTION_INVALID} with every problem */
export function readUpdate (options: unknown): Partial<GuardOptions> {
  return read(updateShape, options)
}

/** What rules as data may not say: who is let in, and whether the guard works at all. */
const FORBIDDEN = ['mode', 'auth', 'apiKey', 'dashboard', 'check', 'exclude']
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/
const programs = is('left to the program: rules as data may not set it', () => false, undefined)
const forbidden = Object.fromEntries(FORBIDDEN.map((key) => [key, programs]))

const time = is("a time such as '2027-01-31T12:00:00Z'", (value) => typeof value === 'string' && TIME.test(value) && !Number.isNaN(Date.parse(value)),
  { type: 'string', pattern: TIME.source })

/** A file of rules: rules and policies as data. */
export const rulesFileShape = object({
  $schema: text,
  version: text,
  expires: time,
  ...rules,
  ...forbidden,
  policies: record(object({ ...rules, emergency: rootOnly, ...forbidden }))
})

/** Checks rules that came as data. @throws {GUARD_OPTION_INVALID} with every problem */
export function readRulesFile (data: unknown): { version?: string, expires?: string, rules: Partial<GuardOptions> } {
  if (!isObject(data)) throw new GUARD_OPTION_INVALID(`guard: rules must be an object, got ${show(data)}`)
  const { $schema: _schema, version, expires, ...rules } = read<Partial<GuardOptions> & { $schema?: string, version?: string, expires?: string }>(rulesFileShape, data)
  return { ...(version !== undefined && { version }), ...(expires !== undefined && { expires }), rules }
}

/** The rules among the options of a registration. */
export function rulesOf (options: GuardOptions): GuardRules {
  return Object.fromEntries(Object.entries(options).filter(([key]) => Object.hasOwn(rules, key)))
}

/** @throws {GUARD_OPTION_INVALID} if there are any; the same problem of several routes is named once */
export function throwIfAny (problems: readonly Problem[]): void {
  if (problems.length === 0) return
  const lines = [...new Set(problems.map(({ path, message }) => `${path} ${message}`))]
  throw new GUARD_OPTION_INVALID(lines.length === 1
    ? `guard: option ${lines[0]}`
    : `guard: ${lines.length} options are invalid:\n- ${lines.join('\n- ')}`)
}

/** A copy that later changes of the caller's object do not reach. Functions, expressions and instances stay themselves. */
export function snapshot (value: unknown, depth = 0): unknown {
  if (depth > 20) return value
  if (Array.isArray(value)) return value.map((entry) => snapshot(entry, depth + 1))
  if (!isObject(value)) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, snapshot(member, depth + 1)]))
}
