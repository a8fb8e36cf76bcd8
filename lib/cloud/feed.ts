import { sha256, type Copies } from '../download/copies.ts'
import { download, shown, type Validators } from '../download/fetch.ts'
import type { CloudProvider } from '../../types/index.ts'
import type { Feed } from './providers.ts'
import { changesOf, readNetworks, refuseShrunk, type Networks } from './read.ts'

const MAX_BYTES = 32 * 1024 * 1024
const MAX_PAGE = 4 * 1024 * 1024

/** Loads a provider's networks, from the disk and from the provider. */
export interface FeedLoader {
  /** The last good copy; `undefined` if there is none that can be read. */
  stored: () => Promise<Loaded | undefined>
  /**
   * Asks the provider.
   *
   * @returns `undefined` if the feed is as it was
   * @throws {Error} if it cannot be had or trusted; the last good one stays
   */
  fresh: (before: Networks | undefined, signal?: AbortSignal) => Promise<Fresh | undefined>
}

export interface Loaded { networks: Networks, /** When the provider last confirmed it; 0: unknown. */ checked: number }
export interface Fresh extends Loaded {
  added: number
  removed: number
  /** It could not be written to the disk. */
  unwritten: Error | undefined
}

export interface FeedOptions {
  copies: Copies
  timeout: number
  now: () => number
  /** Takes a feed that lost more than half of its networks all the same. */
  force?: boolean
}

interface File { bytes: Buffer, validators: Validators, url: string }

export function feedLoader (provider: CloudProvider, feed: Feed, { copies, timeout, now, force = false }: FeedOptions): FeedLoader {
  const names = feed.urls.map((_url, i) => `cloud-${provider}${feed.urls.length > 1 ? `-${i + 1}` : ''}`)
  /** What was loaded last, to ask only for what is newer. */
  let files: File[] = []
  /** The copy is of another URL, which options named then: it may be another feed. */
  let foreign = false

  async function freshFile (i: number, signal: AbortSignal | undefined): Promise<File | undefined> {
    const url = await addressOf(feed, i, timeout, signal)
    const known = files[i]?.url === shown(url) ? files[i] : undefined
    const found = await download(url, { maxBytes: MAX_BYTES, timeout, ...(known !== undefined && { validators: known.validators }), ...(signal !== undefined && { signal }) })
    return found === undefined ? undefined : { ...found, url: shown(url) }
  }

  async function write (next: readonly File[], checked: number): Promise<Error | undefined> {
    try {
      for (const [i, file] of next.entries()) await copies.write(names[i]!, { ...file, checked })
      return undefined
    } catch (error) {
      return error as Error
    }
  }

  return {
    async stored () {
      const found = await Promise.all(names.map((name) => copies.read(name)))
      const whole = found.filter((copy) => copy !== undefined)
      if (whole.length < names.length) return undefined
      const networks = await readNetworks(whole.map(({ bytes }) => bytes), feed.read)
      files = whole.map(({ bytes, validators, url = '' }) => ({ bytes, validators, url }))
      foreign = feed.link === undefined && files.some(({ url }, i) => url !== '' && url !== shown(feed.urls[i]!))
      return { networks, checked: foreign ? 0 : Math.min(...whole.map(({ checked }) => checked)) }
    },
    async fresh (before, signal) {
      const found = await Promise.all(feed.urls.map((_url, i) => freshFile(i, signal)))
      const next = found.map((file, i) => file ?? files[i]!)
      const checked = now()
      const same = before !== undefined && next.every(({ bytes }, i) => files[i] !== undefined && (bytes === files[i].bytes || sha256(bytes) === sha256(files[i].bytes)))
      if (same) {
        files = next
        await write(next, checked)
        return undefined
      }
      const networks = await readNetworks(next.map(({ bytes }) => bytes), feed.read).catch((error: Error) => { throw new Error(`${next[0]!.url} ${error.message}`) })
      if (before !== undefined && !force && !foreign) refuseShrunk(before, networks)
      files = next
      foreign = false
      return { networks, checked, ...(before === undefined ? { added: networks.byCidr.size, removed: 0 } : changesOf(before, networks)), unwritten: await write(next, checked) }
    }
  }
}

async function addressOf ({ urls, link }: Feed, i: number, timeout: number, signal: AbortSignal | undefined): Promise<string> {
  const url = urls[i]!
  if (link === undefined) return url
  const page = await download(url, { maxBytes: MAX_PAGE, timeout, ...(signal !== undefined && { signal }) })
  const found = link.exec(page?.bytes.toString('utf8') ?? '')
  if (found === null) throw new Error(`${shown(url)} has no link to the feed`)
  return found[0]
}
