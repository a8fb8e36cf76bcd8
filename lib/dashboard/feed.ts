import type { Series } from './series.ts'
import { mostOf, recentTop, top, type Top, type TopEntry } from '../counts/top.ts'
import { printable } from '../report.ts'
import type { GuardEvent } from '../../types/index.ts'

/** An event with a number, by which a page knows what it has. */
export type FeedEvent = Exclude<GuardEvent, { type: 'passed' }> & { id: number, country?: string }

/** What a passive check would have refused. */
export interface PassiveCheck { check: string, count: number, rules: TopEntry[], routes: TopEntry[], clients: TopEntry[] }

/** Turns the guard's events into what the page shows. Everything in it is bounded. */
export interface Feed {
  take: (event: GuardEvent) => void
  /** Oldest first. */
  events: () => FeedEvent[]
  /** Those after this number. */
  since: (id: number) => FeedEvent[]
  readonly lastId: number
  tops: () => Record<'clients' | 'routes' | 'rules' | 'countries', TopEntry[]>
  passive: () => PassiveCheck[]
  rotate: () => void
}

export interface FeedOptions {
  series: Series
  /** Country of an address, if a database is there. */
  countryOf: (ip: string) => string | undefined
  /** Events kept: at most some 2 KB each. */
  most?: number
}

const SHOWN = 10

export function feed ({ series, countryOf, most = 500 }: FeedOptions): Feed {
  const ring: FeedEvent[] = []
  let lastId = 0
  const tops = { clients: recentTop(), routes: recentTop(), rules: recentTop(), countries: recentTop() }
  const passive = new Map<string, { count: number, rules: Top, routes: Top, clients: Top }>()

  function keep (event: Exclude<GuardEvent, { type: 'passed' }>, country?: string): void {
    // A request's number may come from a header of the client, and be anything that the application makes.
    const reqId = 'reqId' in event && { reqId: printable(String(event.reqId)) }
    ring[lastId++ % most] = { ...event, ...reqId, id: lastId, ...(country !== undefined && { country }) }
  }

  function countPassive (check: string, rule: string, route: string, client: string): void {
    let found = passive.get(check)
    // Checks are few: their number needs no bound.
    if (found === undefined) passive.set(check, found = { count: 0, rules: top(30), routes: top(30), clients: top(30) })
    found.count++
    found.rules.add(rule, 'reported')
    found.routes.add(route, 'reported')
    found.clients.add(client, 'reported')
  }

  const events = (): FeedEvent[] => lastId <= most ? ring.slice(0, lastId) : [...ring.slice(lastId % most), ...ring.slice(0, lastId % most)]

  return {
    get lastId () { return lastId },
    take (event) {
      if (event.type === 'passed') return
      if (event.type !== 'refused' && event.type !== 'reported') return keep(event)
      const { check, rule = event.code, route = '(none)', ip } = event
      const country = countryOf(ip)
      keep(event, country)
      series.add(`${event.type}:${check}`, 1)
      // No hook of Fastify counted it as a request.
      if (check === 'malformed') series.add('requests', 1)
      const client = ip === '' ? '(unknown)' : ip
      tops.clients.add(client, event.type)
      tops.routes.add(route, event.type)
      tops.rules.add(`${check}: ${rule}`, event.type)
      if (country !== undefined) tops.countries.add(country, event.type)
      if (event.type === 'reported') countPassive(check, rule, route, client)
    },
    events,
    since: (id) => id >= lastId ? [] : events().filter((event) => event.id > id),
    tops: () => ({ clients: tops.clients.read(SHOWN), routes: tops.routes.read(SHOWN), rules: tops.rules.read(SHOWN), countries: tops.countries.read(SHOWN) }),
    passive: () => [...passive].map(([check, { count, rules, routes, clients }]) => ({ check, count, rules: mostOf(rules.read(), 3), routes: mostOf(routes.read(), 3), clients: mostOf(clients.read(), 3) })),
    rotate () {
      for (const each of Object.values(tops)) each.rotate()
    }
  }
}
