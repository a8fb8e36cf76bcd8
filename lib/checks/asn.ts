import type { CheckModule, Refusal } from '../check.ts'
import { int, list, rule } from '../options/shape.ts'
import type { AsnRules } from '../../types/index.ts'
import { needsDatabase } from './country.ts'

const refused: Refusal = { code: 'GUARD_ASN_REFUSED', status: 403, reason: 'network is refused' }
const unknown: Refusal = { ...refused, reason: 'network is unknown' }

const numbers = list(int(1, 4294967295), 1)

/** Refuses clients by the autonomous system that a database has for their address. Private addresses pass. */
export const asn: CheckModule<'asn'> = {
  key: 'asn',
  trustSkips: true,
  shape: rule({ allow: numbers, deny: numbers }),
  compile ({ allow, deny }: AsnRules, { geo }, { problem }) {
    if (allow === undefined && deny === undefined) return undefined
    if (geo?.has.asn !== true) {
      problem('asn', needsDatabase('asn'))
      return undefined
    }
    const allowed = allow === undefined ? undefined : new Set(allow)
    const denied = new Set(deny)
    return {
      request (_request, { client }) {
        if (geo.isPrivate(client)) return undefined
        const number = geo.place(client)?.asn
        if (number === undefined) return allowed === undefined ? undefined : unknown
        if (!denied.has(number) && allowed?.has(number) !== false) return undefined
        return { ...refused, rule: `AS${number}` }
      }
    }
  }
}
