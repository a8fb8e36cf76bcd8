import { resolve } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { bans } from './bans/bans.ts'
import { farStrikes } from './bans/far-strikes.ts'
import { keepInFile } from './bans/file.ts'
import { bots } from './bots/bots.ts'
import { clouds } from './cloud/clouds.ts'
import { openClusterStore } from './cluster/store.ts'
import { history } from './explain/history.ts'
import type { Geo } from './geo/geo.ts'
import type { Guard } from './guard.ts'
import { limiter } from './limits/limiter.ts'
import { memoryStore } from './limits/memory.ts'
import type { AccessLog } from './log/access.ts'
import { clientReader } from './net/client.ts'
import { listReader } from './net/list.ts'
import { isObject } from './options/shape.ts'
import { shareBans } from './redis/bans.ts'
import { openRedisStore } from './redis/store.ts'
import { emitter } from './report.ts'
import { stats } from './stats.ts'
import { noOverlays } from './update.ts'
import type { GuardOptions } from '../types/index.ts'

/** Puts the services of one guard together; nothing of them is started yet. */
export function makeGuard (fastify: FastifyInstance, options: GuardOptions, geo: Geo | undefined, access: AccessLog | undefined): Guard {
  const { log } = fastify
  const clock = { now: Date.now }
  const now = (): number => clock.now()
  const lists = listReader({ log, now })
  const clients = clientReader({ clientIp: options.clientIp, ipv6Prefix: options.ipv6Prefix ?? 64, lists })
  const watchers: Guard['watchers'] = new Set()
  const emit = emitter({ log, watchers }, options.onEvent)
  const maxKeys = options.maxKeys ?? 250_000
  const local = memoryStore({ maxKeys, now })
  const { store } = options
  const redis = typeof store === 'object' && 'redis' in store ? openRedisStore(store, { app: fastify, log, now, emit, local }) : undefined
  const ipv6Prefix = options.ipv6Prefix ?? 64
  const cluster = typeof store === 'object' && 'cluster' in store ? openClusterStore(store, { log, now, emit, local }) : undefined
  const far = redis?.limits ?? cluster?.limits
  const limits = limiter({ store: far ?? local, now, ipv6Prefix })
  const banned = bans({ now, maxKeys, ipv6Prefix, onEvent: emit, geo, far: far && farStrikes(far, limits) })
  return {
    options,
    program: options,
    overlays: noOverlays(),
    clients,
    services: {
      app: fastify,
      now,
      lists,
      clients,
      geo,
      clouds: clouds({ options: options.cloudRanges, geo, redis, log, emit, now }),
      bans: banned,
      limiter: limits,
      bots: bots({ now, lists }),
      detectors: new WeakMap(),
      inFlight: new Map(),
      emergency: { enabled: options.emergency === true || (isObject(options.emergency) && options.emergency['enabled'] === true) }
    },
    stats: stats(),
    clock,
    history: history(),
    unread: new Set(),
    explaining: 0,
    memo: new Map(),
    log,
    routes: [],
    targets: undefined,
    late: new Map(),
    scopes: [],
    emit,
    watchers,
    traffic: undefined,
    redis,
    keptBans: redis !== undefined
      ? shareBans({ connection: redis.connection, bans: banned, now, maxKeys, emit })
      : typeof store === 'object' && 'file' in store ? keepInFile({ path: resolve(store.file), bans: banned, now, maxKeys, emit }) : cluster?.keep(banned),
    cluster,
    access
  }
}

/**
 * One after the other, since bans are written through the connection that is closed after them.
 *
 * @throws the first failure, once everything had its turn
 */
export async function closeAll ({ services, keptBans, redis, cluster, access }: Guard, rules: { close: () => void } | undefined): Promise<void> {
  const failures: unknown[] = []
  for (const part of [rules, services.lists, services.bots, keptBans, redis, cluster, services.clouds, services.geo, access]) {
    try {
      await part?.close()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}
