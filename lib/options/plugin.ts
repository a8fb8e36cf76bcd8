import { checks } from '../checks/index.ts'
import { maxBodyBytesShape } from '../checks/max-body-bytes.ts'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import { corsShape } from '../headers/cors.ts'
import { securityHeadersShape } from '../headers/security-headers.ts'
import { headerName } from '../headers/values.ts'
import { trustShape } from '../net/list.ts'
import { pathPrefix } from './path-prefix.ts'
import { bool, either, examine, fn, int, is, isObject, list, no, object, oneOf, record, text, type Problem, type Report, type Shape } from './shape.ts'
import { CODES } from '../codes.ts'
import { rulesSourceShape } from '../rules/shape.ts'
import type { GuardOptions, GuardRules } from '../../types/index.ts'

const rules: Record<string, Shape> = {
  ...Object.fromEntries(checks.map(({ key, shape }) => [key, either(shape, no)])),
  maxBodyBytes: maxBodyBytesShape,
  securityHeaders: securityHeadersShape,
  cors: corsShape
}

const rootOnly = is("left to the guard's root registration", () => false)

/** Rules as they may stand in a policy, a child scope or a route. */
export const rulesShape = object({ ...rules, emergency: rootOnly })

const level = either(no, oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace'))

/** May have members beyond the protocol. */
const geoHandler = is('an object with a lookup(ip) function', (value) => typeof (value as { lookup?: unknown } | null)?.lookup === 'function')

/** What leads to Redis: its parts are ioredis's, which knows them better. */
const redis = is('true, a redis:// or rediss:// URL, options of ioredis or a client', (value) => value === true || isObject(value) || (typeof value === 'string' && /^rediss?:\/\//.test(value)))
const storeShape = either(oneOf('memory'), object({
  redis,
  prefix: is('a text without braces', (value) => typeof value === 'string' && /^[^{}]+$/.test(value)),
  mode: oneOf('strict', 'lease'),
  timeout: int(1, 60_000),
  onError: oneOf('local', 'pass', 'refuse')
}, 'redis'))

/** What the root registration takes. */
export const optionsShape = object({
  ...rules,
  mode: oneOf('enforce', 'passive', 'off'),
  strict: bool,
  exclude: list(pathPrefix),
  policies: record(rulesShape),
  clientIp: object({ trustedProxies: trustShape, depth: int(1), header: headerName, trustProto: bool }, 'trustedProxies'),
  ipv6Prefix: int(1, 128),
  geo: object({ database: text, asn: text, handler: geoHandler }),
  store: storeShape,
  maxKeys: int(100, 10_000_000),
  log: object({ refused: level, passed: level, file: either(text, object({ path: text, maxBytes: int(1024), keep: int(0, 10_000) }, 'path')), format: oneOf('json', 'text'), redact: list(text) }),
  response: object({ format: oneOf('json', 'problem'), messages: record(text, oneOf(...CODES)), modify: fn }),
  rules: rulesSourceShape,
  onEvent: fn,
  decorator: text
})

/** What a registration in a child scope takes: rules and policies. */
const childShape = object({ ...rules, emergency: rootOnly, policies: record(rulesShape) })

const guardShape: Shape = {
  expected: 'rules, false, the name of a policy, or an array of these',
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

function read<T> (shape: Shape, options: unknown): T {
  const problems: Problem[] = []
  const { prefix: _prefix, logLevel: _logLevel, logSerializers: _serializers, ...own } = isObject(options) ? options : {} as Record<string, unknown>
  examine(shape, own, '', (path, message) => problems.push({ path, message }))
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
