import { parseArgs, type ParseArgsConfig } from 'node:util'
import { nearest } from '../options/nearest.ts'
import { UsageError } from './command.ts'

type Options = NonNullable<ParseArgsConfig['options']>
type Parsed<T extends Options> = ReturnType<typeof parseArgs<{ options: T, allowPositionals: true, strict: true }>>

/**
 * Reads a command's arguments.
 *
 * @throws {UsageError} that names the argument, and the option that was probably meant
 */
export function readArgs<T extends Options> (args: string[], options: T): Parsed<T> {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true }) as Parsed<T>
  } catch (error) {
    const name = /^Unknown option '--?([^'=]+)/.exec((error as Error).message)?.[1]
    if (name === undefined) throw new UsageError((error as Error).message)
    const meant = nearest(name, Object.keys(options))
    throw new UsageError(`--${name} is unknown${meant === undefined ? `, known are ${Object.keys(options).map((known) => `--${known}`).join(', ')}` : `, did you mean --${meant}?`}`)
  }
}

/** @throws {UsageError} unless `value` is a whole number from `least` on */
export function wholeNumber (value: string | undefined, name: string, fallback: number, least = 1): number {
  if (value === undefined) return fallback
  const number = Number(value)
  if (!/^\d+$/.test(value) || number < least) throw new UsageError(`--${name} must be a whole number from ${least} on, not '${value}'`)
  return number
}
