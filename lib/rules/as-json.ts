import { isObject, join, type Problem } from '../options/shape.ts'

/** What of these options cannot be sent to other nodes as JSON: functions, expressions, instances. */
export function notJson (value: unknown, path = '', depth = 0): Problem[] {
  if (depth > 20) return [{ path, message: 'is nested too deeply' }]
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return []
  if (Array.isArray(value)) return value.flatMap((entry, i) => notJson(entry, `${path}[${i}]`, depth + 1))
  if (isObject(value) && [Object.prototype, null].includes(Object.getPrototypeOf(value) as null)) {
    return Object.entries(value).flatMap(([name, member]) => member === undefined ? [] : notJson(member, join(path, name), depth + 1))
  }
  const kind = typeof value === 'function' ? 'a function' : value instanceof RegExp ? 'a RegExp' : 'no plain data'
  return [{ path, message: `is ${kind}, which cannot be sent to other nodes` }]
}
