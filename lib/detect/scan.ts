import { codeAt } from './code-at.ts'
import { K, keywordBits, keywordHashes, SLOTS } from './keywords.ts'

/** Classes of characters, as bits of `Scan.chars`; the number of the bit is the class's index. */
export const C = {
  SPACE: 1 << 1, QUOTE: 1 << 2, DQUOTE: 1 << 3, BACKTICK: 1 << 4, LT: 1 << 5, GT: 1 << 6, DOLLAR: 1 << 7, BRACE: 1 << 8,
  PAREN: 1 << 9, SEMI: 1 << 10, PIPE: 1 << 11, AMP: 1 << 12, SLASH: 1 << 13, BACKSLASH: 1 << 14, PERCENT: 1 << 15, DOT: 1 << 16,
  EQ: 1 << 17, HASH: 1 << 18, AT: 1 << 19, COLON: 1 << 20, BANG: 1 << 21, STAR: 1 << 22, BRACKET: 1 << 23, PLUS: 1 << 24,
  MINUS: 1 << 25, CARET: 1 << 26, COMMA: 1 << 27, CONTROL: 1 << 28, LINE: 1 << 29, WIDE: 1 << 30, FOLDS: 1 << 31
} as const

/** Pairs of adjacent characters, as bits of `Scan.pairs`. */
export const P = {
  DASHES: 1, SLASH_STAR: 1 << 1, DOLLAR_BRACE: 1 << 2, DOLLAR_PAREN: 1 << 3, BRACES: 1 << 4, BRACE_PERCENT: 1 << 5, LT_PERCENT: 1 << 6,
  DOTS: 1 << 7, AMPS: 1 << 8, PIPES: 1 << 9, COLON_SLASH: 1 << 10, LT_SLASH: 1 << 11, LT_BANG: 1 << 12, LT_WORD: 1 << 13,
  LT_QUERY: 1 << 14, HASH_BRACE: 1 << 15, STAR_BRACE: 1 << 16, AT_BRACE: 1 << 17, CLOSE_OPEN: 1 << 18, DOLLAR_WORD: 1 << 19,
  SLASHES: 1 << 20, BACKSLASHES: 1 << 21, BRACKET_DOLLAR: 1 << 22, AT_PAREN: 1 << 23, QUOTE_SIGN: 1 << 24, BRACKETS: 1 << 25,
  BACKSLASH_WORD: 1 << 26, HASH_WORD: 1 << 27, COLONS: 1 << 28, LT_PAREN: 1 << 29,
  DOT_WORD: 1 << 30
} as const

/** What one pass over a text found. */
export interface Scan {
  chars: number
  pairs: number
  words: number
  /** Number of words. */
  count: number
  /** Length of the longest word. */
  longest: number
}

const WORD = 0
const EVENT = K.EVENT
const kinds = new Uint8Array(128)
/** By code: the lower case of a word's character, or the class of another as a negative number. */
const table = new Int32Array(128)
const pairBits = new Int32Array(1024)

function classes (): void {
  kinds.fill(28)
  for (let c = 48; c <= 122; c++) if (c <= 57 || (c >= 65 && c <= 90) || c >= 97) kinds[c] = WORD
  kinds[95] = WORD
  const singles: Array<[string, number]> = [[' \t', 1], ["'", 2], ['"', 3], ['`', 4], ['<', 5], ['>', 6], ['$', 7], ['{}', 8], ['()', 9], [';', 10],
    ['|', 11], ['&', 12], ['/', 13], ['\\', 14], ['%', 15], ['.', 16], ['=', 17], ['#', 18], ['@', 19], [':', 20], ['!?', 21], ['*', 22],
    ['[]', 23], ['+', 24], ['-', 25], ['^~', 26], [',', 27], ['\r\n', 29]]
  for (const [chars, index] of singles) for (const char of chars) kinds[char.charCodeAt(0)] = index
  for (let c = 0; c < 128; c++) table[c] = kinds[c] === WORD ? (c >= 65 && c <= 90 ? c | 32 : c) : -kinds[c]!
  const pair = (a: number, b: number, bit: number): void => { pairBits[a * 32 + b] = (pairBits[a * 32 + b] ?? 0) | bit }
  pair(25, 25, P.DASHES); pair(13, 22, P.SLASH_STAR); pair(7, 8, P.DOLLAR_BRACE); pair(7, 9, P.DOLLAR_PAREN); pair(8, 8, P.BRACES)
  pair(8, 15, P.BRACE_PERCENT); pair(5, 15, P.LT_PERCENT); pair(16, 16, P.DOTS); pair(12, 12, P.AMPS); pair(11, 11, P.PIPES)
  pair(20, 13, P.COLON_SLASH); pair(5, 13, P.LT_SLASH); pair(5, 21, P.LT_BANG); pair(5, WORD, P.LT_WORD); pair(5, 21, P.LT_QUERY)
  pair(18, 8, P.HASH_BRACE); pair(22, 8, P.STAR_BRACE); pair(19, 8, P.AT_BRACE); pair(9, 9, P.CLOSE_OPEN); pair(7, WORD, P.DOLLAR_WORD)
  pair(13, 13, P.SLASHES); pair(14, 14, P.BACKSLASHES); pair(23, 7, P.BRACKET_DOLLAR); pair(19, 9, P.AT_PAREN); pair(23, 23, P.BRACKETS)
  pair(14, WORD, P.BACKSLASH_WORD); pair(18, WORD, P.HASH_WORD); pair(20, 20, P.COLONS); pair(5, 9, P.LT_PAREN); pair(6, 9, P.LT_PAREN)
  pair(16, WORD, P.DOT_WORD)
  for (const quote of [2, 3, 4]) for (const sign of [9, 10, 11, 12, 13, 17, 18, 22, 24, 25, 26, 5, 6, 15, 21]) pair(quote, sign, P.QUOTE_SIGN)
}
classes()

/** Pages (code >> 8) in which some character folds to an ASCII sign: full-width forms, typographic quotes, circled and mathematical letters. */
const folding = new Uint8Array(256)
for (const page of [0x02, 0x20, 0x21, 0x24, 0xfe, 0xff, 0xd8]) folding[page] = 1

/** The full stop of Chinese and Japanese. */
const FULL_STOP = 0x3002
const HOST_SIGNS = C.SLASH | C.BACKSLASH | C.COLON | C.AT | C.PERCENT

function wide (code: number): number {
  if (code < 256) return code === 0xb4 || code === 0xa0 || code === 0xbc || code === 0xbe ? 31 : 30
  return folding[code >> 8] === 1 && code !== 0x20ac ? 31 : 30
}

/** One pass: which characters, adjacent pairs and known words a text has. */
export function scan (text: string, out: Scan): void {
  let chars = 0
  let pairs = 0
  let words = 0
  let count = 0
  let longest = 0
  let before = 1
  let stop = false
  const length = text.length
  let i = 0
  while (i < length) {
    let code = codeAt(text, i)
    let entry = code < 128 ? table[code]! : -wide(code)
    if (entry <= 0) {
      if (code === FULL_STOP) stop = true
      pairs |= pairBits[before * 32 - entry]!
      chars |= 1 << -entry
      before = -entry
      i++
      continue
    }
    pairs |= pairBits[before * 32]!
    before = WORD
    const start = i
    const first = entry
    let hash = 0
    do {
      hash = (Math.imul(hash, 31) + entry) | 0
      i++
    } while (i < length && (code = codeAt(text, i)) < 128 && (entry = table[code]!) > 0)
    let slot = hash & (SLOTS - 1)
    let known = keywordHashes[slot]!
    while (known !== 0) {
      if (known === hash) {
        words |= keywordBits[slot]!
        break
      }
      slot = (slot + 1) & (SLOTS - 1)
      known = keywordHashes[slot]!
    }
    count++
    if (i - start > longest) longest = i - start
    // `on...`: names of event handlers are too many to list.
    if (first === 111 && i - start > 4 && (codeAt(text, start + 1) | 32) === 110) words |= EVENT
  }
  // In a host it is read as a dot; in prose it ends every sentence.
  if (stop && (count < 12 || (chars & HOST_SIGNS) !== 0)) chars |= C.FOLDS
  out.chars = chars
  out.pairs = pairs
  out.words = words
  out.count = count
  out.longest = longest
}
