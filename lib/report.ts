import { randomBytes } from 'node:crypto'
import { channel } from 'node:diagnostics_channel'
import type { FastifyRequest } from 'fastify'
import type { Refusal, Visit } from './check.ts'
import type { Guard } from './guard.ts'
import type { GuardEvent, GuardOptions, Verdict } from '../types/index.ts'

const events = channel('fastify-api-guard')

const MOST_VERDICTS = 100

/**
 * The one way by which every verdict gets out: into `request.guard.verdicts`, the counters, the log, the
 * events, and as a strike towards a ban.
 */
export function report (guard: Guard, check: string, refusal: Refusal, passive: boolean, request: FastifyRequest, visit: Visit): Verdict {
  const route = visit.route
  const verdict = verdictOf(check, refusal, passive)
  // A connection that lives long (WebSocket) can have messages judged without end.
  if (visit.verdicts.length === MOST_VERDICTS) visit.verdicts.shift()
  visit.verdicts.push(verdict)
  guard.stats.count(verdict, route, visit.client.ip)
  const path = pathOf(request.raw.url)
  const time = guard.services.now()
  guard.history.add({ time, ip: visit.client.ip, method: printable(request.method), ...(route !== undefined && { route }), path, reqId: printable(String(request.id)), ...verdict })
  guard.emit({ type: passive ? 'reported' : 'refused', time, ip: visit.client.ip, method: request.method, ...(route !== undefined && { route }), path, reqId: request.id, ...verdict })
  const level = refusal.notice ?? guard.options.log?.refused ?? 'warn'
  if (level !== false) {
    const { check: name, code, reference, reason, rule, evidence, category, exclusion } = verdict
    request.log[level](
      { event: passive ? 'guard.reported' : 'guard.refused', check: name, code, client: visit.client.ip, method: request.method, route, path, reference, reason, rule, category, evidence, exclude: exclusion },
      refusal.notice !== undefined ? 'guard: noticed' : passive ? 'guard: request would be refused' : 'guard: request refused')
  }
  if (!passive) guard.access?.refused(request, visit, verdict)
  if (!passive && refusal.strike !== undefined && visit.chain.ban !== undefined && !visit.trusted) {
    guard.services.bans.strike(visit.client, refusal.strike, refusal.category, visit.chain.ban, verdict.reference, refusal.bans === true)
  }
  return verdict
}

function verdictOf (check: string, { code, status, reason, rule, evidence, category, exclusion }: Refusal, passive: boolean): Verdict {
  return {
    check,
    code,
    action: passive ? 'report' : 'refuse',
    status,
    reason: printable(reason),
    reference: reference(),
    ...(rule !== undefined && { rule: printable(rule) }),
    ...(evidence !== undefined && { evidence: printable(evidence) }),
    ...(category !== undefined && { category }),
    ...(exclusion !== undefined && { exclusion: readable(exclusion) })
  }
}

/** Hands events to the log, to the application's function and to `diagnostics_channel`; none can break a request. */
export function emitter ({ log, watchers }: Pick<Guard, 'log' | 'watchers'>, onEvent: GuardOptions['onEvent']): (event: GuardEvent) => void {
  return (event) => {
    note(log, event)
    for (const watch of watchers) watch(event)
    if (events.hasSubscribers) events.publish(event)
    if (onEvent === undefined) return
    const failed = (error: unknown): void => log.error({ event: 'guard.on_event_failed', err: error }, 'guard: onEvent threw')
    try {
      const outcome: unknown = onEvent(event)
      if (outcome instanceof Promise) outcome.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}

/** What happens apart from requests has a line of its own; `report` writes those of requests. */
function note (log: Guard['log'], event: GuardEvent): void {
  if (event.type === 'banned') log.warn({ event: 'guard.banned', client: event.client, kind: event.kind, reason: event.reason, until: event.until, reference: event.reference }, 'guard: client banned')
  else if (event.type === 'unbanned') log.info({ event: 'guard.unbanned', client: event.client }, 'guard: ban lifted')
  else if (event.type === 'emergency') log.warn({ event: 'guard.emergency', enabled: event.enabled, by: event.by }, `guard: emergency mode is ${event.enabled ? 'on' : 'off'}`)
  else if (event.type === 'update') log.info({ event: 'guard.update', source: event.source, by: event.by, changed: event.changed }, 'guard: rules were changed')
  else if (event.type === 'warning') log.warn({ event: 'guard.warning', code: event.code }, `guard: ${event.message}`)
}

const POOL = 4096
const pool = { bytes: Buffer.alloc(0), at: 0 }

/** 16 random letters and digits: unguessable, and unique over all nodes. */
export function reference (): string {
  if (pool.at + 10 > pool.bytes.length) {
    pool.bytes = randomBytes(POOL)
    pool.at = 0
  }
  let text = ''
  for (let i = 0; i < 2; i++, pool.at += 5) text += pool.bytes.readUIntBE(pool.at, 5).toString(32).padStart(8, '0')
  return text
}

/** Text for log and events: no raw control, line separator or bidirectional characters, at most 256 characters. */
export function printable (text: string): string {
  const short = text.length > 256 ? `${text.slice(0, 256)}...` : text
  return short.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function readable (lists: NonNullable<Refusal['exclusion']>): NonNullable<Refusal['exclusion']> {
  return Object.fromEntries(Object.entries(lists).map(([member, names]) => [member, names.map(printable)]))
}

/** The target's path; its query may hold secrets and stays out. */
export function pathOf (url: string | undefined): string {
  const target = url ?? ''
  const end = target.search(/[?#]/)
  return printable(end === -1 ? target : target.slice(0, end))
}
