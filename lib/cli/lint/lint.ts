import { unseenRoutes } from '../../coverage.ts'
import { isBelow } from '../../options/path-prefix.ts'
import { unmatchedRecord } from '../../routes.ts'
import { lintExpressions } from './expressions.ts'
import type { Finding, Linted, Place } from './finding.ts'
import { lintLists, named, shadowed } from './lists.ts'
import { lintProxies } from './proxies.ts'
import { lintRules } from './rules.ts'

/** All that can be seen of a policy without a request. What many routes share is told once. */
export async function lint (linted: Linted): Promise<Finding[]> {
  const { app, guard } = linted
  const found = [...uncovered(linted), ...unused(linted)]
  for (const record of [...guard.routes, unmatchedRecord(app)]) {
    for (const [key, { value }] of record.rules) {
      if (value === undefined || value === false) continue
      const place: Place = { record, key, value }
      found.push(...lintLists(place), ...lintRules(place), ...cached(place))
    }
  }
  shadowed(named(guard.options.clientIp?.trustedProxies), (message) => found.push({ lint: 'shadowed', path: 'clientIp.trustedProxies', message }))
  found.push(...await lintProxies(linted))
  const seen = new Set<string>()
  return found.filter(({ path, message }) => {
    // Fastify declares a HEAD route beside each GET.
    const name = `${path.replace(/^HEAD /, 'GET ')} ${message}`
    return !seen.has(name) && seen.add(name)
  })
}

/** Trying an expression takes a while; routes share it. */
const tried = new WeakMap<object, Finding[]>()

function cached (place: Place): Finding[] {
  if (typeof place.value !== 'object' || place.value === null) return []
  const known = tried.get(place.value) ?? lintExpressions(place)
  tried.set(place.value, known)
  return known
}

function uncovered ({ app, guard }: Linted): Finding[] {
  return unseenRoutes(guard, app).map((route) => ({ lint: 'uncovered', path: route, message: 'was declared before the guard, or beside a register() that was not awaited: its own rules are not known at start' }))
}

/** Names and prefixes that nothing uses. */
function unused ({ guard }: Linted): Finding[] {
  const { exclude = [], policies = {} } = guard.options
  const found: Finding[] = []
  for (const prefix of exclude) {
    if (!guard.routes.some(({ url }) => url !== undefined && isBelow(url, prefix))) found.push({ lint: 'unreachable', path: 'exclude', message: `no route is below ${prefix}` })
  }
  const named = new Set(guard.routes.flatMap(({ value }) => Array.isArray(value) ? value : [value]))
  for (const name of Object.keys(policies)) {
    if (!named.has(name)) found.push({ lint: 'unreachable', path: `policies.${name}`, message: 'no route names this policy' })
  }
  return found
}
