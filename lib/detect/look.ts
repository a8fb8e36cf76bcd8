import type { CodedRule } from './rules.ts'
import * as place from './place.ts'
import { C, type Scan } from './scan.ts'

/** One sign found in a text. */
export interface Sign {
  rule: CodedRule
  text: string
  at: number
  end: number
}

/** A text under judgement: the one object that all detectors share, reused for each text. */
export interface Look extends Scan {
  text: string
  /** Bits of `place.ts`. */
  place: number
  /** Name of the parameter, header or field; empty if it has none. */
  name: string
  /** Rules that are switched on, by number. */
  on: Uint8Array
  /** Score of the value so far, over all its views. */
  score: number
  signs: Sign[]
  threshold: number
  /** The text is a piece of one that is laid out as a program. */
  program: boolean
  /** The text is a piece of a text field that holds sentences. */
  told: boolean
}

/** Few enough words to be a payload rather than an article: signs that code in prose also shows count only here. */
export function brief (look: Look): boolean {
  return look.count <= 40
}

/** Notes a sign; each rule counts once per value. */
export function sign (look: Look, rule: CodedRule, at: number, end: number): void {
  if (look.on[rule.no] !== 1) return
  for (const known of look.signs) if (known.rule === rule) return
  look.signs.push({ rule, text: look.text, at, end })
  look.score += rule.score
}

/** Notes a sign where a sticky or plain expression matches; for expressions without the `g` flag. */
export function signIf (look: Look, rule: CodedRule, pattern: RegExp): boolean {
  if (look.on[rule.no] !== 1) return false
  const found = pattern.exec(look.text)
  if (found === null) return false
  sign(look, rule, found.index, found.index + found[0].length)
  return true
}

/** Characters of a word in identifiers. */
export function isWord (code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 95
}

export function isSpace (code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13) || code === 160
}

export function isDigit (code: number): boolean {
  return code >= 48 && code <= 57
}

/** First position from `at` that is no space. */
export function skipSpace (text: string, at: number): number {
  while (at < text.length && isSpace(text.charCodeAt(at))) at++
  return at
}

/** Notes a sign where a sticky expression matches at `at`. */
export function signAt (look: Look, rule: CodedRule, sticky: RegExp, at: number): boolean {
  sticky.lastIndex = at
  if (!sticky.test(look.text)) return false
  sign(look, rule, at, sticky.lastIndex)
  return true
}

let fencedText = ''
/** Start and end of each closed fence of `fencedText`, in order. */
let fences: number[] = []

function findFences (text: string): void {
  fencedText = text
  fences = []
  let open = text.indexOf('```')
  while (open >= 0) {
    const close = text.indexOf('\n```', open + 3)
    if (close < 0) return
    fences.push(open, close)
    open = text.indexOf('```', close + 4)
  }
}

/** Whether a position lies in a closed fence of a Markdown text: code that is shown, in an article. */
export function inFence (look: Look, at: number, short = false): boolean {
  if ((!short && brief(look)) || (look.chars & C.BACKTICK) === 0) return false
  if (look.text !== fencedText) findFences(look.text)
  let low = 0
  let high = fences.length >> 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (fences[middle * 2 + 1]! > at) high = middle
    else low = middle + 1
  }
  return low * 2 < fences.length && fences[low * 2]! < at
}

/** Four words in a row, as sentences have and command lines hardly. */
const SENTENCE = /(?:^|[\s("'])[A-Za-z]{1,20}(?:,?[ \n]+[a-z]{1,20}){3}(?:$|[\s.,;:!?)])/

/** Whether a text field holds a sentence: what it names is not run. Of a parameter, a header or a path nothing is a sentence. */
export function isSentence (look: Look): boolean {
  return look.told || (look.count > 6 && (look.place & (place.QUERY | place.PATH | place.HEADER | place.COOKIE | place.NAME)) === 0 && SENTENCE.test(look.text))
}

let programText = ''
let programKnown = false
const PROGRAM = /(?:^|\n)[ \t]*(?:(?:export[ \t]+)?(?:const|let|var)[ \t]+(?:[\w$]+|\{[^}=\n]*\}|\[[^\]=\n]*\])[ \t]*(?:=[ \t]|:[^=\n]*=[ \t])|(?:export[ \t]+|default[ \t]+|async[ \t]+)*function[ \t]+\w+[ \t]*\(|import[ \t][^'"\n;]*from[ \t]*['"]|```\w*[ \t]*\r?\n)/
const LAID_OUT = /(?:^|\n)[ \t]*(?:\/\/[ \t]|\/\*\*|[\w$.]+(?:[ \t]+[\w$.]+)*[ \t]*\([^\n]*[{([][ \t]*\r?\n|[})\]]+[;,]?[ \t]*(?:\r?\n|$)|[\w$.]+:[ \t]*[{[][ \t]*\r?\n)/

/** Blocks, imports and definitions of Python, and its interactive shell. */
const PYTHON = /(?:^|\n)[ \t]*(?:(?:async[ \t]+)?(?:def|class)[ \t]+\w+[ \t]*[(:]|from[ \t]+[\w.]+[ \t]+import[ \t]|>>> ?\w|(?:if|elif|while|for|with|except|else|try|finally)\b[^\n;]*:[ \t]*(?:#[^\n]*)?(?:\r?\n|$))/
/** Two lines or more of assignments and calls, each complete. */
const LINED = /(?:(?:^|\n)[ \t]*(?:[\w.$]+(?:\[[^\]\n]*\])?[ \t]*[-+|]?=(?!=)[ \t]+[^\n]{1,200}|(?:return|raise|assert|await|yield|import|from|this|self|cls)\b[^\n]{1,200}|[\w.]+\([^\n]{0,200}\)[;,]?|#[^\n]{0,200}))(?:\r?\n[ \t]*){1,3}(?:[\w.$]+(?:\[[^\]\n]*\])?[ \t]*[-+|]?=(?!=)[ \t]|(?:return|raise|assert|await|yield|if|for|while|with|self|this|cls)\b[ \t.]|[\w.]+\()/

/** Whether a text is laid out as a program is: declarations, or blocks over several lines. What is injected is a piece that has neither. */
export function isProgram (look: Look): boolean {
  if (look.program) return true
  if (look.text === programText) return programKnown
  programText = look.text
  programKnown = (look.place & (place.QUERY | place.PATH | place.HEADER | place.NAME)) === 0 && (PROGRAM.test(programText) || ((look.chars & C.LINE) !== 0 && (LAID_OUT.test(programText) || (look.count >= 6 && (PYTHON.test(programText) || LINED.test(programText))))))
  return programKnown
}

/** As `signIf`, but not for what a closed fence of Markdown shows. */
export function signOutside (look: Look, rule: CodedRule, pattern: RegExp): boolean {
  if (look.on[rule.no] !== 1) return false
  const found = pattern.exec(look.text)
  if (found === null || inFence(look, found.index + 1, true)) return false
  sign(look, rule, found.index, found.index + found[0].length)
  return true
}
