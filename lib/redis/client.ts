import type { RedisClient } from '../../types/index.ts'

export type { RedisClient }

const METHODS = ['evalsha', 'eval', 'scan', 'unlink', 'on'] as const

export function isClient (value: unknown): value is RedisClient {
  const client = value as Partial<Record<keyof RedisClient, unknown>> | null
  return typeof client === 'object' && client !== null && METHODS.every((name) => typeof client[name] === 'function')
}

/** Whether commands can be sent now: those that ioredis would keep for later are of no use to a request that waits. */
export function isReady ({ status }: RedisClient): boolean {
  return status === undefined || status === 'ready'
}

/** @throws if commands cannot be sent now */
export function assertReady (client: RedisClient): void {
  if (!isReady(client)) throw new Error(`not connected (${client.status})`)
}
