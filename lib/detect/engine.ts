import { code, mayBeCode } from './code.ts'
import { command, mayBeCommand } from './command.ts'
import { crlf, mayBeCrlf } from './crlf.ts'
import type { Engine } from './create-engine.ts'
import { decode, encoded } from './decode.ts'
import { deserialization, mayBeSerialized } from './deserialization.ts'
import { fileInclusion, mayBeInclusion } from './file-inclusion.ts'
import { jndi, mayBeLookup } from './jndi.ts'
import { K } from './keywords.ts'
import { ldap, mayBeLdap } from './ldap.ts'
import { isProgram, isSentence, sign, type Look } from './look.ts'
import { mayBeOperator, nosql } from './nosql.ts'
import { pieces } from './pieces.ts'
import * as place from './place.ts'
import { mayPollute, prototypePollution } from './prototype-pollution.ts'
import { quiet } from './quiet.ts'
import { rulesOf } from './rules.ts'
import { C, P, scan } from './scan.ts'
import { mayBeSql, sqli } from './sqli.ts'
import { mayBeSsrf, ssrf } from './ssrf.ts'
import { mayBeTemplate, template } from './template.ts'
import { mayTraverse, traversal } from './traversal.ts'
import type { Finding } from './types.ts'
import { mayBeUpload, upload } from './upload.ts'
import { base64, collapsed, tightened, uncommented } from './views.ts'
import { mayBeXml, xml } from './xml.ts'
import { mayBeXss, xss } from './xss.ts'

export { createEngine, type Engine } from './create-engine.ts'

/** Rounds of decoding: each takes off one layer of every encoding there is. */
const ROUNDS = 4

const rule = rulesOf('code', {
  layers: [1, 5, 'a text that changes still after four rounds of decoding', '&amp;amp;amp;amp;amp;amp;lt;', '&amp;amp;lt;']
})

/** Findings of one request that are enough to say what it is: a body of ten thousand attacks costs no more than one of these. */
const ENOUGH = 16

/** Words of languages whose words stand apart. */
const SPACED = K.SQL | K.LOGIC | K.SHELL | K.SHELL_SURE

/** Texts up to here are too short for runs of spaces to matter. */
const LINE = 256

/** Texts up to here are one piece. */
const SHORT = 60

/** Judges one text with all its views; true if it reaches the threshold. */
export function judge (engine: Engine, text: string, where: number, name: string): boolean {
  if (engine.matches.length >= ENOUGH) return false
  const look = engine.look
  look.text = text
  look.place = where
  scan(text, look)
  if (quiet(look, where, engine.thorough) && engine.own.length === 0) return false
  look.name = name
  look.score = 0
  if (look.signs.length > 0) look.signs = []
  if (text.length <= LINE) {
    // Only of JSON: elsewhere a value is a part of the whole body, which would stay in memory with it.
    const remembers = where === place.JSON_VALUE && engine.own.length === 0
    if (remembers && engine.clean.has(text, name)) return false
    const found = judgeViews(engine, look, text)
    if (remembers && look.signs.length === 0) engine.clean.add(text, name)
    return found
  }
  const tight = collapsed(tightened(text))
  if (tight !== text) {
    // Own rules see each value as it came.
    ownRules(engine, look)
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
  // Encoded twice as forms encode: the inner layer's spaces are signs still.
  if (look.score < look.threshold && (look.chars & (C.PLUS | C.SPACE)) === C.PLUS && look.count < 60 && (look.words & SPACED) !== 0 && (look.words & K.SCRIPT_SCHEME) === 0) see(engine, look, view.replaceAll('+', ' '))
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

/** A heading on a line of its own among other lines, as documents in Markdown have. */
const HEADINGS = /(?:^|\n)(?:#{1,6} \S[^\n]{0,200}\r?\n|[=-]{3,}\r?\n)/
const LINES = /(?:\n[^\n]*){4}/
/** No article stands here: what a wrapper of Markdown holds is judged like any other text. */
const NO_ARTICLES = place.QUERY | place.NAME | place.PATH | place.HEADER | place.COOKIE

/**
 * What stands alone in a longer text, each piece as a value of its own: words around an attack hide nothing, since the detectors
 * that ask how long a text is see only the piece. First by itself, then with the words of its sentence that may belong to it.
 */
function judgePieces (engine: Engine, look: Look, text: string): void {
  const { on } = look
  const { cleanPieces } = engine
  const articles = (look.place & NO_ARTICLES) === 0 || (look.place & place.VALUE) !== 0
  const program = articles && !engine.deep && look.text === text && look.count >= 10 && isProgram(look)
  const document = program || (articles && text.length > 1000 && HEADINGS.test(text) && LINES.test(text))
  const local = articles && look.text === text && isSentence(look) ? engine.told : engine.local
  look.program = program
  look.told = local === engine.told && !engine.deep
  const found = (from: number, to: number): boolean => {
    if (to - from >= text.length) return false
    const piece = text.slice(from, to)
    const kind = look.on === engine.shown ? 1 : 0
    if (cleanPieces.has(piece, '', kind)) return false
    look.text = piece
    scan(piece, look)
    if (quiet(look, look.place, engine.thorough)) return false
    detectAll(engine, look)
    if (look.signs.length === 0 && engine.own.length === 0) cleanPieces.add(piece, '', kind)
    return look.score >= look.threshold
  }
  pieces(text, ({ before, from, to, after, shown }) => {
    look.on = document || (shown && articles) ? engine.shown : local
    if (found(from, to)) return true
    // Words that no language knows add nothing.
    const left = before < from && known(look, text, before, from)
    const right = after > to && known(look, text, to, after)
    return (left && found(before, to)) || (right && found(from, after)) || ((left || right) && before < from && after > to && found(before, after))
  })
  look.on = on
  look.program = false
  look.told = false
  cleanPieces.clear()
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
  if (engine.own.length > 0) ownRules(engine, look)
}

function ownRules (engine: Engine, look: Look): void {
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
