import { isReady } from './client.ts'
import type { Channel } from './channel.ts'
import type { RedisConnection } from './connection.ts'

/** A text that all nodes share: kept in Redis, where a node that starts later finds it, and told to all at once. */
export interface SharedText {
  /**
   * Puts what `next` makes of the text that is there. Rejects where Redis does not take it.
   *
   * @param next may be called again, if another node was faster
   */
  change: (next: (before: string | undefined) => string) => Promise<void>
  /** The text that is there now. Rejects where Redis does not answer. */
  peek: () => Promise<string | undefined>
  /** Resolves once the text was read for the first time, or cannot be. */
  started: () => Promise<void>
  close: () => void
}

/** Versions are times, so that they go on growing after Redis has lost everything. */
const PUT = `local before = redis.call('HGET', KEYS[1], 'version') or '0'
if before ~= ARGV[1] then return false end
local time = redis.call('TIME')
local version = time[1] .. string.format('%06d', tonumber(time[2]))
if #version < #before or (#version == #before and version <= before) then version = string.format('%.0f', tonumber(before) + 1) end
redis.call('HSET', KEYS[1], 'version', version, 'text', ARGV[2])
return version`
const GET = 'return redis.call(\'HMGET\', KEYS[1], \'version\', \'text\')'
const TRIES = 10

/**
 * @param onText told each new text, and at the start the one that is there (`first`)
 */
export function sharedText ({ client, prefix }: RedisConnection, channel: Channel, name: string, onText: (text: string, first: boolean) => void): SharedText {
  const key = `${prefix}shared:{${name}}`
  let seen: string | undefined
  let reading: Promise<void> | undefined
  let again = false
  let closed = false

  async function get (): Promise<[version: string, text: string | undefined]> {
    if (!isReady(client)) throw new Error('Redis is not connected')
    const [version, text] = await client.eval(GET, 1, key) as [string | null, string | null]
    return [version ?? '0', text ?? undefined]
  }

  async function readOnce (): Promise<void> {
    const [version, text] = await get()
    const first = seen === undefined
    if (closed || version === seen) return
    seen = version
    // Redis that has lost everything has nothing to say.
    if (text !== undefined) onText(text, first)
  }

  /** Reads one at a time; who asks meanwhile is answered by one more. */
  function read (): Promise<void> {
    if (reading !== undefined) {
      again = true
      return reading
    }
    reading = readOnce().catch(() => {}).then(() => {
      reading = undefined
      if (!again || closed) return
      again = false
      return read()
    })
    return reading
  }

  const end = channel.subscribe(name, () => { read().catch(() => {}) })
  return {
    peek: async () => (await get())[1],
    started: () => read(),
    async change (next) {
      for (let i = 0; i < TRIES; i++) {
        const [version, before] = await get()
        if (await client.eval(PUT, 1, key, version, next(before)) === null) continue
        await channel.poke(name)
        return read()
      }
      throw new Error('other nodes were faster each time')
    },
    close () {
      closed = true
      end()
    }
  }
}
