import { mask, network6, parseAddress, text4, text6, type Address } from './address.ts'
import { hint, show } from '../options/shape.ts'
import type { ListKeyword } from '../../types/index.ts'

export type Words = readonly [number, number, number, number]
/** All addresses from one to another, both included. */
export type Range = { family: 4, from: number, to: number } | { family: 6, from: Words, to: Words }

const ALL_ONES = 0xffffffff

/** What the keywords stand for, in both families. */
const KEYWORDS: Readonly<Record<ListKeyword, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']
}

/**
 * The ranges of an entry: an address, a CIDR, `a-b`, or a keyword.
 *
 * @returns for anything else what is wrong with it
 */
export function parseEntry (text: string): Range[] | string {
  const slash = text.indexOf('/')
  if (slash !== -1) return cidr(text, parseAddress(text.slice(0, slash)), text.slice(slash + 1), text.slice(0, slash).includes(':'))
  const address = parseAddress(text)
  if (address !== undefined) return [single(address)]
  if (Object.hasOwn(KEYWORDS, text)) return KEYWORDS[text as ListKeyword].flatMap((entry) => parseEntry(entry) as Range[])
  const dash = text.indexOf('-')
  const from = dash === -1 ? undefined : parseAddress(text.slice(0, dash).trim())
  if (from !== undefined) return span(text, from, parseAddress(text.slice(dash + 1).trim()))
  return `is no address, CIDR, a-b range, keyword or host name: ${show(text)}${hint(text, Object.keys(KEYWORDS))}`
}

/** Whether a range is a whole family, as `0.0.0.0/0` and `::/0` are. */
export function isEverything (range: Range): boolean {
  return range.family === 4
    ? range.from === 0 && range.to === ALL_ONES
    : range.from.every((word) => word === 0) && range.to.every((word) => word === ALL_ONES)
}

function single (address: Address): Range {
  if (address.family === 4) return { family: 4, from: address.v4, to: address.v4 }
  const words = wordsOf(address)
  return { family: 6, from: words, to: words }
}

function wordsOf ({ a, b, c, d }: Address): Words {
  return [a, b, c, d]
}

function cidr (text: string, address: Address | undefined, length: string, colons: boolean): Range[] | string {
  if (address === undefined) return `is no CIDR, since its address cannot be read: ${show(text)}`
  const longest = colons ? 128 : 32
  const written = /^\d{1,3}$/.test(length) ? Number(length) : NaN
  if (!(written <= longest)) return `must have a prefix length of 0 to ${longest}: ${show(text)}`
  if (address.family === 6) return cidr6(text, address, written)
  const prefix = colons ? written - 96 : written
  if (prefix < 0) return `holds more than the IPv4 addresses, which start at /96: ${show(text)}`
  const from = (address.v4 & mask(prefix)) >>> 0
  if (from !== address.v4) return hostBits(text, `${text4(from)}/${prefix}`)
  return [{ family: 4, from, to: (from | ~mask(prefix)) >>> 0 }]
}

function cidr6 (text: string, address: Address, prefix: number): Range[] | string {
  const from = network6(address, prefix)
  if (from.some((word, i) => word !== wordsOf(address)[i])) return hostBits(text, `${text6(...from)}/${prefix}`)
  const to = from.map((word, i) => (word | ~mask(prefix - 32 * i)) >>> 0) as unknown as Words
  return [{ family: 6, from, to }]
}

function hostBits (text: string, network: string): string {
  return `has bits set beyond its prefix: ${show(text)}; the network is ${network}`
}

function span (text: string, from: Address, to: Address | undefined): Range[] | string {
  if (to === undefined) return `is no range, since its end cannot be read: ${show(text)}`
  if (from.family !== to.family) return `is no range, since its ends are of different families: ${show(text)}`
  if (from.family === 4) return from.v4 <= to.v4 ? [{ family: 4, from: from.v4, to: to.v4 }] : backwards(text)
  const range: Range = { family: 6, from: wordsOf(from), to: wordsOf(to) }
  return compareWords(range.from, range.to) <= 0 ? [range] : backwards(text)
}

function backwards (text: string): string {
  return `is no range, since it ends before it starts: ${show(text)}`
}

export function compareWords (one: Words, other: Words): number {
  for (let i = 0; i < 4; i++) {
    if (one[i] !== other[i]) return one[i]! < other[i]! ? -1 : 1
  }
  return 0
}

/** A host name: it has a dot, and its last label is no number (that would be a misspelt address). */
export function isHostName (text: string): boolean {
  return text.length <= 253 && /^(?:[a-z\d_](?:[a-z\d_-]*[a-z\d_])?\.)+(?!\d+\.?$|0x[\da-f]*\.?$)[a-z\d](?:[a-z\d-]*[a-z\d])?\.?$/i.test(text)
}
