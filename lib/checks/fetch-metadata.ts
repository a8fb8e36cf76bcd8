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
        // The handshake of a WebSocket is a GET that carries cookies and opens what no CORS holds back.
        if (SAFE.has(method) && headers.upgrade === undefined) return undefined
        const site = headers['sec-fetch-site']
        if (typeof site === 'string') return allowed.has(site) ? undefined : { ...refused, evidence: site }
        const { origin } = headers
        if (origin === undefined) return undefined
        // Not the header Host: HTTP/2 has `:authority`, and behind a trusted proxy it is another one.
        return isOwn(origin, request.host) ? undefined : { ...refused, evidence: origin }
      }
    }
  }
}

/** Whether an origin names this host. A proxy may write the port that goes without saying. */
function isOwn (origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false
  const { protocol, host: from } = new URL(origin)
  return URL.canParse(`${protocol}//${host}`) && new URL(`${protocol}//${host}`).host === from
}
