import { C, type Scan } from './scan.ts'
import { isWord } from './look.ts'

/** Decoders take a text and give it back unchanged if there is nothing to decode; each is linear. */

function hex (code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  if (code >= 97 && code <= 102) return code - 87
  if (code >= 65 && code <= 70) return code - 55
  return -1
}

function hexAt (text: string, at: number, digits: number): number {
  let value = 0
  for (let i = 0; i < digits; i++) {
    const digit = hex(text.charCodeAt(at + i))
    if (digit < 0) return -1
    value = value * 16 + digit
  }
  return value
}

/**
 * Percent-encoding to its fixed point in one pass: `%2525253C` is `<`, as each layer of a proxy chain takes off one `25`.
 * Knows `%uXXXX` and overlong or invalid UTF-8, which lenient decoders read as ASCII.
 */
export function percent (text: string): string {
  let at = text.indexOf('%')
  if (at < 0) return text
  let out = ''
  let from = 0
  const length = text.length
  while (at >= 0 && at < length) {
    let next = at + 1
    while (text.charCodeAt(next) === 50 && text.charCodeAt(next + 1) === 53) next += 2
    let code = -1
    let end = next
    if ((text.charCodeAt(next) | 32) === 117) {
      code = hexAt(text, next + 1, 4)
      end = next + 5
    }
    if (code < 0) {
      code = hexAt(text, next, 2)
      end = next + 2
      if (code >= 0xc0) {
        const tail = utf8(text, code, end)
        code = tail[0]
        end = tail[1]
      }
    }
    if (code < 0 && next > at + 1) {
      code = 37
      end = next
    }
    if (code >= 0) {
      out += text.slice(from, at) + String.fromCodePoint(code)
      from = end
    }
    at = text.indexOf('%', code >= 0 ? end : at + 1)
  }
  return from === 0 ? text : out + text.slice(from)
}

/** The character that a lead byte starts, with overlong forms accepted; the byte itself where no continuation follows. */
function utf8 (text: string, lead: number, at: number): [code: number, end: number] {
  const more = lead >= 0xfc ? 5 : lead >= 0xf8 ? 4 : lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1
  let code = lead & (0x3f >> more)
  let end = at
  for (let i = 0; i < more; i++) {
    if (text.charCodeAt(end) !== 37) return [lead, at]
    let digits = end + 1
    while (text.charCodeAt(digits) === 50 && text.charCodeAt(digits + 1) === 53) digits += 2
    const byte = hexAt(text, digits, 2)
    // IIS and old PHP take any byte for a continuation: %c0%2f and %c0%af are both a slash.
    if (byte < 0 || (byte < 0x80 && lead > 0xc1 && (lead !== 0xe0 || byte !== 0x40))) return [lead, at]
    code = (code << 6) | (byte & 0x3f)
    end = digits + 2
  }
  return code > 0x10ffff ? [lead, at] : [code, end]
}

const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<', gt: '>', quot: '"', apos: "'", amp: '&', nbsp: ' ', colon: ':', lpar: '(', rpar: ')', tab: '\t', newline: '\n', sol: '/', bsol: '\\', period: '.',
  comma: ',', excl: '!', num: '#', dollar: '$', percnt: '%', equals: '=', semi: ';', lbrace: '{', lcub: '{', rbrace: '}', rcub: '}', lbrack: '[', lsqb: '[',
  rsqb: ']', rbrack: ']', grave: '`', verbar: '|', vert: '|', plus: '+', ast: '*', quest: '?', commat: '@', lowbar: '_', hat: '^'
}
const LENIENT = /^(?:lt|gt|quot|amp|lbrace|lcub|newline|tab|colon)/

/** HTML character references, with and without semicolon. */
export function entities (text: string): string {
  let at = text.indexOf('&')
  if (at < 0) return text
  let out = ''
  let from = 0
  while (at >= 0) {
    let end = at + 1
    let value: string | undefined
    if (text.charCodeAt(end) === 35) {
      let code = 0
      const x = (text.charCodeAt(end + 1) | 32) === 120
      end += x ? 2 : 1
      const first = end
      for (; end < text.length; end++) {
        const digit = hex(text.charCodeAt(end))
        if (digit < 0 || (!x && digit > 9)) break
        if (code < 0x200000) code = code * (x ? 16 : 10) + digit
      }
      if (end > first) value = code < 0x110000 ? String.fromCodePoint(code) : ''
    } else {
      while (end - at < 12 && isWord(text.charCodeAt(end))) end++
      const name = text.slice(at + 1, end).toLowerCase()
      value = Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined
      if (value !== undefined && text.charCodeAt(end) !== 59 && !LENIENT.test(name)) value = undefined
      if (value === undefined && name.length > 2) {
        const prefix = LENIENT.exec(name)
        if (prefix !== null && prefix[0].length > 5) {
          value = ENTITIES[prefix[0]]
          end = at + 1 + prefix[0].length
        }
      }
    }
    if (value !== undefined) {
      if (text.charCodeAt(end) === 59) end++
      out += text.slice(from, at) + value
      from = end
    }
    at = text.indexOf('&', Math.max(end, at + 1))
  }
  return from === 0 ? text : out + text.slice(from)
}

/** `\xHH`, `\uHHHH`, `\u{...}` and octal escapes of JavaScript, JSON, C and shell. */
function escapes (text: string): string {
  let at = text.indexOf('\\')
  if (at < 0) return text
  let out = ''
  let from = 0
  while (at >= 0) {
    const kind = text.charCodeAt(at + 1)
    let code = -1
    let end = at + 2
    if (kind === 120) {
      code = hexAt(text, at + 2, 2)
      end = at + 4
    } else if (kind === 117) {
      if (text.charCodeAt(at + 2) === 123) {
        end = at + 3
        code = 0
        for (; end < at + 12 && hex(text.charCodeAt(end)) >= 0; end++) code = Math.min(code * 16 + hex(text.charCodeAt(end)), 0x110000)
        if (text.charCodeAt(end) !== 125 || code > 0x10ffff) code = -1
        end++
      } else {
        // `\uu0041` is legal Java.
        let first = at + 2
        while (text.charCodeAt(first) === 117) first++
        code = hexAt(text, first, 4)
        end = first + 4
      }
    } else if (kind >= 48 && kind <= 51) {
      const value = octalAt(text, at + 1)
      code = value >= 32 ? value : -1
      end = at + 4
    }
    if (code >= 0) {
      out += text.slice(from, at) + String.fromCodePoint(code)
      from = end
    }
    at = text.indexOf('\\', code >= 0 ? end : at + 1)
  }
  return from === 0 ? text : out + text.slice(from)
}

function octalAt (text: string, at: number): number {
  let value = 0
  for (let i = 0; i < 3; i++) {
    const digit = text.charCodeAt(at + i) - 48
    if (!(digit >= 0 && digit <= 7)) return -1
    value = value * 8 + digit
  }
  return value
}

const LOOKALIKES: ReadonlyMap<string, string> = new Map([
  ["'", '\u2018\u2019\u201a\u201b\u2032\u02b9\u02bc\u02c8\u00b4\u2035'], ['"', '\u201c\u201d\u201e\u2033\u02ba'], ['<', '\u00bc\u2039'], ['>', '\u00be\u203a'], [' ', '\u00a0'],
  ['/', '\u2044\u2215'], ['.', '\u2024\u3002'], ['\n', '\u2028\u2029'], ['\\', '\u2216'], ['', '\u200b\u200c\u200d\u2060\ufeff']
].flatMap(([ascii, chars]) => [...chars!].map((char): [string, string] => [char, ascii!])))
// eslint-disable-next-line no-misleading-character-class
const LOOKALIKE = /[\u2018\u2019\u201a\u201b\u2032\u02b9\u02bc\u02c8\u00b4\u2035\u201c\u201d\u201e\u2033\u02ba\u00bc\u00be\u2039\u203a\u00a0\u2044\u2215\u2024\u3002\u2028\u2029\u200b\u200c\u200d\u2060\ufeff\u2216]/g

/** Full-width and typographic forms as the ASCII they are read as. */
function fold (text: string): string {
  return text.replace(LOOKALIKE, (char) => LOOKALIKES.get(char)!).normalize('NFKC')
}

const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g

/** Without the control characters that parsers skip. */
function uncontrolled (text: string): string {
  return text.replace(CONTROLS, '')
}

/** Whether any decoder could change a text with these characters; cheap, so that clean texts build no view. */
export function encoded (scan: Scan): boolean {
  return (scan.chars & (C.PERCENT | C.AMP | C.BACKSLASH | C.FOLDS | C.CONTROL)) !== 0
}

/** One round of every decoder that applies. */
export function decode (text: string, scan: Scan): string {
  let out = text
  if ((scan.chars & C.PERCENT) !== 0) out = percent(out)
  if ((scan.chars & C.AMP) !== 0) out = entities(out)
  if ((scan.chars & C.BACKSLASH) !== 0) out = escapes(out)
  if ((scan.chars & C.FOLDS) !== 0) out = fold(out)
  if ((scan.chars & C.CONTROL) !== 0) out = uncontrolled(out)
  return out
}
