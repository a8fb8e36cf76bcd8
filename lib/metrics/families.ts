import type { Guard } from '../guard.ts'
import type { GuardApi, GuardStats } from '../../types/index.ts'
import type { Sample, VerdictTallies } from './tally.ts'

/** A metric that is read when somebody asks for it; one list of them serves Prometheus and OpenTelemetry. */
export interface Family {
  /** In the style of Prometheus, without prefix; counters without `_total`. */
  name: string
  help: string
  type: 'counter' | 'gauge'
  labels: readonly string[]
  read: () => Sample[]
}

/** Routes that are told apart; the rest is counted together. */
const MOST_ROUTES = 500

export function families (guard: Guard, api: GuardApi, { verdicts, matches }: VerdictTallies): Family[] {
  const stats = (): GuardStats => api.stats()
  const one = (value: number | boolean | undefined): Sample[] => value === undefined ? [] : [{ labels: {}, value: Number(value) }]
  const gauge = (name: string, help: string, read: () => Sample[], ...labels: string[]): Family => ({ name, help, type: 'gauge', labels, read })
  const counter = (name: string, help: string, read: () => Sample[], ...labels: string[]): Family => ({ name, help, type: 'counter', labels, read })
  return [
    counter('requests', 'Requests that the guard saw, by route', () => requests(guard), 'route'),
    counter('verdicts', 'Refusals (mode enforce), and what passive rules would have refused', verdicts.samples, 'check', 'code', 'route', 'mode'),
    counter('attacks', 'Attacks that were found, by category and rule', matches.samples, 'category', 'rule', 'mode'),
    counter('detections', 'Requests and bodies that detection judged', () => one(stats().detection.calls)),
    gauge('detection_mean_seconds', 'What a detection takes on average; one in 64 is timed', () => one(stats().detection.micros / 1e6)),
    gauge('detection_rule_mean_seconds', "What each of the application's own rules takes of a detection on average", () => ownRules(stats()), 'rule'),
    gauge('emergency', '1 while emergency mode is on', () => one(stats().emergency)),
    gauge('bans', 'Bans in force', () => one(stats().bans['active'])),
    counter('bans_made', 'Bans that were made', () => one(stats().bans['made'])),
    gauge('limit_keys', 'Keys that rate limits count in memory', () => one(stats().limits['keys'])),
    counter('limit_keys_evicted', 'Keys that were forgotten early, for want of room', () => one(stats().limits['evicted'])),
    gauge('store_up', '1 while the store answers', () => one(stats().store.state === 'up')),
    counter('store_calls', 'Calls to Redis', () => one(stats().store.calls)),
    counter('store_failures', 'Calls to Redis that failed', () => one(stats().store.failures)),
    counter('store_fallbacks', 'Requests that store.onError decided', () => one(stats().store.fallbacks)),
    gauge('database_age_seconds', 'Age of each geo database', () => Object.values(stats().geo).map(({ type, age }) => ({ labels: { database: type }, value: age / 1000 })), 'database'),
    gauge('cloud_ranges_age_seconds', 'Time since a provider last confirmed its ranges', () => Object.entries(stats().cloud).flatMap(([provider, { age }]) => age === undefined ? [] : [{ labels: { provider }, value: age / 1000 }]), 'provider'),
    gauge('list_age_seconds', 'Time since a file, address, host or function of a list was last loaded or found unchanged', () => Object.entries(stats().lists).flatMap(([list, { age }]) => age === undefined ? [] : [{ labels: { list }, value: age / 1000 }]), 'list')
  ]
}

function ownRules ({ detection: { rules } }: GuardStats): Sample[] {
  return Object.entries(rules).flatMap(([rule, { micros }]) => micros === undefined ? [] : [{ labels: { rule }, value: micros / 1e6 }])
}

/** One sample for each pattern: methods of a route are counted together. */
function requests ({ routes, late, scopes }: Guard): Sample[] {
  const counts = new Map<string, number>()
  for (const { url = '(none)', requests } of [...routes, ...late.values(), ...scopes.flatMap(({ unmatched }) => unmatched ?? [])]) {
    const route = counts.has(url) || counts.size < MOST_ROUTES ? url : '(other)'
    counts.set(route, (counts.get(route) ?? 0) + requests)
  }
  return [...counts].map(([route, value]) => ({ labels: { route }, value }))
}
