import type { FastifyReply, FastifyRequest } from 'fastify'
import { milliseconds, type Report } from '../options/shape.ts'
import type { Limiter } from './limiter.ts'
import type { Counter } from './store.ts'
import type { Limit } from '../../types/index.ts'

/** A limit, ready to use. */
export interface CompiledLimit {
  name: string
  /** The name as a string of structured fields. */
  quoted: string
  counter: Counter
  /** `undefined`: `maxOf` tells. */
  max: number | undefined
  maxOf: ((request: FastifyRequest) => number) | undefined
  byCountry: ReadonlyMap<string, number> | undefined
  burst: number | undefined
  cost: number
  costOf: ((request: FastifyRequest) => number) | undefined
  /** `undefined`: the client. */
  keyOf: ((request: FastifyRequest) => string) | undefined
  skip: ((request: FastifyRequest) => boolean) | undefined
  /** Whether a finished request counts; `undefined`: all do. */
  counts: ((request: FastifyRequest, reply: FastifyReply) => boolean) | undefined
  draft: boolean
  legacy: boolean
}

const failures = (_request: FastifyRequest, reply: FastifyReply): boolean => reply.statusCode >= 400

/** Compiles the limits of one layer. `layer` names the bucket that they are, unless they have a group. */
export function compileLimits (limits: readonly Limit[], layer: string, limiter: Limiter, problem: Report): CompiledLimit[] {
  return limits.flatMap((limit, i) => {
    const { group, algorithm = 'sliding-window', byCountry, key = 'ip', max, cost = 1, count = 'all' } = limit
    const window = milliseconds(limit.window)!
    const bucket = `${group === undefined ? `${layer}|${limit.name ?? i}` : `group:${group}`}|${window}|${algorithm}`
    const headers = limit.headers ?? 'draft'
    // Keys that a function makes of what a client sent must not meet those that clients are known by.
    const kind = key === 'ip' ? 'ip' : 'key'
    const counter = limiter.counter(`${bucket}|${kind}`, window, algorithm, group === undefined ? undefined : `${group}|${kind}`)
    if (typeof counter === 'string') {
      problem('rateLimit.group', counter)
      return []
    }
    const compiled: CompiledLimit = {
      name: nameOf(limit, i),
      // Names are checked for characters that no such string has.
      quoted: `"${nameOf(limit, i).replace(/["\\]/g, '\\$&')}"`,
      counter,
      max: typeof max === 'number' ? max : undefined,
      maxOf: typeof max === 'number' ? undefined : max,
      byCountry: byCountry && new Map(Object.entries(byCountry).map(([country, most]) => [country.toUpperCase(), most])),
      burst: limit.burst,
      cost: typeof cost === 'number' ? cost : 1,
      costOf: typeof cost === 'number' ? undefined : cost,
      keyOf: key === 'ip' ? undefined : key,
      skip: limit.skip,
      counts: count === 'all' ? undefined : count === 'failures' ? failures : count,
      draft: headers === 'draft' || headers === 'both',
      legacy: headers === 'legacy' || headers === 'both'
    }
    const name = limit.name ?? group ?? (i === 0 ? layer : `${layer}#${i + 1}`)
    limiter.know({ name, counter, max: compiled.max, burst: limit.burst ?? compiled.max ?? 0, byClient: key === 'ip' })
    return compiled
  })
}

/** The name in headers, log and events. */
export function nameOf ({ name }: Pick<Limit, 'name'>, position: number): string {
  return name ?? (position === 0 ? 'default' : `default-${position + 1}`)
}
