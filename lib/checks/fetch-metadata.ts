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
      request (request) {
        const { method, headers } = request
        if (SAFE.has(method)) return undefined
        const site = headers['sec-fetch-site']
        if (typeof site === 'string') return allowed.has(site) ? undefined : { ...refused, evidence: site }
        const { origin } = headers
        if (origin === undefined) return undefined
        // Not the header Host: HTTP/2 has `:authority`, and behind a trusted proxy it is another one.
        return URL.canParse(origin) && new URL(origin).host === request.host.toLowerCase() ? undefined : { ...refused, evidence: origin }
      }
    }
  }
}
