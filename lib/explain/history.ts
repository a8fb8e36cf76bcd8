import type { PastVerdict } from '../../types/index.ts'

/** Recent verdicts of one app, refusals and reports, bounded in number and in memory. */
export interface History {
  /** Costs one assignment; only refused and reported requests get here. */
  add: (entry: PastVerdict) => void
  /** The verdict that answers and log lines name so; `undefined` once newer ones have taken its place. */
  find: (reference: string) => PastVerdict | undefined
  /** Newest first. */
  list: (limit?: number) => PastVerdict[]
  clear: () => void
}

/**
 * A ring: the newest entry takes the oldest one's place. The texts of an entry are cut to 256 characters before they
 * get here, a route's pattern by whoever declared it, so the number bounds the memory too: about 2 KB each at worst,
 * 1 MB in all. Looking one up walks the ring, which nobody does for every request.
 */
export function history (most = 500): History {
  const entries: PastVerdict[] = []
  let next = 0
  const newestFirst = (): PastVerdict[] => [...entries.slice(0, next).reverse(), ...entries.slice(next).reverse()]
  return {
    add (entry) {
      entries[next] = entry
      next = next + 1 === most ? 0 : next + 1
    },
    find: (reference) => entries.find((entry) => entry.reference === reference),
    list: (limit = most) => newestFirst().slice(0, limit),
    clear () {
      entries.length = 0
      next = 0
    }
  }
}
