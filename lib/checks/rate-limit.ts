import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Check, CheckModule, Refusal, Visit } from '../check.ts'
import { boundedKey } from '../limits/client-key.ts'
import { compileLimits, nameOf, type CompiledLimit } from '../limits/compile.ts'
import { limitHeaders, type LimitAsk } from '../limits/headers.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { Taken } from '../limits/store.ts'
import { also, duration, either, fn, int, is, list, oneOf, record, rule, type Report } from '../options/shape.ts'
import type { Limit } from '../../types/index.ts'

/** Counters have 32 bits. */
const MOST = 2 ** 32 - 1
const units = int(0, MOST)
const name = is('1 to 64 printable ASCII characters', (value) => typeof value === 'string' && /^[\x20-\x7e]{1,64}$/.test(value))
const country = is('a country code of two letters (ISO 3166-1 alpha-2)', (value) => typeof value === 'string' && /^[A-Za-z]{2}$/.test(value))

const limitShape = also(rule({
  max: either(units, fn),
  window: duration,
  name,
  key: either(oneOf('ip'), fn),
  byCountry: record(units, country),
  burst: int(1, MOST),
  cost: either(int(1, MOST), fn),
  count: either(oneOf('all', 'failures'), fn),
  skip: fn,
  group: name,
  algorithm: oneOf('sliding-window', 'fixed-window', 'gcra'),
  headers: either(is('false', (value) => value === false), oneOf('draft', 'legacy', 'both'))
}, 'max', 'window'), ({ max, cost, burst, algorithm }: Limit, path: string, report: Report) => {
  if (burst !== undefined && algorithm !== 'gcra') report(`${path}.burst`, "is for algorithm: 'gcra'")
  const most = burst ?? max
  if (typeof cost === 'number' && typeof most === 'number' && cost > most && max !== 0) report(`${path}.cost`, `is more than ${burst === undefined ? 'max' : 'burst'}, so that no request would pass`)
})

const limitsShape = also(list(limitShape, 1), (limits: Limit[], path: string, report: Report) => {
  if (limits.some((limit) => typeof limit !== 'object' || limit === null)) return
  const names = limits.map(nameOf)
  const groups = limits.map(({ group, key }) => group === undefined ? undefined : `${typeof key} ${group}`)
  for (let i = 1; i < limits.length; i++) {
    if (names.indexOf(names[i]!) < i) report(`${path}[${i}].name`, `must differ from other limits' names, got ${JSON.stringify(names[i])} again`)
    if (groups[i] !== undefined && groups.indexOf(groups[i]) < i) report(`${path}[${i}].group`, 'is that of another limit of this list: one request cannot be counted twice in one bucket')
  }
})

/** Counts requests and refuses those over a limit. */
export const rateLimit: CheckModule<'rateLimit'> = {
  key: 'rateLimit',
  trustSkips: true,
  perRoute: true,
  shape: either(limitShape, limitsShape),
  compile (rule, { limiter }, { layer }) {
    const limits = compileLimits(isList(rule) ? rule : [rule], layer, limiter)
    const byClient = limits.filter(({ keyOf }) => keyOf === undefined)
    const byKey = limits.filter(({ keyOf }) => keyOf !== undefined)
    // A request that the later limits refuse is given back what it took of the earlier ones.
    const reserved: Reservations | undefined = byClient.length > 0 && byKey.length > 0 ? new WeakMap() : undefined
    return {
      request: byClient.length === 0 ? undefined : check(byClient, limiter, (request, reservation) => reserved?.set(request, reservation)),
      late: byKey.length === 0 ? undefined : check(byKey, limiter, undefined, reserved)
    }
  }
}

/** What a request took. */
interface Reservation { asks: readonly LimitAsk[], at: number, given: boolean }
type Reservations = WeakMap<FastifyRequest, Reservation>

function check (limits: readonly CompiledLimit[], limiter: Limiter, taken?: (request: FastifyRequest, reservation: Reservation) => void, earlier?: Reservations): Check {
  const headers = limitHeaders(limits)
  const counts = limits.some(({ counts }) => counts !== undefined)

  function settle (asks: readonly LimitAsk[], outcome: Taken, request: FastifyRequest, visit: Visit, reply: FastifyReply): Refusal | undefined | Promise<Refusal> {
    if (outcome.passed) {
      headers.set(reply, asks, outcome)
      if (!counts && taken === undefined) return undefined
      const reservation = { asks, at: outcome.at, given: false }
      taken?.(request, reservation)
      if (counts) (visit.after ??= []).push((request, reply) => giveBackUncounted(reservation, limiter, request, reply))
      return undefined
    }
    const refused = refusal(asks, outcome, reply)
    const reservation = earlier?.get(request)
    if (reservation === undefined || reservation.given) return refused
    reservation.given = true
    const given = limiter.refund(reservation.asks, reservation.at)
    return given instanceof Promise ? given.then(() => refused) : refused
  }

  function refusal (asks: readonly LimitAsk[], outcome: Taken, reply: FastifyReply): Refusal {
    let worst = 0
    for (let i = 1; i < asks.length; i++) {
      if (outcome.left[i]!.wait > outcome.left[worst]!.wait) worst = i
    }
    const { limit: { name, counter: { window } }, max } = asks[worst]!
    return {
      code: 'GUARD_RATE_LIMITED',
      status: 429,
      reason: `over limit ${name}: ${max} in ${window / 1000} s`,
      rule: name,
      headers: headers.refusal(reply, asks, outcome, outcome.left[worst]!.wait),
      strike: 'rateLimit'
    }
  }

  return (request, visit, reply) => {
    const asks: LimitAsk[] = []
    for (let i = 0; i < limits.length; i++) {
      const ask = askOf(limits[i]!, request, visit)
      if (ask !== undefined) asks.push(ask)
    }
    if (asks.length === 0) return undefined
    const outcome = limiter.take(asks)
    return outcome instanceof Promise
      ? outcome.then((outcome) => settle(asks, outcome, request, visit, reply))
      : settle(asks, outcome, request, visit, reply)
  }
}

/** What a request wants of a limit; `undefined` if the limit does not apply to it. Throws where a function of the limit gives nonsense. */
function askOf (limit: CompiledLimit, request: FastifyRequest, visit: Visit): LimitAsk | undefined {
  if (limit.skip?.(request) === true) return undefined
  const cost = limit.costOf === undefined ? limit.cost : wholeNumber(limit.costOf(request), limit, 'cost')
  const max = maxOf(limit, request)
  if (cost === 0 || max === Infinity) return undefined
  const key = limit.keyOf === undefined ? visit.client.key : keyOf(limit.keyOf(request), limit)
  return { limit, counter: limit.counter, key, max, burst: limit.burst ?? max, cost }
}

function maxOf ({ max, maxOf, byCountry, ...limit }: CompiledLimit, request: FastifyRequest): number {
  if (byCountry !== undefined) {
    const { country } = request.guard as { country?: string }
    const most = country === undefined ? undefined : byCountry.get(country)
    if (most !== undefined) return most
  }
  if (max !== undefined) return max
  const most = maxOf!(request)
  return most === Infinity ? most : wholeNumber(most, limit, 'max')
}

function wholeNumber (value: unknown, { name }: Pick<CompiledLimit, 'name'>, member: string): number {
  if (Number.isSafeInteger(value) && value as number >= 0 && value as number <= MOST) return value as number
  throw new TypeError(`rateLimit ${name}: ${member} must give a whole number from 0 to ${MOST}`)
}

function keyOf (key: unknown, { name }: CompiledLimit): string {
  if (typeof key === 'string' && key !== '') return boundedKey(key)
  throw new TypeError(`rateLimit ${name}: key must give a string that is not empty`)
}

/** Gives back what the limits do not count. An answer that never went out counts: nobody knows that it was no failure. */
function giveBackUncounted (reservation: Reservation, limiter: Limiter, request: FastifyRequest, reply: FastifyReply): void {
  if (reservation.given || !reply.raw.headersSent) return
  reservation.given = true
  const asks = reservation.asks.filter(({ limit: { counts, name } }) => {
    try {
      return counts !== undefined && !counts(request, reply)
    } catch (error) {
      request.log.error({ event: 'guard.count_failed', err: error }, `guard: rateLimit ${name}: count threw; the request counts`)
      return false
    }
  })
  if (asks.length === 0) return
  const given = limiter.refund(asks, reservation.at)
  if (given instanceof Promise) given.catch((error: unknown) => request.log.warn({ event: 'guard.refund_failed', err: error }, 'guard: a store could not give back'))
}

function isList (value: Limit | readonly Limit[]): value is readonly Limit[] {
  return Array.isArray(value)
}
