import type { RedisClient } from '../../lib/index.ts'
import { SCRIPT } from '../../lib/redis/script.ts'

/** The same client, in whose Redis the script sees the time that `now` tells. */
export function clocked (client: RedisClient, now: () => number): RedisClient {
  return {
    evalsha: (_sha, keys, ...args) => {
      const script = SCRIPT.replace("redis.call('TIME')", `{ ${Math.floor(now() / 1000)}, ${now() % 1000 * 1000} }`)
      return client.eval(script, keys, ...args)
    },
    eval: (script, keys, ...args) => client.eval(script, keys, ...args),
    scan: (...args) => client.scan(...args),
    unlink: (key) => client.unlink(key),
    on: (event, listener) => client.on(event, listener)
  }
}
