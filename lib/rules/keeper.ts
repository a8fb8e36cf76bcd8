import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import type { Guard } from '../guard.ts'
import { isObject, milliseconds } from '../options/shape.ts'
import { update } from '../update.ts'
import type { GuardOptions, RulesSource } from '../../types/index.ts'
import { textLoader } from './load.ts'

/** What rules as data may not say: who is let in, and whether the guard works at all. */
const FORBIDDEN = ['mode', 'auth', 'apiKey', 'dashboard', 'check', 'exclude']
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
  const load = textLoader(source)
  const every = milliseconds(source.refresh) ?? ('file' in source ? FILE_REFRESH : URL_REFRESH)
  const base = guard.options
  let set = new Set<string>()
  let applied = ''
  let refused = ''
  let timer: NodeJS.Timeout | undefined
  let closed = false

  async function round (): Promise<void> {
    const text = await load(AbortSignal.timeout(TIMEOUT))
    if (text === undefined || closed) return
    const version = createHash('sha256').update(text).digest('hex')
    if (version === applied) return
    if (source.digest !== undefined && source.digest.toLowerCase() !== `sha256-${version}`) throw new Error(`has the digest sha256-${version}, not ${source.digest}`)
    const rules = read(text)
    // What an earlier version set and this one does not is again as the options of the program have it.
    const from = { ...guard.options } as Record<string, unknown>
    for (const key of set) from[key] = (base as Record<string, unknown>)[key]
    await update(guard, app, rules, from)
    set = new Set(Object.keys(rules))
    applied = version
    refused = ''
    guard.emit({ type: 'rules', time: guard.services.now(), state: 'applied', source: name, version })
    guard.log.info({ event: 'guard.rules', source: name, version }, 'guard: rules were loaded')
  }

  function fail (error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    // A fault that lasts is told once.
    if (reason === refused || closed) return
    refused = reason
    guard.emit({ type: 'rules', time: guard.services.now(), state: 'refused', source: name, reason, ...(applied !== '' && { version: applied }) })
    guard.log.error({ event: 'guard.rules', source: name, reason }, 'guard: rules could not be loaded, the last good ones stay')
  }

  function again (): void {
    if (!closed) timer = setTimeout(() => { round().catch(fail).finally(again) }, Math.min(every, LONGEST_TIMER)).unref()
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

function read (text: string): Partial<GuardOptions> {
  const rules: unknown = JSON.parse(text.replace(/^\ufeff/, ''))
  if (!isObject(rules)) throw new Error('is no JSON object')
  const layers = [['', rules], ...Object.entries(isObject(rules['policies']) ? rules['policies'] : {}).map(([name, policy]) => [`policies.${name}.`, policy])] as Array<[string, unknown]>
  const forbidden = layers.flatMap(([path, layer]) => isObject(layer) ? FORBIDDEN.filter((key) => Object.hasOwn(layer, key)).map((key) => path + key) : [])
  if (forbidden.length > 0) throw new Error(`may not set ${forbidden.join(', ')}`)
  return rules as Partial<GuardOptions>
}
