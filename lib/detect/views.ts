import { codeAt } from './code-at.ts'
import { isSpace } from './look.ts'

/** Other readings of a text; each is linear. */

/** Runs of white space from this length on are padding. */
const RUN = 16

/**
 * The text with long runs of white space shortened: no language that is injected counts spaces, and expressions that skip
 * them take time by the square of a run. The first characters of a run stay, so that line breaks do.
 */
export function tightened (text: string): string {
  let out = ''
  let from = 0
  const { length } = text
  // A run that is long enough has a space at one of these places.
  for (let at = RUN - 1; at < length; at += RUN) {
    if (!isSpace(codeAt(text, at))) continue
    let start = at
    while (start > from && isSpace(codeAt(text, start - 1))) start--
    let end = at + 1
    while (end < length && isSpace(codeAt(text, end))) end++
    if (end - start >= RUN) {
      // At the ends nothing is left of it.
      const kept = start === 0 || end === length ? start : start + 4
      out += text.slice(from, kept)
      const lines = text.indexOf('\n', kept)
      if (lines >= 0 && lines < end) out += '\n'
      from = end
    }
    // The next place that is not in this run.
    if (end > at + 1) at += Math.floor((end - 1 - at) / RUN) * RUN
  }
  return from === 0 ? text : out + text.slice(from)
}

/** Periods up to here are found, and so much of a run is kept. */
const PERIOD = 512
/** The same in texts too short for four of the long ones. */
const SHORT_PERIOD = 128
const SAMPLE = 16

/**
 * The text with long runs of one thing shortened, whatever it is: `' or ' or ' or ...`. What has been judged once need not be
 * judged ten thousand times. An even number of repeats is left out, so that quotes and brackets pair as before; what stands
 * before, behind and inside of the run stays.
 */
export function collapsed (text: string): string {
  let out = ''
  let from = 0
  const reach = text.length > 4 * PERIOD ? PERIOD : SHORT_PERIOD
  for (let at = 0; at + 4 * reach < text.length;) {
    const window = text.slice(at, at + reach + SAMPLE)
    const period = window.indexOf(window.slice(0, SAMPLE), 1)
    let end = at
    if (period > 0) {
      while (end + period + reach <= text.length && text.slice(end, end + reach) === text.slice(end + period, end + period + reach)) end += reach
      while (end + period < text.length && codeAt(text, end) === codeAt(text, end + period)) end++
    }
    const spare = end - at - reach
    const left = spare - spare % (2 * period)
    if (period > 0 && left > 0) {
      out += text.slice(from, at + reach)
      from = at + reach + left
    }
    at = Math.max(at + reach, end)
  }
  return from === 0 ? text : out + text.slice(from)
}

/** Without SQL comments; the content of MySQL's executable ones stays. */
export function uncommented (text: string): string {
  const lines = text.lastIndexOf('\n') + 1
  // Up to the last line break every line comment has an end.
  if (lines > 1) text = text.slice(0, lines).replace(/(?:#|--)[^\n]*\n/g, ' ') + text.slice(lines)
  let at = text.indexOf('/*')
  if (at < 0) return text
  let out = ''
  let from = 0
  while (at >= 0) {
    if (text.charCodeAt(at + 2) === 33) {
      let end = at + 3
      while (text.charCodeAt(end) >= 48 && text.charCodeAt(end) <= 57) end++
      out += text.slice(from, at) + ' '
      from = end
    } else {
      const end = text.indexOf('*/', at + 2)
      if (end < 0) break
      out += text.slice(from, at) + ' '
      from = end + 2
    }
    at = text.indexOf('/*', from)
  }
  return from === 0 ? text : (out + text.slice(from)).replaceAll('*/', ' ')
}

const base64Codes = new Int8Array(128).fill(-1)
for (let i = 0; i < 64; i++) base64Codes['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.charCodeAt(i)] = i
base64Codes[45] = 62
base64Codes[95] = 63

const BASE64 = /^[A-Za-z0-9+/_-]+={0,3}$/
const UNPRINTABLE = /[^\t\n\r -~\u00a0-\uffff]|\ufffd/

/** The text that a value is the base64 of, if it is text. The first eight characters decide nearly always. */
export function base64 (text: string): string | undefined {
  if (text.length < 12 || text.length > 65536) return undefined
  for (let i = 0; i < 8; i += 4) {
    const a = base64Codes[text.charCodeAt(i) & 127]!
    const b = base64Codes[text.charCodeAt(i + 1) & 127]!
    const c = base64Codes[text.charCodeAt(i + 2) & 127]!
    const d = base64Codes[text.charCodeAt(i + 3) & 127]!
    if ((a | b | c | d) < 0) return undefined
    const bytes = (a << 18) | (b << 12) | (c << 6) | d
    if (!printable(bytes >> 16) || !printable((bytes >> 8) & 255) || !printable(bytes & 255)) return undefined
  }
  if (!BASE64.test(text)) return undefined
  const decoded = Buffer.from(text, 'base64').toString('utf8')
  return UNPRINTABLE.test(decoded) ? undefined : decoded
}

function printable (byte: number): boolean {
  return (byte >= 32 && byte < 127) || byte === 10 || byte === 13 || byte === 9
}
