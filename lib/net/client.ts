import type { FastifyRequest } from 'fastify'
import { clientKey } from '../limits/client-key.ts'
import { parsePeer, type Address } from './address.ts'
import { elements, forwardedHop, quotedElements, type Hop, type Walk } from './forwarding.ts'
import type { ListReader } from './list.ts'
import { memo } from './memo.ts'
import { proxiesOf } from './presets.ts'
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
  /** The way from the connection to the client, see `traceClient`. */
  trace: (request: FastifyRequest) => TraceStep[]
}

/** One address on the way from the connection to the client. */
export interface TraceStep {
  /** Canonical; `''` if it could not be read. */
  address: string
  /** Where it stood: `connection`, `trustProxy` (Fastify's own), or a header and its hop from the right, e.g. `x-forwarded-for, hop 1`. */
  from: string
  /** It is a trusted proxy, so that what it wrote is believed. */
  trusted: boolean
}

/**
 * Tells step by step how the address of a request's client is found: the connection first, the client last. Changes
 * nothing, and takes the very way that requests take.
 */
export function traceClient (reader: ClientReader, request: FastifyRequest): TraceStep[] {
  return reader.trace(request)
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
    trustsPeer: (text) => proxies.has(text),
    trace (request) {
      const peer = peerOf(request)
      const rewritten = request.ip !== peer
      const steps = [{ address: direct(peer).ip, from: 'connection', trusted: rewritten }]
      if (rewritten) steps.push({ address: proxied(request.ip).ip, from: 'trustProxy', trusted: false })
      return steps
    }
  }
}

/** Reads forwarding headers itself, and only those of trusted peers. */
function ownReader (clientIp: ClientIpOptions, lists: ListReader, direct: ClientOf, proxied: ClientOf): ClientReader {
  const { depth = Infinity, trustProto = false } = clientIp
  const named = (clientIp.header ?? 'x-forwarded-for').toLowerCase()
  const proxies = proxiesOf(clientIp.trustedProxies, named)
  const trusted = lists.read(proxies.all)
  const edge = proxies.edge === undefined ? undefined : lists.read(proxies.edge)
  // Whoever is not that provider can send its header, so the way to the provider is found by the usual one.
  const header = edge === undefined ? named : 'x-forwarded-for'
  const standard = header === 'forwarded'
  const trusts = ({ address }: Client): boolean => address !== undefined && trusted.has(address)
  // A connection that has gone has no address either, so the server has to be asked.
  const overUnix = (request: FastifyRequest): boolean => proxies.unix && peerOf(request) === undefined && typeof request.server.server.address() === 'string'
  const believed = (request: FastifyRequest, peer: Client): boolean => trusts(peer) || overUnix(request)

  /** The client that the headers of a believed peer name: the first entry from the right that is not trusted, or the last that may be looked at. */
  function walk (request: FastifyRequest, peer: string | undefined, steps?: TraceStep[]): Client {
    const value = headerOf(request, header) ?? ''
    const next: Walk = standard ? quotedElements(value) : elements(value)
    let found = proxied(peer)
    for (let hop = 0; hop < depth && (hop === 0 || trusts(found)); hop++) {
      const own = found.address !== undefined && edge?.has(found.address) === true ? headerOf(request, named) : undefined
      if (own !== undefined) {
        found = proxied(own.trim())
        steps?.push({ address: found.ip, from: named, trusted: false })
        return found
      }
      const element = next()
      if (element === undefined) break
      found = proxied(standard ? forwardedHop(element)?.for : element)
      steps?.push({ address: found.ip, from: `${header}, hop ${hop + 1}`, trusted: trusts(found) })
    }
    return found
  }

  return {
    client (request) {
      const peer = peerOf(request)
      const client = direct(peer)
      return believed(request, client) ? walk(request, peer) : client
    },
    secure (request) {
      if (!trustProto || !believed(request, direct(peerOf(request)))) return encrypted(request)
      const proto = standard ? forwardedProto(headerOf(request, 'forwarded')) : lastOf(headerOf(request, 'x-forwarded-proto'))
      return proto === undefined ? encrypted(request) : isSecure(proto)
    },
    trustsPeer: (text) => trusts(direct(text)),
    trace (request) {
      const peer = peerOf(request)
      const client = direct(peer)
      const steps = [{ address: client.ip, from: 'connection', trusted: believed(request, client) }]
      if (steps[0]!.trusted) walk(request, peer, steps)
      return steps
    }
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
