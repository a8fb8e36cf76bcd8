import { passiveCounts } from './passive/counts.ts'
import type { PassiveCount, Verdict } from '../types/index.ts'

/** Counts since the start or the last `reset()`. */
export interface Stats {
  /** Refusals and reports by check, code and route; the number of routes bounds them. */
  count: (verdict: Verdict, route: string | undefined, client: string) => void
  read: () => StatsSnapshot
  reset: () => void
}

export interface StatsSnapshot {
  refused: number
  /** What passive rules would have refused. */
  reported: number
  byCheck: Record<string, { refused: number, reported: number }>
  byCode: Record<string, { refused: number, reported: number }>
  /** By route pattern; `(none)` is what matched no route. */
  byRoute: Record<string, { refused: number, reported: number }>
  passive: PassiveCount[]
}

interface Tally { refused: number, reported: number }

export function stats (): Stats {
  let total: Tally = { refused: 0, reported: 0 }
  const byCheck = new Map<string, Tally>()
  const byCode = new Map<string, Tally>()
  const byRoute = new Map<string, Tally>()
  const passive = passiveCounts()
  return {
    count ({ check, code, action, rule }, route, client) {
      const member = action === 'refuse' ? 'refused' : 'reported'
      total[member]++
      tallyOf(byCheck, check)[member]++
      tallyOf(byCode, code)[member]++
      tallyOf(byRoute, route ?? '(none)')[member]++
      if (action === 'report') passive.count(check, rule ?? code, route ?? '(none)', client === '' ? '(unknown)' : client)
    },
    read: () => ({ ...total, byCheck: plain(byCheck), byCode: plain(byCode), byRoute: plain(byRoute), passive: passive.read() }),
    reset () {
      total = { refused: 0, reported: 0 }
      byCheck.clear()
      byCode.clear()
      byRoute.clear()
      passive.reset()
    }
  }
}

function tallyOf (tallies: Map<string, Tally>, name: string): Tally {
  let tally = tallies.get(name)
  if (tally === undefined) tallies.set(name, tally = { refused: 0, reported: 0 })
  return tally
}

function plain (tallies: Map<string, Tally>): Record<string, Tally> {
  return Object.fromEntries([...tallies].map(([name, tally]) => [name, { ...tally }]))
}
