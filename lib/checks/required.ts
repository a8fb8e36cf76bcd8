import type { Target } from '../check.ts'

/**
 * Reports members that a rule lacks once all layers are merged: a layer alone may say no more than `{ mode }`.
 *
 * @returns whether any is missing
 */
export function lacks (key: string, rule: object, { problem }: Pick<Target, 'problem'>, ...names: string[]): boolean {
  const missing = names.filter((name) => (rule as Record<string, unknown>)[name] === undefined)
  for (const name of missing) problem(`${key}.${name}`, 'is missing')
  return missing.length > 0
}
