import { isObject } from '../options/shape.ts'
import type { PassiveCount, RouteInfo } from '../../types/index.ts'

/** A rule that only reports, and what it would have refused. */
export interface Promotion {
  /** Key of the rules; `*` is the plugin's `mode`. */
  key: string
  /** Layers that the rule comes from. */
  origins: string[]
  routes: string[]
  /** Requests that it would have refused. */
  count: number
  found: PassiveCount[]
}

/**
 * What one should know before passive rules are made to refuse.
 *
 * @param routes of `app.guard.routes()`
 * @param counts `passive` of `app.guard.stats()`
 */
export function promotions (routes: ReadonlyArray<Pick<RouteInfo, 'url' | 'rules' | 'origins'>>, counts: readonly PassiveCount[], mode: string | undefined): Promotion[] {
  const found = new Map<string, Promotion>()
  for (const { url = '(none)', rules, origins } of routes) {
    for (const [key, rule] of Object.entries(rules)) {
      if (mode !== 'passive' && !(Array.isArray(rule) ? rule : [rule]).some(isPassive)) continue
      let promotion = found.get(key)
      if (promotion === undefined) found.set(key, promotion = { key, origins: [], routes: [], count: 0, found: counts.filter(({ check }) => check === key) })
      promotion.count = promotion.found.reduce((sum, { count }) => sum + count, 0)
      if (!promotion.routes.includes(url)) promotion.routes.push(url)
      for (const origin of origins[`${key}.mode`] ?? origins[key] ?? []) if (!promotion.origins.includes(origin)) promotion.origins.push(origin)
    }
  }
  return [...found.values()].sort((one, other) => one.count - other.count)
}

function isPassive (rule: unknown): boolean {
  return isObject(rule) && rule['mode'] === 'passive'
}

/** The same for people. */
export function promotionText (list: readonly Promotion[]): string {
  if (list.length === 0) return 'no rule is passive\n'
  return list.map(({ key, origins, routes, count, found }) => {
    const where = `${origins.length === 0 ? '' : ` (${origins.join(', ')})`} on ${routes.length} ${routes.length === 1 ? 'route' : 'routes'}`
    const head = count === 0 ? `${key}${where}: would have refused nothing; mode: 'enforce' changes nothing that was seen\n` : `${key}${where}: would have refused ${count} requests\n`
    return head + found.map((each) => `  ${each.count} ${each.rule}: ${names('routes', each.routes)}; ${names('clients', each.clients)}\n`).join('')
  }).join('')
}

function names (title: string, list: PassiveCount['routes']): string {
  return `${title} ${list.slice(0, 5).map(({ name, count }) => `${name} ${count}`).join(', ')}${list.length > 5 ? ', ...' : ''}`
}

/** Counts as they stand in a file or an answer: all of `stats()`, or its `passive` alone. @throws {Error} if they are none */
export function readCounts (data: unknown): PassiveCount[] {
  const list: unknown = isObject(data) ? data['passive'] : data
  const isNames = (value: unknown): boolean => Array.isArray(value) && value.every((entry) => isObject(entry) && typeof entry['name'] === 'string' && typeof entry['count'] === 'number')
  if (!Array.isArray(list) || !list.every((each) => isObject(each) && typeof each['check'] === 'string' && typeof each['rule'] === 'string' && typeof each['count'] === 'number' && isNames(each['routes']) && isNames(each['clients']))) {
    throw new Error('is not what app.guard.stats() gives: it has no "passive"')
  }
  return list as PassiveCount[]
}
