import type { FastifyRequest } from 'fastify'
import type { Refusal, Services, Visit } from '../check.ts'
import { auth, isPrincipal } from '../checks/auth.ts'
import { parsePeer } from '../net/address.ts'
import { parseHost } from '../net/host.ts'
import type { DashboardOptions } from '../../types/index.ts'

type Verifier = (request: FastifyRequest) => unknown

/** Whether a request may see the dashboard; it answers in every mode of the guard, `off` included. */
export type Access = (request: FastifyRequest, visit: Visit) => Refusal | undefined | Promise<Refusal | undefined>

const LOCAL_ONLY: Refusal = { code: 'GUARD_IP_REFUSED', status: 403, reason: 'a dashboard without auth is for this machine only', rule: 'dashboard' }
const OTHER_HOST: Refusal = { code: 'GUARD_HOST_REFUSED', status: 421, reason: 'a dashboard without auth is for this machine only, and the request names another host', rule: 'dashboard' }
const OTHER_SITE: Refusal = { code: 'GUARD_CROSS_SITE', status: 403, reason: 'a page of another site made a browser send this', rule: 'dashboard' }
const NOBODY: Refusal = { code: 'GUARD_AUTH_REQUIRED', status: 401, reason: 'dashboard.auth knows nobody for this request', rule: 'dashboard', strike: 'auth' }

/** In the `config` of the routes that a link of another site may lead to. */
export const kPage = Symbol('guard.dashboard.page')

/** What proxies add: the peer is then not the client. */
const FORWARDING = /^(?:forwarded|via|cdn-loop|x-real-ip|x-forwarded.*|x-original-.*|x-envoy-.*|.*client-?ip|.*connecting-ip)$/

export function access (option: DashboardOptions['auth'], services: Services): Access {
  const who = option === undefined ? localOnly : typeof option === 'function' ? byFunction(option) : byCredential(option, services)
  return (request, visit) => foreign(request) ? OTHER_SITE : who(request, visit)
}

function byCredential (rule: Exclude<DashboardOptions['auth'], Verifier | undefined>, services: Services): Access {
  const target = { url: undefined, bodyLimit: 0, origin: 'plugin' as const, passive: false, layer: 'dashboard', problem () {} }
  const { request: check } = auth.compile(rule, services, target)!
  return (request, visit) => check!(request, visit, undefined as never)
}

function byFunction (verify: Verifier): Access {
  return async (request, visit) => {
    const principal = await verify(request)
    if (!isPrincipal(principal)) return NOBODY
    visit.principal = principal
    return undefined
  }
}

/**
 * The peer of the connection itself, no proxy between, and a name that no other site's DNS can have (DNS rebinding).
 * Browsers do not speak HTTP/1.0; nginx does, and by default adds no header and calls us by a loopback address.
 */
function localOnly (request: FastifyRequest, { client }: Visit): Refusal | undefined {
  const { headers, socket, httpVersion } = request.raw
  if (!isLoopback(socket.remoteAddress) || !client.loopback || httpVersion === '1.0' || Object.keys(headers).some((name) => FORWARDING.test(name))) return LOCAL_ONLY
  const host = parseHost(headers.host ?? String(headers[':authority'] ?? ''))?.name
  return host === 'localhost' || isLoopback(host?.replace(/^\[|\]$/g, '')) ? undefined : OTHER_HOST
}

export function isLoopback (text: string | undefined): boolean {
  const address = text === undefined ? undefined : parsePeer(text)
  if (address === undefined) return false
  const { family, v4, a, b, c, d } = address
  return family === 4 ? v4 >>> 24 === 127 : a === 0 && b === 0 && c === 0 && d === 1
}

/**
 * Another site's doing. Browsers say so in `Sec-Fetch-Site` on https and this machine, elsewhere in `Origin`; a link
 * from elsewhere may lead to the page, which shows nothing by itself, and not to data or streams, which are counted.
 */
function foreign (request: FastifyRequest): boolean {
  const { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest = 'document', origin } = request.headers
  const link = request.method === 'GET' && mode === 'navigate' && dest === 'document' && kPage in request.routeOptions.config
  if (typeof site === 'string') return site !== 'same-origin' && !(link || (site === 'none' && request.method === 'GET'))
  if (origin === undefined) return false
  return !URL.canParse(origin) || new URL(origin).host !== request.host.toLowerCase()
}
