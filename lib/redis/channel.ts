import { openFeed, type Feed } from './bans-feed.ts'
import { isReady } from './client.ts'
import type { RedisConnection } from './connection.ts'

/** Tells the nodes that share one Redis that something has changed; what it is now is kept in a key. */
export interface Channel {
  /** Rejects where Redis does not take it. */
  poke: (name: string) => Promise<void>
  /** `changed` is called after each poke, own ones included, and whenever one may have been missed. Returns what ends it. */
  subscribe: (name: string, changed: () => void) => () => void
  close: () => void
}

/** Milliseconds after which a node makes sure that it has missed nothing. */
const HEAL = 10_000
/** The same where no messages come. */
const POLL = 1000

const PUBLISH = 'return redis.call(\'PUBLISH\', ARGV[1], ARGV[2])'

/** One connection for all names, opened when the first is subscribed to. */
export function openChannel (connection: RedisConnection): Channel {
  const { client, prefix } = connection
  const channel = `${prefix}channel`
  const listeners = new Map<string, Set<() => void>>()
  let feed: Feed | undefined
  let timer: NodeJS.Timeout | undefined

  const heard = (name: string): void => listeners.get(name)?.forEach((changed) => changed())
  const all = (): void => listeners.forEach((set) => set.forEach((changed) => changed()))

  function open (): void {
    feed = openFeed(connection, channel, heard, all)
    timer = setInterval(() => {
      feed?.check()
      all()
    }, feed === undefined ? POLL : HEAL).unref()
  }

  return {
    async poke (name) {
      if (!isReady(client)) throw new Error('Redis is not connected')
      await client.eval(PUBLISH, 0, channel, name)
    },
    subscribe (name, changed) {
      const set = listeners.get(name) ?? new Set()
      listeners.set(name, set.add(changed))
      if (timer === undefined) open()
      return () => { set.delete(changed) }
    },
    close () {
      clearInterval(timer)
      feed?.close()
      listeners.clear()
    }
  }
}
