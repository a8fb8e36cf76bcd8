import type { BanPolicy, HeldBan } from '../bans/bans.ts'
import { isWide } from '../bans/held.ts'
import type { CheckModule, Refusal, Services } from '../check.ts'
import { CATEGORIES } from '../detect/types.ts'
import { listShape } from '../net/list.ts'
import { also, duration, int, list, milliseconds, num, object, oneOf, record, rule, type Report } from '../options/shape.ts'
import type { BanRules, Category, Duration, StrikeKind } from '../../types/index.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const KINDS: Readonly<Record<StrikeKind, true>> = { detection: true, honeypot: true, rateLimit: true, auth: true, apiKey: true, userAgent: true, bots: true, ip: true, malformed: true, custom: true }

const banShape = also(rule({
  threshold: int(1),
  window: duration,
  duration,
  on: list(oneOf(...Object.keys(KINDS)), 1),
  categories: record(object({ threshold: int(1), duration }), oneOf(...CATEGORIES)),
  escalate: num(1),
  jitter: num(0, 1),
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
  compile ({ exempt }: BanRules, { bans, lists, now }) {
    const spared = exempt === undefined ? undefined : lists.read(exempt)
    const refusal = ({ client, reason, until }: HeldBan): Refusal => ({
      code: 'GUARD_BANNED',
      status: 403,
      reason: `banned: ${reason}`,
      rule: client,
      headers: { 'retry-after': String(Math.ceil((until - now()) / 1000)) }
    })
    return {
      request (_request, { client }) {
        const found = bans.find(client)
        if (found === undefined) return undefined
        // A ban of many, as of a country, means nobody who is exempt; one of this very client is meant as it is.
        if (isWide(found) && client.address !== undefined && spared?.has(client.address) === true) return undefined
        return refusal(found)
      },
      // Only an authentication gate can say who it is.
      late (_request, { principal }) {
        if (principal === undefined) return undefined
        const found = bans.findPrincipal(principal)
        return found === undefined ? undefined : refusal(found)
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
    jitter: rule.jitter ?? 0,
    on: new Set(rule.on ?? ['detection', 'honeypot']),
    categories,
    // A trusted proxy speaks for many; whoever it is that misbehaves, it is not the proxy.
    spares: ({ ip, address }) => clients.trustsPeer(ip) || (exempt !== undefined && address !== undefined && exempt.has(address))
  }
}

function ms (value: Duration | undefined, otherwise: number): number {
  return value === undefined ? otherwise : milliseconds(value)!
}
