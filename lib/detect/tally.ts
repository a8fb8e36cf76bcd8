/** What detection found and cost, over all detectors of one app. */
export interface DetectionTally {
  /** Findings by rule. */
  matches: Map<string, number>
  /** Requests and bodies judged. */
  calls: number
  /** How many of them were timed, and how long those took. */
  sampled: number
  millis: number
  /** Milliseconds in the application's own rules, within the timed calls. */
  own: Map<string, number>
  /** A timed call is under way. */
  timing: boolean
}

export interface DetectionStats {
  /** Requests and bodies judged. */
  calls: number
  /** Mean microseconds of one, measured on one in 64. */
  micros: number
  /** Rules that have found something, and the application's own: findings, and of the latter the mean microseconds they take of a call. */
  rules: Record<string, { matches: number, micros?: number }>
}

/** One call in this many is timed, so that the clock costs the others nothing; a power of two. */
const EVERY = 64

export function detectionTally (): DetectionTally {
  return { matches: new Map(), calls: 0, sampled: 0, millis: 0, own: new Map(), timing: false }
}

/** Counts a call; whether it is one to be timed. */
export function due (tally: DetectionTally): boolean {
  return (++tally.calls & (EVERY - 1)) === 0
}

export function timed<Result> (tally: DetectionTally, run: () => Result): Result {
  const from = performance.now()
  tally.timing = true
  try {
    return run()
  } finally {
    tally.timing = false
    tally.millis += performance.now() - from
    tally.sampled++
  }
}

/** An own rule's test that is timed while its call is. */
export function clocked (tally: DetectionTally, id: string, test: (value: string) => boolean): (value: string) => boolean {
  return (value) => {
    if (!tally.timing) return test(value)
    const from = performance.now()
    try {
      return test(value)
    } finally {
      tally.own.set(id, (tally.own.get(id) ?? 0) + performance.now() - from)
    }
  }
}

export function readTally ({ matches, calls, sampled, millis, own }: DetectionTally): DetectionStats {
  const rules: DetectionStats['rules'] = {}
  for (const [id, found] of matches) rules[id] = { matches: found }
  for (const [id, time] of own) rules[id] = { matches: matches.get(id) ?? 0, micros: sampled === 0 ? 0 : time * 1000 / sampled }
  return { calls, micros: sampled === 0 ? 0 : millis * 1000 / sampled, rules }
}

export function resetTally (tally: DetectionTally): void {
  Object.assign(tally, { ...detectionTally(), matches: tally.matches, own: tally.own, timing: tally.timing })
  tally.matches.clear()
  tally.own.clear()
}
