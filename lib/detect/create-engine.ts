import { recent, type Recent } from '../recent.ts'
import type { Look } from './look.ts'
import { declared, type CodedRule } from './rules.ts'
import type { Pinned } from './schema.ts'
import type { Category, DetectionRules, Match, OwnRule } from './types.ts'

/** What one detector instance knows: its rules, compiled, and the text it looks at. */
export interface Engine {
  look: Look
  own: readonly CodedOwnRule[]
  /** Rules that count in a piece of a longer text, and in code that such a text shows. */
  local: Uint8Array
  shown: Uint8Array
  /** Rules that count in a piece of a text field's sentence. */
  told: Uint8Array
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
  /** What the schema of the route under judgement pins down, by names as they are written. */
  pinned: Pinned | undefined
  /** `performance.now()` at which the time of this call is up; Infinity without a budget. */
  deadline: number
  /** Findings by rule, since the start. */
  counts: Map<string, number>
  /** Values of JSON that were judged clean at length, by name and place. */
  clean: Recent
  /** Pieces of the text under judgement that were judged clean at length, by what counts in them. */
  cleanPieces: Recent
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
    look: { text: '', place: 0, name: '', on, score: 0, signs: [], threshold: rules.threshold ?? 5, chars: 0, pairs: 0, words: 0, count: 0, longest: 0, program: false, told: false },
    own,
    local: on.map((bit, no) => declared[no] !== undefined && WHOLE.test(declared[no].id) ? 0 : bit),
    shown: on.map((bit, no) => declared[no] !== undefined && (WHOLE.test(declared[no].id) || (level < 3 && (declared[no].level > 1 || SHOWN.test(declared[no].id)))) ? 0 : bit),
    told: on.map((bit, no) => declared[no] !== undefined && (WHOLE.test(declared[no].id) || (level < 3 && NAMED.test(declared[no].id))) ? 0 : bit),
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
    pinned: undefined,
    deadline: Infinity,
    counts: new Map(),
    clean: recent(1024),
    cleanPieces: recent(256)
  }
}

/** Rules that count only in a value as a whole: in a longer text they are what articles have. */
const WHOLE = /^(?:command\/backtick|sqli\/(?:hint|fragment|word)|file-inclusion\/bare|ssrf\/(?:loopback|internal|host))$/
/** Commands and files that a sentence of a text field names: no shell runs its middle, and no server opens it. In a parameter they count. */
const NAMED = /^(?:command\/(?:invocation|shell|windows|single|wrapper|sensitive|network)|traversal\/(?:system|secret|windows)|code\/(?:python|node|runtime|java))$/
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
