import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import type { Guard } from '../guard.ts'
import { readRulesFile } from '../options/plugin.ts'
import { milliseconds } from '../options/shape.ts'
import { update } from '../update.ts'
import type { RulesSource } from '../../types/index.ts'
import { textLoader } from './load.ts'

const FILE_REFRESH = 2000
const URL_REFRESH = 300_000
const TIMEOUT = 8000
const LONGEST_TIMER = 2 ** 31 - 1

export interface RulesKeeper {
  /** Loads the rules for the first time. @throws {GUARD_OPTION_INVALID} if they cannot be used */
  start: () => Promise<void>
  close: () => void
}

/** Keeps the rules of a file or a URL swapped in; what cannot be used changes nothing. */
export function rulesKeeper (source: RulesSource, guard: Guard, app: FastifyInstance): RulesKeeper {
  const name = 'file' in source ? source.file : source.url
  // What the name says; all others are JSON.
  const yaml = /\.ya?ml$/i.test('file' in source ? source.file : new URL(source.url).pathname)
  const load = textLoader(source)
  const every = milliseconds(source.refresh) ?? ('file' in source ? FILE_REFRESH : URL_REFRESH)
  const { now } = guard.services
  let digest = ''
  let version: string | undefined
  let expires = Infinity
  let refused = ''
  /** Rules that are in order, but could not be put in force. */
  let untaken: string | undefined
  let timer: NodeJS.Timeout | undefined
  let closed = false

  async function round (): Promise<void> {
    const text = await load(AbortSignal.timeout(TIMEOUT)) ?? untaken
    if (closed) return
    if (text !== undefined) await take(text)
    if (expires <= now()) await expire()
  }

  async function take (text: string): Promise<void> {
    untaken = undefined
    const found = createHash('sha256').update(text).digest('hex')
    if (found === digest) {
      refused = ''
      return
    }
    if (source.digest !== undefined && source.digest.toLowerCase() !== `sha256-${found}`) throw new Error(`has the digest sha256-${found}, not ${source.digest}`)
    // A parser of YAML takes a tenth of the start: only where there is a file.
    const { parseRules } = await import('./parse.ts')
    if (closed) return
    const next = readRulesFile(parseRules(text, yaml))
    const until = next.expires === undefined ? Infinity : Date.parse(next.expires)
    if (until <= now() && digest !== '') throw new Error(`expired at ${next.expires}`)
    // A list that it names may come to be there later.
    untaken = text
    // What an earlier version set and this one does not is again as the options of the program have it.
    const changed = await update(guard, app, 'file', () => until <= now() ? {} : next.rules)
    untaken = undefined
    digest = found
    version = next.version ?? found
    expires = until
    refused = ''
    if (until <= now()) return
    guard.emit({ type: 'rules', time: now(), state: 'applied', source: name, version, changed })
    guard.log.info({ event: 'guard.rules', source: name, version, changed }, 'guard: rules were loaded')
  }

  /** Rules that have ended give way to the options of the program. */
  async function expire (): Promise<void> {
    const changed = await update(guard, app, 'file', () => ({}))
    expires = Infinity
    guard.emit({ type: 'rules', time: now(), state: 'expired', source: name, ...(version !== undefined && { version }), changed })
    guard.log.warn({ event: 'guard.rules', source: name, version, changed }, 'guard: rules have expired, the options of the program count')
  }

  function fail (error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    // A fault that lasts is told once.
    if (reason === refused || closed) return
    refused = reason
    guard.emit({ type: 'rules', time: now(), state: 'refused', source: name, reason, ...(version !== undefined && { version }) })
    guard.log.error({ event: 'guard.rules', source: name, reason }, 'guard: rules could not be loaded, the last good ones stay')
  }

  /** Expiry does not wait for the source, which may be away. */
  function again (): void {
    if (closed) return
    const wait = Math.min(every, Math.max(expires - now(), 1), LONGEST_TIMER)
    timer = setTimeout(() => {
      const work = expires <= now() ? expire() : round()
      work.catch(fail).finally(again)
    }, wait).unref()
  }

  return {
    async start () {
      try {
        await round()
      } catch (error) {
        throw new GUARD_OPTION_INVALID(`guard: option rules cannot be loaded: ${name}: ${error instanceof Error ? error.message : String(error)}`)
      }
      again()
    },
    close () {
      closed = true
      clearTimeout(timer)
    }
  }
}
