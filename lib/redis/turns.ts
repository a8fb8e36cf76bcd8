/** Lets others have their turn. */
export const breath = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve) })

export function firstOf<K, V> (map: ReadonlyMap<K, V>, count: number): Array<[K, V]> {
  const found: Array<[K, V]> = []
  for (const entry of map) if (found.push(entry) === count) break
  return found
}

/** Waits, but not for longer than that. */
export async function atMost (ms: number, done: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => { timer = setTimeout(resolve, ms) })
  await Promise.race([done, late])
  clearTimeout(timer)
}
