/** The name that was probably meant by `wrong`, if one of `names` is near enough. */
export function nearest (wrong: string, names: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Math.max(1, Math.min(3, Math.floor(wrong.length / 2))) + 1
  for (const name of names) {
    const distance = edits(wrong.slice(0, 40).toLowerCase(), name.toLowerCase())
    if (distance < least) {
      least = distance
      best = name
    }
  }
  return best
}

/** Levenshtein's distance: single letters inserted, deleted or replaced. */
function edits (a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
