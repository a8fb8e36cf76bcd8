import { hostname } from 'node:os'
import type { Guard } from '../guard.ts'
import { reference } from '../report.ts'
import type { GuardApi, GuardStats } from '../../types/index.ts'
import { banLister, type BanList } from './ban-list.ts'
import type { Feed } from './feed.ts'
import type { Nodes } from './nodes.ts'
import { passiveReport, type PassiveEntry } from './passive.ts'
import type { TopEntry } from '../counts/top.ts'
import type { CheckTimes, Traffic } from './traffic.ts'

/** What the page shows beside series and events. */
export interface State {
  mode: string
  emergency: boolean
  bans: BanList
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

const SHOWN = 10

export interface StateSources { guard: Guard, api: GuardApi, feed: Feed, traffic: Traffic, node: string, nodes: Nodes | undefined }

/** Reads the state, for this number of open pages. */
export function stateReader ({ guard, api, feed, traffic, node, nodes }: StateSources): (pages: number) => State {
  const bansNow = banLister(guard)

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

/** Routes by requests since the start. */
function busiest (guard: Guard): TopEntry[] {
  const counts = new Map<string, number>()
  for (const { url = '(none)', requests } of [...guard.routes, ...guard.late.values(), ...guard.scopes.flatMap(({ unmatched }) => unmatched ?? [])]) {
    if (requests > 0) counts.set(url, (counts.get(url) ?? 0) + requests)
  }
  return [...counts].map(([name, count]) => ({ name, count })).sort((one, other) => other.count - one.count).slice(0, SHOWN)
}
