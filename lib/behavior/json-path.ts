/** Steps of a path: names of members, positions, and `undefined` for every entry of a list. */
type Step = string | number | undefined

/** Entries of lists that are looked at in one answer. */
const MOST = 10_000

/** Reads a path such as `items[].type`, `error.code` or `[0].id`; `undefined` if it is none. */
export function parsePath (text: string): Step[] | undefined {
  if (!/^(?:[^.[\]]+(?:\[\d*\])*|(?:\[\d*\])+)(?:\.[^.[\]]+(?:\[\d*\])*)*$/.test(text)) return undefined
  return [...text.matchAll(/\[(\d*)\]|[^.[\]]+/g)].map(([part, position]) => {
    if (position === undefined) return part
    return position === '' ? undefined : Number(position)
  })
}

/** Whether a value that the path leads to equals `wanted`. */
export function leadsTo (root: unknown, path: readonly Step[], wanted: unknown): boolean {
  let values = [root]
  for (const step of path) {
    const next: unknown[] = []
    for (const value of values) {
      if (step === undefined || typeof step === 'number') {
        if (!Array.isArray(value)) continue
        if (step === undefined) next.push(...value.slice(0, MOST - next.length))
        else if (step < value.length) next.push(value[step])
      } else if (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, step)) {
        next.push((value as Record<string, unknown>)[step])
      }
    }
    values = next
  }
  return values.includes(wanted)
}
