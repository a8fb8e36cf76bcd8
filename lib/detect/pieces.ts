import { codeAt } from './code-at.ts'
import { isSpace } from './look.ts'

/** Words in a row, with nothing between them but spaces and the marks of sentences, that make prose. */
const PROSE = 6
/** Words of a sentence around a piece that may belong to it: `SELECT` before `a,b`, `FROM users` behind. */
const BEFORE = 4
const AFTER = 2
/** A word that is longer is no word: nothing that stands before it belongs to what stands behind. */
const LONGEST = 40
/** Characters from which a piece reads as a program rather than as a payload. */
const LONG = 200

/** A stretch of a text that is no prose. */
export interface Piece {
  /** Start of the words before it in its sentence. */
  before: number
  from: number
  to: number
  /** End of the words behind it. */
  after: number
  /** Code that is shown: in a closed fence or code span of Markdown, in a table, quoted, long, or with more code on the lines around it. */
  shown: boolean
}

/** Whether a character may stand in a plain word at this place: letters, an apostrophe or hyphen between them, the marks of sentences at the end. */
function plainAt (text: string, at: number, start: number, end: number): boolean {
  const code = codeAt(text, at)
  const lower = code | 32
  if ((lower >= 97 && lower <= 122) || code >= 0xc0) return true
  if (at === start) return code === 40 && end > at + 2
  if (code === 39 || code === 45) return at + 1 < end && at + 4 > end && isLetterAt(text, at - 1) && isLetterAt(text, at + 1)
  return at === end - 1 && (code === 44 || code === 46 || code === 33 || code === 63 || code === 58 || code === 41)
}

function isLetterAt (text: string, at: number): boolean {
  const code = text.charCodeAt(at) | 32
  return code >= 97 && code <= 122
}

/**
 * Calls `judge` for everything that stands alone in a longer text: what is left between the prose of each line, and short lines.
 * One pass over the text; a word is part of no more than two pieces. Stops when `judge` answers true.
 */
export function pieces (text: string, judge: (piece: Piece) => boolean): boolean {
  const length = text.length
  const piece: Piece = { before: 0, from: 0, to: 0, after: 0, shown: false }
  let fenced = false
  let fenceEnd = -1
  let codeBefore = false
  for (let at = 0; at < length;) {
    let end = text.indexOf('\n', at)
    if (end < 0) end = length
    const first = firstOf(text, at, end)
    if (first < end && text.startsWith('```', first)) {
      if (fenced) fenced = false
      else {
        // Each search ends where the fence is closed, or is the last one: without an end there is no fence.
        if (fenceEnd < length) fenceEnd = text.indexOf('\n```', end)
        if (fenceEnd < 0) fenceEnd = length
        fenced = fenceEnd < length
      }
    } else if (first < end) {
      const code = isCode(text, first, end)
      piece.shown = fenced || (text.charCodeAt(first) === 124 && isRow(text, end)) || (code && (codeBefore || codeAfter(text, end)))
      codeBefore = code
      if (inLine(text, first, end, piece, judge)) return true
    }
    at = end + 1
  }
  return false
}

function firstOf (text: string, at: number, end: number): number {
  while (at < end && isSpace(codeAt(text, at))) at++
  return at
}

/** Whether a line that begins with a bar also ends with one: the row of a table. */
function isRow (text: string, end: number): boolean {
  let last = end - 1
  while (isSpace(text.charCodeAt(last))) last--
  return text.charCodeAt(last) === 124
}

/** Whether a line reads as a program: marks of one, and no sentence. */
function isCode (text: string, first: number, end: number): boolean {
  let last = end - 1
  while (last > first && isSpace(text.charCodeAt(last))) last--
  const code = text.charCodeAt(last)
  if (code === 59 || code === 123 || code === 125 || code === 41 || code === 62 || code === 44 || code === 91 || code === 93 || code === 40) return true
  for (let i = first; i <= last && i < first + 200; i++) {
    const c = text.charCodeAt(i)
    if (c === 61 || c === 123 || c === 125 || c === 59 || c === 60 || (c === 40 && i > first && !isSpace(text.charCodeAt(i - 1))) || (c === 47 && text.charCodeAt(i + 1) === 47 && text.charCodeAt(i - 1) !== 58)) return true
  }
  return false
}

function codeAfter (text: string, end: number): boolean {
  let next = text.indexOf('\n', end + 1)
  if (next < 0) next = text.length
  const first = firstOf(text, end + 1, Math.min(next, text.length))
  return first < next && isCode(text, first, next)
}

/** Starts of the last words of the sentence that is read. */
const starts = new Int32Array(BEFORE)

/** Judges the stretch that is open. */
function stretch (text: string, piece: Piece, shown: boolean, judge: (piece: Piece) => boolean): boolean {
  piece.shown = shown || piece.to - piece.from > LONG || isQuoted(text, piece.from, piece.to)
  return judge(piece)
}

/** Judges words that are too few for prose. */
function few (from: number, to: number, words: number, piece: Piece, shown: boolean, judge: (piece: Piece) => boolean): boolean {
  if (words < 3 || words >= PROSE) return false
  piece.before = piece.from = from
  piece.to = piece.after = to
  piece.shown = shown
  return judge(piece)
}

/** The pieces of one line. */
function inLine (text: string, start: number, end: number, piece: Piece, judge: (piece: Piece) => boolean): boolean {
  const shown = piece.shown
  let known = 0
  let words = 0
  let open = false
  let closed = false
  let cut = start
  let at = start
  while (at < end) {
    if (isSpace(codeAt(text, at))) {
      at++
      continue
    }
    const from = at
    const span = spanEnd(text, at, end)
    if (span > 0) {
      if (open ? stretch(text, piece, shown, judge) : few(cut, at, words, piece, shown, judge)) return true
      open = false
      piece.before = piece.from = at
      piece.to = piece.after = cut = at = span
      piece.shown = true
      if (judge(piece)) return true
      known = words = 0
      continue
    }
    while (at < end && !isSpace(codeAt(text, at))) at++
    if (at - from > LONGEST && isLetters(text, from, at)) {
      if (open ? stretch(text, piece, shown, judge) : few(cut, from, words, piece, shown, judge)) return true
      open = false
      known = words = 0
      cut = at
      continue
    }
    let plain = at - from <= LONGEST
    for (let i = from; plain && i < at; i++) plain = plainAt(text, i, from, at)
    if (!plain) {
      if (!open) {
        piece.from = from
        piece.before = known > 0 ? starts[Math.max(0, known - BEFORE) % BEFORE]! : from
        open = true
      }
      piece.to = piece.after = at
      known = words = 0
      closed = false
      continue
    }
    words++
    const last = text.charCodeAt(at - 1)
    const ends = last === 46 || last === 33 || last === 63
    if (open) {
      if (!closed && words <= AFTER) piece.after = at
      if (ends) closed = true
      if (words >= PROSE) {
        open = false
        if (stretch(text, piece, shown, judge)) return true
      }
    }
    if (ends) known = 0
    else starts[known++ % BEFORE] = from
  }
  return open ? stretch(text, piece, shown, judge) : few(cut, end, words, piece, shown, judge)
}

function isLetters (text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (!isLetterAt(text, i)) return false
  return true
}

/** A word in quotes, a link or an emphasis of Markdown: what prose also has between its words. */
function isQuoted (text: string, from: number, to: number): boolean {
  const first = text.charCodeAt(from)
  if (first === 42 || first === 95) return text.charCodeAt(from + 1) === 40
  if (first === 60) return text.startsWith('http', from + 1)
  if (first !== 39 && first !== 34) return false
  let last = from + 1
  while (last < to && text.charCodeAt(last) !== first && !isSpace(text.charCodeAt(last))) last++
  return last > from + 1 && last >= to - 2 && text.charCodeAt(last) === first
}

/** The end of the code span of Markdown that begins here: a backtick, its like, then a space or the mark of a sentence. 0 if there is none. */
function spanEnd (text: string, at: number, end: number): number {
  const open = text.charCodeAt(at) === 40 ? at + 1 : at
  if (text.charCodeAt(open) !== 96) return 0
  const close = text.indexOf('`', open + 1)
  if (close < open + 2 || close >= end) return 0
  const next = text.charCodeAt(close + 1)
  return close + 1 >= end || isSpace(next) || (next !== 96 && !isLetterAt(text, close + 1) && (close + 2 >= end || isSpace(text.charCodeAt(close + 2)))) ? close + 1 : 0
}
