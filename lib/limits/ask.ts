import type { FastifyRequest } from 'fastify'
import type { Geo } from '../geo/geo.ts'
import type { Client } from '../net/client.ts'
import { boundedKey } from './client-key.ts'
import type { CompiledLimit } from './compile.ts'
import type { Ask } from './store.ts'

/** Counters have 32 bits. */
export const MOST = 2 ** 32 - 1

export interface LimitAsk extends Ask { limit: CompiledLimit }

/** What a request wants of a limit; `undefined` if the limit does not apply to it. Throws where a function of the limit gives nonsense. */
export function askOf (limit: CompiledLimit, request: FastifyRequest, client: Client, geo: Geo | undefined): LimitAsk | undefined {
  if (limit.skip?.(request) === true) return undefined
  const cost = limit.costOf === undefined ? limit.cost : wholeNumber(limit.costOf(request), limit, 'cost')
  const max = maxOf(limit, request, client, geo)
  if (cost === 0 || max === Infinity) return undefined
  const key = limit.keyOf === undefined ? client.key : keyOf(limit.keyOf(request), limit)
  return { limit, counter: limit.counter, key, max, burst: limit.burst ?? max, cost }
}

function maxOf (limit: CompiledLimit, request: FastifyRequest, client: Client, geo: Geo | undefined): number {
  if (limit.byCountry !== undefined) {
    const country = geo?.place(client)?.country
    const most = country === undefined ? undefined : limit.byCountry.get(country)
    if (most !== undefined) return most
  }
  if (limit.max !== undefined) return limit.max
  const most = limit.maxOf!(request)
  return most === Infinity ? most : wholeNumber(most, limit, 'max')
}

function wholeNumber (value: unknown, { name }: CompiledLimit, member: string): number {
  if (Number.isSafeInteger(value) && value as number >= 0 && value as number <= MOST) return value as number
  throw new TypeError(`rateLimit ${name}: ${member} must give a whole number from 0 to ${MOST}`)
}

function keyOf (key: unknown, { name }: CompiledLimit): string {
  if (typeof key === 'string' && key !== '') return boundedKey(key)
  throw new TypeError(`rateLimit ${name}: key must give a string that is not empty`)
}
