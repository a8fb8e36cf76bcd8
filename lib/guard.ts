import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Services, Visit } from './check.ts'
import type { Memo } from './compile.ts'
import type { RouteTable } from './headers/targets.ts'
import type { AccessLog } from './log/access.ts'
import type { ClientReader } from './net/client.ts'
import type { RedisStore } from './redis/store.ts'
import type { RouteRecord } from './routes.ts'
import type { Scope } from './scope.ts'
import type { Stats } from './stats.ts'
import type { GuardEvent, GuardOptions } from '../types/index.ts'

/** The state of one registered guard. Nothing of it is shared with another app in the process. */
export interface Guard {
  options: GuardOptions
  services: Services
  clients: ClientReader
  stats: Stats
  memo: Memo
  log: FastifyBaseLogger
  routes: RouteRecord[]
  /** Finds a preflight's target; `undefined` where no layer has `cors`. */
  targets: RouteTable<RouteRecord> | undefined
  /** Routes that `onRoute` never saw, found by their first request. */
  late: Map<object, RouteRecord>
  /** All registrations, outer ones first. */
  scopes: Scope[]
  emit: (event: GuardEvent) => void
  /** `undefined`: no file is wanted. */
  access: AccessLog | undefined
  /** `undefined`: state is kept in memory. */
  redis: RedisStore | undefined
}

export const kGuard = Symbol('fastify-api-guard')
export const kScope = Symbol('fastify-api-guard.scope')
export const kVisit = Symbol('fastify-api-guard.visit')
export const kRecord = Symbol('fastify-api-guard.record')

/** What stands under our symbols on Fastify's objects. */
export interface GuardedInstance { [kGuard]?: Guard, [kScope]?: Scope }
export interface GuardedRequest { [kVisit]: Visit | null }

export function guardOf (instance: FastifyInstance): Guard | undefined {
  return (instance as GuardedInstance)[kGuard]
}

export function scopeOf (instance: FastifyInstance): Scope | undefined {
  return (instance as GuardedInstance)[kScope]
}

export function visitOf (request: FastifyRequest): Visit | null {
  return (request as unknown as GuardedRequest)[kVisit]
}

export function setVisit (request: FastifyRequest, visit: Visit): void {
  (request as unknown as GuardedRequest)[kVisit] = visit
}

export type Hook = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void
