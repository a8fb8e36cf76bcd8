import type { Group } from './tally.ts'

/** The names that come most often. */
export interface Top {
  add: (name: string, type: 'refused' | 'reported') => void
  /** The most frequent first. */
  read: () => Group[]
}

/**
 * Counts at most `size` names: exact as long as there are no more; then the least frequent makes room for a new one,
 * which takes over its count. What comes often is never lost, and a count is too high by at most the least one.
 * Space-Saving: Metwally, Agrawal and El Abbadi, "Efficient Computation of Frequent and Top-k Elements in Data Streams", 2005.
 */
export function top (size: number): Top {
  const groups = new Map<string, Group>()
  return {
    add (name, type) {
      let group = groups.get(name)
      if (group === undefined) {
        if (groups.size < size) {
          group = { name, refused: 0, reported: 0 }
        } else {
          const least = leastOf(groups)
          groups.delete(least.name)
          group = { ...least, name }
        }
        groups.set(name, group)
      }
      group[type]++
    },
    read: () => [...groups.values()].sort((one, other) => sum(other) - sum(one))
  }
}

function leastOf (groups: ReadonlyMap<string, Group>): Group {
  let least: Group | undefined
  for (const group of groups.values()) {
    if (least === undefined || sum(group) < sum(least)) least = group
    // None can be less.
    if (sum(least) === 1) return least
  }
  return least!
}

function sum ({ refused, reported }: Group): number {
  return refused + reported
}
