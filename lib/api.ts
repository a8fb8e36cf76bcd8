import type { FastifyInstance } from 'fastify'
import { tallyOf } from './checks/detection.ts'
import { readTally, resetTally } from './detect/index.ts'
import { explain } from './explain/explain.ts'
import { rulesOfRecord } from './explain/rules.ts'
import type { EmergencySwitch } from './emergency.ts'
import type { Guard } from './guard.ts'
import { compileRecord, unmatchedRecord, type RouteRecord } from './routes.ts'
import { hint, isObject, milliseconds, show } from './options/shape.ts'
import type { Steering } from './rules/steer.ts'
import { GUARD_OPTION_INVALID } from './errors.ts'
import { websocketGuard } from './websocket.ts'
import type { ExplainOptions, GuardApi, GuardRules, RequestLike, RouteInfo } from '../types/index.ts'

const HOUR = 3_600_000

/** `app.guard`: what an application can see and steer at run time. */
export function guardApi (guard: Guard, instance: FastifyInstance, { emergencySwitch, steering }: { emergencySwitch: EmergencySwitch, steering: Steering }): GuardApi {
  const { bans, limiter, emergency, lists } = guard.services
  return {
    ban (target, options = {}) {
      const { duration = HOUR, reason = 'manual' } = known(options)
      return bans.add(target, { duration: time(duration, 'duration'), reason })
    },
    unban: (target) => bans.lift(target),
    bans: () => bans.list(),
    limits: { peek: limiter.peek, consume: limiter.consume, reset: limiter.reset },
    emergency: (on) => emergencySwitch.set(on !== false, typeof on === 'object' ? time(on.for, 'for') : undefined),
    update: steering.update,
    rollback: steering.rollback,
    websocket: (options) => websocketGuard(guard, options),
    explain: ((asked: string | RequestLike, options?: ExplainOptions) => typeof asked === 'string' ? guard.history.find(asked) : explain(guard, instance, asked, options)) as GuardApi['explain'],
    routes: () => [...guard.routes, ...guard.late.values(), unmatchedRecord(instance)].map((record) => infoOf(guard, record)),
    stats: () => ({ ...guard.stats.read(), bans: { ...bans.stats(), ...guard.keptBans?.stats() }, limits: limiter.stats(), geo: guard.services.geo?.stats() ?? {}, cloud: guard.services.clouds.stats(), lists: guard.services.lists.stats(), store: guard.redis?.stats() ?? guard.cluster?.stats() ?? { kind: 'memory', state: 'up' }, detection: readTally(tallyOf(guard.services.detectors)), emergency: emergency.enabled }),
    reset () {
      guard.stats.reset()
      resetTally(tallyOf(guard.services.detectors))
      guard.history.clear()
      bans.reset()
      return limiter.resetAll()
    },
    ready: async () => { await Promise.all([lists.ready(), guard.redis?.ready(), guard.cluster?.ready()]) }
  }
}

const BAN_OPTIONS = ['duration', 'reason']

function known<T extends object> (options: T): T {
  if (!isObject(options)) throw new GUARD_OPTION_INVALID(`guard: options of a ban must be an object, got ${show(options)}`)
  for (const name of Object.keys(options)) if (!BAN_OPTIONS.includes(name)) throw new GUARD_OPTION_INVALID(`guard: a ban has duration and reason: ${name} is unknown${hint(name, BAN_OPTIONS)}`)
  return options
}

function time (value: unknown, name: string): number {
  const found = milliseconds(value)
  if (found === undefined) throw new GUARD_OPTION_INVALID(`guard: ${name} must be milliseconds or a text such as '10m'`)
  return found
}

function infoOf (guard: Guard, record: RouteRecord): RouteInfo {
  const { body, request } = record.chain ?? compileRecord(guard, record, [])
  const { rules, origins } = rulesOfRecord(record)
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
