import { isIP } from 'node:net'
import type { CheckModule, Refusal, Services, Target, Visit } from '../check.ts'
import type { KnownBot } from '../bots/bots.ts'
import type { Verified, Verifier } from '../bots/verify.ts'
import { domainsOf } from '../bots/known.ts'
import { gateShape } from '../net/list.ts'
import { nearest } from '../options/nearest.ts'
import { bool, duration, either, hint, is, list, milliseconds, object, oneOf, record, rule, someText, text } from '../options/shape.ts'
import { recent } from '../recent.ts'
import type { BotCategory, BotRules } from '../../types/index.ts'

export const BOT_CATEGORIES = ['search-engine', 'ai-crawler', 'seo', 'monitor', 'scanner', 'scraper', 'http-library', 'headless-browser', 'social-preview', 'feed-reader', 'advertising', 'archiver', 'academic', 'unknown'] as const satisfies readonly BotCategory[]

const server = is('an address of a DNS server, with a port if it is not 53', (value) => {
  if (typeof value !== 'string') return false
  const [, v6, v4] = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/.exec(value) ?? []
  return isIP(v6 ?? v4 ?? value) !== 0
}, someText)

const wait = is("a duration of at most '30s'", (value) => (milliseconds(value) ?? Infinity) <= 30_000, duration.json)

const refused: Refusal = { code: 'GUARD_BOT_REFUSED', status: 403, reason: 'bot is refused', strike: 'bots' }

/** Refuses bots by the category that their `User-Agent` is of. */
export const bots: CheckModule<'bots'> = {
  key: 'bots',
  trustSkips: true,
  shape: rule({
    deny: either(oneOf('all'), list(oneOf(...BOT_CATEGORIES))),
    allow: list(text),
    verify: either(bool, object({ ranges: record(gateShape), servers: list(server, 1), timeout: wait }))
  }),
  compile (rules: BotRules, { bots }: Services, { problem }) {
    const { deny = [], allow = [], verify = false } = rules
    bots.open()
    const exempt = exemption(allow, bots.names(), problem)
    const denies = (bot: KnownBot): boolean => deny === 'all' || bot.categories.some((category) => deny.includes(category))
    if (typeof verify === 'object') examineRanges(Object.keys(verify.ranges ?? {}), bots.names(), problem)
    const verifier = verify === false ? undefined : bots.verifier(verify === true ? {} : verify)
    if (deny.length === 0 && verifier === undefined) return undefined
    const passed = recent(256)

    const judge = (bot: KnownBot, agent: string, claim: string | undefined, verified: Verified): Refusal | undefined => {
      if (verified === false) return { ...refused, reason: `client says that it is ${claim}, which its address is not`, rule: 'bots.verify', evidence: agent }
      // What could be verified but was not yet has no exemption: otherwise a slow DNS server would open the gate.
      const exempted = (claim === undefined || verified === true) && exempt(bot, agent, claim)
      return denies(bot) && !exempted ? { ...refused, reason: `bot ${bot.name} (${bot.categories.join(', ')}) is refused`, rule: `bots.deny ${bot.categories.find((category) => deny === 'all' || deny.includes(category))}`, evidence: agent } : undefined
    }

    return {
      request (request, visit) {
        const agent = request.headers['user-agent']
        if (agent === undefined || agent === '' || passed.has(agent)) return undefined
        const bot = bots.of(agent)
        const claim = bot === undefined || verifier === undefined ? undefined : bot.names.find(verifier.knows)
        if (bot === undefined || claim === undefined) {
          const refusal = bot === undefined ? undefined : judge(bot, agent, undefined, undefined)
          if (refusal === undefined) passed.add(agent)
          return refusal
        }
        return verifying(verifier!, visit, claim, (verified) => judge(bot, agent, claim, verified))
      }
    }
  }
}

/** Notes for `request.guard` what came out, and judges by it. */
function verifying (verifier: Verifier, visit: Visit, claim: string, judge: (verified: Verified) => Refusal | undefined): Refusal | undefined | Promise<Refusal | undefined> {
  const conclude = (verified: Verified): Refusal | undefined => {
    if (verified !== undefined) visit.verifiedBot = verified
    return judge(verified)
  }
  const answer = verifier.verify(claim, visit.client)
  return answer instanceof Promise ? answer.then(conclude) : conclude(answer)
}

/** Ranges under a name that nobody has would never be asked. */
function examineRanges (given: readonly string[], names: readonly string[], problem: Target['problem']): void {
  for (const name of given) {
    if (!names.some((each) => isVariant(each, name.toLowerCase()))) problem(`bots.verify.ranges[${JSON.stringify(name)}]`, `is no known bot${hint(name.toLowerCase(), names)}`)
  }
}

/** `googlebot-image` is a variant of `googlebot`, and each name of itself. */
function isVariant (each: string, name: string): boolean {
  return each === name || each.startsWith(`${name}-`)
}

/** Whether what verifies the one verifies the other. */
function isOfOne (name: string, claim: string): boolean {
  const domain = domainsOf(claim)?.[0]
  return name === claim || (domain !== undefined && domainsOf(name)?.[0] === domain)
}

/** Whom `allow` names: a bot with its variants (`googlebot` and `googlebot-image`), a category, or a text of an agent that the data does not know. */
function exemption (allow: readonly string[], names: readonly string[], problem: Target['problem']): (bot: KnownBot, agent: string, claim: string | undefined) => boolean {
  const known: string[] = []
  const categories: string[] = []
  const texts: string[] = []
  allow.forEach((entry, i) => {
    const name = entry.trim().toLowerCase()
    const close = nearest(name, [...names, ...BOT_CATEGORIES])
    if ((BOT_CATEGORIES as readonly string[]).includes(name)) categories.push(name)
    else if (names.some((each) => isVariant(each, name))) known.push(name)
    else if (name === '') problem(`bots.allow[${i}]`, 'must not be blank')
    else if (close !== undefined) problem(`bots.allow[${i}]`, `is no known bot, did you mean ${close}?`)
    else texts.push(name)
  })
  return (bot, agent, claim) => {
    // Whoever is verified as one bot can name any other beside it.
    const own = claim === undefined ? bot.names : bot.names.filter((name) => isOfOne(name, claim))
    if (known.some((name) => own.some((each) => isVariant(each, name)))) return true
    if (own.length < bot.names.length) return false
    if (bot.categories.some((category) => categories.includes(category))) return true
    return texts.length > 0 && texts.some((each) => agent.toLowerCase().includes(each))
  }
}
