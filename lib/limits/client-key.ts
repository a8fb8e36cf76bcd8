import { createHash } from 'node:crypto'
import { network6, text6, type Address } from '../net/address.ts'

/** What counters and bans know an address by: as `Client.key`. */
export function clientKey (address: Address, ipv6Prefix: number): string {
  if (address.family === 4 || ipv6Prefix === 128) return address.text
  return `${text6(...network6(address, ipv6Prefix))}/${ipv6Prefix}`
}

const LONGEST = 128

/** A key of any length as one of bounded length: a client may send as much as it likes. In UTF-16, since not every text is valid UTF-8. */
export function boundedKey (key: string): string {
  return key.length <= LONGEST ? key : `sha256:${createHash('sha256').update(key, 'utf16le').digest('base64')}`
}
