import type { Resolver } from 'node:dns/promises'
import { isbot } from 'isbot'
import type { Bot, BotVerification } from '../../types/index.ts'
import { readCatalogue, type BotEntry } from './catalogue.ts'
import { matcherOf } from './matcher.ts'
import { verifier, type Verifier } from './verify.ts'
import type { ListReader } from '../net/list.ts'

/** What the guard of an app knows of bots. */
export interface Bots {
  /** Whether any rule asks; until then nothing is loaded. */
  used: () => boolean
  /** Loads the data. */
  open: () => void
  /** Whose agent it is; `undefined`: nobody's that is known, so taken for a person's. The same object for the same agent, not to be written to. */
  of: (agent: string | undefined) => KnownBot | undefined
  /** Every name that the data has. */
  names: () => readonly string[]
  /** @param dns default true; without it, published ranges alone tell */
  verifier: (options: BotVerification, dns?: boolean) => Verifier
  /** Waits for no answer any more. */
  close: () => void
}

export interface KnownBot extends Bot {
  /** All names that the agent has in it, the first is the bot's. */
  readonly names: readonly string[]
}

/** What agents are looked at; longer ones are cut. */
const LONGEST = 1024
const PLACES = 512
const NOBODY = Symbol('nobody')

export function bots ({ now, lists }: { now: () => number, lists: ListReader }): Bots {
  let match: ((agent: string) => BotEntry[]) | undefined
  let names: readonly string[] = []
  const busy = new Set<Resolver>()
  // One place for each fingerprint, as in `recent`: real agents repeat, invented ones push each other out.
  const agents: string[] = Array.from({ length: PLACES }, () => '')
  const known: Array<KnownBot | typeof NOBODY> = Array.from({ length: PLACES }, () => NOBODY)

  const open = (): void => {
    if (match !== undefined) return
    const entries = readCatalogue()
    names = [...new Set(entries.map(({ name }) => name))]
    match = matcherOf(entries)
  }

  return {
    used: () => match !== undefined,
    open,
    of (agent) {
      if (agent === undefined || agent === '') return undefined
      const place = placeOf(agent)
      if (agents[place] !== agent) {
        open()
        known[place] = botOf(match!, agent.slice(0, LONGEST)) ?? NOBODY
        agents[place] = agent.length > LONGEST ? '' : agent
      }
      const bot = known[place]!
      return bot === NOBODY ? undefined : bot
    },
    names () {
      open()
      return names
    },
    verifier: (options, dns = true) => verifier(options, { now, lists, busy, dns }),
    close () {
      for (const resolver of busy) resolver.cancel()
    }
  }
}

function placeOf (agent: string): number {
  const { length } = agent
  let print = length
  for (let i = 1; i <= 5; i++) print = Math.imul(print, 31) + agent.charCodeAt(Math.trunc((length - 1) * i / 5))
  return (print ^ print >>> 10) & PLACES - 1
}

function botOf (match: (agent: string) => BotEntry[], agent: string): KnownBot | undefined {
  const found = match(agent)
  if (found.length === 0) return isbot(agent) && !isApp(agent) ? UNKNOWN : undefined
  // The longest is the most exact: Googlebot-Image also has Googlebot in it.
  const sorted = found.sort((one, other) => other.literal.length - one.literal.length)
  const categories = [...new Set(sorted.flatMap(({ categories }) => categories))]
  const known = categories.filter((category) => category !== 'unknown')
  return { name: sorted[0]!.name, categories: known.length === 0 ? categories : known, names: [...new Set(sorted.map(({ name }) => name))] }
}

const UNKNOWN: KnownBot = { name: 'unknown', categories: ['unknown'], names: ['unknown'] }

/** Apps of telephones name the system's library after their own name, which isbot then takes for a bot's. */
function isApp (agent: string): boolean {
  return /\bCFNetwork\/|\bDarwin\/|^Dalvik\/|\bokhttp\/|\bCronet\/|\b(?:Android|iOS|iPhone|iPad)\b/.test(agent) && !/bot|crawl|spider|scan|headless|http:|https:/i.test(agent)
}
