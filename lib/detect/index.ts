import { raw, walk, type Walk } from './body.ts'
import { recent, type Recent } from '../recent.ts'
import { conclude, createEngine, judge, report, type Engine, type Pinned } from './engine.ts'
import { judgeHeader } from './headers.ts'
import * as place from './place.ts'
import { judgePath } from './path.ts'
import { declared } from './rules.ts'
import { judgePairs } from './url.ts'
import type { DetectionRules, Finding, Match, Overflow, Rule } from './types.ts'

export { pinnedBySchema } from './schema.ts'
export { CATEGORIES } from './types.ts'
export type { Category, DetectionRules, Finding, Level, Match, Overflow, OwnRule, Rule } from './types.ts'

export type HeaderValues = Readonly<Record<string, string | string[] | undefined>>

export interface Detector {
  /** Judges the request target (still percent-encoded) and the headers. `unmatched`: no route of the application has this path. */
  request: (url: string, headers: HeaderValues, unmatched: boolean) => Finding | undefined
  /** Judges a body as the body parser left it. */
  body: (body: unknown, contentType: string | undefined) => Finding | Overflow | undefined
  /** Judges a single value. */
  value: (value: unknown, where: string) => Finding | Overflow | undefined
  /** What it has found and cost since it was compiled. */
  stats: () => DetectionStats
}

export interface DetectionStats {
  /** Findings by rule; only rules that have found something. */
  matches: Record<string, number>
  /** Calls of `request` and `body`. */
  calls: number
  /** Mean time of a call in microseconds, measured on one call in 64. */
  micros: number
}

/** Every built-in rule; the documents are made of it. */
export const ruleCatalogue: readonly Rule[] = declared.map(({ id, category, level, score, about, match, pass }) => ({ id, category, level, score, about, match, pass }))

/**
 * Compiles rules to a detector. It is synchronous and reuses its state: one call after the other, never nested.
 *
 * @param defaults `maxBytes`: characters of a body that are looked at, the route's `bodyLimit`; `pinned`: what its schema makes harmless, by `pinnedBySchema`
 */
export function compileDetection (rules: DetectionRules, defaults: { maxBytes: number, pinned?: Pinned }): Detector {
  const engine = createEngine(rules, defaults.pinned)
  const { query = true, path = true, headers = true, cookies = true, body = true } = rules.scan ?? {}
  /** Header values that were judged clean, by the header's name: browsers send the same ones with every request. */
  const clean = recent(4096)
  const names = new Set<string>()
  const start = (): Walk => ({
    maxBytes: rules.maxBytes ?? defaults.maxBytes,
    maxDepth: rules.maxDepth ?? 64,
    maxKeys: rules.maxKeys ?? 100_000,
    deadline: rules.budget === undefined ? Infinity : performance.now() + rules.budget / 1000,
    bytes: 0,
    keys: 0,
    passed: undefined,
    names
  })
  const end = (walked: Walk): Finding | Overflow | undefined => {
    const finding = conclude(engine)
    if (finding !== undefined || walked.passed === undefined || rules.overflow === 'pass') return finding
    return { overflow: walked.passed }
  }

  const request: Detector['request'] = (url, values, unmatched) => {
    const mark = url.indexOf('?')
    if (path) judgePath(engine, mark < 0 ? url : url.slice(0, mark), unmatched)
    if (query && mark >= 0 && mark < url.length - 1) {
      engine.root = 'query'
      judgePairs(engine, url.slice(mark + 1), place.QUERY)
    }
    if (headers || cookies) judgeHeaders(engine, values, headers, cookies, clean)
    return conclude(engine)
  }
  const judged: Detector['body'] = (value, contentType) => {
    if (!body || value === undefined || value === null) return undefined
    const walked = start()
    engine.root = 'body'
    const type = contentType === undefined ? '' : contentType.toLowerCase()
    judgeBody(engine, walked, value, type)
    return end(walked)
  }
  let calls = 0
  let sampled = 0
  let millis = 0
  /** One call in 64 is timed, so that the clock costs the others nothing. */
  const timed = <Result>(run: () => Result): Result => {
    const from = performance.now()
    const result = run()
    millis += performance.now() - from
    sampled++
    return result
  }

  return {
    request: (url, values, unmatched) => (++calls & 63) === 0 ? timed(() => request(url, values, unmatched)) : request(url, values, unmatched),
    body: (value, contentType) => (++calls & 63) === 0 ? timed(() => judged(value, contentType)) : judged(value, contentType),
    value (value, where) {
      const walked = start()
      engine.root = where
      if (typeof value === 'string') {
        if (judge(engine, value, place.VALUE | place.QUERY, '')) report(engine, where)
      } else judgeBody(engine, walked, value, '')
      return end(walked)
    },
    stats: () => ({ matches: Object.fromEntries(engine.counts), calls, micros: sampled === 0 ? 0 : millis * 1000 / sampled })
  }
}

function judgeHeaders (engine: Engine, values: HeaderValues, headers: boolean, cookies: boolean, clean: Recent): void {
  for (const name in values) {
    const value = values[name]
    if (value === undefined || value === '') continue
    const isCookie = name === 'cookie'
    if (isCookie ? !cookies : !headers) continue
    if (typeof value !== 'string') {
      for (const one of value) judgeHeader(engine, name, one)
      continue
    }
    if (clean.has(value, name)) continue
    if (engine.headers?.has(name) === true) continue
    const before = engine.matches.length
    judgeHeader(engine, name, value)
    if (engine.matches.length === before) clean.add(value, name)
  }
}

const BINARY = /^(?:application\/(?:octet-stream|pdf|zip|gzip|x-protobuf|grpc)|image\/(?!svg)|audio\/|video\/|font\/)/

function judgeBody (engine: Engine, walked: Walk, value: unknown, type: string): void {
  if (typeof value === 'string') {
    raw(engine, walked, value, type)
  } else if (Buffer.isBuffer(value)) {
    if (!BINARY.test(type)) raw(engine, walked, value.toString(type.includes('utf-16') ? 'utf16le' : 'utf8'), type)
  } else if (typeof value === 'object' && value !== null) {
    walk(engine, walked, value, type.includes('json') || type === '' ? place.JSON_VALUE : place.FORM, 0)
  }
}

export interface DetectInput {
  query?: string | Record<string, unknown>
  body?: unknown
  headers?: HeaderValues
  path?: string
}

export interface DetectResult { attack: boolean, score: number, matches: Match[] }

/** Judges a text or the parts of a request without a server; pure. */
export function detect (input: string | DetectInput, rules: DetectionRules = {}): DetectResult {
  const detector = compileDetection(rules, { maxBytes: Infinity })
  const findings: Array<Finding | Overflow | undefined> = []
  if (typeof input === 'string') {
    findings.push(detector.value(input, 'value'))
  } else {
    const { query, body, headers = {}, path = '' } = input
    const text = typeof query === 'string' ? query.replace(/^\?/, '') : query === undefined ? '' : toQuery(query)
    findings.push(detector.request(text === '' ? path : `${path}?${text}`, headers, false))
    if (body !== undefined) findings.push(detector.body(body, contentType(headers)))
  }
  const matches: Match[] = []
  let score = 0
  for (const finding of findings) {
    if (finding === undefined || 'overflow' in finding) continue
    matches.push(...finding.matches)
    score = Math.max(score, finding.score)
  }
  return { attack: matches.length > 0, score, matches }
}

function contentType (headers: HeaderValues): string | undefined {
  const type = headers['content-type']
  return typeof type === 'string' ? type : undefined
}

/** A parsed query as text again, so that both go the same way. */
function toQuery (query: Record<string, unknown>, prefix = ''): string {
  const pairs: string[] = []
  for (const [name, value] of Object.entries(query)) {
    const full = prefix === '' ? encodeURIComponent(name) : `${prefix}[${encodeURIComponent(name)}]`
    if (Array.isArray(value)) for (const one of value) pairs.push(`${full}=${encodeURIComponent(String(one))}`)
    else if (typeof value === 'object' && value !== null) pairs.push(toQuery(value as Record<string, unknown>, full))
    else pairs.push(`${full}=${encodeURIComponent(String(value))}`)
  }
  return pairs.join('&')
}
