import { raw, walk, type Walk } from './body.ts'
import { recent, type Recent } from '../recent.ts'
import { conclude, createEngine, judge, report, type Engine } from './engine.ts'
import { judgeHeader } from './headers.ts'
import * as place from './place.ts'
import { judgePath } from './path.ts'
import { declared } from './rules.ts'
import type { Pinned } from './schema.ts'
import { clocked, detectionTally, due, timed, type DetectionTally } from './tally.ts'
import { judgePairs } from './url.ts'
import type { DetectionRules, Finding, Match, Overflow, Rule } from './types.ts'

export { pinnedByRoute, pinnedBySchema, type Pinned } from './schema.ts'
export { detectionTally, readTally, resetTally, type DetectionTally } from './tally.ts'
export { CATEGORIES } from './types.ts'
export type { Category, DetectionRules, Finding, Level, Match, Overflow, OwnRule, Rule } from './types.ts'

export type HeaderValues = Readonly<Record<string, string | string[] | undefined>>

export interface Detector {
  /**
   * Judges the request target (still percent-encoded) and the headers. `unmatched`: no route of the application has this path.
   * `rawHeaders`: as Node has them, for those of which it keeps only the first.
   */
  request: (url: string, headers: HeaderValues, unmatched: boolean, pinned?: Pinned, rawHeaders?: readonly string[]) => Finding | Overflow | undefined
  /** Judges a body as the body parser left it. */
  body: (body: unknown, contentType: string | undefined, pinned?: Pinned) => Finding | Overflow | undefined
  /** Judges a single value. */
  value: (value: unknown, where: string) => Finding | Overflow | undefined
}

/** Every built-in rule; the documents are made of it. */
export const ruleCatalogue: readonly Rule[] = declared.map(({ id, category, level, score, about, match, pass }) => ({ id, category, level, score, about, match, pass }))

/**
 * Compiles rules to a detector. It is synchronous and reuses its state: one call after the other, never nested.
 *
 * @param defaults `maxBytes`: characters of a body that are looked at, the route's `bodyLimit`; `tally`: where findings and time are counted
 */
export function compileDetection (rules: DetectionRules, defaults: { maxBytes: number, tally?: DetectionTally }): Detector {
  const engine = createEngine(rules)
  const tally = defaults.tally ?? detectionTally()
  engine.counts = tally.matches
  engine.own = engine.own.map(({ rule, test }) => ({ rule, test: clocked(tally, rule.id, test) }))
  const { query = true, path = true, headers = true, cookies = true, body = true } = rules.scan ?? {}
  /** Header values that were judged clean, by the header's name: browsers send the same ones with every request. */
  const clean = recent(4096)
  const names = new Set<string>()
  const setOut = (pinned: Pinned | undefined): void => {
    engine.pinned = pinned
    if (rules.budget !== undefined) engine.deadline = performance.now() + rules.budget / 1000
  }
  const start = (): Walk => ({
    maxBytes: rules.maxBytes ?? defaults.maxBytes,
    maxDepth: rules.maxDepth ?? 64,
    maxKeys: rules.maxKeys ?? 100_000,
    deadline: engine.deadline,
    bytes: 0,
    keys: 0,
    passed: undefined,
    names
  })
  const end = (passed: Walk['passed']): Finding | Overflow | undefined => {
    const finding = conclude(engine)
    const late = engine.deadline !== Infinity && performance.now() > engine.deadline ? 'budget' : undefined
    const overflow = passed ?? late
    if (finding !== undefined || overflow === undefined || rules.overflow === 'pass') return finding
    return { overflow }
  }

  const request: Detector['request'] = (url, values, unmatched, pinned, rawHeaders) => {
    setOut(pinned)
    const mark = url.indexOf('?')
    if (path) judgePath(engine, mark < 0 ? url : url.slice(0, mark), unmatched)
    if (query && mark >= 0 && mark < url.length - 1) {
      engine.root = 'query'
      judgePairs(engine, url.slice(mark + 1), place.QUERY)
    }
    if (headers || cookies) {
      const known = judgeHeaders(engine, values, headers, cookies, clean)
      if (headers && rawHeaders !== undefined && rawHeaders.length > known * 2) judgeDropped(engine, rawHeaders)
    }
    return end(undefined)
  }
  const judged: Detector['body'] = (value, contentType, pinned) => {
    if (!body || value === undefined || value === null) return undefined
    setOut(pinned)
    const walked = start()
    engine.root = 'body'
    const type = contentType === undefined ? '' : contentType.toLowerCase()
    judgeBody(engine, walked, value, type)
    return end(walked.passed)
  }

  return {
    request: (url, values, unmatched, pinned, rawHeaders) => due(tally) ? timed(tally, () => request(url, values, unmatched, pinned, rawHeaders)) : request(url, values, unmatched, pinned, rawHeaders),
    body: (value, contentType, pinned) => due(tally) ? timed(tally, () => judged(value, contentType, pinned)) : judged(value, contentType, pinned),
    value (value, where) {
      setOut(undefined)
      const walked = start()
      engine.root = where
      if (typeof value === 'string') {
        if (judge(engine, value, place.VALUE | place.QUERY, '')) report(engine, where)
      } else judgeBody(engine, walked, value, '')
      return end(walked.passed)
    }
  }
}

/** Judges headers while there is time; answers how many there are. */
function judgeHeaders (engine: Engine, values: HeaderValues, headers: boolean, cookies: boolean, clean: Recent): number {
  let known = 0
  for (const name in values) {
    known++
    const value = values[name]
    if (value === undefined || value === '') continue
    const isCookie = name === 'cookie'
    if (isCookie ? !cookies : !headers) continue
    if (engine.deadline !== Infinity && performance.now() > engine.deadline) continue
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
  return known
}

/** Of these Node keeps the first and drops the others, which a proxy or an application that reads `rawHeaders` may not. */
const SINGLE = new Set(['age', 'authorization', 'content-length', 'content-type', 'etag', 'expires', 'from', 'host', 'if-modified-since', 'if-unmodified-since', 'last-modified', 'location',
  'max-forwards', 'proxy-authorization', 'referer', 'retry-after', 'server', 'user-agent'])

function judgeDropped (engine: Engine, rawHeaders: readonly string[]): void {
  const seen = new Set<string>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase()
    if (!SINGLE.has(name) || engine.headers?.has(name) === true) continue
    if (seen.has(name)) judgeHeader(engine, name, rawHeaders[i + 1]!)
    else seen.add(name)
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
