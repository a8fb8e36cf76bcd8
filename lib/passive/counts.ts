import { top, type Top } from '../counts/top.ts'
import type { PassiveCount } from '../../types/index.ts'

/** What passive rules would have refused, by rule, with the routes and clients that it would have hit most. */
export interface PassiveCounts {
  count: (check: string, rule: string, route: string, client: string) => void
  read: () => PassiveCount[]
  reset: () => void
}

/** Rules that are told apart; all others of a check count as `(others)`. */
const MOST_RULES = 200
/** Routes and clients of a rule; those that come rarely make room. */
const MOST_NAMES = 50
const SHOWN = 10

interface Kept { check: string, rule: string, count: number, routes: Top, clients: Top }

export function passiveCounts (): PassiveCounts {
  const rules = new Map<string, Kept>()

  function keptOf (check: string, rule: string): Kept {
    const key = `${check} ${rule}`
    let kept = rules.get(key)
    if (kept !== undefined) return kept
    if (rules.size >= MOST_RULES && rule !== '(others)') return keptOf(check, '(others)')
    rules.set(key, kept = { check, rule, count: 0, routes: top(MOST_NAMES), clients: top(MOST_NAMES) })
    return kept
  }

  const shown = (names: Top): PassiveCount['routes'] => names.read().slice(0, SHOWN).map(({ name, reported }) => ({ name, count: reported }))
  return {
    count (check, rule, route, client) {
      const kept = keptOf(check, rule)
      kept.count++
      kept.routes.add(route, 'reported')
      kept.clients.add(client, 'reported')
    },
    read: () => [...rules.values()].sort((one, other) => other.count - one.count)
      .map(({ check, rule, count, routes, clients }) => ({ check, rule, count, routes: shown(routes), clients: shown(clients) })),
    reset: () => rules.clear()
  }
}
