import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Refusal, Visit } from './check.ts'
import type { Step } from './compile.ts'
import type { Traffic } from './dashboard/traffic.ts'
import type { Guard } from './guard.ts'
import { report } from './report.ts'
import type { Verdict } from '../types/index.ts'

/** A refusal that counts, and the verdict that was reported for it. */
export interface Refused { refusal: Refusal, verdict: Verdict }

/**
 * Runs checks in order until one refuses. Answers a promise only where a check does; passive checks are
 * reported and passed by. A check that throws refuses: what could not be checked is not let through.
 */
export function run (guard: Guard, steps: readonly Step[], request: FastifyRequest, reply: FastifyReply, visit: Visit, start = 0): Refused | undefined | Promise<Refused | undefined> {
  const clock = guard.traffic?.due() === true ? guard.traffic : undefined
  for (let i = start; i < steps.length; i++) {
    const step = steps[i]!
    if (step.below < 0x100000000 && visit.client.hash >= step.below) continue
    const began = clock === undefined ? 0 : performance.now()
    let found
    try {
      found = step.check(request, visit, reply)
    } catch (error) {
      found = failed(guard, step, error, request)
    }
    if (clock !== undefined) took(clock, step, began, found)
    if (found === undefined) continue
    if (found instanceof Promise) return goOn(found, guard, steps, request, reply, visit, i)
    const refused = judge(guard, step, found, request, visit)
    if (refused !== undefined) return refused
  }
  return undefined
}

/** Goes on once the check at `i` has answered. */
function goOn (found: Promise<Refusal | undefined>, guard: Guard, steps: readonly Step[], request: FastifyRequest, reply: FastifyReply, visit: Visit, i: number): Promise<Refused | undefined> {
  const step = steps[i]!
  const then = (late: Refusal | undefined): Refused | undefined | Promise<Refused | undefined> => {
    const refused = late === undefined ? undefined : judge(guard, step, late, request, visit)
    return refused ?? run(guard, steps, request, reply, visit, i + 1)
  }
  return found.then(then, (error: unknown) => then(failed(guard, step, error, request)))
}

/** What a check takes, its waiting included. */
function took (clock: Traffic, { key }: Step, began: number, found: unknown): void {
  const end = (): void => clock.took(key, performance.now() - began)
  if (found instanceof Promise) found.then(end, end)
  else end()
}

function judge (guard: Guard, step: Step, refusal: Refusal, request: FastifyRequest, visit: Visit): Refused | undefined {
  const verdict = report(guard, step.key, refusal, step.passive, request, visit)
  return step.passive ? undefined : { refusal, verdict }
}

function failed (guard: Guard, { key }: Step, error: unknown, request: FastifyRequest): Refusal {
  guard.log.error({ event: 'guard.check_failed', check: key, err: error, reqId: request.id }, 'guard: a check failed')
  return { code: 'GUARD_CHECK_FAILED', status: 500, reason: `check ${key} failed: ${error instanceof Error ? error.message : String(error)}` }
}
