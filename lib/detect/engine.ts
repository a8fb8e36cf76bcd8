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
  /** Levels above 1 look at values of plain words too. */
  thorough: boolean
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
    thorough: level > 1,
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
const LOUD_WORDS = K.SQL_LEAD | K.SQL_META | K.SHELL_SURE | K.JAVA | K.PROTO
const LOUD_PLACES = place.FILE_NAME
const LOUD_PAIRS = P.DASHES | P.COLON_SLASH | P.DOTS | P.COLONS | P.SLASHES
const NO_BASE64 = C.SPACE | C.DOT | C.COMMA | C.COLON | C.AT | C.WIDE

/** Judges one text with all its views; true if it reaches the threshold. */
export function judge (engine: Engine, text: string, where: number, name: string): boolean {
  const look = engine.look
  look.text = text
  look.place = where
  scan(text, look)
  if (quiet(look, where, engine.thorough) && engine.own.length === 0) return false
  look.name = name
  look.score = 0
  if (look.signs.length > 0) look.signs = []
  return judgeViews(engine, look, text)
}

/** Whether no detector could find anything; most values end here. */
function quiet (look: Look, where: number, thorough: boolean): boolean {
  const { chars, words } = look
  if (thorough && words !== 0) return false
  if ((words & K.DOM) !== 0 && (chars & C.DOT) !== 0 && look.count < 5) return false
  if ((chars & ~QUIET) !== 0 || (words & LOUD_WORDS) !== 0 || (where & LOUD_PLACES) !== 0) return false
  if ((where & place.NAME) !== 0 && look.text.includes('__')) return false
  if ((look.pairs & LOUD_PAIRS) !== 0) return (look.pairs & LOUD_PAIRS & ~(P.COLON_SLASH | P.SLASHES)) === 0 && plainUrl(look, where)
  if ((words & K.FILE) !== 0 && (chars & (C.SLASH | C.DOT)) !== 0) return false
  if ((words & (K.SCRIPT_SCHEME | K.HOST | K.SCHEME)) !== 0 && (chars & (C.COLON | C.SLASH)) !== 0) return false
  return look.longest < 10 || (chars & NO_BASE64) !== 0 || look.count > 6
}

/** `https://name.tld/...`: a URL whose host is a name, with nothing unusual in it. */
function plainUrl (look: Look, where: number): boolean {
  if ((look.words & (K.SCHEME | K.HOST | K.FILE | K.SCRIPT_SCHEME)) !== 0 || (look.chars & (C.AT | C.WIDE | C.SPACE)) !== 0 || (where & place.INCLUDES) !== 0) return false
  const { text } = look
  if (!text.startsWith('http')) return false
  const at = text.charCodeAt(4) === 115 ? 8 : 7
  if (text.charCodeAt(at - 1) !== 47) return false
  const slash = text.indexOf('/', at)
  // A name ends in letters, and in more than hexadecimal ones.
  const last = text.charCodeAt((slash < 0 ? text.length : slash) - 1) | 32
  return last > 102 && last < 123 && text.indexOf('//', at) < 0
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

/** A long text without a single word: nothing but steps up and JavaScript of brackets can be in it. */
function signsOnly (look: Look): void {
  if (mayTraverse(look)) traversal(look)
  if ((look.chars & C.BRACKET) !== 0) xss(look)
}

/** Every detector whose cheap test says so, until the score suffices. */
function detectAll (engine: Engine, look: Look): void {
  const enough = look.threshold
  if (look.count === 0 && look.text.length > 512) {
    signsOnly(look)
    return
  }
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
  return part.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`).slice(0, 60)
}

export const KNOWN_CATEGORIES: ReadonlySet<string> = new Set(CATEGORIES)

/** Whether the place takes only names. */
export function isName (where: number): boolean {
  return (where & (place.NAME | place.JSON_KEY)) !== 0
}
