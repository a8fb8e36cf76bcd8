import type { Guard } from '../guard.ts'
import { isObject } from '../options/shape.ts'
import { rulesOf } from '../options/plugin.ts'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import type { GuardApi, GuardOptions } from '../../types/index.ts'
import type { PassiveCheck } from './feed.ts'

/** A check that only reports, and what it has found. */
export interface PassiveEntry extends PassiveCheck {
  /** Where it is passive: the plugin's `mode`, the plugin's rule, or somewhere that only the program can change; `nowhere`: not any more. */
  where: 'mode' | 'plugin' | 'elsewhere' | 'nowhere'
}

/** Every check that is passive or has reported, those that have found most first. */
export function passiveReport (guard: Guard, seen: readonly PassiveCheck[]): PassiveEntry[] {
  const own = passiveKeys(guard.options)
  const found = new Map(seen.map((each) => [each.check, each]))
  const silent = own.filter((key) => !found.has(key)).map((check): PassiveCheck => ({ check, count: 0, rules: [], routes: [], clients: [] }))
  const where = (check: string): PassiveEntry['where'] => guard.options.mode === 'passive' ? 'mode' : own.includes(check) ? 'plugin' : isPassiveSomewhere(guard, check) ? 'elsewhere' : 'nowhere'
  return [...seen, ...silent].map((each) => ({ ...each, where: where(each.check) })).sort((one, other) => other.count - one.count)
}

function isPassiveSomewhere ({ routes, late, scopes }: Guard, check: string): boolean {
  return [...routes, ...late.values(), ...scopes.flatMap(({ unmatched }) => unmatched ?? [])].some(({ rules }) => someOf(rules.get(check)?.value))
}

/** Keys of the root's rules that are passive; of limits some are enough. */
function passiveKeys (options: GuardOptions): string[] {
  return Object.entries(rulesOf(options)).filter(([, rule]) => someOf(rule)).map(([key]) => key)
}

function someOf (rule: unknown): boolean {
  return (Array.isArray(rule) ? rule : [rule]).some(isPassive)
}

function isPassive (rule: unknown): boolean {
  return isObject(rule) && rule['mode'] === 'passive'
}

/**
 * Makes a passive rule refuse, or all of them (`mode`), until the process ends.
 *
 * @throws {GUARD_OPTION_INVALID} if there is no such passive rule at the plugin's registration
 */
export async function promote (guard: Guard, api: GuardApi, check: string): Promise<void> {
  const { options } = guard
  if (check === 'mode' ? options.mode !== 'passive' : !passiveKeys(options).includes(check)) throw new GUARD_OPTION_INVALID(`guard: ${JSON.stringify(check)} is not passive at the plugin's registration`)
  const enforced = (rule: unknown): unknown => isPassive(rule) ? { ...rule as object, mode: 'enforce' } : rule
  const rule = (options as Record<string, unknown>)[check]
  const changes = check === 'mode' ? { mode: 'enforce' as const } : { [check]: Array.isArray(rule) ? rule.map(enforced) : enforced(rule) }
  await api.update(changes, { by: 'dashboard' })
}
