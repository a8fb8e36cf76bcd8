import { countryCode } from '../checks/country.ts'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import { clientKey } from '../limits/client-key.ts'
import { parseAddress, type Address } from '../net/address.ts'
import { isEverything, parseEntry } from '../net/entry.ts'
import { examine, hint, show } from '../options/shape.ts'

/** Whom a ban is for. */
export interface BanTarget {
  /** A client's key, the CIDR, or one of the names below. Read again, it is the same target. */
  name: string
  kind: 'client' | 'network' | 'place' | 'principal'
  /** Of a network: a CIDR that is not just one client. */
  network: { address: Address, prefix: number } | undefined
}

const MEMBERS = ['asn', 'country', 'principal'] as const
/** As they stand in lists and events. No address begins like this. */
const NAME = /^(asn|country|principal):(.*)$/s
/** Characters of a principal. Longer ones would be many keys of no use. */
const LONGEST = 256

export const asnName = (asn: number): string => `asn:${asn}`
export const countryName = (country: string): string => `country:${country}`

/**
 * What bans know a principal by: a text or a number itself, of an object its `id`, else its `sub`. `undefined`: it
 * has no name.
 */
export function principalName (principal: unknown): string | undefined {
  if (typeof principal === 'object' && principal !== null) {
    const { id, sub } = principal as { id?: unknown, sub?: unknown }
    return textName(id) ?? textName(sub)
  }
  return textName(principal)
}

function textName (value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') return undefined
  const text = String(value)
  if (text === '' || text.length > LONGEST) return undefined
  // What is no valid Unicode would be another name once it was sent somewhere.
  return `principal:${Buffer.from(text).toString()}`
}

/**
 * Reads an address, a CIDR, `{ asn }`, `{ country }` or `{ principal }`, or the name of such a target. An address
 * stands for the whole client that it belongs to: a v6 address for its network.
 *
 * @throws {GUARD_OPTION_INVALID} if it is none of these, or everybody
 */
export function banTarget (target: unknown, ipv6Prefix: number): BanTarget {
  if (typeof target === 'string') {
    const named = NAME.exec(target)
    if (named === null) return addressTarget(target, ipv6Prefix)
    const [, member, value] = named
    return memberTarget(member as typeof MEMBERS[number], member === 'asn' ? Number(value) : value)
  }
  const [member, ...more] = typeof target === 'object' && target !== null ? Object.keys(target) : []
  if (member === undefined) throw invalid(`a ban is for an address, a CIDR, { asn }, { country } or { principal }, got ${show(target)}`)
  if (more.length > 0) throw invalid(`a ban is for one of asn, country and principal, got ${[member, ...more].join(', ')}`)
  if (!MEMBERS.includes(member as typeof MEMBERS[number])) throw invalid(`the target of a ban has asn, country or principal: ${member} is unknown${hint(member, MEMBERS)}`)
  return memberTarget(member as typeof MEMBERS[number], (target as Record<string, unknown>)[member])
}

function memberTarget (member: typeof MEMBERS[number], value: unknown): BanTarget {
  if (member === 'asn') {
    if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > 0xffffffff) throw invalid(`the asn of a ban must be a whole number from 1 to 4294967295, got ${show(value)}`)
    return { name: asnName(value as number), kind: 'place', network: undefined }
  }
  if (member === 'country') {
    examine(countryCode, value, 'the country of a ban', (path, problem) => { throw invalid(`${path} ${problem}`) })
    return { name: countryName((value as string).toUpperCase()), kind: 'place', network: undefined }
  }
  const name = principalName(value)
  if (name === undefined) throw invalid(`the principal of a ban must be a text of up to ${LONGEST} characters, a number, or an object with an id or sub, got ${show(value)}`)
  return { name, kind: 'principal', network: undefined }
}

function addressTarget (text: string, ipv6Prefix: number): BanTarget {
  const alone = parseAddress(text)
  if (alone !== undefined) return { name: clientKey(alone, ipv6Prefix), kind: 'client', network: undefined }
  const slash = text.indexOf('/')
  const found = slash === -1 ? `is neither an address nor a CIDR: ${show(text)}` : parseEntry(text)
  if (typeof found === 'string') throw invalid(`the target of a ban ${found}`)
  if (found.some(isEverything)) throw invalid(`a ban of ${text} would be one of everybody; use emergency mode for that`)
  const written = text.slice(0, slash)
  const address = parseAddress(written)!
  // A v4-mapped network is counted in bits of the v6 address.
  const prefix = Number(text.slice(slash + 1)) - (address.family === 4 && written.includes(':') ? 96 : 0)
  if (prefix === (address.family === 4 ? 32 : ipv6Prefix)) return { name: clientKey(address, ipv6Prefix), kind: 'client', network: undefined }
  return { name: `${address.text}/${prefix}`, kind: 'network', network: { address, prefix } }
}

function invalid (problem: string): Error {
  return new GUARD_OPTION_INVALID(`guard: ${problem}`)
}
