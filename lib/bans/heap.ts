/** What a heap orders; it writes the member's place there. */
export interface Timed { until: number, place: number }

/** Members by `until`, the soonest first. */
export interface Heap<T extends Timed> {
  readonly size: number
  first: () => T | undefined
  add: (member: T) => void
  remove: (member: T) => void
  clear: () => void
  values: () => readonly T[]
}

export function heap<T extends Timed> (): Heap<T> {
  let members: T[] = []

  function put (member: T, place: number): void {
    members[place] = member
    member.place = place
  }

  function rise (member: T, place: number): void {
    while (place > 0) {
      const above = (place - 1) >> 1
      if (members[above]!.until <= member.until) break
      put(members[above]!, place)
      place = above
    }
    put(member, place)
  }

  function sink (member: T, place: number): void {
    for (let below = place * 2 + 1; below < members.length; below = place * 2 + 1) {
      if (below + 1 < members.length && members[below + 1]!.until < members[below]!.until) below++
      if (members[below]!.until >= member.until) break
      put(members[below]!, place)
      place = below
    }
    put(member, place)
  }

  return {
    get size () { return members.length },
    first: () => members[0],
    add (member) {
      members.push(member)
      rise(member, members.length - 1)
    },
    remove (member) {
      const { place } = member
      const last = members.pop()!
      if (last === member) return
      rise(last, place)
      sink(last, last.place)
    },
    clear () { members = [] },
    values: () => members
  }
}
