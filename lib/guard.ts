import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { BanKeeper } from './bans/keep.ts'
import type { Services, Visit } from './check.ts'
import type { ClusterStore } from './cluster/store.ts'
import type { Memo } from './compile.ts'
import type { Traffic } from './dashboard/traffic.ts'
import type { History } from './explain/history.ts'
import type { RouteTable } from './headers/targets.ts'
import type { AccessLog } from './log/access.ts'
import type { ClientReader } from './net/client.ts'
import type { RedisStore } from './redis/store.ts'
import type { RouteRecord } from './routes.ts'
import type { Scope } from './scope.ts'
import type { Stats } from './stats.ts'
import type { Overlays } from './update.ts'
import type { GuardEvent, GuardOptions } from '../types/index.ts'

/** The state of one registered guard. Nothing of it is shared with another app in the process. */
export interface Guard {
  /** As they are in force. */
  options: GuardOptions
  /** As the program gave them. */
  program: GuardOptions
  /** What is laid over those of the program. */
  overlays: Overlays
  services: Services
  clients: ClientReader
  stats: Stats
  /** Where `services.now` takes the time from; tests replace it. */
  clock: { now: () => number }
  /** Recent refusals and reports. */
  history: History
  /** Routes whose unread bodies were told of. */
  unread: Set<string>
  /** Explanations under way; 0 costs requests nothing. */
  explaining: number
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
  /** Parts of the guard that see every event; none of them throws. */
  watchers: Set<(event: GuardEvent) => void>
  /** `undefined`: nobody looks at it. */
  traffic: Traffic | undefined
  /** `undefined`: no file is wanted. */
  access: AccessLog | undefined
  /** `undefined`: state is kept in memory. */
  redis: RedisStore | undefined
  /** `undefined`: no primary process keeps state. */
  cluster: ClusterStore | undefined
  /** `undefined`: bans are known to this process alone. */
  keptBans: BanKeeper | undefined
}

// Of the registry: a compiler to CommonJS may load the package a second time, and the command line has to find the guard.
export const kGuard = Symbol.for('fastify-api-guard')
export const kScope = Symbol.for('fastify-api-guard.scope')
export const kVisit = Symbol.for('fastify-api-guard.visit')
export const kRecord = Symbol.for('fastify-api-guard.record')
/** In the `config` of the guard's own routes. */
export const kOwn = Symbol.for('fastify-api-guard.own')

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
