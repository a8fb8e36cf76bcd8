import type { LogEntry } from './entry.ts'
import type { ReplayPolicy, RequestEvent } from './policy.ts'
import { tally, type Report } from './tally.ts'

export interface Outcome {
  /** Checks that the log does not tell enough for. */
  left: readonly string[]
  report: Report
  /** What the other policy did, and where they differ: what only one of them refuses. */
  against: { report: Report, refusedMore: Report, refusedLess: Report } | undefined
}

/** A policy, perhaps beside another, and what they did. */
export interface Sides {
  judge: (entry: LogEntry, number: number) => void | Promise<void>
  read: () => Outcome
}

export function sides (policy: ReplayPolicy, other: ReplayPolicy | undefined): Sides {
  const own = tally()
  const [others, more, less] = [tally(), tally(), tally()]

  const compare = (entry: LogEntry, number: number, events: readonly RequestEvent[], theirs: readonly RequestEvent[]): void => {
    others.count(entry, number, theirs)
    const was = events.at(-1)?.type === 'refused'
    const is = theirs.at(-1)?.type === 'refused'
    if (is && !was) more.count(entry, number, theirs)
    if (was && !is) less.count(entry, number, events)
  }

  return {
    judge (entry, number) {
      const judged = (events: readonly RequestEvent[]): void | Promise<void> => {
        own.count(entry, number, events)
        if (other === undefined) return
        const theirs = other.judge(entry, number)
        return theirs instanceof Promise ? theirs.then((late) => compare(entry, number, events, late)) : compare(entry, number, events, theirs)
      }
      const events = policy.judge(entry, number)
      return events instanceof Promise ? events.then(judged) : judged(events)
    },
    read: () => ({
      left: policy.left,
      report: own.read(),
      against: other === undefined ? undefined : { report: others.read(), refusedMore: more.read(), refusedLess: less.read() }
    })
  }
}
