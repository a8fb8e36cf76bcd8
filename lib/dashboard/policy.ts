import type { Guard } from '../guard.ts'
import type { GuardApi, RouteInfo } from '../../types/index.ts'

/** Routes with their effective rules and where each came from, without the dashboard's own. */
export function policies (guard: Guard, api: GuardApi): unknown[] {
  const own = new Set(guard.routes.filter(({ own }) => own).map(({ url }) => url))
  return api.routes().filter(({ url, methods }) => !own.has(url) && !isTwin(methods)).map(({ methods, url, guarded, late, checks, rules, origins }) => ({
    methods, url: url ?? '(none)', guarded, late, checks, rules: plain(rules), origins
  }))
}

/** Fastify declares a HEAD route beside each GET. */
function isTwin (methods: RouteInfo['methods']): boolean {
  return methods.length === 1 && methods[0] === 'HEAD'
}

/** Rules as they can be read: functions by their name, expressions as they are written. */
function plain (rules: unknown): unknown {
  return JSON.parse(JSON.stringify(rules, (_name, value: unknown) =>
    typeof value === 'function' ? `[function${value.name === '' ? '' : ` ${value.name}`}]` : value instanceof RegExp ? String(value) : typeof value === 'bigint' ? String(value) : value))
}
