import { readLike } from '../../explain/like.ts'
import { probe } from '../../explain/probe.ts'
import { isObject } from '../../options/shape.ts'
import type { Finding, Linted } from './finding.ts'

const PEER = '198.51.100.17'
const CLAIMED = '203.0.113.77'

/** Asks the server itself whom it believes, with requests that come from an address of nobody's. */
export async function lintProxies ({ app, guard }: Linted): Promise<Finding[]> {
  const { clientIp } = guard.options
  const found: Finding[] = []
  const path = clientIp === undefined ? 'trustProxy' : 'clientIp'
  const forged = await probe(guard, app, readLike({ ip: PEER, headers: { 'x-forwarded-for': CLAIMED, 'x-forwarded-proto': 'https', forwarded: `for=${CLAIMED};proto=https` } }))
  if (typeof forged === 'number') return found
  const { request } = forged
  if (guard.clients.client(request).ip === CLAIMED) found.push({ lint: 'proxy', path, message: 'believes the forwarding header of any address, so that every client can choose its own: name your proxies, e.g. trustProxy: [\'10.0.0.0/8\']' })
  else if (clientIp !== undefined && request.ip === CLAIMED) found.push({ lint: 'proxy', path: 'trustProxy', message: 'is set beside clientIp and believes any address: request.ip of the application is what a client says' })
  if (guard.clients.secure(request)) found.push({ lint: 'proxy', path, message: 'believes X-Forwarded-Proto of any address, so that https can be claimed' })
  const https = guard.routes.some(({ rules }) => { const value = rules.get('https')?.value; return value === true || isObject(value) })
  if (https && clientIp !== undefined && clientIp.trustProto !== true && app.initialConfig.https === undefined) {
    found.push({ lint: 'proxy', path: 'clientIp.trustProto', message: 'is not set, and the server itself speaks http: the https rule refuses every request' })
  }
  return found
}
