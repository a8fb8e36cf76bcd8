import type { Check, CheckModule, Refusal } from '../check.ts'
import { fn } from '../options/shape.ts'
import type { CustomCheck } from '../../types/index.ts'
import { isThenable } from './auth.ts'

/** A check of the application's own. Throwing refuses. */
export const check: CheckModule<'check'> = {
  key: 'check',
  trustSkips: false,
  shape: fn,
  compile (value) {
    const judge = value as CustomCheck
    const late: Check = (request, _visit, reply) => {
      const answer: unknown = judge(request, reply)
      return isThenable(answer) ? Promise.resolve(answer).then(refusalOf) : refusalOf(answer)
    }
    return { late, dry: { late: (request, visit, reply, run) => run ? late(request, visit, reply) : 'not run' } }
  }
}

function refusalOf (answer: unknown): Refusal | undefined {
  if (answer === undefined || answer === null) return undefined
  const { status, message } = answer as { status?: unknown, message?: unknown }
  if (!Number.isInteger(status) || (status as number) < 400 || (status as number) > 599) {
    throw new TypeError('check must answer nothing, or { status: 400 to 599, message }')
  }
  const text = typeof message === 'string' ? message : 'Request was refused'
  return { code: 'GUARD_CUSTOM', status: status as number, reason: text, message: text }
}
