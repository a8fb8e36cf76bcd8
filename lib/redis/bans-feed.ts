import type { RedisClient } from './client.ts'
import type { RedisConnection } from './connection.ts'

/** A client of ioredis, which can make another one like itself; of a cluster the options are the second argument. */
interface Duplicable extends RedisClient { duplicate: (...options: object[]) => Subscriber }
interface Subscriber {
  on: (event: string, listener: (...values: never[]) => void) => unknown
  connect: () => Promise<void>
  subscribe: (channel: string) => Promise<unknown>
  ping: () => Promise<unknown>
  disconnect: () => void
  readonly status?: string
}

/** Hears what is published, over a connection of its own: one that listens cannot ask. */
export interface Feed {
  /** Finds out whether the connection still lives. */
  check: () => void
  close: () => void
}

/**
 * @param heard called with each message
 * @param joined called whenever the connection listens again: what was said before went unheard
 * @returns `undefined` if the client cannot be duplicated
 */
export function openFeed ({ client }: RedisConnection, channel: string, heard: (message: string) => void, joined: () => void): Feed | undefined {
  if (!isDuplicable(client)) return undefined
  const options = {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2000,
    socketTimeout: 5000,
    retryStrategy: (attempt: number): number => Math.min(attempt * 100, 2000)
  }
  const feed = client.isCluster === true
    ? client.duplicate([], { lazyConnect: true, enableOfflineQueue: false, clusterRetryStrategy: options.retryStrategy })
    : client.duplicate(options)
  // Told by `status` as well; without a listener Node would end the process.
  feed.on('error', () => {})
  feed.on('message', (from: string, message: string) => { if (from === channel) heard(message) })
  feed.on('ready', () => { feed.subscribe(channel).then(joined, () => {}) })
  feed.connect().catch(() => {})
  return {
    check () { if (feed.status === undefined || feed.status === 'ready') feed.ping().catch(() => {}) },
    close: () => feed.disconnect()
  }
}

function isDuplicable (client: RedisClient): client is Duplicable {
  return typeof (client as Partial<Duplicable>).duplicate === 'function'
}
