import { GUARD_OPTION_INVALID } from '../errors.ts'
import { clientKey } from '../limits/client-key.ts'
import { parseAddress, type Address } from '../net/address.ts'
import { isEverything, parseEntry } from '../net/entry.ts'
import { show } from '../options/shape.ts'

/** Whom a ban is for. */
export interface BanTarget {
  /** A client's key, or the CIDR. */
  name: string
  /** Of a CIDR that is not just one client. */
  network: { address: Address, prefix: number } | undefined
}

/**
 * Reads an address or a CIDR. An address stands for the whole client that it belongs to: a v6 address for its
 * network.
 *
 * @throws {GUARD_OPTION_INVALID} if it is neither, or everybody
 */
export function banTarget (text: unknown, ipv6Prefix: number): BanTarget {
  if (typeof text !== 'string') throw new GUARD_OPTION_INVALID(`guard: a ban is for an address or a CIDR, got ${show(text)}`)
  const alone = parseAddress(text)
  if (alone !== undefined) return { name: clientKey(alone, ipv6Prefix), network: undefined }
  const slash = text.indexOf('/')
  const found = slash === -1 ? `is neither an address nor a CIDR: ${show(text)}` : parseEntry(text)
  if (typeof found === 'string') throw new GUARD_OPTION_INVALID(`guard: the target of a ban ${found}`)
  if (found.some(isEverything)) throw new GUARD_OPTION_INVALID(`guard: a ban of ${text} would be one of everybody; use emergency mode for that`)
  const written = text.slice(0, slash)
  const address = parseAddress(written)!
  // A v4-mapped network is counted in bits of the v6 address.
  const prefix = Number(text.slice(slash + 1)) - (address.family === 4 && written.includes(':') ? 96 : 0)
  if (prefix === (address.family === 4 ? 32 : ipv6Prefix)) return { name: clientKey(address, ipv6Prefix), network: undefined }
  return { name: `${address.text}/${prefix}`, network: { address, prefix } }
}
