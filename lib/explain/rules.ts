import type { RouteRecord } from '../routes.ts'

/** Effective rules of a record by key, and the layers that each value came from, outermost first, by path. */
export function rulesOfRecord (record: RouteRecord): { rules: Record<string, unknown>, origins: Record<string, string[]> } {
  const rules: Record<string, unknown> = {}
  const origins: Record<string, string[]> = {}
  for (const [key, { value, origin, members }] of record.rules) {
    if (value === undefined) continue
    rules[key] = key === 'apiKey' ? withoutKeys(value) : value
    const named = Object.entries(members)
    if (named.length === 0) origins[key] = [origin]
    for (const [member, from] of named) origins[`${key}.${member}`] = from
  }
  return { rules, origins }
}

/** A list of routes gets into logs and onto pages; keys do not. */
function withoutKeys (rule: unknown): unknown {
  const { keys, ...rest } = rule as { keys?: unknown }
  return Array.isArray(keys) ? { ...rest, keys: keys.map(() => '[redacted]') } : rule
}
