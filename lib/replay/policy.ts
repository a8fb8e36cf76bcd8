import type { FastifyInstance } from 'fastify'
import { bans } from '../bans/bans.ts'
import type { Step } from '../compile.ts'
import { setVisit, type Guard } from '../guard.ts'
import { routeTable } from '../headers/targets.ts'
import { history } from '../explain/history.ts'
import { isPreflight } from '../headers/cors.ts'
import { preflightSteps, preflightTo, visitFor } from '../hooks.ts'
import { limiter } from '../limits/limiter.ts'
import { memoryStore } from '../limits/memory.ts'
import { clientReader } from '../net/client.ts'
import { readUpdate, throwIfAny } from '../options/plugin.ts'
import { isObject, type Problem } from '../options/shape.ts'
import { compiled, unmatchedRecord, type RouteRecord } from '../routes.ts'
import { run, type Refused } from '../run.ts'
import { layOver } from '../update.ts'
import type { LogEntry, LogFormat, Told } from './entry.ts'
import { replyOf, requestOf, silentLog } from './request.ts'
import type { GuardEvent, GuardOptions } from '../../types/index.ts'

/** These ask the application, or count what is under way: no log can tell what they would answer. */
const NEVER = ['auth', 'apiKey', 'check', 'concurrency', 'behavior']

/** What a check has to be told; the others need no more than the request line, the address and the time. */
const NEEDS: Readonly<Record<string, Told>> = {
  requireHeaders: 'headers', contentType: 'headers', fetchMetadata: 'headers', userAgent: 'user-agent', bots: 'user-agent', referrer: 'referer', hosts: 'host', https: 'scheme',
  ip: 'address', country: 'address', asn: 'address', cloud: 'address'
}

export type RequestEvent = Extract<GuardEvent, { type: 'refused' | 'reported' }>

/** A policy that judges a log's requests. Its limits and bans are its own, in memory: those in use see nothing of it. */
export interface ReplayPolicy {
  /** Judges one request at the log's own time. The verdicts, passive ones included; the refusal, if there is one, comes last. */
  judge: (entry: LogEntry, number: number) => RequestEvent[] | Promise<RequestEvent[]>
  /** Pattern of the route that a request leads to. */
  routeOf: (entry: LogEntry) => string | undefined
  /** Checks of the policy that the log cannot answer. */
  left: readonly string[]
}

export interface PolicyOptions {
  app: FastifyInstance
  guard: Guard
  format: LogFormat
  /** Laid over the application's own options, as `app.guard.update` does. */
  changes?: unknown
}

/** @throws {GUARD_OPTION_INVALID} for changes that make no sense */
export async function replayPolicy ({ app, guard, format, changes }: PolicyOptions): Promise<ReplayPolicy> {
  let time = 0
  let found: RequestEvent[] = []
  const options = changes === undefined ? guard.options : { ...guard.options, ...readUpdate(changes) }
  const unasked = new Set<string>()
  const copy = copyOf(guard, options, unasked, () => time, (event) => {
    if (event.type === 'refused' || event.type === 'reported') found.push(event)
  })
  const records = compileAll(copy, guard, app)
  await copy.services.lists.ready()
  const table = routeTable<RouteRecord>(app.initialConfig)
  for (const record of records.routes) table.add(record.methods, record.url!, record.host, record)
  const judges = ({ key }: Pick<Step, 'key'>): boolean => !NEVER.includes(key) && (NEEDS[key] === undefined || format.tells.has(NEEDS[key]))
  const judged = new WeakMap<readonly Step[], readonly Step[]>()
  const stepsOf = (steps: readonly Step[]): readonly Step[] => {
    let kept = judged.get(steps)
    if (kept === undefined) judged.set(steps, kept = steps.filter(judges))
    return kept
  }
  const recordOf = ({ method, url, headers }: LogEntry): RouteRecord => table.find(method, url, headers['host']) ?? records.unmatched
  const targetOf = (entry: LogEntry): RouteRecord => recordOf({ ...entry, method: entry.headers['access-control-request-method']! })

  const steps = [...records.routes, records.unmatched].flatMap(({ chain }) => [...chain!.request, ...chain!.body])

  return {
    judge (entry, number) {
      // Lines are written when requests end, so they may be a little out of order; clocks do not go back.
      if (entry.time !== undefined && entry.time > time) time = entry.time
      found = []
      const request = requestOf(copy, entry, number)
      const reply = replyOf(request, entry)
      const own = recordOf(entry)
      const preflight = isPreflight(request) ? preflightTo(copy, request, targetOf(entry), own) : undefined
      const visit = preflight ?? visitFor(copy, request, own)
      setVisit(request, visit)
      const { chain, trusted } = visit
      const first = preflight === undefined ? (trusted ? chain.trusted.request : chain.request) : preflightSteps(preflight)
      const ended = (): RequestEvent[] => {
        for (const call of visit.after ?? []) call(request, reply)
        return found
      }
      const body = (refused: Refused | undefined): RequestEvent[] | Promise<RequestEvent[]> => {
        visit.refused = refused
        if (refused !== undefined || entry.body === undefined) return ended()
        const outcome = run(copy, stepsOf(trusted ? chain.trusted.body : chain.body), request, reply, visit)
        return outcome instanceof Promise ? outcome.then(ended) : ended()
      }
      const outcome = run(copy, stepsOf(first), request, reply, visit)
      return outcome instanceof Promise ? outcome.then(body) : body(outcome)
    },
    routeOf: (entry) => recordOf(entry).url,
    left: [...new Set([...steps.filter((step) => !judges(step)).map(({ key }) => key), ...unasked])]
  }
}

/** A guard with the same lists and databases. All that the guard in use counts, remembers or tells is its own. */
function copyOf (guard: Guard, options: GuardOptions, unasked: Set<string>, now: () => number, emit: Guard['emit']): Guard {
  const { maxKeys = 250_000, ipv6Prefix = 64, emergency } = options
  const { bots, lists } = guard.services
  const clients = clientReader({ clientIp: options.clientIp, ipv6Prefix, lists })
  return {
    ...guard,
    options,
    clients,
    memo: new Map(),
    clock: { now },
    history: history(),
    explaining: 0,
    late: new Map(),
    stats: { ...guard.stats, count: () => {} },
    log: silentLog,
    emit,
    watchers: new Set(),
    traffic: undefined,
    redis: undefined,
    cluster: undefined,
    keptBans: undefined,
    access: undefined,
    services: {
      ...guard.services,
      now,
      clients,
      // Nobody is asked: a log may be long, and old.
      bots: {
        ...bots,
        verifier (options) {
          unasked.add('bots.verify')
          return bots.verifier(options, false)
        }
      },
      bans: bans({ now, maxKeys, ipv6Prefix, onEvent: emit }),
      limiter: limiter({ store: memoryStore({ maxKeys, now }), now, ipv6Prefix }),
      detectors: new WeakMap(),
      inFlight: new Map(),
      emergency: { enabled: emergency === true || (isObject(emergency) && emergency['enabled'] === true) }
    }
  }
}

/** Compiles all routes for the copy; the guard itself stays as it is. */
function compileAll (copy: Guard, guard: Guard, app: FastifyInstance): { routes: RouteRecord[], unmatched: RouteRecord } {
  const { options, memo } = guard
  const problems: Problem[] = []
  try {
    layOver(guard, copy.options, memo)
    const compile = (record: RouteRecord): RouteRecord => ({ ...record, ...compiled(copy, record, problems) })
    const routes = guard.routes.map(compile)
    const unmatched = compile(unmatchedRecord(app))
    throwIfAny(problems)
    return { routes, unmatched }
  } finally {
    layOver(guard, options, memo)
  }
}
