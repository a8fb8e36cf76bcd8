import type { FastifyInstance } from 'fastify'
import type { Guard } from '../../guard.ts'
import type { RouteRecord } from '../../routes.ts'

/** Something that the policy says but does not do, or does but should not. */
export interface Finding {
  lint: 'unreachable' | 'shadowed' | 'slow-expression' | 'proxy' | 'uncovered'
  /** Where: the option's path, after the route if the value is a route's own. */
  path: string
  message: string
}

/** A value of the effective rules of a route. */
export interface Place {
  record: RouteRecord
  key: string
  value: unknown
}

export interface Linted { app: FastifyInstance, guard: Guard }

/** The path of a member of a place: a route's own value is named with its route, others once for all routes. */
export function pathOf ({ record, key }: Place, member?: string): string {
  const rule = record.rules.get(key)
  const origin = (member === undefined ? undefined : rule?.members[member]?.at(-1)) ?? rule?.origin ?? 'plugin'
  const path = member === undefined ? key : `${key}.${member}`
  return origin === 'route' ? `${record.methods.join(',')} ${record.url ?? '(none)'} config.guard.${path}` : origin === 'plugin' || origin === 'default' ? path : `${origin} ${path}`
}
