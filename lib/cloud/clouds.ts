import { copies, defaultFolder } from '../download/copies.ts'
import { alsoInRedis } from '../download/redis-copies.ts'
import { repeat, type Repeat } from '../download/repeat.ts'
import type { Geo } from '../geo/geo.ts'
import type { Client } from '../net/client.ts'
import type { RangeSet } from '../net/ranges.ts'
import { hint, milliseconds } from '../options/shape.ts'
import { isSpecial } from '../net/special.ts'
import type { RedisStore } from '../redis/store.ts'
import type { CloudProvider, CloudRangesOptions, CloudStats, GuardEvent } from '../../types/index.ts'
import { feedLoader, type FeedLoader, type Loaded } from './feed.ts'
import { PROVIDER_NAMES, PROVIDERS, type Selector } from './providers.ts'
import { setOf } from './read.ts'

/** The networks of cloud providers. Only what a rule or an option names is loaded. */
export interface Clouds {
  /** What a rule asks of a client: the selector that its address belongs to, `''` while what would tell is not loaded yet. */
  select: (selectors: readonly Selector[]) => (client: Client) => string | undefined
  /** Says, once, that a rule for all providers does without these. */
  leaveOut: (providers: readonly CloudProvider[]) => void
  /** Whose address it is, of the providers that are loaded. */
  providerOf: (client: Client) => CloudProvider | undefined
  /** Loads the last good copies; where there are none, waits for the providers, but not for long. */
  ready: () => Promise<void>
  /** Whether ready has to be waited for, after a rule named a provider that none had named before. */
  pending: () => boolean
  /** Asks the providers for what is newer. Whether all went well. */
  refresh: () => Promise<boolean>
  stats: () => Record<string, CloudStats>
  /** What a rule does while nothing is loaded that could tell. */
  whileEmpty: 'pass' | 'refuse'
  close: () => Promise<void>
}

export interface CloudsOptions {
  options: CloudRangesOptions | undefined
  geo: Geo | undefined
  /** Keeps the last good copies for other nodes too. */
  redis?: Pick<RedisStore, 'connection' | 'started'> | undefined
  log: { warn: (fields: object, message: string) => void, info: (fields: object, message: string) => void }
  emit: (event: GuardEvent) => void
  now: () => number
}

interface Kept {
  loader: FeedLoader
  loaded: Loaded | undefined
  /** What rules ask for, by tag; made anew with each state of the feed. */
  sets: Map<string | undefined, RangeSet>
  fault: string | undefined
  /** Tags that were warned about. */
  strange: Set<string>
  /** Resolves once there is something, or nothing can be had; `undefined`: nothing has begun. */
  usable: Promise<void> | undefined
  /** Nobody knows yet whether there will be something. */
  waiting: boolean
  repeating: Repeat | undefined
}

const DAY = 86_400_000
const TIMEOUT = 30_000
/** Below the 10 s after which Fastify gives up on a hook. */
const FIRST = 5000
const STALE = 90 * DAY
const NOWHERE: RangeSet = { size: 0, has: () => false, find: () => undefined }

export function clouds ({ options = {}, geo, redis, log, emit, now }: CloudsOptions): Clouds {
  const disk = copies(options.cacheDir ?? defaultFolder())
  const kept = new Map<CloudProvider, Kept>()
  const store = redis === undefined ? disk : alsoInRedis(disk, redis)
  const every = milliseconds(options.refresh) ?? DAY
  const systems = new Map<number, CloudProvider>()
  const ending = new AbortController()
  const { signal } = ending
  let started = false
  let leftOut = false
  for (const provider of PROVIDER_NAMES) if (options.sources?.[provider] !== undefined) keep(provider)

  function keep (provider: CloudProvider): Kept | undefined {
    const known = PROVIDERS[provider]
    if (!('feed' in known)) {
      for (const asn of known.asns) systems.set(asn, provider)
      return undefined
    }
    let entry = kept.get(provider)
    if (entry !== undefined) return entry
    const source = options.sources?.[provider]
    const feed = source === undefined || source === true ? known.feed : { urls: typeof source === 'string' ? [source] : source, read: known.feed.read }
    entry = { loader: feedLoader(provider, feed, { copies: store, timeout: TIMEOUT, now }), loaded: undefined, sets: new Map(), fault: undefined, strange: new Set(), usable: undefined, waiting: true, repeating: undefined }
    kept.set(provider, entry)
    // A rule that came with an update.
    if (started) begin(provider, entry)
    return entry
  }

  function setFor (provider: CloudProvider, { loaded, sets, strange }: Kept, tag: string | undefined): RangeSet {
    let set = sets.get(tag)
    if (set !== undefined || loaded === undefined) return set ?? NOWHERE
    sets.set(tag, set = setOf(loaded.networks, tag))
    if (tag !== undefined && !loaded.networks.tags.has(tag) && !strange.has(tag)) {
      strange.add(tag)
      tell('GUARD_CLOUD_UNKNOWN', `the feed of ${provider} has no region or service ${tag}${hint(tag, [...loaded.networks.tags])}: ${provider}:${tag} matches nothing`)
    }
    return set
  }

  function tell (code: string, message: string): void {
    log.warn({ event: 'guard.cloud', code }, `guard: ${message}`)
    emit({ type: 'warning', time: now(), code, message })
  }

  /** A fault that lasts is told once. */
  function warn (provider: CloudProvider, entry: Kept, error: unknown): void {
    const fault = error instanceof Error ? error.message : String(error)
    if (fault === entry.fault || signal.aborted) return
    entry.fault = fault
    const policy = options.whileEmpty === 'refuse' ? 'refuses everybody' : 'matches nobody'
    tell('GUARD_CLOUD_RANGES', entry.loaded === undefined
      ? `no ranges of ${provider}, whose rule ${policy} until there are: ${fault}; npx fastify-api-guard cloud download gets them beforehand`
      : `the last good ranges of ${provider} stay: ${fault}`)
  }

  function take (provider: CloudProvider, entry: Kept, loaded: Loaded): void {
    const tags = [...entry.sets.keys()]
    entry.loaded = loaded
    entry.sets = new Map()
    for (const tag of tags) setFor(provider, entry, tag)
  }

  async function load (provider: CloudProvider, entry: Kept): Promise<void> {
    const loaded = await entry.loader.stored()
    if (loaded === undefined) return
    take(provider, entry, loaded)
    const age = now() - loaded.checked
    if (loaded.checked > 0 && age > STALE) tell('GUARD_CLOUD_OLD', `the ranges of ${provider} are ${Math.floor(age / DAY)} days old`)
  }

  async function renew (provider: CloudProvider, entry: Kept): Promise<boolean> {
    try {
      const found = await entry.loader.fresh(entry.loaded?.networks, signal)
      if (signal.aborted) return true
      if (found === undefined) {
        entry.loaded = { ...entry.loaded!, checked: now() }
      } else {
        take(provider, entry, found)
        log.info({ event: 'guard.cloud', provider, added: found.added, removed: found.removed, networks: found.networks.byCidr.size }, `guard: ranges of ${provider} changed: +${found.added}, -${found.removed}`)
        if (found.unwritten !== undefined) tell('GUARD_CLOUD_CACHE', `the ranges of ${provider} cannot be kept on disk: ${found.unwritten.message}; set cloudRanges.cacheDir to a folder that can be written`)
      }
      entry.fault = undefined
      return true
    } catch (error) {
      warn(provider, entry, error)
      return false
    }
  }

  /** `usable` is called once there is something, or nothing can be had. Whether it is as new as it should be. */
  async function first (provider: CloudProvider, entry: Kept, usable: () => void): Promise<boolean> {
    await load(provider, entry).catch((error: unknown) => warn(provider, entry, error))
    if (entry.loaded !== undefined) usable()
    const old = entry.loaded === undefined || Math.abs(now() - entry.loaded.checked) > every
    return old ? renew(provider, entry).finally(usable) : true
  }

  function begin (provider: CloudProvider, entry: Kept): void {
    entry.usable = new Promise((resolve) => {
      const outcome = first(provider, entry, () => {
        entry.waiting = false
        resolve()
      })
      entry.repeating = repeat(every, async () => renew(provider, entry), outcome)
    })
  }

  const refresh = async (): Promise<boolean> => {
    const all = await Promise.all([...kept].map(async ([provider, entry]) => renew(provider, entry)))
    return all.every(Boolean)
  }

  return {
    select (selectors) {
      const parts = selectors.map(({ provider, tag, text }) => ({ provider, tag, text, entry: keep(provider) }))
      const networks = parts.filter((part): part is typeof part & { entry: Kept } => part.entry !== undefined)
      const bySystem = new Set(parts.filter(({ entry }) => entry === undefined).map(({ provider }) => provider))
      for (const { provider, entry, tag } of networks) {
        setFor(provider, entry, tag)
        if (!entry.sets.has(tag)) entry.sets.set(tag, NOWHERE)
      }
      return (client) => {
        const { address } = client
        if (address === undefined || isSpecial(address)) return undefined
        let loaded = true
        for (let i = 0; i < networks.length; i++) {
          const { entry, tag, text } = networks[i]!
          if (entry.loaded === undefined) loaded = false
          else if (entry.sets.get(tag)!.has(address)) return text
        }
        if (bySystem.size > 0) {
          const provider = systems.get(geo?.place(client)?.asn ?? 0)
          if (provider !== undefined && bySystem.has(provider)) return provider
        }
        return loaded ? undefined : ''
      }
    },
    leaveOut (providers) {
      if (leftOut) return
      leftOut = true
      tell('GUARD_CLOUD_PARTIAL', `cloud.deny 'all' does without ${providers.join(', ')}: they are known by their autonomous systems, and there is no database with these`)
    },
    providerOf (client) {
      const { address } = client
      if (address === undefined || isSpecial(address)) return undefined
      for (const [provider, entry] of kept) if (setFor(provider, entry, undefined).has(address)) return provider
      return systems.size === 0 ? undefined : systems.get(geo?.place(client)?.asn ?? 0)
    },
    async ready () {
      started = true
      for (const [provider, entry] of kept) if (entry.usable === undefined) begin(provider, entry)
      const all = [...kept.values()].filter(({ waiting }) => waiting)
      if (all.length === 0) return
      let timer: NodeJS.Timeout | undefined
      const enough = new Promise<void>((resolve) => { timer = setTimeout(resolve, FIRST) })
      await Promise.race([Promise.all(all.map(async ({ usable }) => usable)), enough])
      clearTimeout(timer)
      for (const entry of all) entry.waiting = false
    },
    pending: () => started && [...kept.values()].some(({ waiting }) => waiting),
    refresh,
    whileEmpty: options.whileEmpty ?? 'pass',
    stats: () => Object.fromEntries([...kept].map(([provider, { loaded, fault }]) => [provider, {
      networks: loaded?.networks.byCidr.size ?? 0,
      ...(loaded !== undefined && loaded.checked > 0 && { checked: loaded.checked, age: now() - loaded.checked }),
      ...(fault !== undefined && { fault })
    }])),
    async close () {
      ending.abort()
      await Promise.all([...kept.values()].map(async ({ repeating }) => repeating?.close()))
    }
  }
}
