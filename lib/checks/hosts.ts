import type { FastifyRequest } from 'fastify'
import type { CheckModule, Refusal } from '../check.ts'
import { parseHost, targetAuthority } from '../net/host.ts'
import { is, list, someText } from '../options/shape.ts'
import { recent } from '../recent.ts'

const refused: Refusal = { code: 'GUARD_HOST_REFUSED', status: 421, reason: 'host is not one of ours', rule: 'hosts' }
const missing: Refusal = { ...refused, reason: 'host is missing' }

const pattern = is('a host with an optional port, or "*.example.com" for its subdomains', (value) => {
  return typeof value === 'string' && parseHost(value.replace(/^\*\./, '')) !== undefined
}, someText)

/** Refuses requests for other hosts than the listed ones. */
export const hosts: CheckModule<'hosts'> = {
  key: 'hosts',
  trustSkips: false,
  shape: list(pattern, 1),
  compile (patterns) {
    const matches = matcher(patterns)
    const ours = recent(64)
    const known = (host: string): boolean => {
      if (ours.has(host)) return true
      const found = matches(host)
      if (found) ours.add(host)
      return found
    }
    return {
      request (request) {
        const host = request.host
        if (host === '') return missing
        if (!known(host)) return { ...refused, evidence: host }
        // What else names a host must not disagree: HTTP/2 may send both, and a full URL as target overrides Host.
        const other = otherHost(request)
        return other === undefined || known(other) ? undefined : { ...refused, evidence: other }
      }
    }
  }
}

function otherHost (request: FastifyRequest): string | undefined {
  const { headers, url = '' } = request.raw
  return headers[':authority'] as string | undefined ?? targetAuthority(url)
}

function matcher (patterns: readonly string[]): (host: string) => boolean {
  /** `name`, or `name:port` for patterns with a port. */
  const exact = new Set<string>()
  /** The same for subdomains, starting with the dot. */
  const suffixes = new Set<string>()
  for (const pattern of patterns) {
    const { name, port } = parseHost(pattern.replace(/^\*\./, ''))!
    const text = port === '' ? name : `${name}:${port}`
    if (pattern.startsWith('*.')) suffixes.add(`.${text}`)
    else exact.add(text)
  }
  return (text) => {
    if (exact.has(text)) return true
    const host = parseHost(text)
    if (host === undefined) return false
    const withPort = host.port === '' ? host.name : `${host.name}:${host.port}`
    if (exact.has(host.name) || exact.has(withPort)) return true
    if (suffixes.size === 0) return false
    for (let dot = host.name.indexOf('.'); dot !== -1; dot = host.name.indexOf('.', dot + 1)) {
      if (suffixes.has(host.name.slice(dot)) || suffixes.has(withPort.slice(dot))) return true
    }
    return false
  }
}
