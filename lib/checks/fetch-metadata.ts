import type { CheckModule, Refusal } from '../check.ts'
import { bool, either, list, oneOf, rule } from '../options/shape.ts'
import type { FetchMetadataRules } from '../../types/index.ts'

const refused: Refusal = { code: 'GUARD_CROSS_SITE', status: 403, reason: 'request of another site' }

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY'])

/**
 * Refuses unsafe requests that a page of another site made a browser send (CSRF), by `Sec-Fetch-Site`, which a
 * page cannot set (W3C Fetch Metadata). Where a browser sends none, `Origin` decides; clients that send neither
 * are no browsers and pass.
 */
export const fetchMetadata: CheckModule<'fetchMetadata'> = {
  key: 'fetchMetadata',
  trustSkips: false,
  shape: either(bool, rule({ allow: list(oneOf('same-origin', 'same-site', 'none'), 1) })),
  compile (value) {
    const { allow = ['same-origin', 'none'] } = value as FetchMetadataRules
    const allowed = new Set<string>(allow)
    return {
      request ({ method, headers }) {
        if (SAFE.has(method)) return undefined
        const site = headers['sec-fetch-site']
        if (typeof site === 'string') return allowed.has(site) ? undefined : { ...refused, evidence: site }
        const { origin, host } = headers
        if (origin === undefined) return undefined
        return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase() ? undefined : { ...refused, evidence: origin }
      }
    }
  }
}
