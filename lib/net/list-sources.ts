import { GUARD_OPTION_INVALID } from '../errors.ts'
import { loaderOf, systemDns, type Dns, type Load, type Loaded, type SourceEntry } from './list-loaders.ts'
import { compileRanges, type RangeSet } from './ranges.ts'
import { whileUsed } from './while-used.ts'
import type { ListStats } from '../../types/index.ts'

/** Entries that are not in the options. `current` is replaced as a whole. */
export interface Source { readonly current: RangeSet }

export interface SourceOptions {
  log?: { warn: (fields: object, message: string) => void, info: (fields: object, message: string) => void }
  /** In place of the system's DNS; for tests. */
  dns?: Dns
  now?: () => number
}

export interface SourceKeeper {
  /** Opens each source once, however many lists name it. It is loaded again for as long as one of them is in use. */
  open: (entry: SourceEntry) => Source
  /** A source that has failed is forgotten: who names it again, asks again. */
  ready: () => Promise<void>
  pending: () => boolean
  /** By what is loaded, as in the log. */
  stats: () => Record<string, ListStats>
  close: () => void
}

interface Kept { name: string, current: RangeSet, loaded: boolean, tried: boolean, checked: number | undefined, fault: string | undefined, failingSince: number | undefined, first: Promise<void> }

const EMPTY = compileRanges([])
/** Below the 10 s after which Fastify gives up on a plugin, so that the error names the entry. */
const TIMEOUT = 8000
const RETRY = 30_000
const LONGEST_TIMER = 2 ** 31 - 1

/** Loads sources, and loads them again when it is time. What cannot be loaded keeps its last good entries. */
export function sourceKeeper ({ log, dns = systemDns(), now = Date.now }: SourceOptions): SourceKeeper {
  const open = whileUsed<Kept>()
  const running = new Set<AbortController>()
  let closed = false

  function keep (name: string, load: Load): Kept {
    const fresh: Kept = { name, current: EMPTY, loaded: false, tried: false, checked: undefined, fault: undefined, failingSince: undefined, first: Promise.resolve() }
    // Between rounds only lists hold it.
    const used = new WeakRef(fresh)
    const again = (): void => {
      const source = used.deref()
      if (source !== undefined && !closed) round(source).catch(() => {})
    }
    const round = async (source: Kept): Promise<void> => {
      let againIn = RETRY
      try {
        const loaded = await within(load)
        againIn = loaded.againIn
        if (loaded.entries !== undefined) {
          source.current = compileRanges(loaded.entries)
          source.loaded = true
        }
        if (loaded.fault !== undefined) throw new Error(loaded.fault)
        if (source.fault !== undefined) log?.info({ event: 'guard.list', source: name }, 'guard: a list is up to date again')
        source.checked = now()
        source.fault = source.failingSince = undefined
      } catch (error) {
        const fault = `${name}: ${messageOf(error)}`
        // A fault that lasts is logged once.
        if (fault !== source.fault && !closed) log?.warn({ event: 'guard.list', source: name, err: error }, `guard: a list keeps its last good entries, ${fault}`)
        source.fault = fault
        source.failingSince ??= now()
      }
      source.tried = true
      if (!closed) setTimeout(again, Math.min(againIn, LONGEST_TIMER)).unref()
    }
    fresh.first = round(fresh)
    return fresh
  }

  async function within (load: Load): Promise<Loaded> {
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(), TIMEOUT)
    const aborted = new Promise<never>((_resolve, reject) => {
      controller.signal.addEventListener('abort', () => reject(new Error(closed ? 'closed' : `no answer within ${TIMEOUT} ms`)))
    })
    running.add(controller)
    try {
      return await Promise.race([load(controller.signal), aborted])
    } finally {
      clearTimeout(timer)
      running.delete(controller)
    }
  }

  return {
    open (entry) {
      const key = typeof entry === 'function' ? entry : JSON.stringify(entry)
      let source = open.get(key)
      if (source === undefined) open.set(key, source = keep(...loaderOf(entry, dns)))
      return source
    },
    async ready () {
      const sources = open.entries()
      await Promise.all(sources.map(async ([, { first }]) => first))
      const failed = sources.filter(([, { loaded }]) => !loaded)
      for (const [key, source] of failed) if (open.get(key) === source) open.delete(key)
      const faults = failed.flatMap(([, { fault }]) => fault ?? [])
      if (faults.length > 0) throw new GUARD_OPTION_INVALID(`guard: entries of lists cannot be read:\n- ${faults.join('\n- ')}`)
    },
    stats () {
      const stats: Record<string, ListStats> = {}
      for (const [, { name, current, checked, fault, failingSince }] of open.entries()) {
        // Functions may have one name, and addresses differ in what is not shown.
        let key = name
        for (let i = 2; Object.hasOwn(stats, key); i++) key = `${name} (${i})`
        stats[key] = {
          entries: current.size,
          ...(checked !== undefined && { checked, age: now() - checked }),
          ...(fault !== undefined && failingSince !== undefined && { fault: fault.slice(name.length + 2), failingSince })
        }
      }
      return stats
    },
    pending: () => open.entries().some(([, { tried }]) => !tried),
    close () {
      closed = true
      for (const controller of running) controller.abort()
    }
  }
}

function messageOf (error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message
}
