import type { CheckModule, Refusal } from '../check.ts'
import { is, list, oneOf, rule } from '../options/shape.ts'
import type { ReferrerRules } from '../../types/index.ts'
import { lacks } from './required.ts'

const refused: Refusal = { code: 'GUARD_REFERRER_REFUSED', status: 403, reason: 'referrer is refused' }
const missing: Refusal = { ...refused, reason: 'referrer is missing' }

const host = is('a host name without scheme, port and path', (value) => typeof value === 'string' && /^[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(value), { type: 'string', pattern: '^[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*$' })

/** Refuses requests that do not come from a page of certain hosts and their subdomains. */
export const referrer: CheckModule<'referrer'> = {
  key: 'referrer',
  trustSkips: false,
  shape: rule({ allow: list(host, 1), missing: oneOf('refuse', 'pass') }),
  compile (rule, _services, target) {
    const { allow = [], missing: absent = 'refuse' } = rule as ReferrerRules
    if (lacks('referrer', rule, target, 'allow')) return undefined
    const hosts = allow.map((name) => name.toLowerCase())
    return {
      request ({ headers: { referer } }) {
        if (referer === undefined || referer === '') return absent === 'refuse' ? missing : undefined
        const from = hostOf(referer)
        return hosts.some((name) => from === name || from.endsWith(`.${name}`)) ? undefined : { ...refused, evidence: from }
      }
    }
  }
}

/** Host of an absolute http or https URL; `''` if it is none. */
function hostOf (url: string): string {
  if (!URL.canParse(url)) return ''
  const { protocol, hostname } = new URL(url)
  return protocol === 'http:' || protocol === 'https:' ? hostname.toLowerCase().replace(/\.$/, '') : ''
}
