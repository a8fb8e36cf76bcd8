import { isObject } from '../options/shape.ts'
import type { RouteRecord } from '../routes.ts'

/** Effective rules of a record by key, and the layers that each value came from, outermost first, by path. */
export function rulesOfRecord (record: RouteRecord): { rules: Record<string, unknown>, origins: Record<string, string[]> } {
  const rules: Record<string, unknown> = {}
  const origins: Record<string, string[]> = {}
  for (const [key, { value, origin, members }] of record.rules) {
    if (value === undefined) continue
    rules[key] = key === 'apiKey' ? withoutKeys(value) : key === 'requireHeaders' ? withoutValues(value) : value
    const named = Object.entries(members)
    if (named.length === 0) origins[key] = [origin]
    for (const [member, from] of named) origins[`${key}.${member}`] = from
  }
  return { rules, origins }
}

/** A header that has to have one value is often a password between a proxy and the server. */
function withoutValues (rule: unknown): unknown {
  return isObject(rule) ? Object.fromEntries(Object.entries(rule).map(([name, wanted]) => [name, typeof wanted === 'string' ? '[redacted]' : wanted])) : rule
}

/** A list of routes gets into logs and onto pages; keys do not. */
function withoutKeys (rule: unknown): unknown {
  const { keys, ...rest } = rule as { keys?: unknown }
  return Array.isArray(keys) ? { ...rest, keys: keys.map(() => '[redacted]') } : rule
}
