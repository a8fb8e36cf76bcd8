import type { Algorithm, Counter } from '../limits/store.ts'

const KINDS: Readonly<Record<Algorithm, string>> = { 'sliding-window': 's', 'fixed-window': 'f', gcra: 'g' }

/**
 * The hash tag of a key: of Redis Cluster it is what says on which node the key is, so that all that is known of one
 * client lies together. What could end the tag, or make one of nothing, is written in base64, in UTF-16 since
 * not every text that a `key` function gives is valid UTF-8.
 */
export function tagOf (key: string): string {
  return /^[\w.:/@+=-]+$/.test(key) ? key : `~${Buffer.from(key, 'utf16le').toString('base64url')}`
}

/** Where the state of a counter for one key is. Another algorithm has another state, and thus another place. */
export function redisKey (prefix: string, { id, algorithm }: Counter, key: string): string {
  return `${prefix}{${tagOf(key)}}:${KINDS[algorithm]}:${id}`
}

/** A pattern for SCAN that matches everything with this prefix. */
export function patternOf (prefix: string): string {
  return `${prefix.replace(/[\\*?[\]]/g, '\\$&')}{*`
}
