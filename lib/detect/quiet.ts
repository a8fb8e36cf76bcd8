import { K } from './keywords.ts'
import { type Look } from './look.ts'
import * as place from './place.ts'
import { C, P } from './scan.ts'

/** Characters that no detector cares about unless there is a word with them. */
const QUIET = C.SPACE | C.DOT | C.MINUS | C.COMMA | C.COLON | C.SLASH | C.AT | C.WIDE | C.PLUS
const LOUD_WORDS = K.SQL_LEAD | K.SQL_META | K.SHELL_SURE | K.JAVA | K.PROTO
const LOUD_PLACES = place.FILE_NAME
const LOUD_PAIRS = P.DASHES | P.COLON_SLASH | P.DOTS | P.COLONS | P.SLASHES
const NO_BASE64 = C.SPACE | C.DOT | C.COMMA | C.COLON | C.AT | C.WIDE

/** Whether no detector could find anything; most values end here. */
export function quiet (look: Look, where: number, thorough: boolean): boolean {
  const { chars, words } = look
  if (thorough && words !== 0) return false
  if ((words & K.DOM) !== 0 && (look.pairs & P.DOT_WORD) !== 0 && (look.count < 5 || look.count > 40)) return false
  if ((chars & ~QUIET) !== 0 || (words & LOUD_WORDS) !== 0 || (where & LOUD_PLACES) !== 0) return false
  if ((where & place.NAME) !== 0 && look.text.includes('__')) return false
  if (look.count < 12 && loudStart(look)) return false
  if ((look.pairs & LOUD_PAIRS) !== 0) return (look.pairs & LOUD_PAIRS & ~(P.COLON_SLASH | P.SLASHES)) === 0 && plainUrl(look, where)
  if ((words & K.FILE) !== 0 && (chars & (C.SLASH | C.DOT)) !== 0) return false
  if ((words & (K.SCRIPT_SCHEME | K.HOST | K.SCHEME)) !== 0 && (chars & (C.COLON | C.SLASH)) !== 0) return false
  return look.longest < 10 || (chars & NO_BASE64) !== 0 || look.count > 6
}

/** `1.e.tables`, which MySQL reads as a name, and the number that made PHP and Java loop. */
export function oddNumber (text: string): boolean {
  return text.includes('.e.') || text.endsWith('e-308')
}

/** `@@version`, `http:127.0.0.1`, `1 or true`, `rm -rf x`: signs without a sign. */
function loudStart ({ text, chars, pairs, words }: Look): boolean {
  const first = text.charCodeAt(0)
  if (first === 64 && text.charCodeAt(1) === 64) return true
  if (first > 47 && first < 58 && (chars & C.DOT) !== 0 && oddNumber(text)) return true
  if ((words & (K.LOGIC | K.SQL)) !== 0 && (first === 45 || (first > 47 && first < 58))) return true
  if ((words & K.WEB) !== 0 && (chars & C.COLON) !== 0 && (chars & C.SPACE) === 0 && (pairs & P.COLON_SLASH) === 0) return true
  return (words & K.SHELL) !== 0 && (chars & C.MINUS) !== 0 && (chars & C.SPACE) !== 0 && text.includes(' -')
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
