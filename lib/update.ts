import type { FastifyInstance } from 'fastify'
import type { Guard } from './guard.ts'
import { isObject, type Problem } from './options/shape.ts'
import { readUpdate, rulesOf, throwIfAny } from './options/plugin.ts'
import { compiled, findPreflights, type RouteRecord } from './routes.ts'
import { refresh } from './scope.ts'
import type { GuardOptions } from '../types/index.ts'

/**
 * Changes options while requests are served. Everything is compiled first and swapped in afterwards, without a
 * pause between: a request is judged by the old rules or by the new ones. Counters and bans stay.
 *
 * @throws {GUARD_OPTION_INVALID} and leaves all as it was
 */
export function update (guard: Guard, app: FastifyInstance, changes: unknown): void {
  const before = { options: guard.options, memo: guard.memo }
  const options: GuardOptions = { ...guard.options, ...readUpdate(changes) }
  const problems: Problem[] = []
  apply(guard, options, new Map())
  const records = recordsOf(guard)
  const next = records.map((record) => compiled(guard, record, problems))
  if (problems.length > 0) apply(guard, before.options, before.memo)
  throwIfAny(problems)
  records.forEach((record, i) => { Object.assign(record, next[i]) })
  guard.services.emergency.enabled = isOn(options, before.options, guard.services.emergency.enabled)
  findPreflights(app, guard)
}

function apply (guard: Guard, options: GuardOptions, memo: Guard['memo']): void {
  const [root] = guard.scopes
  guard.options = options
  guard.memo = memo
  root!.layer = { ...root!.layer, rules: rulesOf(options) }
  root!.own = options.policies ?? {}
  for (const scope of guard.scopes) refresh(scope)
}

function recordsOf (guard: Guard): RouteRecord[] {
  return [...guard.routes, ...guard.late.values(), ...guard.scopes.flatMap(({ unmatched }) => unmatched ?? [])]
}

/** An update that says nothing of emergency mode leaves its switch alone. */
function isOn ({ emergency }: GuardOptions, before: GuardOptions, now: boolean): boolean {
  if (emergency === before.emergency) return now
  return emergency === true || (isObject(emergency) && emergency['enabled'] === true)
}
