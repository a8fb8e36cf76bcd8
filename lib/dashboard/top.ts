export interface TopEntry { name: string, count: number }

/** The most frequent of names without end, in constant space. */
export interface Top {
  add: (name: string) => void
  /** Most frequent first. */
  read: (most: number) => TopEntry[]
  /** Starts a new period; the one before still counts until the next. */
  rotate: () => void
}

/**
 * Space-Saving (Metwally, Agrawal, El Abbadi 2005): a new name takes the place and the count of the least frequent.
 * No frequent name is lost; a count may be too high by at most what went in divided by the number of places.
 *
 * @param places names kept in a period; two periods are kept
 */
export function top (places = 100): Top {
  let now = new Map<string, number>()
  let before: ReadonlyMap<string, number> = new Map()
  return {
    add (name) {
      const count = now.get(name)
      if (count !== undefined) {
        now.set(name, count + 1)
      } else if (now.size < places) {
        now.set(name, 1)
      } else {
        const [least, lowest] = leastOf(now)
        now.delete(least)
        now.set(name, lowest + 1)
      }
    },
    read (most) {
      const sums = new Map(before)
      for (const [name, count] of now) sums.set(name, (sums.get(name) ?? 0) + count)
      return [...sums].map(([name, count]) => ({ name, count })).sort((one, other) => other.count - one.count || (one.name < other.name ? -1 : 1)).slice(0, most)
    },
    rotate () {
      before = now
      now = new Map()
    }
  }
}

function leastOf (counts: ReadonlyMap<string, number>): [string, number] {
  let least = ''
  let lowest = Infinity
  for (const [name, count] of counts) {
    if (count >= lowest) continue
    least = name
    lowest = count
    // Nothing is less frequent than once.
    if (count === 1) break
  }
  return [least, lowest]
}
