import type { FastifyRequest } from 'fastify'
import { clientKey } from '../limits/client-key.ts'
import { parsePeer, type Address } from './address.ts'
import { elements, forwardedHop, quotedElements, type Hop, type Walk } from './forwarding.ts'
import type { ListReader } from './list.ts'
import { memo } from './memo.ts'
import type { ClientIpOptions } from '../../types/index.ts'

/** Who sent a request. Shared between the requests of an address; never written to. */
export interface Client {
  /** Canonical; `''` if it cannot be read or there is none (Unix sockets). */
  readonly ip: string
  /** What counters know it by: its v4 address, or the network of its v6 address; `'unknown'` for all that cannot be read. */
  readonly key: string
  /** 32 bits of hash of `key`, for `sample`. */
  readonly hash: number
  readonly address: Address | undefined
  /** A trusted proxy handed the request on: the connection is not the client's. */
  readonly viaProxy: boolean
  readonly loopback: boolean
}

/** Finds out who sent a request, and by what scheme. */
export interface ClientReader {
  client: (request: FastifyRequest) => Client
  /** Whether the client's own connection is encrypted. */
  secure: (request: FastifyRequest) => boolean
  /** Whether the other end of a connection, by its address, is a proxy that is believed. */
  trustsPeer: (text: string) => boolean
}

export interface ClientReaderOptions {
  clientIp: ClientIpOptions | undefined
  /** Bits of a v6 address that make one client, 0 to 128. */
  ipv6Prefix: number
  lists: ListReader
}

/** Addresses remembered in a generation; each takes about 400 bytes. */
const REMEMBERED = 8192

export function clientReader ({ clientIp, ipv6Prefix, lists }: ClientReaderOptions): ClientReader {
  const direct = remember(ipv6Prefix, false)
  const proxied = remember(ipv6Prefix, true)
  return clientIp === undefined ? fastifyReader(direct, proxied) : ownReader(clientIp, lists, direct, proxied)
}

type ClientOf = (text: string | undefined) => Client

function remember (prefix: number, viaProxy: boolean): ClientOf {
  const unreadable: Client = { ip: '', key: 'unknown', hash: hashOf('unknown'), address: undefined, viaProxy, loopback: false }
  const known = memo(REMEMBERED, (text) => {
    const address = parsePeer(text)
    return address === undefined ? undefined : clientOf(address, prefix, viaProxy)
  })
  return (text) => text === undefined || text.length > 100 ? unreadable : known(text) ?? unreadable
}

function clientOf (address: Address, prefix: number, viaProxy: boolean): Client {
  const { text, family, v4, a, b, c, d } = address
  const key = clientKey(address, prefix)
  const loopback = family === 4 ? v4 >>> 24 === 127 : a === 0 && b === 0 && c === 0 && d === 1
  return { ip: text, key, hash: hashOf(key), address, viaProxy, loopback }
}

/** FNV-1a with the last mixing steps of MurmurHash3, so that similar keys spread over all 32 bits. */
export function hashOf (text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b)
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35)
  return (hash ^ hash >>> 16) >>> 0
}

/** What a request's connection tells; a connection that has gone tells nothing. */
function peerOf (request: FastifyRequest): string | undefined {
  return request.raw.socket?.remoteAddress
}

function encrypted (request: FastifyRequest): boolean {
  return (request.raw.socket as { encrypted?: boolean } | undefined)?.encrypted === true
}

/** Leaves forwarding headers to Fastify's `trustProxy`, which does not say whom it trusts: peers for whom it wrote another address. */
function fastifyReader (direct: ClientOf, proxied: ClientOf): ClientReader {
  const proxies = new Set<string>()
  return {
    client (request) {
      const peer = peerOf(request)
      const ip: string | undefined = request.ip
      if (ip === peer) return direct(ip)
      if (peer !== undefined && proxies.size < 1024) proxies.add(peer)
      return proxied(ip)
    },
    secure: (request) => isSecure(request.protocol),
    trustsPeer: (text) => proxies.has(text)
  }
}

/** Reads forwarding headers itself, and only those of trusted peers. */
function ownReader (clientIp: ClientIpOptions, lists: ListReader, direct: ClientOf, proxied: ClientOf): ClientReader {
  const { depth = Infinity, trustProto = false } = clientIp
  const trusted = lists.read(clientIp.trustedProxies)
  const header = (clientIp.header ?? 'x-forwarded-for').toLowerCase()
  const standard = header === 'forwarded'
  const trusts = ({ address }: Client): boolean => address !== undefined && trusted.has(address)

  /** The client that the header names: the first entry from the right that is not trusted, or the last that may be looked at. */
  function walk (next: Walk, peer: string | undefined): Client {
    let found = proxied(peer)
    for (let hop = 0; hop < depth && trusts(found); hop++) {
      const element = next()
      if (element === undefined) break
      found = proxied(standard ? forwardedHop(element)?.for : element)
    }
    return found
  }

  return {
    client (request) {
      const peer = peerOf(request)
      const client = direct(peer)
      if (!trusts(client)) return client
      const value = headerOf(request, header) ?? ''
      return walk(standard ? quotedElements(value) : elements(value), peer)
    },
    secure (request) {
      if (!trustProto || !trusts(direct(peerOf(request)))) return encrypted(request)
      const proto = standard ? forwardedProto(headerOf(request, 'forwarded')) : lastOf(headerOf(request, 'x-forwarded-proto'))
      return proto === undefined ? encrypted(request) : isSecure(proto)
    },
    trustsPeer: (text) => trusts(direct(text))
  }
}

/** All lines of a header as one. */
function headerOf (request: FastifyRequest, name: string): string | undefined {
  const value: unknown = request.raw.headers[name]
  return Array.isArray(value) ? value.join(',') : typeof value === 'string' ? value : undefined
}

function lastOf (header: string | undefined): string | undefined {
  return header === undefined ? undefined : elements(header)()
}

/** The scheme that the last proxy wrote; an element that cannot be read is as good as http. */
function forwardedProto (header: string | undefined): string | undefined {
  const element = header === undefined ? undefined : quotedElements(header)()
  if (element === undefined) return undefined
  const hop: Hop | undefined = forwardedHop(element)
  return hop === undefined ? '' : hop.proto
}

/** Some proxies write `wss` for WebSockets. */
function isSecure (scheme: string | undefined): boolean {
  if (scheme === undefined || scheme === 'http') return false
  return scheme === 'https' || /^(?:https|wss)$/i.test(scheme)
}
