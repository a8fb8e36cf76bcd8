import { AssertionError } from 'node:assert'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import { isObject, show } from '../options/shape.ts'
import type { GuardCode, PastVerdict } from '../../types/index.ts'

/** What a refusal is expected to be; members that are left out do not matter. */
export interface ExpectedRefusal {
  code?: GuardCode
  status?: number
  /** The rule's key; known of responses to clients of a kit. */
  check?: string
  rule?: string
}

/** What the matchers read of a response: that of `inject`, or of `fetch`. */
interface Answer { statusCode?: number, status?: number, headers: object }

const verdicts = new WeakMap<object, PastVerdict>()

/** Lets matchers tell what the client is not told. */
export function remember (response: object, verdict: PastVerdict | undefined): void {
  if (verdict !== undefined) verdicts.set(response, verdict)
}

/** @throws {AssertionError} unless the guard refused, and as expected */
export function assertRefused (response: Answer, expected: ExpectedRefusal | GuardCode = {}): void {
  const { pass, message } = guardMatchers.toBeRefused(response, expected)
  if (!pass) throw new AssertionError({ message: message(), stackStartFn: assertRefused })
}

/** @throws {AssertionError} if the guard refused; what the application answers does not matter */
export function assertPassed (response: Answer): void {
  const { pass, message } = guardMatchers.toPassGuard(response)
  if (!pass) throw new AssertionError({ message: message(), stackStartFn: assertPassed })
}

interface Outcome { pass: boolean, message: () => string }

/** For `expect.extend` of Jest and Vitest: `expect(response).toBeRefused('GUARD_BANNED')`, `expect(response).toPassGuard()`. */
export const guardMatchers = {
  toBeRefused (response: Answer, expected: ExpectedRefusal | GuardCode = {}): Outcome {
    mustBeAnswer('toBeRefused', response)
    const wanted = typeof expected === 'string' ? { code: expected } : expected
    const found = refusalIn(response)
    const wrong = Object.entries(wanted).filter(([name, value]) => found?.[name as keyof ExpectedRefusal] !== value)
    const pass = found !== undefined && wrong.length === 0
    return { pass, message: () => `expected ${pass ? 'no refusal' : 'a refusal'}${Object.keys(wanted).length === 0 ? '' : ` with ${JSON.stringify(wanted)}`}, got ${told(response, found)}` }
  },

  toPassGuard (response: Answer): Outcome {
    mustBeAnswer('toPassGuard', response)
    const found = refusalIn(response)
    return { pass: found === undefined, message: () => `expected the guard to ${found === undefined ? 'refuse' : 'let pass'}, got ${told(response, found)}` }
  }
}

/** Otherwise a text, or a promise that nobody awaited, would do for a request that passed. */
function mustBeAnswer (matcher: string, response: unknown): void {
  if (isObject(response) && isObject(response['headers'])) return
  throw new GUARD_OPTION_INVALID(`guard: ${matcher} takes a response of inject() or fetch(), got ${response instanceof Promise ? 'a promise: await it first' : show(response)}`)
}

/** `undefined`: no refusal of the guard. */
function refusalIn (response: Answer): (ExpectedRefusal & { reason?: string }) | undefined {
  const { headers } = response
  const reference = headers instanceof Headers ? headers.get('x-guard-reference') : (headers as Record<string, unknown>)['x-guard-reference']
  if (reference === undefined || reference === null) return undefined
  const known = verdicts.get(response)
  const status = response.statusCode ?? response.status!
  return { ...known, status, ...(known === undefined && codeOf(response)) }
}

/** All that a response alone says; that of `fetch` has been read by its owner. */
function codeOf (response: object): { code?: GuardCode } {
  const { body } = response as { body?: unknown }
  try {
    const { code } = JSON.parse(String(body)) as { code?: GuardCode }
    return code === undefined ? {} : { code }
  } catch {
    return {}
  }
}

function told (response: Answer, found: ReturnType<typeof refusalIn>): string {
  const status = response.statusCode ?? response.status
  if (found === undefined) return `${status} without a refusal of the guard`
  const { code, check, reason, rule } = found
  return `${status} ${code ?? ''}${check === undefined ? '' : ` by ${check}`}${reason === undefined ? '' : `: ${reason}`}${rule === undefined ? '' : ` (rule ${rule})`}`
}
