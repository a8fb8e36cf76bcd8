import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Check, CheckModule, DryCheck, Refusal, Visit } from '../check.ts'
import type { Geo } from '../geo/geo.ts'
import { askOf, MOST, type LimitAsk } from '../limits/ask.ts'
import { compileLimits, nameOf, type CompiledLimit } from '../limits/compile.ts'
import { limitHeaders } from '../limits/headers.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { Taken } from '../limits/store.ts'
import { also, duration, either, fn, int, is, list, oneOf, record, rule, type Report, no } from '../options/shape.ts'
import { countryCode, needsDatabase } from './country.ts'
import type { Limit } from '../../types/index.ts'

const units = int(0, MOST)
const name = is('1 to 64 printable ASCII characters', (value) => typeof value === 'string' && /^[\x20-\x7e]{1,64}$/.test(value), { type: 'string', pattern: '^[ -~]{1,64}$' })
const byCountryShape = also(record(units, countryCode), (value: object, path: string, report: Report) => {
  const codes = Object.keys(value).map((code) => code.toUpperCase())
  for (let i = 1; i < codes.length; i++) if (codes.indexOf(codes[i]!) < i) report(path, `names ${codes[i]} twice`)
})

const limitShape = also(rule({
  max: either(units, fn),
  window: duration,
  name,
  key: either(oneOf('ip'), fn),
  byCountry: byCountryShape,
  burst: int(1, MOST),
  cost: either(int(1, MOST), fn),
  count: either(oneOf('all', 'failures'), fn),
  skip: fn,
  group: name,
  algorithm: oneOf('sliding-window', 'fixed-window', 'gcra'),
  headers: either(no, oneOf('draft', 'legacy', 'both'))
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
  compile (rule, { limiter, geo }, { layer, problem, passive }) {
    const shown = (isList(rule) ? rule : [rule]).map((limit) => passive ? { ...limit, headers: false as const } : limit)
    const limits = compileLimits(shown, layer, limiter, problem)
    if (geo?.has.country !== true && limits.some(({ byCountry }) => byCountry !== undefined)) problem('rateLimit.byCountry', needsDatabase('country'))
    const byClient = limits.filter(({ keyOf }) => keyOf === undefined)
    const byKey = limits.filter(({ keyOf }) => keyOf !== undefined)
    const early = byClient.length === 0 ? undefined : check({ limits: byClient, limiter, geo, passive })
    const late = byKey.length === 0 ? undefined : check({ limits: byKey, limiter, geo, passive })
    return { request: early?.take, late: late?.take, dry: { request: early?.look, late: late?.look } }
  }
}

/** With `store.onError: 'refuse'`, while the store fails. It is the server that cannot serve, for a while. */
function unjudged (reason: string): Refusal {
  return { code: 'GUARD_CHECK_FAILED', status: 503, reason: `store: ${reason}`, headers: { 'retry-after': '1' } }
}

/** What a request took of the limits that one check judges. */
interface Reservation { asks: readonly LimitAsk[], at: number, passive: boolean, given: boolean }

/** A request that later limits of its route refuse is given back what it took of the earlier ones. */
const reservations = new WeakMap<Visit, Reservation[]>()

interface CheckOptions {
  limits: readonly CompiledLimit[]
  limiter: Limiter
  geo: Geo | undefined
  passive: boolean
}

function check ({ limits, limiter, geo, passive }: CheckOptions): { take: Check, look: DryCheck } {
  const headers = limitHeaders(limits, limiter.textOf)
  const counts = limits.some(({ counts }) => counts !== undefined)
  /** Whether the route has limits that another check judges; the first request tells. */
  let joins: boolean | undefined

  function settle (asks: readonly LimitAsk[], outcome: Taken, visit: Visit, reply: FastifyReply): Refusal | undefined | Promise<Refusal> {
    if (outcome.passed) {
      joins ??= visit.chain.request.filter(({ key }) => key === 'rateLimit').length > 1
      headers.set(reply, asks, outcome, joins)
      if (counts || joins) reserve({ asks, at: outcome.at, passive, given: false }, visit)
      return undefined
    }
    const refused = refusalOf(asks, outcome, reply)
    const earlier = reservations.get(visit)
    return earlier === undefined ? refused : giveBack(earlier, refused)
  }

  function reserve (reservation: Reservation, visit: Visit): void {
    const earlier = reservations.get(visit)
    if (earlier === undefined) reservations.set(visit, [reservation])
    else earlier.push(reservation)
    if (counts) (visit.after ??= []).push((request, reply) => giveBackUncounted(reservation, limiter, request, reply))
  }

  function giveBack (earlier: readonly Reservation[], refused: Refusal): Refusal | Promise<Refusal> {
    const waits: Array<Promise<void>> = []
    for (const reservation of earlier) {
      // A passive refusal refuses nothing: what others took stays taken.
      if (reservation.given || (passive && !reservation.passive)) continue
      reservation.given = true
      const given = limiter.refund(reservation.asks, reservation.at)
      if (given instanceof Promise) waits.push(given)
    }
    return waits.length === 0 ? refused : Promise.all(waits).then(() => refused)
  }

  function settleLater (asks: readonly LimitAsk[], outcome: Promise<Taken>, visit: Visit, reply: FastifyReply): Promise<Refusal | undefined> {
    return outcome.then((outcome) => settle(asks, outcome, visit, reply))
  }

  function refusalOf (asks: readonly LimitAsk[], outcome: Taken, reply: FastifyReply): Refusal {
    return outcome.failed === undefined ? overLimit(asks, outcome, reply) : unjudged(outcome.failed)
  }

  function overLimit (asks: readonly LimitAsk[], outcome: Taken, reply: FastifyReply): Refusal {
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

  function asksOf (limits: readonly CompiledLimit[], request: FastifyRequest, visit: Visit): LimitAsk[] {
    const asks: LimitAsk[] = []
    for (let i = 0; i < limits.length; i++) {
      const ask = askOf(limits[i]!, request, visit.client, geo)
      if (ask !== undefined) asks.push(ask)
    }
    return asks
  }

  return {
    take (request, visit, reply) {
      const asks = asksOf(limits, request, visit)
      if (asks.length === 0) return undefined
      const outcome = limiter.take(asks)
      return outcome instanceof Promise ? settleLater(asks, outcome, visit, reply) : settle(asks, outcome, visit, reply)
    },

    async look (request, visit, reply, run) {
      const known = run ? limits : limits.filter(callsNothing)
      const asks = asksOf(known, request, visit)
      const outcome = asks.length === 0 ? undefined : await limiter.look(asks)
      if (outcome?.passed === false) return refusalOf(asks, outcome, reply)
      return known.length < limits.length ? 'not run' : undefined
    }
  }
}

/** Whether no function of the application decides about a limit. */
function callsNothing ({ maxOf, costOf, keyOf, skip }: CompiledLimit): boolean {
  return maxOf === undefined && costOf === undefined && keyOf === undefined && skip === undefined
}

/** Gives back what the limits do not count. An answer that never went out counts: nobody knows that it was no failure. */
function giveBackUncounted (reservation: Reservation, limiter: Limiter, request: FastifyRequest, reply: FastifyReply): void {
  if (reservation.given || !reply.raw.headersSent) return
  reservation.given = true
  const asks = reservation.asks.filter(({ limit: { counts, name } }) => {
    try {
      const counted: unknown = counts === undefined || counts(request, reply)
      if (!(counted instanceof Promise)) return counted === false
      counted.catch(() => {})
      throw new TypeError('count must answer at once, not with a promise')
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
