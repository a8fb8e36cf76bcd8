import type { GuardOptions } from '../../types/index.ts'

/** What becomes of a configuration: options, and what one should know of them. */
export interface Draft {
  options: GuardOptions
  notes: Note[]
}

/** `todo`: without a hand of yours the options do less than the configuration said. `change`: they do it differently. `none`: there is nothing of the kind. */
export interface Note { field: string, kind: 'todo' | 'change' | 'none', text: string }

export type Config = Readonly<Record<string, unknown>>

/** Converts one field of the configuration. What it answers is noted. */
export type Convert = (value: unknown, draft: GuardOptions, config: Config) => string | Array<string | undefined> | undefined | void

/** A value that is not of the kind that the field takes. */
export class WrongValue extends Error {}

export function numberOf (value: unknown, least = 1): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < least) throw new WrongValue(`must be a number from ${least} up`)
  return value
}

export function textOf (value: unknown): string {
  if (typeof value !== 'string' || value === '') throw new WrongValue('must be a text')
  return value
}

export function textsOf (value: unknown): string[] {
  if (!Array.isArray(value) || value.some((entry) => typeof entry !== 'string')) throw new WrongValue('must be an array of texts')
  return value as string[]
}

export function membersOf (value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new WrongValue('must be an object')
  return value as Record<string, unknown>
}

/** Seconds, as one writes them here. */
export function durationOf (value: unknown): string {
  const seconds = numberOf(value, 0.001)
  if (!Number.isInteger(seconds)) return `${Math.round(seconds * 1000)}ms`
  for (const [unit, length] of [['d', 86_400], ['h', 3600], ['m', 60]] as const) if (seconds % length === 0) return `${seconds / length}${unit}`
  return `${seconds}s`
}

const LEVELS: Readonly<Record<string, 'debug' | 'info' | 'warn' | 'error' | 'fatal'>> = { DEBUG: 'debug', INFO: 'info', WARNING: 'warn', ERROR: 'error', CRITICAL: 'fatal' }

export function levelOf (value: unknown): 'debug' | 'info' | 'warn' | 'error' | 'fatal' | false {
  if (value === null) return false
  const level = typeof value === 'string' ? LEVELS[value.toUpperCase()] : undefined
  if (level === undefined) throw new WrongValue(`must be one of ${Object.keys(LEVELS).join(', ')}`)
  return level
}

/** Adds members to an option that is an object. */
export function put<Key extends keyof GuardOptions> (options: GuardOptions, key: Key, members: object): void {
  options[key] = { ...options[key] as object | undefined, ...members } as GuardOptions[Key]
}
