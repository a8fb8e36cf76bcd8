import type { BanPolicy } from './bans/bans.ts'
import { checks } from './checks/index.ts'
import { banPolicy } from './checks/ban.ts'
import { trustOf } from './checks/ip.ts'
import type { Check, Checks, DryCheck, SendCheck, Services, Target } from './check.ts'
import { compileCors, corsConflict, PREFLIGHT_CHECKS, type Cors } from './headers/cors.ts'
import { compileSecurityHeaders, type HeaderSet } from './headers/security-headers.ts'
import type { EffectiveRules } from './merge.ts'
import type { LiveList } from './net/list.ts'
import { isObject } from './options/shape.ts'
import type { BanRules, CorsRules, HoneypotRules, IpRules, Mode, SecurityHeaderRules } from '../types/index.ts'

/** One check of a route, ready to run. */
export interface Step {
  key: string
  check: Check
  /** In place of `check` where a request is only explained. */
  dry: DryCheck | undefined
  /** Reports only. */
  passive: boolean
  /** Applies to clients whose hash is below this; 2 ** 32 is all of them. */
  below: number
}

export interface SendStep { see: SendCheck, below: number, trustSkips: boolean }

/** All that the guard does on one route. Empty lists cost a request nothing. */
export interface Chain {
  request: readonly Step[]
  body: readonly Step[]
  /** What looks at answers. */
  send: readonly SendStep[]
  /** The same for trusted clients. */
  trusted: { request: readonly Step[], body: readonly Step[] }
  trust: LiveList | undefined
  /** How strikes lead to bans; `undefined`: they do not. */
  ban: BanPolicy | undefined
  headers: HeaderSet | undefined
  cors: Cors | undefined
  /** The checks that a preflight has to pass before it is answered. */
  preflight: readonly Step[]
  maxBodyBytes: number | undefined
  /** Judges a single value for `request.guard.inspect`. */
  inspect: { judge: NonNullable<Checks['inspect']>, passive: boolean, below: number } | undefined
  /** `maxBodyBytes` only reports. */
  passive: boolean
}

/** Shares what is compiled between routes whose rule is the same. */
export type Memo = Map<unknown, Map<string, unknown>>

interface Slots { request: Step[], late: Step[], body: Step[] }

/** Compiles the effective rules of a target into the shortest lists of checks. */
export function compile (rules: EffectiveRules, mode: Mode, services: Services, target: Pick<Target, 'url' | 'bodyLimit' | 'schema' | 'problem'>, memo: Memo): Chain {
  const all: Slots = { request: [], late: [], body: [] }
  const trusted: Slots = { request: [], late: [], body: [] }
  const send: SendStep[] = []
  let inspect: Chain['inspect']
  for (const { key, trustSkips, perRoute, compile } of checks) {
    const effective = rules.get(key)
    const value = effective?.value
    if (effective === undefined || value === undefined || value === false) continue
    for (const group of groups(key, value, mode)) {
      // What is off is not made either: it might load lists, databases and feeds.
      if (mode === 'off' || group.mode === 'off') continue
      const { origin, members } = effective
      const layer = effective.layer + group.suffix
      const make = (): Checks | undefined => compile(group.value as never, services, { ...target, origin, layer, members, passive: (group.mode ?? mode) === 'passive' || mode === 'passive' })
      const parts = perRoute === true ? make() : share(memo, group.value, key, make)
      if (parts === undefined) continue
      add(all, key, parts, group, mode)
      if (!trustSkips) add(trusted, key, parts, group, mode)
      if (parts.send !== undefined) send.push({ see: parts.send, below: below(group.sample), trustSkips })
      if (parts.inspect !== undefined) inspect = { judge: parts.inspect, passive: mode === 'passive' || group.mode === 'passive', below: below(group.sample) }
    }
  }
  const ip = valueOf<IpRules>(rules, 'ip')
  const headers = valueOf<SecurityHeaderRules>(rules, 'securityHeaders')
  return {
    request: [...all.request, ...all.late],
    body: all.body,
    send,
    trusted: { request: [...trusted.request, ...trusted.late], body: trusted.body },
    trust: ip?.trust === undefined || ip.mode === 'off' ? undefined : share(memo, ip, 'trust', () => trustOf(ip, services)),
    ban: mode === 'off' ? undefined : policyOf(rules, services, memo),
    headers: headers === undefined ? undefined : share(memo, headers, 'headers', () => compileSecurityHeaders(headers)),
    cors: corsOf(rules, services, target, memo),
    preflight: all.request.filter(({ key }) => PREFLIGHT_CHECKS.has(key)),
    maxBodyBytes: mode === 'off' ? undefined : valueOf<number>(rules, 'maxBodyBytes'),
    passive: mode === 'passive',
    inspect
  }
}

/** How strikes lead to bans. A trap that bans at once needs no rule for that. */
function policyOf (rules: EffectiveRules, services: Services, memo: Memo): BanPolicy | undefined {
  const ban = valueOf<BanRules>(rules, 'ban')
  if (ban === undefined || ban.mode === 'off') return undefined
  if (rules.get('ban')?.origin !== 'default') return share(memo, ban, 'policy', () => banPolicy(ban, services))
  const trap = valueOf<HoneypotRules>(rules, 'honeypot')
  return trap?.action === 'ban' ? share(memo, trap, 'policy', () => banPolicy({ on: [], threshold: Number.MAX_SAFE_INTEGER }, services)) : undefined
}

function corsOf (rules: EffectiveRules, { app }: Services, { problem }: Pick<Target, 'problem'>, memo: Memo): Cors | undefined {
  const value = valueOf<CorsRules>(rules, 'cors')
  const conflict = value === undefined ? undefined : corsConflict(value)
  if (conflict !== undefined) problem('cors.credentials', conflict)
  return value === undefined || conflict !== undefined ? undefined : share(memo, value, 'cors', () => compileCors(app, value))
}

/** The effective value of a key, `undefined` where it is off. */
function valueOf<T> (rules: EffectiveRules, key: string): T | undefined {
  const value = rules.get(key)?.value
  return value === undefined || value === false ? undefined : value as T
}

/** What one key compiles at once: a value, or those limits of a list that share mode and sample. */
interface Group { value: unknown, mode: Mode | undefined, sample: number, suffix: string }

function groups (key: string, value: unknown, mode: Mode): Group[] {
  if (key !== 'rateLimit' || !Array.isArray(value)) return [groupOf(value, '')]
  const found = new Map<string, unknown[]>()
  for (const limit of value) {
    const { mode: own = mode, sample } = groupOf(limit, '')
    const name = own === mode && sample === 1 ? '' : `~${own}~${sample}`
    found.set(name, [...(found.get(name) ?? []), limit])
  }
  return [...found].map(([suffix, limits]) => ({ ...groupOf(limits[0], suffix), value: limits }))
}

function groupOf (value: unknown, suffix: string): Group {
  const { mode, sample = 1 } = isObject(value) ? value as { mode?: Mode, sample?: number } : {}
  return { value, mode, sample, suffix }
}

function add (slots: Slots, key: string, parts: Checks, group: Group, mode: Mode): void {
  const common = { key, passive: mode === 'passive' || group.mode === 'passive', below: below(group.sample) }
  if (parts.request !== undefined) slots.request.push({ ...common, check: parts.request, dry: parts.dry?.request })
  if (parts.late !== undefined) slots.late.push({ ...common, check: parts.late, dry: parts.dry?.late })
  if (parts.body !== undefined) slots.body.push({ ...common, check: parts.body, dry: undefined })
}

function below (sample: number): number {
  return Math.round(sample * 2 ** 32)
}

function share<T> (memo: Memo, value: unknown, part: string, make: () => T): T {
  let parts = memo.get(value)
  if (parts === undefined) memo.set(value, parts = new Map())
  if (!parts.has(part)) parts.set(part, make())
  return parts.get(part) as T
}
