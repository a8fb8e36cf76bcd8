import type { Address } from './address.ts'
import { labelled } from './list.ts'
import { compileRanges } from './ranges.ts'

/** Addresses that are no public ones (IANA special-purpose registries; documentation networks can be looked up). */
const special = compileRanges(labelled([
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.168.0.0/16', '198.18.0.0/15', '224.0.0.0/3',
  '::/127', 'fc00::/7', 'fe80::/10', 'ff00::/8'
]))

/** Whether no database and no feed knows an address: private, loopback, multicast and the like. */
export function isSpecial (address: Address): boolean {
  return special.has(address)
}
