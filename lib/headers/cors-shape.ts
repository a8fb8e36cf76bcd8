import { METHODS } from 'node:http'
import { also, bool, either, fn, int, is, list, object, regexp, show, type Report, type Shape, someText } from '../options/shape.ts'
import { headerName, headerValue } from './values.ts'
import type { CorsRules } from '../../types/index.ts'

const originText: Shape = {
  expected: "'*' or an origin such as 'https://example.com'",
  json: someText,
  kind: (value) => typeof value === 'string',
  inside (value, path, report) {
    const problem = value === '*' ? undefined : originProblem(value as string)
    if (problem !== undefined) report(path, `${problem}, got ${show(value)}`)
  }
}

/** Browsers send origins in one form only; a text of another form would never match. */
function originProblem (text: string): string | undefined {
  if (text === 'null') return 'must not be "null", which every sandboxed frame and local file sends'
  const match = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@,\\]+/i.exec(text)
  if (match === null) return "must be '*' or an origin such as 'https://example.com'"
  if (match[0] !== text) return `must be an origin without a path: '${match[0].toLowerCase()}'`
  if (text.includes('*')) return 'must not have a wildcard within, use a RegExp'
  if (!URL.canParse(text)) return 'is no origin'
  const { origin } = new URL(text)
  const plain = origin === 'null' ? text.toLowerCase() : origin
  return plain === text ? undefined : `must be written as browsers send it: '${plain}'`
}

const methodName = is("a method in upper case, or '*'", (value) => value === '*' || (typeof value === 'string' && METHODS.includes(value)), { enum: ['*', ...METHODS] })
const nameOrStar = is("a header name, or '*'", (value) => headerName.kind(value), headerName.json)

/** A list as an array or as a text with commas. */
function names (member: Shape): Shape {
  const all = list(member)
  return {
    expected: `an array or a text with commas, each ${member.expected}`,
    json: { anyOf: [someText, all.json!] },
    kind: (value) => typeof value === 'string' || Array.isArray(value),
    inside (value, path, report) {
      all.inside(typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value, path, report)
    }
  }
}

/** What @fastify/cors takes, and the guard does itself. */
function left (why: string): Shape {
  return is(`left out: ${why}`, () => false, undefined)
}

const options = object({
  origin: either(bool, originText, regexp, fn, list(either(originText, regexp), 1)),
  credentials: bool,
  methods: names(methodName),
  allowedHeaders: names(nameOrStar),
  exposedHeaders: names(nameOrStar),
  maxAge: int(-1),
  cacheControl: either(int(0), headerValue),
  preflight: bool,
  preflightContinue: bool,
  optionsSuccessStatus: int(200, 299),
  inherit: bool,
  hook: left('the guard does this in onRequest, before its checks'),
  delegator: left('give each route its own cors options, or origin as a function'),
  strictPreflight: left('OPTIONS requests that are no preflight go to the application'),
  hideOptionsRoute: left('the guard answers preflights without a route'),
  logLevel: left('the guard answers preflights without a route')
})

/** `cors` of a layer. What only the effective options show is found by `corsConflict`. */
export const corsShape = either(bool, also(options, (value: CorsRules, path: string, report: Report) => {
  if (value.origin === undefined) return
  const conflict = corsConflict(value)
  if (conflict !== undefined) report(`${path}.credentials`, conflict)
}))

/**
 * Why these effective options would let any site act as the user, or not do what they say.
 * Worth a check after all layers are merged: one may set `origin`, another `credentials`.
 */
export function corsConflict ({ origin = '*', credentials, allowedHeaders, exposedHeaders, methods }: CorsRules): string | undefined {
  if (credentials !== true) return undefined
  if ([origin].flat(3).some(isAny)) return "needs a list of origins: with '*' (the default), true or an expression that matches everything, any site could act as the user"
  const star = Object.entries({ allowedHeaders, exposedHeaders, methods }).find(([, value]) => value === '*' || (Array.isArray(value) && value.includes('*')))
  return star === undefined ? undefined : `takes no '*' in ${star[0]}: with credentials browsers read it as a name`
}

function isAny (origin: unknown): boolean {
  if (!(origin instanceof RegExp)) return origin === '*' || origin === true
  origin.lastIndex = 0
  return origin.test('https://guard-probe.invalid') && new RegExp(origin.source, origin.flags.replace(/[gy]/g, '')).test('null')
}
