import { isReady } from '../redis/client.ts'
import { deadline } from '../redis/deadline.ts'
import { isObject } from '../options/shape.ts'
import type { RedisStore } from '../redis/store.ts'
import type { Copies, Copy } from './copies.ts'

const GET = "return redis.call('get', KEYS[1])"
/** A client of the application may wait for ever. */
const LONGEST = 2000
/** What nobody has renewed for 90 days nobody uses. */
const SET = "redis.call('set', KEYS[1], ARGV[1], 'EX', 7776000)"

/**
 * Copies that are in Redis as well as on the disk: a node that starts with an empty disk, or an old image, has the
 * newest one that any node got. What is read from there is looked at as closely as what a server sends.
 */
export function alsoInRedis (disk: Copies, { connection: { client, prefix }, started }: Pick<RedisStore, 'connection' | 'started'>): Copies {
  const key = (name: string): string => `${prefix}copy:${name}`

  /** Redis may be away: the disk is enough. */
  async function ask (script: string, name: string, ...args: string[]): Promise<unknown> {
    await started()
    if (!isReady(client)) return undefined
    return new Promise((resolve) => {
      const answered = deadline(LONGEST, () => { resolve(undefined) })
      client.eval(script, 1, key(name), ...args).catch(() => undefined).then((answer) => {
        answered()
        resolve(answer)
      }, () => {})
    })
  }

  async function keep (name: string, { bytes, url, validators, checked }: Copy): Promise<void> {
    await ask(SET, name, JSON.stringify({ bytes: bytes.toString('base64'), url, validators, checked }))
  }

  return {
    path: disk.path,
    async read (name) {
      const [own, shared] = await Promise.all([disk.read(name), ask(GET, name).then(copyOf)])
      return own === undefined || (shared !== undefined && shared.checked > own.checked) ? shared : own
    },
    async write (name, copy) {
      await keep(name, copy)
      await disk.write(name, copy)
    },
    async confirm (name, copy) {
      await keep(name, copy)
      await disk.confirm(name, copy)
    }
  }
}

function copyOf (text: unknown): Copy | undefined {
  if (typeof text !== 'string') return undefined
  try {
    const copy: unknown = JSON.parse(text)
    if (!isObject(copy) || typeof copy['bytes'] !== 'string' || typeof copy['checked'] !== 'number') return undefined
    const { etag, modified } = isObject(copy['validators']) ? copy['validators'] : {}
    return {
      bytes: Buffer.from(copy['bytes'], 'base64'),
      url: typeof copy['url'] === 'string' ? copy['url'] : undefined,
      validators: { ...(typeof etag === 'string' && { etag }), ...(typeof modified === 'string' && { modified }) },
      checked: copy['checked']
    }
  } catch {
    return undefined
  }
}
