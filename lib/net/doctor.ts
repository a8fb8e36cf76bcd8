import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ClientIpOptions } from '../../types/index.ts'
import type { Client, ClientReader } from './client.ts'
import { isSpecial } from './special.ts'

/** Requests that are looked at after the start; later ones cost nothing. */
const WATCHED = 1000

/** What is wrong with the way addresses are found, as far as options tell. */
export function addressFaults (instance: FastifyInstance, clientIp: ClientIpOptions | undefined): string[] {
  const trustProxy = trustProxyOf(instance)
  if (clientIp !== undefined) return []
  if (trustProxy === true) return ["trustProxy: true lets every client choose its address, and with it whom bans, limits and IP rules are about: name your proxies in the guard's clientIp.trustedProxies, or in trustProxy"]
  if (typeof trustProxy === 'number') return [`trustProxy: ${trustProxy} is switched off in Fastify 5.12, so that all requests seem to come from the proxy: name your proxies in the guard's clientIp.trustedProxies`]
  return []
}

/** Fastify keeps its options under a symbol of its own; where it does not, there is no warning. */
function trustProxyOf (instance: FastifyInstance): unknown {
  for (let object: object | null = instance; object !== null; object = Object.getPrototypeOf(object) as object | null) {
    const symbol = Object.getOwnPropertySymbols(object).find(({ description }) => description === 'fastify.options')
    if (symbol !== undefined) return (object as Record<symbol, { trustProxy?: unknown } | undefined>)[symbol]?.trustProxy
  }
  return undefined
}

export interface Watch {
  /** The request is nobody's. */
  skip: (request: FastifyRequest) => boolean
  warn: (message: string) => void
}

/**
 * Looks at the first requests for signs that proxies are not known, and warns of each once. Takes the place of the
 * reader's `client` meanwhile.
 */
export function watchClients (reader: ClientReader, instance: FastifyInstance, clientIp: ClientIpOptions | undefined, { skip, warn }: Watch): void {
  const { client: read } = reader
  const trustsNobody = clientIp === undefined && (trustProxyOf(instance) ?? false) === false
  let seen = 0
  let only: string | undefined
  let told = false

  const look = (request: FastifyRequest, client: Client): void => {
    if (!told) {
      const fault = forwardedFault(request, client, trustsNobody)
      told = fault !== undefined
      if (fault !== undefined) warn(fault)
    }
    if (seen === 0) only = client.ip
    else if (only !== client.ip) only = undefined
    if (++seen < WATCHED) return
    reader.client = read
    if (only !== undefined && !client.loopback) {
      warn(`each of the first ${WATCHED} requests came from ${only === '' ? 'a connection without an address' : only}: if that is a proxy, all clients share limits and bans; name it in clientIp.trustedProxies`)
    }
  }

  reader.client = (request) => {
    const client = read(request)
    if (!skip(request)) look(request, client)
    return client
  }
}

/** A header that names another client came from a peer that is not believed. From outside anybody can send it: that says something only where nobody is believed. */
function forwardedFault (request: FastifyRequest, { address, ip, viaProxy }: Client, trustsNobody: boolean): string | undefined {
  const { headers } = request.raw
  const name = ['x-forwarded-for', 'forwarded'].find((header) => headers[header] !== undefined)
  if (name === undefined || viaProxy) return undefined
  if (address === undefined) return `${name} came over a connection without an address: if a proxy of yours uses the server's Unix socket, add 'unix' to clientIp.trustedProxies`
  if (trustsNobody) return `${name} came from ${ip}, and no proxy is trusted: if a proxy stands before this server, name it in clientIp.trustedProxies; all its clients are one until then`
  return isSpecial(address) ? `${name} came from ${ip}, which is not among the trusted proxies: if it is one of yours, add it to clientIp.trustedProxies` : undefined
}
