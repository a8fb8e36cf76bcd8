import type { CheckModule, Refusal } from '../check.ts'
import { also, either, list, oneOf, regexp, rule, text, type Report } from '../options/shape.ts'
import { recent } from '../recent.ts'
import type { UserAgentRules } from '../../types/index.ts'

const refused: Refusal = { code: 'GUARD_USER_AGENT_REFUSED', status: 403, reason: 'user agent is refused', strike: 'userAgent' }
const missing: Refusal = { code: 'GUARD_USER_AGENT_REFUSED', status: 403, reason: 'user agent is missing', strike: 'userAgent' }

const pattern = also(either(text, regexp), (value: unknown, path: string, report: Report) => {
  if (value instanceof RegExp && value.flags.replace(/[is]/g, '') !== '') report(path, `takes no flag but "i" and "s", got ${value}`)
  if (typeof value === 'string' && value.trim() === '') report(path, 'must not be blank')
  if (value instanceof RegExp && value.test('')) report(path, `matches every user agent: ${value}`)
})

/** Refuses requests by their `User-Agent`. */
export const userAgent: CheckModule<'userAgent'> = {
  key: 'userAgent',
  trustSkips: true,
  shape: rule({ deny: list(pattern), allow: list(pattern), missing: oneOf('pass', 'refuse') }),
  compile ({ deny = [], allow = [], missing: absent = 'pass' }: UserAgentRules) {
    const denied = matcher(deny)
    const allowed = matcher(allow)
    if (denied === undefined && absent === 'pass') return undefined
    const passed = recent(256)
    return {
      request (request) {
        const agent = request.headers['user-agent']
        if (agent === undefined || agent === '') return absent === 'refuse' ? missing : undefined
        if (passed.has(agent)) return undefined
        if (denied?.(agent) === true && allowed?.(agent) !== true) return { ...refused, evidence: agent }
        passed.add(agent)
        return undefined
      }
    }
  }
}

/**
 * One test for all patterns: strings match literally, in any case, and are joined to one expression
 * without quantifiers, so that they cost one linear pass however many they are.
 */
function matcher (patterns: ReadonlyArray<string | RegExp>): ((agent: string) => boolean) | undefined {
  if (patterns.length === 0) return undefined
  const literals = patterns.filter((pattern) => typeof pattern === 'string')
  const tests = patterns.filter((pattern) => typeof pattern !== 'string')
  if (literals.length > 0) tests.unshift(new RegExp(literals.map(escape).join('|'), 'i'))
  return (agent) => tests.some((test) => test.test(agent))
}

function escape (literal: string): string {
  return literal.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
