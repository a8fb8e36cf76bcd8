import { STATUS_CODES } from 'node:http'
import type { FastifySchema } from 'fastify'
import { kRecord } from './guard.ts'
import { isObject } from './options/shape.ts'
import type { RouteRecord } from './routes.ts'
import type { GuardCode } from '../types/index.ts'

/** What the statuses of each check are; a check that is not here may answer as it likes. */
const ANSWERS: Readonly<Record<string, readonly [status: number, code: GuardCode]>> = {
  emergency: [503, 'GUARD_EMERGENCY'],
  ban: [403, 'GUARD_BANNED'],
  ip: [403, 'GUARD_IP_REFUSED'],
  country: [403, 'GUARD_COUNTRY_REFUSED'],
  asn: [403, 'GUARD_ASN_REFUSED'],
  cloud: [403, 'GUARD_CLOUD_REFUSED'],
  bots: [403, 'GUARD_BOT_REFUSED'],
  https: [403, 'GUARD_HTTPS_REQUIRED'],
  hosts: [421, 'GUARD_HOST_REFUSED'],
  methods: [405, 'GUARD_METHOD_REFUSED'],
  userAgent: [403, 'GUARD_USER_AGENT_REFUSED'],
  rateLimit: [429, 'GUARD_RATE_LIMITED'],
  concurrency: [429, 'GUARD_TOO_MANY_IN_FLIGHT'],
  timeWindow: [403, 'GUARD_TIME_WINDOW'],
  requireHeaders: [400, 'GUARD_HEADER_REQUIRED'],
  referrer: [403, 'GUARD_REFERRER_REFUSED'],
  fetchMetadata: [403, 'GUARD_CROSS_SITE'],
  contentType: [415, 'GUARD_CONTENT_TYPE'],
  honeypot: [403, 'GUARD_HONEYPOT'],
  detection: [400, 'GUARD_ATTACK_DETECTED'],
  apiKey: [401, 'GUARD_API_KEY_REQUIRED'],
  auth: [401, 'GUARD_AUTH_REQUIRED'],
  maxBodyBytes: [413, 'GUARD_BODY_TOO_LARGE']
}

/** What @fastify/swagger says of a route that declares no answer. */
const DEFAULT = { 200: { description: 'Default Response', type: 'null' } }

interface Described { schema?: unknown, url: string, route: { config?: unknown } }

/** A route as @fastify/swagger describes it. */
export interface Transformed { schema: FastifySchema, url: string }

/**
 * The `transform` of @fastify/swagger that adds to each operation what the guard does there: `x-guard`, and the
 * answers of its checks. Lists stay out, since the document is often public; answers that the route declares itself stay.
 *
 * @param next a transform of the application's own, called first
 */
export function guardTransform (next?: (described: never) => { schema: unknown, url: string }): (described: Described) => Transformed {
  return (described) => {
    const { schema, url } = next === undefined ? described : next(described as never)
    const own = isObject(schema) ? schema : {}
    const record = (described.route.config as { [kRecord]?: RouteRecord } | undefined)?.[kRecord]
    const checks = record === undefined ? [] : checksOf(record)
    if (record === undefined || own['hide'] === true) return { schema: own, url }
    const answers = answersOf(checks)
    const response = Object.keys(answers).length === 0 ? own['response'] : { ...answers, ...(own['response'] as object | undefined ?? DEFAULT) }
    return { schema: { ...own, 'x-guard': { checks, ...tellable(record) }, ...(response !== undefined && { response }) }, url }
  }
}

/** Checks that refuse; passive ones do not show. */
function checksOf ({ chain }: RouteRecord): string[] {
  if (chain === undefined) return []
  const keys = [...chain.request, ...chain.body].filter(({ passive }) => !passive).map(({ key }) => key)
  return [...new Set([...keys, ...(chain.maxBodyBytes !== undefined && !chain.passive ? ['maxBodyBytes'] : [])])]
}

/** What a client is to know. */
function tellable ({ rules }: RouteRecord): Record<string, unknown> {
  const told: Record<string, unknown> = {}
  const limits = [rules.get('rateLimit')?.value ?? []].flat().filter(isObject).map(({ name, max, window }) => ({ ...(name !== undefined && { name }), ...(typeof max === 'number' && { max }), window }))
  if (limits.length > 0) told['rateLimit'] = limits
  const auth = rules.get('auth')?.value
  if (isObject(auth)) told['auth'] = { scheme: auth['scheme'] }
  const apiKey = rules.get('apiKey')?.value
  if (isObject(apiKey)) told['apiKey'] = { header: apiKey['header'] ?? 'x-api-key' }
  const bytes = rules.get('maxBodyBytes')?.value
  if (typeof bytes === 'number') told['maxBodyBytes'] = bytes
  return told
}

function answersOf (checks: readonly string[]): Record<string, unknown> {
  const codes = new Map<number, GuardCode[]>()
  for (const check of checks) {
    const answer = ANSWERS[check]
    if (answer !== undefined) codes.set(answer[0], [...(codes.get(answer[0]) ?? []), answer[1]])
  }
  return Object.fromEntries([...codes].map(([status, names]) => [status, {
    description: `${STATUS_CODES[status]}: refused by the guard`,
    type: 'object',
    properties: { statusCode: { type: 'integer' }, code: { type: 'string', enum: names }, error: { type: 'string' }, message: { type: 'string' } }
  }]))
}
