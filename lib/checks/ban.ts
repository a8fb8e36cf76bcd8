import type { BanPolicy } from '../bans/bans.ts'
import type { CheckModule, Services } from '../check.ts'
import { CATEGORIES } from '../detect/types.ts'
import { listShape } from '../net/list.ts'
import { also, duration, int, list, milliseconds, num, object, oneOf, record, rule, type Report } from '../options/shape.ts'
import type { BanRules, Category, Duration, StrikeKind } from '../../types/index.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const KINDS: Readonly<Record<StrikeKind, true>> = { detection: true, honeypot: true, rateLimit: true, auth: true, apiKey: true, userAgent: true, ip: true, malformed: true, custom: true }

const banShape = also(rule({
  threshold: int(1),
  window: duration,
  duration,
  on: list(oneOf(...Object.keys(KINDS)), 1),
  categories: record(object({ threshold: int(1), duration }), oneOf(...CATEGORIES)),
  escalate: num(1),
  maxDuration: duration,
  exempt: listShape
}), ({ duration, maxDuration, categories = {} }: BanRules, path: string, report: Report) => {
  const longest = milliseconds(maxDuration)
  if (longest === undefined) return
  const exceeds = (value: unknown): boolean => (milliseconds(value) ?? 0) > longest
  if (exceeds(duration)) report(`${path}.duration`, 'is longer than maxDuration')
  for (const [category, own] of Object.entries(categories)) {
    if (exceeds(own?.duration)) report(`${path}.categories.${category}.duration`, 'is longer than maxDuration')
  }
})

/** Refuses banned clients. Manual bans count wherever this check runs, also without a rule for automatic ones. */
export const ban: CheckModule<'ban'> = {
  key: 'ban',
  trustSkips: true,
  shape: banShape,
  compile (_rule, { bans, now }) {
    return {
      request (_request, visit) {
        const found = bans.find(visit.client)
        if (found === undefined) return undefined
        return {
          code: 'GUARD_BANNED',
          status: 403,
          reason: `banned: ${found.reason}`,
          rule: found.client,
          headers: { 'retry-after': String(Math.ceil((found.until - now()) / 1000)) }
        }
      }
    }
  }
}

/** How strikes lead to bans under a rule. */
export function banPolicy (rule: BanRules, { lists, clients }: Services): BanPolicy {
  const threshold = rule.threshold ?? 5
  const length = ms(rule.duration, HOUR)
  const exempt = rule.exempt === undefined ? undefined : lists.read(rule.exempt)
  const categories = new Map<Category, { threshold: number, duration: number }>()
  for (const [category, own] of Object.entries(rule.categories ?? {})) {
    categories.set(category as Category, { threshold: own?.threshold ?? threshold, duration: ms(own?.duration, length) })
  }
  return {
    threshold,
    window: ms(rule.window, 10 * MINUTE),
    duration: length,
    // What was asked for outright is not cut by a default.
    maxDuration: ms(rule.maxDuration, Math.max(7 * 24 * HOUR, length, ...[...categories.values()].map(({ duration }) => duration))),
    escalate: rule.escalate ?? 1,
    on: new Set(rule.on ?? ['detection', 'honeypot']),
    categories,
    // A trusted proxy speaks for many; whoever it is that misbehaves, it is not the proxy.
    spares: ({ ip, address }) => clients.trustsPeer(ip) || (exempt !== undefined && address !== undefined && exempt.has(address))
  }
}

function ms (value: Duration | undefined, otherwise: number): number {
  return value === undefined ? otherwise : milliseconds(value)!
}
