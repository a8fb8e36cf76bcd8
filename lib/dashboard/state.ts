import { hostname } from 'node:os'
import type { Guard } from '../guard.ts'
import { reference } from '../report.ts'
import type { BanInfo, GuardApi, GuardStats } from '../../types/index.ts'
import type { Feed } from './feed.ts'
import type { Nodes } from './nodes.ts'
import { passiveReport, type PassiveEntry } from './passive.ts'
import type { TopEntry } from '../counts/top.ts'
import type { CheckTimes, Traffic } from './traffic.ts'

/** What the page shows beside series and events. */
export interface State {
  mode: string
  emergency: boolean
  bans: { total: number, shown: BanInfo[] }
  tops: Record<string, TopEntry[]>
  passive: PassiveEntry[]
  times: CheckTimes[]
  totals: { requests: number, refused: number, reported: number }
  health: Health
}

export interface Health {
  node: string
  /** Milliseconds. */
  uptime: number
  /** Bytes. */
  memory: number
  store: GuardStats['store']
  limits: Record<string, number>
  bans: Record<string, number>
  /** Of databases and lists, where they are in use: age, and why the last renewal failed. */
  data: Record<string, object>
  pages: number
  /** Other nodes, with `store: { redis }`. */
  nodes: ReturnType<Nodes['others']>
}

/** A name that no other app has, not even one of this process. */
export const nodeName = (): string => `${hostname()}:${process.pid}:${reference().slice(0, 4)}`
export const uptime = (): number => Math.round(process.uptime() * 1000)

const MOST_BANS = 200
const SHOWN = 10
/** A list of more bans takes long to sort: it is then renewed this rarely, in milliseconds. */
const MANY_BANS = 5000
const RARELY = 30_000

export interface StateSources { guard: Guard, api: GuardApi, feed: Feed, traffic: Traffic, node: string, nodes: Nodes | undefined }

/** Reads the state, for this number of open pages. */
export function stateReader ({ guard, api, feed, traffic, node, nodes }: StateSources): (pages: number) => State {
  let bans: State['bans'] = { total: 0, shown: [] }
  let listed = -Infinity

  function bansNow (active: number): State['bans'] {
    const time = guard.services.now()
    if (active > MANY_BANS && time - listed < RARELY) return { ...bans, total: active }
    listed = time
    const all = api.bans()
    bans = { total: all.length, shown: all.slice(-MOST_BANS).reverse() }
    return bans
  }

  return (pages) => {
    const stats = api.stats()
    return {
      mode: guard.options.mode ?? 'enforce',
      emergency: stats.emergency,
      bans: bansNow(stats.bans['active'] ?? 0),
      tops: { ...feed.tops(), busiest: busiest(guard) },
      passive: passiveReport(guard, feed.passive()),
      times: traffic.times(),
      totals: { requests: traffic.requests, refused: stats.refused, reported: stats.reported },
      health: {
        node,
        uptime: uptime(),
        memory: process.memoryUsage.rss(),
        store: stats.store,
        limits: stats.limits,
        bans: stats.bans,
        data: { ...stats.geo, ...stats.cloud, ...stats.lists },
        pages,
        nodes: nodes?.others() ?? []
      }
    }
  }
}

/** Bans of whom a text is part of the target or the reason. */
export function findBans (api: GuardApi, text: string): State['bans'] {
  const found = api.bans().filter(({ client, reason }) => client.includes(text) || reason.includes(text))
  return { total: found.length, shown: found.slice(0, MOST_BANS) }
}

/** Routes by requests since the start. */
function busiest (guard: Guard): TopEntry[] {
  const counts = new Map<string, number>()
  for (const { url = '(none)', requests } of [...guard.routes, ...guard.late.values(), ...guard.scopes.flatMap(({ unmatched }) => unmatched ?? [])]) {
    if (requests > 0) counts.set(url, (counts.get(url) ?? 0) + requests)
  }
  return [...counts].map(([name, count]) => ({ name, count })).sort((one, other) => other.count - one.count).slice(0, SHOWN)
}
