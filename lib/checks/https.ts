import type { CheckModule, Refusal } from '../check.ts'
import { originForm, parseHost } from '../net/host.ts'
import { bool, either, is, rule, yes, someText } from '../options/shape.ts'
import type { HttpsRules } from '../../types/index.ts'

const refused: Refusal = { code: 'GUARD_HTTPS_REQUIRED', status: 403, reason: 'request did not come by https', rule: 'https' }

const host = is('a host with an optional port, such as "example.com"', (value) => typeof value === 'string' && parseHost(value) !== undefined, someText)

/** Refuses requests that did not come by https, or redirects them to a host from the options. */
export const https: CheckModule<'https'> = {
  key: 'https',
  trustSkips: false,
  shape: either(yes, rule({ redirect: bool, host })),
  compile ({ redirect = false, host }: HttpsRules, { clients }, { problem }) {
    if (redirect && host === undefined) problem('https.redirect', "needs https.host: the request's own Host header is the client's to choose")
    const base = redirect ? `https://${host}` : undefined
    return {
      request (request) {
        if (clients.secure(request)) return undefined
        if (base === undefined) return refused
        const status = request.method === 'GET' || request.method === 'HEAD' ? 301 : 308
        return { ...refused, status, redirect: base + originForm(request.originalUrl) }
      }
    }
  }
}
