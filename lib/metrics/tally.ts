import type { GuardEvent } from '../../types/index.ts'

/** A value with its labels. */
export interface Sample { labels: Record<string, string>, value: number }

/** Counts by labels, bounded: whatever comes once there are `most` is counted under `(other)`. */
export interface Tally {
  add: (labels: Record<string, string>) => void
  samples: () => Sample[]
}

/** @param open labels whose values have no bound of their own */
export function tally (most: number, open: readonly string[]): Tally {
  const counts = new Map<string, Sample>()
  return {
    add (labels) {
      const name = Object.values(labels).join('\n')
      let found = counts.get(name)
      if (found === undefined && counts.size >= most) {
        labels = { ...labels, ...Object.fromEntries(open.map((label) => [label, '(other)'])) }
        found = counts.get(Object.values(labels).join('\n'))
      }
      if (found === undefined) counts.set(Object.values(labels).join('\n'), found = { labels, value: 0 })
      found.value++
    },
    samples: () => [...counts.values()]
  }
}

export interface VerdictTallies { verdicts: Tally, matches: Tally, watch: (event: GuardEvent) => void }

/** Counts verdicts by check, code, route and mode, and attacks by rule. No label tells clients apart. */
export function verdictTallies (): VerdictTallies {
  const verdicts = tally(2000, ['route'])
  const matches = tally(1000, ['rule'])
  return {
    verdicts,
    matches,
    watch (event) {
      if (event.type !== 'refused' && event.type !== 'reported') return
      const mode = event.type === 'refused' ? 'enforce' : 'passive'
      verdicts.add({ check: event.check, code: event.code, route: event.route ?? '(none)', mode })
      if (event.category !== undefined) matches.add({ category: event.category, rule: event.rule ?? '(none)', mode })
    }
  }
}
