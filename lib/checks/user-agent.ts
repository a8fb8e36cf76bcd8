import { longestLiteral } from '../bots/literal.ts'
import { matcherOf } from '../bots/matcher.ts'
import type { CheckModule, Refusal } from '../check.ts'
import { also, either, list, oneOf, regexp, rule, text, type Report } from '../options/shape.ts'
import { recent } from '../recent.ts'
import type { UserAgentRules } from '../../types/index.ts'

const refused: Refusal = { code: 'GUARD_USER_AGENT_REFUSED', status: 403, reason: 'user agent is refused', strike: 'userAgent' }
const missing: Refusal = { code: 'GUARD_USER_AGENT_REFUSED', status: 403, reason: 'user agent is missing', strike: 'userAgent' }
const malformed: Refusal = { code: 'GUARD_USER_AGENT_REFUSED', status: 403, reason: 'user agent is malformed', rule: 'userAgent.malformed', strike: 'userAgent' }

/** As unlike as agents get: what matches all of them was not meant to tell any apart. */
const ANYBODY = ['', 'curl/8.5.0', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0']

const pattern = also(either(text, regexp), (value: unknown, path: string, report: Report) => {
  if (value instanceof RegExp && value.flags.replace(/[is]/g, '') !== '') report(path, `takes no flag but "i" and "s", got ${value}`)
  if (typeof value === 'string' && value.trim() === '') report(path, 'must not be blank')
  if (value instanceof RegExp && ANYBODY.every((agent) => value.test(agent))) report(path, `matches every user agent: ${value}`)
})

/** Refuses requests by their `User-Agent`. */
export const userAgent: CheckModule<'userAgent'> = {
  key: 'userAgent',
  trustSkips: true,
  shape: rule({ deny: list(pattern), allow: list(pattern), missing: oneOf('pass', 'refuse'), malformed: oneOf('pass', 'refuse') }),
  compile ({ deny = [], allow = [], missing: absent = 'pass', malformed: broken = 'pass' }: UserAgentRules) {
    const denied = matcher(deny)
    const allowed = matcher(allow)
    if (denied === undefined && absent === 'pass' && broken === 'pass') return undefined
    const passed = recent(256)
    return {
      request (request) {
        const agent = request.headers['user-agent'] ?? ''
        if (agent === '' && absent === 'refuse') return missing
        if (passed.has(agent)) return undefined
        if (denied?.(agent) === true && allowed?.(agent) !== true) return { ...refused, evidence: agent }
        if (broken === 'refuse' && agent !== '' && isMalformed(agent) && allowed?.(agent) !== true) return { ...malformed, evidence: agent }
        passed.add(agent)
        return undefined
      }
    }
  }
}

/**
 * One test for all patterns, in one pass however many they are: strings match literally, in any case; expressions are
 * asked only where the text is there that they cannot match without.
 */
function matcher (patterns: ReadonlyArray<string | RegExp>): ((agent: string) => boolean) | undefined {
  if (patterns.length === 0) return undefined
  const find = matcherOf(patterns.map((pattern) => typeof pattern === 'string'
    ? { literal: pattern.toLowerCase(), pattern: undefined }
    : { literal: longestLiteral(pattern.source).toLowerCase(), pattern }))
  return (agent) => find(agent, agent.toLowerCase()).length > 0
}

const LONGEST = 2048

/**
 * Not what a program writes that knows what the header is for: it does not start with a letter or digit, has parentheses
 * that do not match, characters that are no text, none that are letters, or is longer than 2048 characters. Looser than
 * RFC 9110, section 10.1.5, since browsers within apps are too.
 */
function isMalformed (agent: string): boolean {
  if (agent.length > LONGEST || !/^[a-z\d]/i.test(agent) || !/[a-z]/i.test(agent)) return true
  let depth = 0
  for (let i = 0; i < agent.length; i++) {
    const code = agent.charCodeAt(i)
    if (code === 40) depth++
    else if (code === 41 && --depth < 0) return true
    else if ((code < 32 && code !== 9) || code === 127 || code === 60 || code === 62) return true
  }
  return depth !== 0
}
