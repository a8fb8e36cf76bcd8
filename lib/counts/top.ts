export interface Group { name: string, refused: number, reported: number }

export interface TopEntry { name: string, count: number }

/** The names that come most often. */
export interface Top {
  add: (name: string, type: 'refused' | 'reported') => void
  /** The most frequent first. */
  read: () => Group[]
}

interface Place { group: Group, at: number }

/**
 * Counts at most `size` names: exact as long as there are no more; then the least frequent makes room for a new one,
 * which takes over its count. What comes often is never lost, and a count is too high by at most the least one.
 * Space-Saving: Metwally, Agrawal and El Abbadi, "Efficient Computation of Frequent and Top-k Elements in Data Streams", 2005.
 *
 * All names may be new, so that adding takes the same few steps whatever stands there: places are kept in order, and one
 * that is counted changes with the first of those that had its count.
 */
export function top (size: number): Top {
  const names = new Map<string, Place>()
  /** The most frequent first. */
  const places: Place[] = []
  /** Where those of a count begin. */
  const firsts = new Map<number, number>()

  function placeFor (name: string): Place {
    let place: Place
    if (places.length < size) {
      place = { group: { name, refused: 0, reported: 0 }, at: places.length }
      places.push(place)
    } else {
      place = places.at(-1)!
      names.delete(place.group.name)
      place.group = { ...place.group, name }
    }
    names.set(name, place)
    return place
  }

  /** Makes a place the first of its count, and then the last of the count above. */
  function raise (place: Place): void {
    const count = sum(place.group)
    const first = firsts.get(count) ?? place.at
    const other = places[first]!
    places[place.at] = other
    other.at = place.at
    places[first] = place
    place.at = first
    const next = places[first + 1]
    if (next !== undefined && sum(next.group) === count) firsts.set(count, first + 1)
    else firsts.delete(count)
    if (!firsts.has(count + 1)) firsts.set(count + 1, first)
  }

  return {
    add (name, type) {
      const place = names.get(name) ?? placeFor(name)
      raise(place)
      place.group[type]++
    },
    read: () => [...names.values()].map(({ group }) => group).sort((one, other) => sum(other) - sum(one))
  }
}

/** Counts by period, so that what was frequent once is forgotten. */
export interface RecentTop {
  add: Top['add']
  /** Most frequent first, of this period and the one before. */
  read: (most: number) => TopEntry[]
  /** Starts a new period; the one before still counts until the next. */
  rotate: () => void
}

/** @param size names kept in a period; two periods are kept */
export function recentTop (size = 100): RecentTop {
  let now = top(size)
  let before: Group[] = []
  return {
    add: (name, type) => now.add(name, type),
    read: (most) => mostOf([...before, ...now.read()], most),
    rotate () {
      before = now.read()
      now = top(size)
    }
  }
}

/** Those with the highest sums; of equal ones those that come first in the alphabet. */
export function mostOf (groups: readonly Group[], most: number): TopEntry[] {
  const sums = new Map<string, number>()
  for (const group of groups) sums.set(group.name, (sums.get(group.name) ?? 0) + sum(group))
  return [...sums].map(([name, count]) => ({ name, count })).sort((one, other) => other.count - one.count || (one.name < other.name ? -1 : 1)).slice(0, most)
}

function sum ({ refused, reported }: Group): number {
  return refused + reported
}
