import { createRequire } from 'node:module'
import type { FastifyInstance } from 'fastify'
import { isClient, isReady, type RedisClient } from './client.ts'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import type { RedisConnectionOptions, RedisStoreOptions } from '../../types/index.ts'

/** A way to Redis that may be up or down. Shared by all that the guard keeps there. */
export interface RedisConnection {
  client: RedisClient
  prefix: string
  /** Made by the guard, and ended by it. */
  own: boolean
  /** Calls `changed` with `undefined` when the connection is there, or with why it is not. Calls it off when called itself. */
  watch: (changed: (error: Error | undefined) => void) => () => void
  close: () => Promise<void>
}

/** A connection of our own, with the methods that only such a one needs. */
interface OwnClient extends RedisClient {
  connect: () => Promise<void>
  quit: () => Promise<unknown>
  disconnect: () => void
}
type Ioredis = new (...args: ReadonlyArray<string | object>) => OwnClient

/** Opens the connection that the option names, without waiting for it. @throws {GUARD_OPTION_INVALID} if there is no such client */
export function openConnection (app: FastifyInstance, { redis, prefix = 'guard:' }: RedisStoreOptions): RedisConnection {
  if (redis === true) return connectionOf(applicationsClient(app), prefix)
  if (isClient(redis)) return connectionOf(redis, prefix)
  const client = ownClient(redis)
  // An error is told by the event as well.
  client.connect().catch(() => {})
  return { ...connectionOf(client, prefix), own: true, close: () => end(client) }
}

function quiet (): void {}

function connectionOf (client: RedisClient, prefix: string): RedisConnection {
  // Without a listener Node would end the process, or ioredis fill the console. Of all apps with this client one is enough.
  client.off?.('error', quiet)
  client.on('error', quiet)
  return {
    client,
    prefix,
    own: false,
    watch (changed) {
      let last: Error | undefined
      const error = (cause: Error): void => { last = cause }
      const ready = (): void => {
        last = undefined
        changed(undefined)
      }
      const gone = (): void => { if (!isReady(client)) changed(last ?? new Error('connection closed')) }
      const listeners = [['error', error], ['ready', ready], ['close', gone], ['end', gone]] as const
      for (const [event, listener] of listeners) client.on(event, listener)
      return () => { for (const [event, listener] of listeners) client.off?.(event, listener) }
    },
    async close () {}
  }
}

function applicationsClient (app: FastifyInstance): RedisClient {
  const { redis } = app as { redis?: unknown }
  if (isClient(redis)) return redis
  throw new GUARD_OPTION_INVALID(redis === undefined
    ? 'guard: option store.redis is true, but there is no app.redis: register @fastify/redis before the guard'
    : 'guard: option store.redis is true, but app.redis is no client: give the one of a namespace itself, as in { redis: app.redis.cache }')
}

/**
 * A client of the ioredis that @fastify/redis brings. The plugin itself cannot be registered for us: its start waits
 * for Redis for as long as that takes, and `app.redis` may be taken, or wanted by the application later.
 */
function ownClient (redis: string | RedisConnectionOptions): OwnClient {
  const Redis = load()
  const options = {
    lazyConnect: true,
    // What is sent late, or twice, counts requests that were judged otherwise long ago.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: 2000,
    // A host that is gone without a word: the system would try for a quarter of an hour.
    socketTimeout: 5000,
    // ioredis waits for so long for the end of a socket, also of one that has ended already.
    disconnectTimeout: 200,
    retryStrategy: (attempt: number): number => Math.min(attempt * 100, 2000),
    // After a failover the name leads to the new master.
    reconnectOnError: (error: Error): boolean => error.message.includes('READONLY'),
    clientInfoTag: 'fastify-api-guard'
  }
  return typeof redis === 'string' ? new Redis(redis, options) : new Redis({ ...options, ...redis })
}

function load (): Ioredis {
  const require = createRequire(import.meta.url)
  try {
    return createRequire(require.resolve('@fastify/redis'))('ioredis') as Ioredis
  } catch (error) {
    if ((error as { code?: string }).code !== 'MODULE_NOT_FOUND') throw error
    throw new GUARD_OPTION_INVALID('guard: option store.redis needs the package @fastify/redis: npm install @fastify/redis')
  }
}

/** Ends a connection; whoever does not answer the farewell is left. */
async function end (client: OwnClient): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => { timer = setTimeout(resolve, 500) })
  if (isReady(client)) await Promise.race([client.quit().catch(() => {}), late])
  clearTimeout(timer)
  client.disconnect()
}
