import type { FastifyRequest } from 'fastify'
import type { Check, CheckModule, DryCheck, Refusal, Visit } from '../check.ts'
import { either, fn, int, oneOf, rule } from '../options/shape.ts'
import type { ConcurrencyRules } from '../../types/index.ts'
import { lacks } from './required.ts'

const refused: Refusal = { code: 'GUARD_TOO_MANY_IN_FLIGHT', status: 429, reason: 'too many requests under way', headers: { 'retry-after': '1' }, strike: 'rateLimit' }

/** Bounds the requests of a client that are under way at once, over all routes that share the rule. */
export const concurrency: CheckModule<'concurrency'> = {
  key: 'concurrency',
  trustSkips: true,
  perRoute: true,
  shape: rule({ max: int(0), key: either(oneOf('ip'), fn) }),
  compile (rule, { inFlight: all }, target) {
    const { max, key = 'ip' } = rule as ConcurrencyRules
    if (lacks('concurrency', rule, target, 'max')) return undefined
    /** What is not under way has no entry, so the open connections bound the size. */
    const inFlight = all.get(target.layer) ?? new Map<string, number>()
    all.set(target.layer, inFlight)
    const keyOf = (request: FastifyRequest, visit: Visit): string => key === 'ip' ? visit.client.key : String(key(request))
    const take: Check = (request, visit) => {
      const name = keyOf(request, visit)
      const count = inFlight.get(name) ?? 0
      if (count >= max) return refused
      inFlight.set(name, count + 1)
      visit.after ??= []
      visit.after.push(() => {
        const left = inFlight.get(name)! - 1
        if (left === 0) inFlight.delete(name)
        else inFlight.set(name, left)
      })
      return undefined
    }
    const look: DryCheck = (request, visit, _reply, run) => {
      if (key !== 'ip' && !run) return 'not run'
      return (inFlight.get(keyOf(request, visit)) ?? 0) >= max ? refused : undefined
    }
    return key === 'ip' ? { request: take, dry: { request: look } } : { late: take, dry: { late: look } }
  }
}
