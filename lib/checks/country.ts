import type { CheckModule, Refusal } from '../check.ts'
import { also, list, oneOf, rule, text, type Report } from '../options/shape.ts'
import type { CountryRules } from '../../types/index.ts'

const refused: Refusal = { code: 'GUARD_COUNTRY_REFUSED', status: 403, reason: 'country is refused' }
const unknownRefused: Refusal = { ...refused, reason: 'country is unknown' }

/** What a rule without its database says: the line that gets one. */
export function needsDatabase (kind: 'country' | 'asn'): string {
  return `needs a database with ${kind === 'country' ? 'countries' : 'autonomous systems'}: set geo: { download: 'dbip-lite' }, or run npx fastify-api-guard geo download and set geo: { ${kind === 'country' ? "database: 'country.mmdb'" : "asn: 'asn.mmdb'"} }, or set geo: { handler }`
}

/** Regions of Unicode that are no country: unknown, pseudo and economic ones. */
const NO_COUNTRY = new Set(['ZZ', 'XA', 'XB', 'QO', 'EZ', 'UN'])

/** Reading the data of languages takes a tenth of the start: only where a rule names a country. */
let names: Intl.DisplayNames | undefined

function isAssigned (code: string): boolean {
  names ??= new Intl.DisplayNames('en', { type: 'region', fallback: 'none' })
  return !NO_COUNTRY.has(code) && names.of(code) !== undefined
}

/** An assigned ISO 3166-1 alpha-2 code, in any case; `UK` and other aliases would never match and are refused. */
export const countryCode = also(text, (value: string, path: string, report: Report) => {
  const code = value.toUpperCase()
  if (!/^[A-Z]{2}$/.test(code) || !isAssigned(code)) return report(path, `must be an ISO 3166-1 alpha-2 country code, got ${JSON.stringify(value.slice(0, 20))}`)
  const canonical = Intl.getCanonicalLocales(`und-${code}`)[0]!.slice(-2)
  if (canonical !== code) report(path, `is no ISO 3166-1 code: ${JSON.stringify(value)}, did you mean ${canonical}?`)
})

/** Refuses clients by the country that a database has for their address. */
export const country: CheckModule<'country'> = {
  key: 'country',
  trustSkips: true,
  shape: rule({ allow: list(countryCode, 1), deny: list(countryCode, 1), unknown: oneOf('pass', 'refuse') }),
  compile ({ allow, deny, unknown }: CountryRules, { geo }, { problem }) {
    if (allow === undefined && deny === undefined && unknown === undefined) return undefined
    if (geo?.has.country !== true) {
      problem('country', needsDatabase('country'))
      return undefined
    }
    const allowed = allow === undefined ? undefined : new Set(allow.map((code) => code.toUpperCase()))
    const denied = new Set(deny?.map((code) => code.toUpperCase()))
    const refuseUnknown = (unknown ?? (allowed === undefined ? 'pass' : 'refuse')) === 'refuse'
    return {
      request (_request, { client }) {
        if (geo.isPrivate(client)) return undefined
        const code = geo.place(client)?.country
        if (code === undefined) return refuseUnknown ? unknownRefused : undefined
        if (!denied.has(code) && allowed?.has(code) !== false) return undefined
        return { ...refused, rule: code }
      }
    }
  }
}
