import type { FastifyRequest } from 'fastify'
import type { Check, CheckModule, Refusal, Visit } from '../check.ts'
import { fn, is, rule, someText } from '../options/shape.ts'
import type { AuthRules } from '../../types/index.ts'
import { lacks } from './required.ts'

const scheme = is('an authentication scheme such as \'bearer\' or \'basic\'', (value) => typeof value === 'string' && /^[!#$%&'*+.^_`|~\w-]+$/.test(value), someText)

/** Lets requests pass whose credential a function of the application knows. */
export const auth: CheckModule<'auth'> = {
  key: 'auth',
  trustSkips: false,
  shape: rule({ scheme, verify: fn }),
  compile (rule, _services, target) {
    const { scheme = 'bearer', verify } = rule as AuthRules
    if (lacks('auth', rule, target, 'scheme', 'verify')) return undefined
    const name = scheme.toLowerCase()
    const challenge = name === 'basic' ? 'Basic realm="api", charset="UTF-8"' : name === 'bearer' ? 'Bearer' : scheme
    const refused: Refusal = { code: 'GUARD_AUTH_REQUIRED', status: 401, reason: 'credential is missing or wrong', headers: { 'www-authenticate': challenge }, strike: 'auth' }
    const given = (request: FastifyRequest): ReturnType<typeof credentialOf> => {
      const values = allOf(request, 'authorization')
      return values.length === 1 ? credentialOf(values[0]!, name) : undefined
    }
    const check: Check = (request, visit) => {
      const credential = given(request)
      if (credential === undefined) return refused
      return settle(verify?.(credential as never, request), visit, refused)
    }
    return { request: check, dry: { request: (request, visit, reply, run) => run || given(request) === undefined ? check(request, visit, reply) : 'not run' } }
  }
}

/** The verdict on what a function of the application answered; what it answered for somebody is kept on the visit. */
export function settle (outcome: unknown, visit: Visit, refused: Refusal): Refusal | undefined | Promise<Refusal | undefined> {
  if (isThenable(outcome)) return Promise.resolve(outcome).then((principal: unknown) => settle(principal, visit, refused) as Refusal | undefined)
  if (!isPrincipal(outcome)) return refused
  visit.principal = outcome
  return undefined
}

/** Anything but a value that stands for nobody: a failed look-up must not let in by its form. */
export function isPrincipal (value: unknown): boolean {
  return Boolean(value) && !(value instanceof Error)
}

/** Query builders answer objects that are no promise but have a `then`: taken for a principal, they would let everybody in. */
export function isThenable (value: unknown): value is PromiseLike<unknown> {
  return (typeof value === 'object' || typeof value === 'function') && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

/** All values of a header: Node keeps only the first `Authorization` and joins others. */
export function allOf ({ raw: { rawHeaders } }: FastifyRequest, name: string): string[] {
  const values: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.length === name.length && rawHeaders[i]!.toLowerCase() === name) values.push(rawHeaders[i + 1]!)
  }
  return values
}

/** RFC 9110, section 11.4: a scheme in any case, blanks, the credential. */
function credentialOf (header: string, scheme: string): string | { username: string, password: string } | undefined {
  const blank = header.indexOf(' ')
  if (blank === -1 || header.slice(0, blank).toLowerCase() !== scheme) return undefined
  const value = header.slice(blank + 1).trim()
  if (value === '') return undefined
  return scheme === 'basic' ? basic(value) : value
}

/** RFC 7617: base64 of `username:password` in UTF-8. */
function basic (value: string): { username: string, password: string } | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(value)) return undefined
  const text = Buffer.from(value, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon === -1 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) }
}
