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
 * @param from what the changes are laid over
 * @returns at once where no list has a source that has to be loaded; else the old rules stay until it has
 * @throws {GUARD_OPTION_INVALID} at once, and leaves all as it was
 */
export function update (guard: Guard, app: FastifyInstance, changes: unknown, from?: GuardOptions): Promise<void> {
  const before = { options: guard.options, memo: guard.memo }
  const options: GuardOptions = { ...(from ?? guard.options), ...defined(readUpdate(changes)) }
  const { lists, limiter, emergency } = guard.services
  const records = recordsOf(guard)
  const forget = limiter.begin()
  let swapped = false
  try {
    layOver(guard, options, new Map())
    const problems: Problem[] = []
    const next = records.map((record) => compiled(guard, record, problems))
    throwIfAny(problems)
    if (lists.pending()) return lists.ready().then(() => update(guard, app, changes, from))
    records.forEach((record, i) => { Object.assign(record, next[i]) })
    emergency.enabled = isOn(options, before.options, emergency.enabled)
    findPreflights(app, guard)
    swapped = true
    return Promise.resolve()
  } finally {
    if (!swapped) {
      layOver(guard, before.options, before.memo)
      forget()
    }
  }
}

/** Makes all scopes of the guard show these options; nothing is compiled. */
export function layOver (guard: Guard, options: GuardOptions, memo: Guard['memo']): void {
  const [root] = guard.scopes
  guard.options = options
  guard.memo = memo
  root!.layer = { ...root!.layer, rules: rulesOf(options) }
  root!.own = options.policies ?? {}
  for (const scope of guard.scopes) refresh(scope)
}

/** A value left undefined changes nothing; `false` switches a key off. */
function defined (changes: Partial<GuardOptions>): Partial<GuardOptions> {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
}

function recordsOf (guard: Guard): RouteRecord[] {
  return [...guard.routes, ...guard.late.values(), ...guard.scopes.flatMap(({ unmatched }) => unmatched ?? [])]
}

/** An update that says nothing of emergency mode leaves its switch alone. */
function isOn ({ emergency }: GuardOptions, before: GuardOptions, now: boolean): boolean {
  if (emergency === before.emergency) return now
  return emergency === true || (isObject(emergency) && emergency['enabled'] === true)
}
