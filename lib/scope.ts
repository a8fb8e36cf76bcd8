import type { FastifyInstance } from 'fastify'
import { hint, type Problem } from './options/shape.ts'
import { merge, type EffectiveRules, type Layer } from './merge.ts'
import type { GuardRules, RouteGuard } from '../types/index.ts'
import type { RouteRecord } from './routes.ts'

/** A registration of the guard: the root's, or one in a child scope. Routes belong to the nearest. */
export interface Scope {
  parent: Scope | undefined
  instance: FastifyInstance
  layer: Layer
  /** Of this registration only. */
  own: Record<string, GuardRules>
  /** Effective rules of all layers down to this one. */
  rules: EffectiveRules
  policies: ReadonlyMap<string, GuardRules>
  /** What applies to requests of this scope that match no route. */
  unmatched: RouteRecord | undefined
}

/** Detection and headers are on. Emergency mode and bans are there to be switched on and made at run time. */
const defaults: EffectiveRules = merge([{ origin: 'default', id: 'default', rules: { emergency: {}, ban: {}, detection: {}, securityHeaders: {} } }])

export function rootScope (instance: FastifyInstance, rules: GuardRules, policies: Record<string, GuardRules> = {}): Scope {
  return refresh({ parent: undefined, instance, layer: { origin: 'plugin', id: 'plugin', rules }, own: policies, rules: defaults, policies: new Map(), unmatched: undefined })
}

export function childScope (parent: Scope, instance: FastifyInstance, id: number, rules: GuardRules, policies: Record<string, GuardRules> = {}): Scope {
  const layer: Layer = { origin: `scope ${instance.prefix === '' ? '/' : instance.prefix}`, id: `scope${id}`, rules }
  return refresh({ parent, instance, layer, own: policies, rules: defaults, policies: new Map(), unmatched: undefined })
}

/** Merges a scope's layers again, after one of them has changed; outer scopes first. */
export function refresh (scope: Scope): Scope {
  scope.rules = merge([scope.layer], scope.parent?.rules ?? defaults)
  scope.policies = new Map([...(scope.parent?.policies ?? []), ...Object.entries(scope.own)])
  return scope
}

/** The registration that a policy's name comes from: children may use one name for different policies. */
function ownerOf (scope: Scope, name: string): Scope {
  return scope.parent === undefined || Object.hasOwn(scope.own, name) ? scope : ownerOf(scope.parent, name)
}

/**
 * The layers that a route's `config.guard` adds, outermost first: named policies, then its own rules.
 * Names that no policy has are reported.
 */
export function routeLayers (scope: Scope, value: RouteGuard | undefined, url: string, problems: Problem[], path = 'config.guard'): Layer[] {
  if (value === undefined) return []
  if (Array.isArray(value)) return (value as RouteGuard[]).flatMap((entry, i) => routeLayers(scope, entry, url, problems, `${path}[${i}]`))
  if (value === false) return [{ origin: 'route', id: `route:${url}`, rules: false }]
  if (typeof value !== 'string') return [{ origin: 'route', id: `route:${url}`, rules: value as GuardRules }]
  const rules = scope.policies.get(value)
  if (rules !== undefined) return [{ origin: `policy ${value}`, id: `${ownerOf(scope, value).layer.id}.policy:${value}`, rules }]
  problems.push({ path, message: `names no policy: ${JSON.stringify(value)}${hint(value, [...scope.policies.keys()])}` })
  return []
}
