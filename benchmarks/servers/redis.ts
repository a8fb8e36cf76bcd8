import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { aged } from './aged.ts'
import { keepTickRecord } from '../../lib/tick-record.ts'
import type { RedisStoreOptions } from '../../types/index.ts'

/** Who limits, in the table's order; each alone, with nothing else switched on. */
export const limiters = {
  bare: 'Fastify alone',
  kept: 'Fastify alone, out of the slow mode',
  headers: 'Fastify with two headers as the limiter writes them',
  memory: 'guard, store: memory',
  strict: 'guard, Redis, strict',
  lease: 'guard, Redis, lease',
  'official-memory': '@fastify/rate-limit, memory',
  official: '@fastify/rate-limit, Redis'
} as const
export type LimiterName = keyof typeof limiters

const LIMIT = 100_000_000

async function serverOf (name: LimiterName, port: number): Promise<FastifyInstance> {
  const app = Fastify()
  if (name === 'kept') keepTickRecord()
  else if (name === 'headers') addHeaders(app)
  else if (name === 'official' || name === 'official-memory') {
    const [{ default: redis }, { default: rateLimit }] = await Promise.all([import('@fastify/redis'), import('@fastify/rate-limit')])
    if (name === 'official') await app.register(redis, { host: '127.0.0.1', port })
    await app.register(rateLimit, { max: LIMIT, timeWindow: '1 minute', ...(name === 'official' && { redis: app.redis }) })
  } else if (name !== 'bare') {
    const { guardPlugin } = await import('../../lib/index.ts')
    const redis: RedisStoreOptions = { redis: `redis://127.0.0.1:${port}`, mode: name === 'lease' ? 'lease' : 'strict', timeout: 5000 }
    await app.register(guardPlugin, { detection: false, securityHeaders: false, rateLimit: { max: LIMIT, window: '1m' }, store: name === 'memory' ? 'memory' : redis })
  }
  app.get('/hello', (_request, reply) => { reply.send({ hello: 'world' }) })
  return app
}

/** What no limiter that tells clients their state can fall below. */
function addHeaders (app: FastifyInstance): void {
  let remaining = LIMIT
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('ratelimit-policy', `"default";q=${LIMIT};w=60`)
    reply.header('ratelimit', `"default";r=${--remaining};t=60`)
    done()
  })
}

/** A server in a process of its own: tells its port once it listens, and answers every message with what it has used. */
if (process.send !== undefined) {
  const app = await serverOf(process.argv[2] as LimiterName, Number(process.argv[3]))
  await app.listen({ port: 0, host: '127.0.0.1' })
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    const { calls = 0, leased = 0, fallbacks = 0 } = app.hasDecorator('guard') ? app.guard.stats().store : {}
    process.send!({ cpu: user + system, calls, leased, fallbacks })
  })
  process.on('disconnect', () => process.exit())
  await aged()
  process.send({ port: (app.server.address() as AddressInfo).port })
}
