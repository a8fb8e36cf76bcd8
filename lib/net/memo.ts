/**
 * Remembers what `make` answers, for the texts seen last. Two generations: when the newer is full it becomes the
 * older and the older is dropped, so that a hit costs one look-up and forgetting costs nothing.
 *
 * @param max texts in a generation
 * @param make answers `undefined` for what is not worth remembering
 */
export function memo<Value> (max: number, make: (text: string) => Value | undefined): (text: string) => Value | undefined {
  let young = new Map<string, Value>()
  let old = new Map<string, Value>()
  return (text) => {
    const hit = young.get(text)
    if (hit !== undefined) return hit
    // A part of a header is a view that would keep the whole header in memory.
    const key = Buffer.from(text).toString()
    const value = old.get(key) ?? make(key)
    if (value === undefined) return undefined
    if (young.size >= max) {
      old = young
      young = new Map()
    }
    young.set(key, value)
    return value
  }
}
