/** What is looked for in an agent. */
export interface Pattern {
  /** A text that it has in it. */
  literal: string
  /** Asked where the literal is there; `undefined`: the literal is all there is. */
  pattern: RegExp | undefined
}

/**
 * One pass for all patterns, however many: three characters at a time are looked up in an index of the literals that
 * start with them.
 *
 * @returns what of it is in an agent; `text` is what literals are looked for in, e.g. the agent in lower case
 */
export function matcherOf<Each extends Pattern> (patterns: readonly Each[]): (agent: string, text?: string) => Each[] {
  const starts = new Map<number, Each[]>()
  const anywhere: Each[] = []
  // Most places start nothing: a byte tells that sooner than a Map.
  const some = new Uint8Array(0x4000)
  for (const each of patterns) {
    const { literal } = each
    if (literal.length < 3) {
      anywhere.push(each)
      continue
    }
    const key = keyAt(literal, 0)
    some[placeOf(key)] = 1
    const same = starts.get(key)
    if (same === undefined) starts.set(key, [each])
    else same.push(each)
  }
  return (agent, text = agent) => {
    const found = anywhere.filter(({ literal, pattern }) => text.includes(literal) && (pattern === undefined || pattern.test(agent)))
    const tried = new Set<Each>()
    for (let i = 0; i + 2 < text.length; i++) {
      const key = keyAt(text, i)
      const candidates = some[placeOf(key)] === 0 ? undefined : starts.get(key)
      if (candidates === undefined) continue
      for (const each of candidates) {
        if (tried.has(each) || !text.startsWith(each.literal, i)) continue
        tried.add(each)
        if (each.pattern === undefined || each.pattern.test(agent)) found.push(each)
      }
    }
    return found
  }
}

function placeOf (key: number): number {
  return (key ^ key >>> 7 ^ key >>> 14) & 0x3fff
}

function keyAt (text: string, at: number): number {
  return (text.charCodeAt(at) & 0x3ff) << 20 | (text.charCodeAt(at + 1) & 0x3ff) << 10 | text.charCodeAt(at + 2) & 0x3ff
}
