import type { FastifyInstance } from 'fastify'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import { isLoopback } from './access.ts'

type Listen = (...args: unknown[]) => unknown

/**
 * Lets a server listen on this machine's loopback addresses only. Fastify has no hook for it: `onListen` comes after
 * the port is open, and what it throws is only logged. What listens in another way is refused request by request.
 */
export function listenLocally (server: FastifyInstance['server']): void {
  const carrier = server as unknown as { listen: Listen }
  const { listen } = carrier
  carrier.listen = function (this: unknown, ...args) {
    const problem = problemOf(args)
    if (problem === undefined) return listen.apply(this, args)
    const error = new GUARD_OPTION_INVALID(`guard: option dashboard.auth is missing, and ${problem}: a dashboard that anybody may see and steer needs it; without it listen on 127.0.0.1, ::1 or localhost`)
    // As Node tells of a port that is taken: Fastify's callback and promise both hear of that.
    process.nextTick(() => server.emit('error', error))
    return this
  }
}

function problemOf ([first, second]: unknown[]): string | undefined {
  const { path, host } = typeof first === 'object' && first !== null ? first as { path?: unknown, host?: unknown } : { path: undefined, host: second }
  // Who comes by a Unix socket has no address, and is refused.
  if (path !== undefined && path !== null) return undefined
  if (typeof host !== 'string') return 'the server listens on every address'
  return host === 'localhost' || isLoopback(host) ? undefined : `the server listens on ${host}`
}
