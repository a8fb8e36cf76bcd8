import type { LogEntry } from './entry.ts'
import type { RequestEvent } from './policy.ts'
import { series, type Series } from './series.ts'
import { top, type Group } from '../counts/top.ts'

/** Names of a kind that are counted one by one. */
const MOST_NAMES = 1000
/** Refused requests that are shown as they are, of each rule. */
const MOST_EXAMPLES = 3

export interface Example { line: number, time: number, ip: string, method: string, path: string, reason: string }

/** What a policy did to a log. */
export interface Report {
  refused: number
  /** What passive rules would have refused, of requests that pass. */
  reported: number
  byCheck: Group[]
  /** Check and rule. */
  byRule: Array<Group & { examples: Example[] }>
  byRoute: Group[]
  byClient: Group[]
  /** Refused requests over time, by check. */
  overTime: Series
}

export interface Tally {
  count: (entry: LogEntry, number: number, events: readonly RequestEvent[]) => void
  read: () => Report
}

/** Counts in bounded space, however long the log is. */
export function tally (): Tally {
  let refused = 0
  let reported = 0
  const byCheck = top(MOST_NAMES)
  const byRule = top(MOST_NAMES)
  const byRoute = top(MOST_NAMES)
  const byClient = top(MOST_NAMES)
  const examples = new Map<string, Example[]>()
  const overTime = series()

  const add = (event: RequestEvent, number: number): void => {
    const { type, check, rule } = event
    const name = rule === undefined ? check : `${check}: ${rule}`
    byCheck.add(check, type)
    byRule.add(name, type)
    byRoute.add(event.route ?? '(none)', type)
    byClient.add(event.ip === '' ? '(unknown)' : event.ip, type)
    const kept = examples.get(name) ?? []
    if (examples.size < MOST_NAMES || kept.length > 0) examples.set(name, kept)
    if (kept.length < MOST_EXAMPLES) kept.push({ line: number, time: event.time, ip: event.ip, method: event.method, path: event.path, reason: event.reason })
  }

  return {
    count (entry, number, events) {
      const last = events.at(-1)
      const isRefused = last?.type === 'refused'
      if (isRefused) refused++
      else if (last !== undefined) reported++
      // One request counts once: by what refused it, or by the first rule that would have.
      const main = isRefused ? last : events[0]
      if (main !== undefined) add(main, number)
      if (entry.time !== undefined) overTime.add(entry.time, isRefused ? last.check : undefined)
    },
    read: () => ({
      refused,
      reported,
      byCheck: byCheck.read(),
      byRule: byRule.read().map((group) => ({ ...group, examples: examples.get(group.name) ?? [] })),
      byRoute: byRoute.read(),
      byClient: byClient.read(),
      overTime: overTime.read()
    })
  }
}
