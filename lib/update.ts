import { isDeepStrictEqual } from 'node:util'
import type { FastifyInstance } from 'fastify'
import type { Guard } from './guard.ts'
import { isObject, type Problem } from './options/shape.ts'
import { readUpdate, rulesOf, throwIfAny } from './options/plugin.ts'
import { compiled, findPreflights, type RouteRecord } from './routes.ts'
import { refresh } from './scope.ts'
import type { GuardOptions } from '../types/index.ts'

export type Changes = Partial<GuardOptions>

/**
 * What is laid over the options of the program, the later ones over the earlier ones, key by key: the rules of a file
 * or URL, what all nodes share, and what was changed on this node.
 */
export interface Overlays { file: Changes, shared: Changes, local: Changes }

export const noOverlays = (): Overlays => ({ file: {}, shared: {}, local: {} })

/**
 * Changes one overlay while requests are served. Everything is compiled first and swapped in afterwards, without a
 * pause between: a request is judged by the old rules or by the new ones. Counters and bans stay.
 *
 * @param next makes the overlay from the one before; called again where a list had to be loaded first
 * @returns the keys of options that differ now; at once where no list has a source that has to be loaded and no cloud rule
 * a new provider, else the old rules stay until it has
 * @throws {GUARD_OPTION_INVALID} at once, and leaves all as it was
 */
export function update (guard: Guard, app: FastifyInstance, name: keyof Overlays, next: (before: Changes) => unknown): string[] | Promise<string[]> {
  const before = { options: guard.options, memo: guard.memo }
  const overlays = { ...guard.overlays, [name]: defined(readUpdate(next(guard.overlays[name]))) }
  const options: GuardOptions = { ...guard.program, ...overlays.file, ...overlays.shared, ...overlays.local }
  const { lists, clouds, limiter, emergency } = guard.services
  const records = recordsOf(guard)
  const forget = limiter.begin()
  let swapped = false
  try {
    layOver(guard, options, new Map())
    const problems: Problem[] = []
    const rules = records.map((record) => compiled(guard, record, problems))
    throwIfAny(problems)
    if (lists.pending() || clouds.pending()) return Promise.all([lists.ready(), clouds.ready()]).then(() => update(guard, app, name, next))
    records.forEach((record, i) => { Object.assign(record, rules[i]) })
    const on = switched(options.emergency, before.options.emergency)
    if (on !== undefined) {
      const switches = on !== emergency.enabled
      Object.assign(emergency, { enabled: on, until: undefined })
      if (switches) guard.emit({ type: 'emergency', time: guard.services.now(), enabled: on, by: name === 'shared' ? 'store' : 'code' })
    }
    findPreflights(app, guard)
    guard.overlays = overlays
    swapped = true
    return differing(before.options, options)
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
export function defined (changes: Changes): Changes {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
}

function differing (before: GuardOptions, after: GuardOptions): string[] {
  const [one, other] = [before, after] as Array<Record<string, unknown>>
  return Object.keys({ ...one, ...other }).filter((key) => !isDeepStrictEqual(one![key], other![key]))
}

function recordsOf (guard: Guard): RouteRecord[] {
  return [...guard.routes, ...guard.late.values(), ...guard.scopes.flatMap(({ unmatched }) => unmatched ?? [])]
}

/** Where an update puts the switch of emergency mode. One that says nothing new of it, or names a list alone, leaves it. */
function switched (after: GuardOptions['emergency'], before: GuardOptions['emergency']): boolean | undefined {
  if (isDeepStrictEqual(after, before)) return undefined
  const [on, wasOn] = [after, before].map((rule) => isObject(rule) ? rule['enabled'] : rule)
  return on === undefined && wasOn !== true ? undefined : on === true
}
