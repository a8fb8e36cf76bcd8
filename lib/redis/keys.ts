import { createHash } from 'node:crypto'
import type { RedisClient } from './client.ts'
import type { Algorithm, Counter } from '../limits/store.ts'

const KINDS: Readonly<Record<Algorithm, string>> = { 'sliding-window': 's', 'fixed-window': 'f', gcra: 'g' }

/** A canonical address, or a network of one. */
const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[\da-f]*:[\da-f:]*(?:\/\d{1,3})?)$/

/**
 * The hash tag of a key: of Redis Cluster it is what says on which node the key is, so that all that is known of one
 * client lies together. What a `key` function gives may be a secret, and may hold what ends a tag: it is hashed, in
 * UTF-16 since not every text is valid UTF-8. 132 bits are enough for no two to meet.
 */
export function tagOf (key: string): string {
  return key === 'unknown' || ADDRESS.test(key) ? key : `~${createHash('sha256').update(key, 'utf16le').digest('base64url').slice(0, 22)}`
}

/** Where the state of a counter for one key is. Another algorithm has another state, and thus another place. */
export function redisKey (prefix: string, { id, algorithm }: Counter, key: string): string {
  return `${prefix}{${tagOf(key)}}:${KINDS[algorithm]}:${id}`
}

/** A pattern for SCAN that matches everything with this prefix. */
export function patternOf (prefix: string): string {
  return `${prefix.replace(/[\\*?[\]]/g, '\\$&')}{*`
}

/** The slot of Redis Cluster: CRC16 (XMODEM) of the hash tag, or of the whole key, over 16384. */
export function slotOf (key: string): number {
  const start = key.indexOf('{') + 1
  const end = start === 0 ? -1 : key.indexOf('}', start)
  let crc = 0
  for (const byte of Buffer.from(end > start ? key.slice(start, end) : key)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021
  }
  return crc & 16383
}

/** How to find out on which node of a cluster a key is now; `undefined` where the client does not tell. */
export function nodeFinder (client: RedisClient, prefix: string): ((key: string) => string) | undefined {
  if (client.isCluster !== true || !Array.isArray(client.slots)) return undefined
  // ioredis writes it before keys, and may have a hash tag too.
  const before = ((client as { options?: { keyPrefix?: string } }).options?.keyPrefix ?? '') + prefix
  return (key) => client.slots?.[slotOf(`${before}{${tagOf(key)}}`)]?.[0] ?? 'a slot without a node'
}
