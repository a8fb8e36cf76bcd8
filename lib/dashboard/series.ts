/** Numbers over time, in constant space: the last 5 minutes by the second, the last hour by ten seconds. */
export interface Series {
  /** Adds to a lane's present second; a lane is made when it is first heard of. */
  add: (lane: string, value: number) => void
  /** Moves on to this time; what lies between becomes 0. */
  roll: (time: number) => void
  /** All lanes as they stand. */
  read: () => SeriesSnapshot
  /** The present second and the one before it, and the same of ten seconds, of each lane that is not 0 there. */
  last: () => SeriesUpdate
}

export interface SeriesSnapshot {
  /** The present second, since the epoch. */
  second: number
  /** Of each lane, oldest first: `FINE` seconds, and `COARSE` times ten seconds. */
  lanes: Record<string, { fine: number[], coarse: number[] }>
}

export interface SeriesUpdate {
  second: number
  /** Before and now, by the second; before and now, by ten seconds. */
  lanes: Record<string, [number, number, number, number]>
}

export const FINE = 300
export const COARSE = 360

/** More names than the checks of a version can have. */
const MOST_LANES = 200

interface Lane { fine: Float64Array, coarse: Float64Array }

/** @param time milliseconds since the epoch */
export function series (time: number): Series {
  const lanes = new Map<string, Lane>()
  let second = Math.floor(time / 1000)
  const ten = (): number => Math.floor(second / 10)

  function laneOf (name: string): Lane | undefined {
    let lane = lanes.get(name)
    if (lane === undefined && lanes.size < MOST_LANES) lanes.set(name, lane = { fine: new Float64Array(FINE), coarse: new Float64Array(COARSE) })
    return lane
  }

  return {
    add (name, value) {
      const lane = laneOf(name)
      if (lane === undefined) return
      lane.fine[second % FINE]! += value
      lane.coarse[ten() % COARSE]! += value
    },

    roll (time) {
      const to = Math.floor(time / 1000)
      // A machine that slept, or a clock that was set: nothing older than an hour is kept anyway. Backwards time stands still.
      if (to - second > COARSE * 10) second = to - COARSE * 10
      while (second < to) {
        second++
        for (const { fine, coarse } of lanes.values()) {
          fine[second % FINE] = 0
          if (second % 10 === 0) coarse[ten() % COARSE] = 0
        }
      }
    },

    read: () => ({
      second,
      lanes: Object.fromEntries([...lanes].map(([name, { fine, coarse }]) => [name, { fine: inOrder(fine, second), coarse: inOrder(coarse, ten()) }]))
    }),

    last () {
      const found: SeriesUpdate['lanes'] = {}
      for (const [name, { fine, coarse }] of lanes) {
        const values = [at(fine, second - 1), at(fine, second), at(coarse, ten() - 1), at(coarse, ten())] as SeriesUpdate['lanes'][string]
        if (values.some((value) => value !== 0)) found[name] = values
      }
      return { second, lanes: found }
    }
  }
}

function at (ring: Float64Array, place: number): number {
  return rounded(ring[place % ring.length]!)
}

function inOrder (ring: Float64Array, newest: number): number[] {
  return Array.from(ring, (_, i) => at(ring, newest + 1 + i))
}

/** Microseconds need no 17 digits on the wire. */
function rounded (value: number): number {
  return Math.round(value * 100) / 100
}
