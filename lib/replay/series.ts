/** Counts over time, as a plot takes them. */
export interface Series {
  /** Milliseconds that each step is long. */
  step: number
  /** Start of the first step, in milliseconds since the epoch. */
  start: number
  /** All requests. */
  requests: number[]
  /** Refused ones, by check. */
  refused: Record<string, number[]>
}

const MOST_STEPS = 600

export interface Counter {
  /** @param check that refused the request */
  add: (time: number, check: string | undefined) => void
  read: () => Series
}

/**
 * Counts in steps whose length follows the log's: when there are too many, two become one. A time far outside
 * (a log with a wrong date in it) makes them long, never many.
 */
export function series (): Counter {
  let step = 1000
  let steps = new Map<number, Map<string, number>>()
  const least = (): number => Math.min(...steps.keys())
  const most = (): number => Math.max(...steps.keys())
  let first = Infinity
  let last = -Infinity

  function coarsen (): void {
    while (Math.floor(last / step) - Math.floor(first / step) >= MOST_STEPS) step *= 2
    const wider = new Map<number, Map<string, number>>()
    for (const [start, counts] of steps) {
      const at = Math.floor(start / step) * step
      const into = wider.get(at) ?? new Map<string, number>()
      for (const [name, count] of counts) into.set(name, (into.get(name) ?? 0) + count)
      wider.set(at, into)
    }
    steps = wider
  }

  return {
    add (time, check) {
      if (time < first || time > last) {
        first = Math.min(first, time)
        last = Math.max(last, time)
        if (Math.floor(last / step) - Math.floor(first / step) >= MOST_STEPS) coarsen()
      }
      const at = Math.floor(time / step) * step
      let counts = steps.get(at)
      if (counts === undefined) steps.set(at, counts = new Map())
      counts.set('', (counts.get('') ?? 0) + 1)
      if (check !== undefined) counts.set(check, (counts.get(check) ?? 0) + 1)
    },
    read () {
      if (steps.size === 0) return { step, start: 0, requests: [], refused: {} }
      const start = least()
      const length = (most() - start) / step + 1
      const names = [...new Set([...steps.values()].flatMap((counts) => [...counts.keys()]))].filter((name) => name !== '')
      const row = (name: string): number[] => Array.from({ length }, (_, i) => steps.get(start + i * step)?.get(name) ?? 0)
      return { step, start, requests: row(''), refused: Object.fromEntries(names.map((name) => [name, row(name)])) }
    }
  }
}
