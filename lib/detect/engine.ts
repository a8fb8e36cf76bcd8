import { code, mayBeCode } from './code.ts'
import { command, mayBeCommand } from './command.ts'
import { crlf, mayBeCrlf } from './crlf.ts'
import { base64, decode, encoded, uncommented } from './decode.ts'
import { deserialization, mayBeSerialized } from './deserialization.ts'
import { fileInclusion, mayBeInclusion } from './file-inclusion.ts'
import { jndi, mayBeLookup } from './jndi.ts'
import { K } from './keywords.ts'
import { ldap, mayBeLdap } from './ldap.ts'
import { type Look } from './look.ts'
import { mayBeOperator, nosql } from './nosql.ts'
import * as place from './place.ts'
import { mayPollute, prototypePollution } from './prototype-pollution.ts'
import { declared, type CodedRule } from './rules.ts'
import { C, P, scan } from './scan.ts'
import { mayBeSql, sqli } from './sqli.ts'
import { mayBeSsrf, ssrf } from './ssrf.ts'
import { mayBeTemplate, template } from './template.ts'
import { mayTraverse, traversal } from './traversal.ts'
import { CATEGORIES, type Category, type DetectionRules, type Finding, type Match, type OwnRule } from './types.ts'
import { mayBeUpload, upload } from './upload.ts'
import { mayBeXml, xml } from './xml.ts'
import { mayBeXss, xss } from './xss.ts'

/** Rounds of decoding: each takes off one layer of every encoding there is. */
const ROUNDS = 4

/** What one detector instance knows: its rules, compiled, and the text it looks at. */
export interface Engine {
  look: Look
  own: readonly CodedOwnRule[]
  /** Found so far in this request. */
  matches: Match[]
  /** Highest score of a single value. */
  score: number
  /** Names of the path to the value, in the order of nesting; read only when something is found. */
  trail: Array<string | number>
  depth: number
  /** Prefix of locations: `query`, `body`, ... */
  root: string
  params: ReadonlySet<string> | undefined
  headers: ReadonlySet<string> | undefined
  fields: ReadonlySet<string> | undefined
}

export interface CodedOwnRule { rule: CodedRule, test: (value: string) => boolean }

export function createEngine (rules: DetectionRules): Engine {
  const own = (rules.rules ?? []).map(codeOwnRule)
  const on = new Uint8Array(declared.length + own.length)
  const level = rules.level ?? 1
  for (const rule of declared) if (rule.level <= level && isOn(rules, rule.category, rule.id)) on[rule.no] = 1
  own.forEach(({ rule }, i) => {
    rule.no = declared.length + i
    if (isOn(rules, rule.category, rule.id)) on[rule.no] = 1
  })
  const names = (list: readonly string[] | undefined): ReadonlySet<string> | undefined => list === undefined || list.length === 0 ? undefined : new Set(list.map((name) => name.toLowerCase()))
  return {
    look: { text: '', place: 0, name: '', on, score: 0, signs: [], threshold: rules.threshold ?? 5, chars: 0, pairs: 0, words: 0, count: 0, longest: 0 },
    own,
    matches: [],
    score: 0,
    trail: [],
    depth: 0,
    root: '',
    params: names(rules.exclude?.params),
    headers: names(rules.exclude?.headers),
    fields: names(rules.exclude?.fields)
  }
}

function isOn (rules: DetectionRules, category: Category, id: string): boolean {
  if (rules.exclude?.rules?.includes(id) === true || rules.exclude?.categories?.includes(category) === true) return false
  const { categories } = rules
  if (categories === undefined) return true
  if (Array.isArray(categories)) return (categories as readonly Category[]).includes(category)
  return (categories as Partial<Record<Category, boolean>>)[category] !== false
}

function codeOwnRule (own: OwnRule): CodedOwnRule {
  const category = own.category ?? 'code'
  const rule: CodedRule = { id: own.id, category, level: 1, score: own.score ?? 5, about: 'a rule of the application', match: '', pass: '', no: 0 }
  const { pattern } = own
  if (typeof pattern === 'string') {
    const wanted = pattern.toLowerCase()
    return { rule, test: (value) => value.toLowerCase().includes(wanted) }
  }
  if (typeof pattern === 'function') return { rule, test: pattern }
  // A global or sticky expression remembers where it stopped, and would miss every second attack.
  const stateless = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
  return { rule, test: (value) => stateless.test(value) }
}

/** Characters that no detector cares about unless there is a word with them. */
const QUIET = C.SPACE | C.DOT | C.MINUS | C.COMMA | C.COLON | C.SLASH | C.AT | C.WIDE | C.PLUS
const LOUD_WORDS = ~(K.SHELL | K.LOGIC | K.SCHEME | K.TAG | K.HTTP | K.MAIL | K.SQL_CALL | K.TEMPLATE | K.OPERATOR | K.WINDOWS | K.EXTENSION | K.DOM | K.LOOKUP | K.SINK)
const LOUD_PLACES = place.FILE_NAME
const LOUD_PAIRS = P.DASHES | P.COLON_SLASH | P.DOTS | P.COLONS | P.SLASHES

/** Judges one text with all its views; true if it reaches the threshold. */
export function judge (engine: Engine, text: string, where: number, name: string): boolean {
  const look = engine.look
  look.text = text
  look.place = where
  scan(text, look)
  if (engine.own.length === 0 && (look.chars & ~QUIET) === 0 && (look.words & LOUD_WORDS) === 0 && (look.pairs & LOUD_PAIRS) === 0 && look.longest < 10 && (where & LOUD_PLACES) === 0 && (where & place.NAME) === 0) return false
  look.name = name
  look.score = 0
  if (look.signs.length > 0) look.signs = []
  return judgeViews(engine, look, text)
}

function judgeViews (engine: Engine, look: Look, text: string): boolean {
  detectAll(engine, look)
  let view = text
  for (let round = 0; round < ROUNDS && look.score < look.threshold && encoded(look); round++) {
    const next = decode(view, look)
    if (next === view) break
    view = next
    see(engine, look, view)
  }
  if (look.score < look.threshold && ((look.pairs & P.SLASH_STAR) !== 0 || ((look.chars & C.LINE) !== 0 && look.count < 60 && (look.chars & (C.HASH | C.MINUS)) !== 0))) {
    const next = uncommented(view)
    if (next !== view) see(engine, look, next)
  }
  if (look.score < look.threshold && look.longest >= 10 && (look.chars & ~(C.SPACE | C.PLUS | C.SLASH | C.EQ | C.MINUS)) === 0) {
    const next = base64(view)
    if (next !== undefined) {
      see(engine, look, next)
      if (look.score < look.threshold && encoded(look)) see(engine, look, decode(next, look))
    }
  }
  return look.score > 0 && look.score >= look.threshold
}

function see (engine: Engine, look: Look, text: string): void {
  look.text = text
  scan(text, look)
  detectAll(engine, look)
}

/** Every detector whose cheap test says so, until the score suffices. */
function detectAll (engine: Engine, look: Look): void {
  const enough = look.threshold
  if (mayTraverse(look)) traversal(look)
  if (look.score < enough && mayBeInclusion(look)) fileInclusion(look)
  if (look.score < enough && mayBeSsrf(look)) ssrf(look)
  if (look.score < enough && mayBeLookup(look)) jndi(look)
  if (look.score < enough && mayPollute(look)) prototypePollution(look)
  if (look.score < enough && mayBeXss(look)) xss(look)
  if (look.score < enough && mayBeXml(look)) xml(look)
  if (look.score < enough && mayBeTemplate(look)) template(look)
  if (look.score < enough && mayBeSerialized(look)) deserialization(look)
  if (look.score < enough && mayBeCode(look)) code(look)
  if (look.score < enough && mayBeCommand(look)) command(look)
  if (look.score < enough && mayBeOperator(look)) nosql(look)
  if (look.score < enough && mayBeLdap(look)) ldap(look)
  if (look.score < enough && mayBeCrlf(look)) crlf(look)
  if (look.score < enough && mayBeUpload(look)) upload(look)
  if (look.score < enough && mayBeSql(look)) sqli(look)
  for (const { rule, test } of engine.own) {
    if (look.on[rule.no] === 1 && test(look.text) && !look.signs.some((known) => known.rule === rule)) {
      look.signs.push({ rule, text: look.text, at: 0, end: look.text.length })
      look.score += rule.score
    }
  }
}

/** Adds the signs of the value just judged to the request's findings. */
export function report (engine: Engine, location: string): void {
  const { look } = engine
  for (const { rule, text, at, end } of look.signs) {
    engine.matches.push({ rule: rule.id, category: rule.category, location, evidence: evidence(text, at, end), score: rule.score })
  }
  if (look.score > engine.score) engine.score = look.score
}

/** What the request amounts to, and a clean state for the next one. */
export function conclude (engine: Engine): Finding | undefined {
  if (engine.matches.length === 0) return undefined
  const finding = { score: engine.score, matches: engine.matches }
  engine.matches = []
  engine.score = 0
  return finding
}

/** The sign with a little of what stands around it. */
function evidence (text: string, at: number, end: number): string {
  const from = Math.max(0, Math.min(at, text.length) - 8)
  const part = text.slice(from, Math.min(from + 60, Math.max(end + 8, from + 16)))
  // eslint-disable-next-line no-control-regex
  return part.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`).slice(0, 60)
}

export const KNOWN_CATEGORIES: ReadonlySet<string> = new Set(CATEGORIES)

/** Whether the place takes only names. */
export function isName (where: number): boolean {
  return (where & (place.NAME | place.JSON_KEY)) !== 0
}
