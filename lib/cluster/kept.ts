import { heap, type Timed } from '../bans/heap.ts'
import type { SentBan } from './messages.ts'

/** The bans of all workers, as they were sent: what a name stands for is for the workers to say. */
export interface KeptBans {
  apply: (ban: SentBan) => void
  names: () => string[]
  /** Those of these names that are in force. */
  of: (names: readonly string[]) => SentBan[]
}

type Kept = Extract<SentBan, { until: number }> & Timed

/** Bans that have ended and are dropped by one call at most: thousands may end at one moment. */
const DROPS = 500

/** @param maxKeys most bans; one more takes the place of the one that would end first */
export function keptBans (maxKeys: number, now: () => number = Date.now): KeptBans {
  const byName = new Map<string, Kept>()
  const byEnd = heap<Kept>()

  function remove (ban: Kept): void {
    byName.delete(ban.client)
    byEnd.remove(ban)
  }

  function dropEnded (): void {
    const time = now()
    let ban = byEnd.first()
    for (let i = 0; i < DROPS && ban !== undefined && ban.until <= time; i++, ban = byEnd.first()) remove(ban)
  }

  return {
    apply (ban) {
      dropEnded()
      const before = byName.get(ban.client)
      if (before !== undefined) remove(before)
      if (!('until' in ban)) return
      if (byEnd.size >= maxKeys) remove(byEnd.first()!)
      const kept = { ...ban, place: 0 }
      byName.set(kept.client, kept)
      byEnd.add(kept)
    },
    names: () => [...byName.keys()],
    of (names) {
      dropEnded()
      const time = now()
      return names.flatMap((name) => {
        const ban = byName.get(name)
        if (ban === undefined || ban.until <= time) return []
        const { place, ...sent } = ban
        return [sent]
      })
    }
  }
}
