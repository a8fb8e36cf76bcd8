import { code, mayBeCode } from './code.ts'
import { command, mayBeCommand } from './command.ts'
import { crlf, mayBeCrlf } from './crlf.ts'
import { base64, decode, encoded, tightened, uncommented } from './decode.ts'
import { deserialization, mayBeSerialized } from './deserialization.ts'
import { fileInclusion, mayBeInclusion } from './file-inclusion.ts'
import { jndi, mayBeLookup } from './jndi.ts'
import { ldap, mayBeLdap } from './ldap.ts'
import { sign, type Look } from './look.ts'
import { mayBeOperator, nosql } from './nosql.ts'
import { pieces } from './pieces.ts'
import * as place from './place.ts'
import { mayPollute, prototypePollution } from './prototype-pollution.ts'
import { quiet } from './quiet.ts'
import { declared, rulesOf, type CodedRule } from './rules.ts'
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

const rule = rulesOf('code', {
  layers: [1, 5, 'a text that changes still after four rounds of decoding', '&amp;amp;amp;amp;amp;amp;lt;', '&amp;amp;lt;']
})

/** Texts up to here are too short for runs of spaces to matter. */
const LINE = 256

/** Texts up to here are one piece. */
const SHORT = 60

/** What one detector instance knows: its rules, compiled, and the text it looks at. */
export interface Engine {
  look: Look
  own: readonly CodedOwnRule[]
  /** Rules that count in a piece of a longer text, and in code that such a text shows. */
  local: Uint8Array
  shown: Uint8Array
  /** Levels above 1 look at values of plain words too. */
  thorough: boolean
  /** Levels above 2 judge code that is shown like any text. */
  deep: boolean
  /** Found so far in this request. */
  matches: Match[]
  /** Highest score of a single value. */
  score: number
  /** Names of the path to the value, in the order of nesting; read only when something is found. */
  trail: Array<string | number>
  depth: number
  /** Prefix of locations: `query`, `body`, ... */
  root: string
  /** Clean names of parameters, with what they say about their value. */
  names: Map<string, number>
  params: ReadonlySet<string> | undefined
  headers: ReadonlySet<string> | undefined
  fields: ReadonlySet<string> | undefined
  /** Query parameters and fields of the body that the route's schema pins down, as they are written. */
  pinnedParams: ReadonlySet<string> | undefined
  pinnedFields: ReadonlySet<string> | undefined
  /** Findings by rule, since the start. */
  counts: Map<string, number>
}

/** What a route's own schema accepts nothing harmful for; see `schema.ts`. */
export interface Pinned { params: readonly string[], fields: readonly string[] }

export interface CodedOwnRule { rule: CodedRule, test: (value: string) => boolean }

export function createEngine (rules: DetectionRules, pinned?: Pinned): Engine {
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
    local: on.map((bit, no) => declared[no] !== undefined && WHOLE.test(declared[no].id) ? 0 : bit),
    shown: on.map((bit, no) => declared[no] !== undefined && (WHOLE.test(declared[no].id) || (level < 3 && (declared[no].level > 1 || SHOWN.test(declared[no].id)))) ? 0 : bit),
    thorough: level > 1,
    deep: level > 2,
    matches: [],
    score: 0,
    trail: [],
    depth: 0,
    root: '',
    names: new Map(),
    params: names(rules.exclude?.params),
    headers: names(rules.exclude?.headers),
    fields: names(rules.exclude?.fields),
    pinnedParams: pinned === undefined || pinned.params.length === 0 ? undefined : new Set(pinned.params),
    pinnedFields: pinned === undefined || pinned.fields.length === 0 ? undefined : new Set(pinned.fields),
    counts: new Map()
  }
}

/** Rules that count only in a value as a whole: in a longer text they are what articles have. */
const WHOLE = /^(?:command\/backtick|sqli\/(?:hint|fragment|word)|file-inclusion\/bare|ssrf\/(?:loopback|internal|host))$/
/** Rules that do not count in the code that an article shows; from level 3 on all do. */
const SHOWN = /^(?:code|command|nosql|ssrf|ldap|prototype-pollution|crlf)\/|^xss\/(?:dom|call|element|script|close|bare|data)$|^sqli\/(?:operator|trailing|comment|breakout|delay|call|metadata|statement|select|clause|union)$|^traversal\/(?:system|windows|secret|dots|mangled)$|^template\/(?:call|expression|single)$/

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
  if (text.length <= LINE) return judgeViews(engine, look, text)
  const tight = tightened(text)
  if (tight !== text) {
    look.text = tight
    scan(tight, look)
  }
  return judgeViews(engine, look, tight)
}

function judgeViews (engine: Engine, look: Look, text: string): boolean {
  detectAll(engine, look)
  let view = text
  for (let round = 0; look.score < look.threshold && encoded(look); round++) {
    const next = decode(view, look)
    if (next === view) break
    if (round === ROUNDS) {
      sign(look, rule.layers, 0, view.length)
      break
    }
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
  if (look.score < look.threshold && text.length > SHORT) {
    judgePieces(engine, look, view)
  }
  return look.score > 0 && look.score >= look.threshold
}

/** A heading on a line of its own, as documents in Markdown have. */
const HEADINGS = /(?:^|\n)(?:#{1,6} \S|[=-]{3,}\r?\n)/

/**
 * What stands alone in a longer text, each piece as a value of its own: words around an attack hide nothing, since the detectors
 * that ask how long a text is see only the piece. First by itself, then with the words of its sentence that may belong to it.
 */
function judgePieces (engine: Engine, look: Look, text: string): void {
  const { on } = look
  const document = text.length > 1000 && HEADINGS.test(text)
  const found = (from: number, to: number): boolean => {
    if (to - from >= text.length) return false
    look.text = text.slice(from, to)
    scan(look.text, look)
    if (quiet(look, look.place, engine.thorough)) return false
    detectAll(engine, look)
    return look.score >= look.threshold
  }
  pieces(text, ({ before, from, to, after, shown }) => {
    look.on = shown || document ? engine.shown : engine.local
    if (found(from, to)) return true
    // Words that no language knows add nothing.
    const left = before < from && known(look, text, before, from)
    const right = after > to && known(look, text, to, after)
    return (left && found(before, to)) || (right && found(from, after)) || ((left || right) && before < from && after > to && found(before, after))
  })
  look.on = on
}

/** Whether there is a word between two positions that some detector asks for. */
function known (look: Look, text: string, from: number, to: number): boolean {
  scan(text.slice(from, to), look)
  return look.words !== 0
}

function see (engine: Engine, look: Look, text: string): void {
  look.text = text.length > LINE ? tightened(text) : text
  scan(look.text, look)
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
  // Whole categories have no rule for code that is shown.
  const all = look.on !== engine.shown || engine.deep
  if (look.count === 0 && look.text.length > 512) {
    signsOnly(look)
    return
  }
  if (mayTraverse(look)) traversal(look)
  if (look.score < enough && mayBeInclusion(look)) fileInclusion(look)
  if (all && look.score < enough && mayBeSsrf(look)) ssrf(look)
  if (look.score < enough && mayBeLookup(look)) jndi(look)
  if (all && look.score < enough && mayPollute(look)) prototypePollution(look)
  if (look.score < enough && mayBeXss(look)) xss(look)
  if (look.score < enough && mayBeXml(look)) xml(look)
  if (look.score < enough && mayBeTemplate(look)) template(look)
  if (look.score < enough && mayBeSerialized(look)) deserialization(look)
  if (all && look.score < enough && mayBeCode(look)) code(look)
  if (all && look.score < enough && mayBeCommand(look)) command(look)
  if (all && look.score < enough && mayBeOperator(look)) nosql(look)
  if (all && look.score < enough && mayBeLdap(look)) ldap(look)
  if (all && look.score < enough && mayBeCrlf(look)) crlf(look)
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
    engine.counts.set(rule.id, (engine.counts.get(rule.id) ?? 0) + 1)
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
