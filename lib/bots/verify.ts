import { Resolver } from 'node:dns/promises'
import { isIPv6 } from 'node:net'
import type { Client } from '../net/client.ts'
import { parseAddress } from '../net/address.ts'
import type { ListReader, LiveList } from '../net/list.ts'
import { milliseconds } from '../options/shape.ts'
import type { BotVerification } from '../../types/index.ts'
import { domainsOf, isIn } from './known.ts'

/** `true`: its operator's address. `false`: not. `undefined`: no answer in time, or nothing that could tell. */
export type Verified = boolean | undefined

export interface Verifier {
  /** Whether anything could tell for a bot of this name. */
  knows: (name: string) => boolean
  /** A promise only where DNS has to be asked; it never rejects, and takes no longer than the timeout. */
  verify: (name: string, client: Client) => Verified | Promise<Verified>
}

interface Kept { verified: boolean, until: number }

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** Answers kept; each takes about 200 bytes. */
const MOST_KEPT = 10_000
/** Look-ups at once; further claims are left open, so that a flood of false ones is none on the DNS server. */
const MOST_RUNNING = 64
/** Of them for one client: whoever has a network has as many addresses as they like, and a slow DNS server of their own for these. */
const MOST_OF_ONE = 4

export interface VerifierServices {
  now: () => number
  lists: ListReader
  /** Resolvers that wait for an answer. */
  busy: Set<Resolver>
  /** Whether DNS may be asked. */
  dns: boolean
}

/** Tells whether a client that names itself as a bot is one: by its published ranges, else by reverse and then forward DNS. */
export function verifier ({ ranges = {}, servers, timeout = 1000 }: BotVerification, { now, lists, busy, dns }: VerifierServices): Verifier {
  const limit = milliseconds(timeout)!
  const resolver = new Resolver({ timeout: limit, tries: 2 })
  if (servers !== undefined) resolver.setServers([...servers])
  const published = Object.entries(ranges).map(([name, list]): [string, LiveList] => [name.toLowerCase(), lists.read(list)])
  const publishedOf = (name: string): LiveList | undefined => published.find(([known]) => name === known || name.startsWith(`${known}-`))?.[1]
  const kept = new Map<string, Kept>()
  const running = new Map<string, Promise<Verified>>()
  /** Look-ups under way, by client. */
  const ofOne = new Map<string, number>()

  const keep = (key: string, verified: boolean): void => {
    if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value!)
    kept.delete(key)
    kept.set(key, { verified, until: now() + (verified ? DAY : HOUR) })
  }

  const ask = (key: string, { ip, key: client }: Client, domains: readonly string[]): Promise<Verified> => {
    ofOne.set(client, (ofOne.get(client) ?? 0) + 1)
    const lookup = isOf(resolver, ip, domains).then((verified) => {
      keep(key, verified)
      return verified as Verified
    }).catch(() => undefined).finally(() => {
      running.delete(key)
      const left = ofOne.get(client)! - 1
      if (left === 0) ofOne.delete(client)
      else ofOne.set(client, left)
      if (running.size === 0) busy.delete(resolver)
    })
    running.set(key, lookup)
    busy.add(resolver)
    return lookup
  }

  return {
    knows: (name) => publishedOf(name) !== undefined || (dns && domainsOf(name) !== undefined),
    verify (name, client) {
      const { address, ip, key: who } = client
      if (address === undefined) return undefined
      const list = publishedOf(name)
      if (list !== undefined) return list.size === 0 ? undefined : list.has(address)
      const domains = domainsOf(name)
      if (domains === undefined) return undefined
      const key = `${domains[0]} ${ip}`
      const known = kept.get(key)
      if (known !== undefined && known.until > now()) return known.verified
      const lookup = running.get(key) ?? (running.size < MOST_RUNNING && (ofOne.get(who) ?? 0) < MOST_OF_ONE ? ask(key, client, domains) : undefined)
      return lookup === undefined ? undefined : within(lookup, limit)
    }
  }
}

/** A look-up that takes longer goes on, and its answer is there for the next request. */
async function within (lookup: Promise<Verified>, limit: number): Promise<Verified> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => { timer = setTimeout(() => resolve(undefined), limit).unref() })
  try {
    return await Promise.race([lookup, late])
  } finally {
    clearTimeout(timer)
  }
}

/** The address has a name in one of the domains, and that name leads back to the address. @throws where DNS does not answer */
async function isOf (resolver: Resolver, ip: string, domains: readonly string[]): Promise<boolean> {
  const names = await resolver.reverse(ip).catch(none)
  const own = names.map((name) => name.toLowerCase().replace(/\.$/, '')).filter((name) => domains.some((domain) => isIn(name, domain)))
  // Whoever owns an address can give it any number of names.
  for (const name of own.slice(0, 4)) {
    const found = await (isIPv6(ip) ? resolver.resolve6(name) : resolver.resolve4(name)).catch(none)
    if (found.some((address) => parseAddress(address)?.text === ip)) return true
  }
  return false
}

/** That there is no such record is an answer; anything else is a failure. */
function none (error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENODATA' || error.code === 'ENOTFOUND') return []
  throw error
}
