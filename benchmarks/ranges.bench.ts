import { bench, do_not_optimize as keep, group, run } from 'mitata'
import { parseAddress } from '../lib/net/address.ts'
import { clientReader } from '../lib/net/client.ts'
import { labelled, listReader } from '../lib/net/list.ts'
import { compileRanges } from '../lib/net/ranges.ts'
import type { FastifyRequest } from 'fastify'

/** Numbers without a pattern that are the same in each run. */
function generator (seed: number): () => number {
  return () => {
    seed = Math.imul(seed ^ seed >>> 15, 0x2c1b3c6d) + 0x9e3779b9 | 0
    return (seed ^ seed >>> 13) >>> 0
  }
}

const next = generator(7)
const v4 = (n: number): string => `${n >>> 24}.${n >>> 16 & 255}.${n >>> 8 & 255}`
const cidr4 = (): string => `${v4(next())}.0/24`
const cidr6 = (): string => `2${(next() & 0xfff).toString(16).padStart(3, '0')}:${(next() & 0xffff).toString(16)}:${((next() & 0xffff) | 1).toString(16)}::/48`

const addresses4 = Array.from({ length: 4096 }, () => parseAddress(`${v4(next())}.9`)!)
const addresses6 = Array.from({ length: 4096 }, () => parseAddress(cidr6().replace('/48', '1:2:3'))!)

for (const count of [10, 1000, 100_000]) {
  group(`${count} CIDRs`, () => {
    const entries4 = labelled(Array.from({ length: count }, cidr4))
    const entries6 = labelled(Array.from({ length: count }, cidr6))
    const set4 = compileRanges(entries4)
    const set6 = compileRanges(entries6)
    let i = 0
    bench('v4', () => keep(set4.has(addresses4[i++ & 4095]!)))
    bench('v6', () => keep(set6.has(addresses6[i++ & 4095]!)))
    if (count === 100_000) bench('compile v4', () => keep(compileRanges(entries4)))
    if (count === 100_000) bench('compile v6', () => keep(compileRanges(entries6)))
  })
}

group('addresses', () => {
  const texts4 = addresses4.map(({ text }) => text)
  const texts6 = addresses6.map(({ text }) => text)
  let i = 0
  bench('parse v4', () => keep(parseAddress(texts4[i++ & 4095]!)))
  bench('parse v6', () => keep(parseAddress(texts6[i++ & 4095]!)))
})

group('clients', () => {
  const lists = listReader()
  const request = (ip: string, forwarded?: string): FastifyRequest => {
    const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
    return { ip, raw: { socket: { remoteAddress: ip }, headers } } as unknown as FastifyRequest
  }
  const plain = clientReader({ clientIp: undefined, ipv6Prefix: 64, lists })
  const proxied = clientReader({ clientIp: { trustedProxies: ['10.0.0.0/8'] }, ipv6Prefix: 64, lists })
  const requests = addresses4.slice(0, 1024).map(({ text }) => request(`::ffff:${text}`))
  const forwarded = addresses4.slice(0, 1024).map(({ text }) => request('10.0.0.1', text))
  let i = 0
  bench('of the socket', () => keep(plain.client(requests[i++ & 1023]!)))
  bench('behind a proxy', () => keep(proxied.client(forwarded[i++ & 1023]!)))
})

await run()
