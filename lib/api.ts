import type { FastifyInstance } from 'fastify'
import type { Guard } from './guard.ts'
import { compileRecord, unmatchedRecord, type RouteRecord } from './routes.ts'
import { update } from './update.ts'
import { milliseconds } from './options/shape.ts'
import { GUARD_OPTION_INVALID } from './errors.ts'
import { websocketGuard } from './websocket.ts'
import type { GuardApi, GuardRules, RouteInfo } from '../types/index.ts'

const HOUR = 3_600_000

/** `app.guard`: what an application can see and steer at run time. */
export function guardApi (guard: Guard, instance: FastifyInstance): GuardApi {
  const { bans, limiter, emergency, lists } = guard.services
  let timer: NodeJS.Timeout | undefined
  const setEmergency = (enabled: boolean): void => {
    emergency.enabled = enabled
    guard.emit({ type: 'emergency', time: guard.services.now(), enabled })
  }
  // A timer takes at most 2 ** 31 - 1 ms and would end a longer one at once.
  const switchOffAt = (end: number): void => {
    const left = end - Date.now()
    timer = setTimeout(() => { if (Date.now() >= end) setEmergency(false); else switchOffAt(end) }, Math.min(left, 2 ** 31 - 1)).unref()
  }
  return {
    ban: (target, { duration = HOUR, reason = 'manual' } = {}) => bans.add(target, { duration: time(duration, 'duration'), reason }),
    unban: (target) => bans.lift(target),
    bans: () => bans.list(),
    limits: { peek: limiter.peek, consume: limiter.consume, reset: limiter.reset },
    emergency (on) {
      clearTimeout(timer)
      const length = typeof on === 'object' ? time(on.for, 'for') : undefined
      setEmergency(on !== false)
      if (length !== undefined) switchOffAt(Date.now() + length)
    },
    update: (options) => update(guard, instance, options),
    websocket: (options) => websocketGuard(guard, options),
    routes: () => [...guard.routes, ...guard.late.values(), unmatchedRecord(guard, instance)].map((record) => infoOf(guard, record)),
    stats: () => ({ ...guard.stats.read(), bans: bans.stats(), limits: limiter.stats(), store: guard.redis?.stats() ?? { kind: 'memory', state: 'up' }, emergency: emergency.enabled }),
    reset () {
      guard.stats.reset()
      bans.reset()
      return limiter.resetAll()
    },
    ready: async () => { await Promise.all([lists.ready(), guard.redis?.ready()]) }
  }
}

function time (value: unknown, name: string): number {
  const found = milliseconds(value)
  if (found === undefined) throw new GUARD_OPTION_INVALID(`guard: ${name} must be milliseconds or a text such as '10m'`)
  return found
}

/** A list of routes gets into logs and onto pages; keys do not. */
function withoutKeys (rule: unknown): unknown {
  const { keys, ...rest } = rule as { keys?: unknown }
  return Array.isArray(keys) ? { ...rest, keys: keys.map(() => '[redacted]') } : rule
}

function infoOf (guard: Guard, record: RouteRecord): RouteInfo {
  const { body, request } = record.chain ?? compileRecord(guard, record, [])
  const rules: Record<string, unknown> = {}
  const origins: Record<string, string[]> = {}
  for (const [key, { value, origin, members }] of record.rules) {
    if (value === undefined) continue
    rules[key] = key === 'apiKey' ? withoutKeys(value) : value
    const named = Object.entries(members)
    if (named.length === 0) origins[key] = [origin]
    for (const [member, from] of named) origins[`${key}.${member}`] = from
  }
  return {
    methods: [...record.methods],
    url: record.url,
    guarded: request.length + body.length > 0,
    late: record.late,
    checks: [...new Set([...request, ...body].map(({ key }) => key))],
    rules: rules as GuardRules,
    origins
  }
}
