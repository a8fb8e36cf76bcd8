import { parse } from '@lukeed/ms'
import { nearest } from './nearest.ts'
import { anyOf, objectSchema, recordSchema, type JsonSchema } from './json-schema.ts'

/** One problem of an option: its path, e.g. `rateLimit.maxx`, and what is wrong with it. */
export interface Problem { path: string, message: string }
export type Report = (path: string, message: string) => void

/**
 * What an option may be. Options are never coerced: a shape only looks, and reports every problem it sees.
 */
export interface Shape {
  /** Completes "must be ...". */
  expected: string
  /** Whether the value is of this kind at all; a union asks its members. */
  kind: (value: unknown) => boolean
  /** Reports what is wrong inside a value of this kind. */
  inside: (value: unknown, path: string, report: Report) => void
  /** Members of an object, for the documents. */
  keys?: Readonly<Record<string, Shape>>
  /** The same as JSON Schema, as far as it can say it; `undefined`: no JSON value will do. */
  json: JsonSchema | undefined
}

/** Reports all problems of `value`. */
export function examine (shape: Shape, value: unknown, path: string, report: Report): void {
  if (shape.kind(value)) shape.inside(value, path, report)
  else report(path, `must be ${shape.expected}, got ${show(value)}`)
}

const nothing = (): void => {}

/** A shape from a predicate. `json` is `undefined` for what only a program can give. */
export function is (expected: string, kind: (value: unknown) => boolean, json: JsonSchema | undefined): Shape {
  return { expected, kind, inside: nothing, json }
}

export const bool = is('true or false', (value) => typeof value === 'boolean', { type: 'boolean' })
export const no = is('false', (value) => value === false, { const: false })
export const yes = is('true', (value) => value === true, { const: true })
export const text = is('a non-empty string', (value) => typeof value === 'string' && value !== '', { type: 'string', minLength: 1 })
/** The schema of texts that a predicate looks at more closely than a schema can. */
export const someText: JsonSchema = { type: 'string' }
export const fn = is('a function', (value) => typeof value === 'function', undefined)
export const regexp = is('a RegExp', (value) => value instanceof RegExp, undefined)

export function int (min: number, max = Number.MAX_SAFE_INTEGER): Shape {
  return is(max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min} up` : `a whole number from ${min} to ${max}`,
    (value) => Number.isSafeInteger(value) && value as number >= min && value as number <= max, { type: 'integer', minimum: min, maximum: max })
}

export function num (min: number, max = Number.MAX_SAFE_INTEGER): Shape {
  return is(max === Number.MAX_SAFE_INTEGER ? `a number from ${min} up` : `a number from ${min} to ${max}`,
    (value) => typeof value === 'number' && value >= min && value <= max, { type: 'number', minimum: min, maximum: max })
}

export function oneOf (...names: string[]): Shape {
  const expected = names.map((name) => `'${name}'`).join(', ')
  return {
    expected: `one of ${expected}`,
    json: { enum: names },
    kind: (value) => typeof value === 'string',
    inside (value, path, report) {
      if (!names.includes(value as string)) report(path, `must be one of ${expected}, got ${show(value)}${hint(value as string, names)}`)
    }
  }
}

const LONGEST = 10 * 365 * 24 * 3600 * 1000

/** Milliseconds of a duration, or `undefined` if it is none. */
export function milliseconds (value: unknown): number | undefined {
  const found = typeof value === 'string' ? parse(value) : value
  return typeof found === 'number' && Number.isFinite(found) && found >= 1 && found <= LONGEST ? Math.round(found) : undefined
}

export const duration = is("milliseconds or a text such as '30s', '1m', '2h', '1d'", (value) => milliseconds(value) !== undefined,
  anyOf([{ type: 'number', minimum: 1, maximum: LONGEST }, { type: 'string', pattern: '^(?:\\d+)?\\.?\\d+ *[A-Za-z]*$' }]))

export function list (member: Shape, min = 0): Shape {
  return {
    expected: `an array${min > 0 ? ` of at least ${min}` : ''}, each ${member.expected}`,
    json: member.json && { type: 'array', items: member.json, ...(min > 0 && { minItems: min }) },
    kind: Array.isArray,
    inside (value, path, report) {
      const values = value as unknown[]
      if (values.length < min) report(path, `must have at least ${min} ${min === 1 ? 'entry' : 'entries'}`)
      for (let i = 0; i < values.length; i++) examine(member, values[i], `${path}[${i}]`, report)
    }
  }
}

export function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof RegExp)
}

/** An object whose members count: a Map, a Date or a promise would pass for one without any. */
export function isPlain (value: unknown): boolean {
  return isObject(value) && ['[object Object]', '[object Module]'].includes(Object.prototype.toString.call(value))
}

/** An object that may have these members and no others; `required` ones it must have. */
export function object (keys: Readonly<Record<string, Shape>>, ...required: string[]): Shape {
  const names = Object.keys(keys)
  return {
    expected: 'an object',
    keys,
    json: objectSchema(keys, required),
    kind: isPlain,
    inside (value, path, report) {
      const members = value as Record<string, unknown>
      for (const name of Object.keys(members)) {
        const member = join(path, name)
        const shape = Object.hasOwn(keys, name) ? keys[name] : undefined
        if (shape === undefined) report(member, `is unknown${hint(name, names)}`)
        else if (members[name] !== undefined) examine(shape, members[name], member, report)
      }
      for (const name of required) {
        if (members[name] === undefined) report(join(path, name), 'is missing')
      }
    }
  }
}

/** An object that is a rule: its own members, and those that every rule takes. */
export function rule (keys: Readonly<Record<string, Shape>>, ...required: string[]): Shape {
  return object({ ...keys, mode: oneOf('enforce', 'passive', 'off'), sample: num(0, 1), inherit: bool }, ...required)
}

/** An object whose members are all of one shape; `name` judges their names. */
export function record (member: Shape, name: Shape = text): Shape {
  return {
    expected: 'an object',
    json: recordSchema(member.json, name.json),
    kind: isPlain,
    inside (value, path, report) {
      for (const [key, entry] of Object.entries(value as object)) {
        examine(name, key, join(path, key), report)
        examine(member, entry, join(path, key), report)
      }
    }
  }
}

/** The first shape of the value's kind judges it. */
export function either (...shapes: Shape[]): Shape {
  const expected = shapes.map((shape) => shape.expected).join(' or ')
  const keys = shapes.find((shape) => shape.keys !== undefined)?.keys
  return {
    expected,
    ...(keys !== undefined && { keys }),
    json: anyOf(shapes.map(({ json }) => json)),
    kind: (value) => shapes.some((shape) => shape.kind(value)),
    inside (value, path, report) {
      shapes.find((shape) => shape.kind(value))!.inside(value, path, report)
    }
  }
}

/** A shape with a further condition on the whole value, e.g. that one member needs another. */
export function also (shape: Shape, condition: (value: never, path: string, report: Report) => void): Shape {
  return {
    ...shape,
    inside (value, path, report) {
      shape.inside(value, path, report)
      condition(value as never, path, report)
    }
  }
}

export function join (path: string, name: string): string {
  const plain = /^[A-Za-z_$][\w$-]*$/.test(name)
  if (!plain) return `${path}[${JSON.stringify(name)}]`
  return path === '' ? name : `${path}.${name}`
}

export function hint (name: string, names: readonly string[]): string {
  const found = nearest(name, names)
  return found === undefined ? '' : `, did you mean ${found}?`
}

/** A value as it stands in an error message: short, on one line. */
export function show (value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value)
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint' || value == null) return String(value)
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array'
  if (value instanceof RegExp) return String(value).slice(0, 60)
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
