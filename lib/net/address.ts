/** An IP address. A v4-mapped v6 address is the v4 address, however it was written. */
export interface Address {
  /** Canonical: dotted decimal, or RFC 5952. */
  text: string
  family: 4 | 6
  /** As a 32-bit number; 0 for v6. */
  v4: number
  /** The four 32-bit words of a v6 address, most significant first; 0 for v4. */
  a: number
  b: number
  c: number
  d: number
}

const COLON = 58
const DOT = 46

/** Groups of the v6 address that is being parsed; parsing never waits, so one is enough. */
const groups = new Uint16Array(8)

/**
 * An address and nothing else: no port, brackets, zone or blanks. IPv4 is four decimal numbers without leading
 * zeros, since elsewhere `010.0.0.1` means 8.0.0.1, and `127.1` or `0x7f.1` mean 127.0.0.1.
 */
export function parseAddress (text: string): Address | undefined {
  return parse(text, 0, text.length)
}

/**
 * An address as sockets and forwarding headers give it: also with a port (`1.2.3.4:99`, `[2001:db8::1]:443`),
 * in brackets, or with a zone (`fe80::1%eth0`); these are dropped.
 */
export function parsePeer (text: string): Address | undefined {
  return parse(text, 0, text.length) ?? (text.length <= 100 ? parseDecorated(text) : undefined)
}

const DECORATED = /^(?:\[([\da-f:.]+)(?:%[\w.~%-]+)?\]|([\d.]+)(?=:))(?::(?:\d{1,5}|_[\w.-]+))?$|^([\da-f:.]+)%[\w.~%-]+$/i

function parseDecorated (text: string): Address | undefined {
  const [, bracketed, v4, zoned] = DECORATED.exec(text) ?? []
  const found = bracketed ?? v4 ?? zoned
  // Brackets and zones are for v6 alone.
  if (found === undefined || (v4 === undefined && !found.includes(':'))) return undefined
  return parse(found, 0, found.length)
}

function parse (text: string, start: number, end: number): Address | undefined {
  const v4 = parse4(text, start, end)
  if (v4 !== -1) return address4(v4)
  return end - start <= 45 && parse6(text, start, end) ? address6() : undefined
}

/** The number of a v4 address, or -1. */
function parse4 (text: string, start: number, end: number): number {
  let address = 0
  let i = start
  for (let part = 0; part < 4; part++) {
    if (part > 0 && (i === end || text.charCodeAt(i++) !== DOT)) return -1
    const first = i
    let value = 0
    for (; i < end && i - first < 3; i++) {
      const digit = text.charCodeAt(i) - 48
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    if (i === first || value > 255 || (i - first > 1 && text.charCodeAt(first) === 48)) return -1
    address = address * 256 + value
  }
  return i === end ? address : -1
}

/** Fills `groups`; whether it is a v6 address. */
function parse6 (text: string, start: number, end: number): boolean {
  let count = 0
  /** Where `::` stands; -1 if nowhere. */
  let gap = -1
  let i = start
  if (text.charCodeAt(i) === COLON && text.charCodeAt(i + 1) === COLON) {
    gap = 0
    i += 2
  }
  while (i < end) {
    if (count === 8) return false
    const first = i
    let value = 0
    for (; i < end && i - first < 5; i++) {
      const digit = hexDigit(text.charCodeAt(i))
      if (digit === -1) break
      value = value * 16 + digit
    }
    if (i < end && text.charCodeAt(i) === DOT) {
      const v4 = count > 6 ? -1 : parse4(text, first, end)
      if (v4 === -1) return false
      groups[count++] = v4 >>> 16
      groups[count++] = v4 & 0xffff
      break
    }
    if (i === first || i - first > 4) return false
    groups[count++] = value
    if (i === end) break
    if (text.charCodeAt(i++) !== COLON || i === end) return false
    if (text.charCodeAt(i) !== COLON) continue
    if (gap !== -1) return false
    gap = count
    i++
  }
  if (gap === -1) return count === 8
  if (count === 8) return false
  groups.copyWithin(gap + 8 - count, gap, count)
  groups.fill(0, gap, gap + 8 - count)
  return true
}

function hexDigit (code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const letter = code | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}

function address4 (v4: number): Address {
  return { text: text4(v4), family: 4, v4, a: 0, b: 0, c: 0, d: 0 }
}

/** The address in `groups`. */
function address6 (): Address {
  const a = word(0)
  const b = word(2)
  const c = word(4)
  const d = word(6)
  if (a === 0 && b === 0 && c === 0xffff) return address4(d)
  return { text: text6(a, b, c, d), family: 6, v4: 0, a, b, c, d }
}

function word (at: number): number {
  return groups[at]! * 0x10000 + groups[at + 1]!
}

export function text4 (v4: number): string {
  return `${v4 >>> 24}.${v4 >>> 16 & 255}.${v4 >>> 8 & 255}.${v4 & 255}`
}

/** RFC 5952: lower case, no leading zeros, `::` for the longest run of two or more zero groups, the first of equals. */
export function text6 (a: number, b: number, c: number, d: number): string {
  const parts = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff, c >>> 16, c & 0xffff, d >>> 16, d & 0xffff]
  let best = -1
  let longest = 1
  for (let i = 0, run = 0; i < 8; i++) {
    run = parts[i] === 0 ? run + 1 : 0
    if (run > longest) {
      longest = run
      best = i - run + 1
    }
  }
  let text = ''
  for (let i = 0; i < 8; i++) {
    if (i === best) {
      text += '::'
      i += longest - 1
    } else {
      text += i === 0 || i === best + longest ? parts[i]!.toString(16) : `:${parts[i]!.toString(16)}`
    }
  }
  return text
}

/** The words of a v6 address' network. */
export function network6 ({ a, b, c, d }: Pick<Address, 'a' | 'b' | 'c' | 'd'>, prefix: number): [number, number, number, number] {
  return [(a & mask(prefix)) >>> 0, (b & mask(prefix - 32)) >>> 0, (c & mask(prefix - 64)) >>> 0, (d & mask(prefix - 96)) >>> 0]
}

/** The first `bits` bits of a word set; any number will do. */
export function mask (bits: number): number {
  return bits <= 0 ? 0 : bits >= 32 ? 0xffffffff : (0xffffffff << (32 - bits)) >>> 0
}
