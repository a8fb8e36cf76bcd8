import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Refusal, Services, Visit } from '../check.ts'
import type { Guard } from '../guard.ts'
import type { Counter } from '../limits/store.ts'
import { report } from '../report.ts'
import type { Watch } from './rules.ts'
import type { WaitingRoom } from './waiting.ts'

/** A rule with its counters: of events, and of what was told about them. */
export interface Counted<T extends Watch> { watch: T, counter: Counter, told: Counter }

/** Counts an event of a client; whether it is one past `max`. A store that cannot tell says no. */
export function isPast ({ watch: { max }, counter }: Counted<Watch>, { limiter }: Services, { client }: Visit): boolean | Promise<boolean> {
  const taken = limiter.take([{ counter, key: client.key, max, burst: max, cost: 1 }])
  return taken instanceof Promise ? taken.then(isOver) : isOver(taken)
}

function isOver ({ passed, failed }: { passed: boolean, failed?: string }): boolean {
  return !passed && failed === undefined
}

/** Whether nobody was told in this window: an event past `max` is one for the log once, not once a call. */
export async function isNews ({ told }: Counted<Watch>, { limiter }: Services, { client }: Visit): Promise<boolean> {
  const { passed } = await limiter.take([{ counter: told, key: client.key, max: 1, burst: 1, cost: 1 }])
  return passed
}

export function findingOf ({ name, max, window, action }: Watch): Refusal {
  return {
    code: 'GUARD_BEHAVIOR',
    status: action === 'ban' ? 403 : 429,
    reason: `behavior: ${name} is past ${max} in ${window / 1000} s`,
    rule: name,
    ...(action !== 'ban' && { notice: action === 'alert' ? 'error' as const : 'warn' as const })
  }
}

/** Whether the event would be one past `max`; counts nothing. */
export async function wouldBePast ({ watch: { max }, counter }: Counted<Watch>, { limiter }: Services, { client }: Visit): Promise<boolean> {
  return isOver(await limiter.look([{ counter, key: client.key, max, burst: max, cost: 1 }]))
}

/** Whom no strike bans. */
export function isSpared ({ clients }: Services, { client, chain, trusted }: Visit): boolean {
  return trusted || client.address === undefined || client.loopback || clients.trustsPeer(client.ip) || chain.ban?.spares(client) === true
}

/** Bans the client, whether there is a `ban` rule or not; whom no strike bans, this does not either. */
export function banFor ({ duration }: Watch, { reason }: Refusal, services: Services, visit: Visit): boolean {
  const { bans } = services
  const { client } = visit
  if (isSpared(services, visit)) return false
  if (bans.find(client) === undefined) bans.add(client.ip, { duration, reason, kind: 'behavior' })
  return true
}

/** The refusal of the call that leads to the ban. */
export function bannedFor ({ duration }: Watch, finding: Refusal): Refusal {
  return { ...finding, code: 'GUARD_BANNED', headers: { 'retry-after': String(Math.ceil(duration / 1000)) } }
}

/** Calls the application's function; what it throws is logged and harms no request. */
export function callOwn (guard: Guard, { action, name, max, window }: Watch, request: FastifyRequest, { client, route }: Visit): void {
  if (typeof action !== 'function') return
  const failed = (error: unknown): void => request.log.error({ event: 'guard.action_failed', err: error }, 'guard: an action of behavior threw')
  const found = { rule: name, max, window, client: client.ip, ...(route !== undefined && { route }), time: guard.services.now() }
  try {
    const outcome: unknown = action(request, found)
    if (outcome instanceof Promise) outcome.catch(failed)
  } catch (error) {
    failed(error)
  }
}

/** Holds a request back, or refuses it where too many are held already. */
export async function throttle ({ delay }: Watch, room: WaitingRoom, { client }: Visit, reply: FastifyReply): Promise<Refusal | undefined> {
  const held = room.hold(client.key, delay, reply)
  if (held === false) return { code: 'GUARD_BEHAVIOR', status: 429, reason: 'behavior: too many requests are held back', rule: 'throttle', headers: { 'retry-after': String(Math.ceil(delay / 1000)) } }
  return await held ? undefined : { code: 'GUARD_BEHAVIOR', status: 429, reason: 'behavior: the client left while it was held back', rule: 'throttle' }
}

/** Reports what does not refuse. */
export function notify (guard: Guard, finding: Refusal, request: FastifyRequest, visit: Visit): void {
  report(guard, 'behavior', finding, true, request, visit)
}
