import Fastify, { type FastifyInstance } from 'fastify'
import { keepTickRecord } from '../../lib/tick-record.ts'
import type { GuardOptions } from '../../types/index.ts'

/** What is compared, in the table's order. */
export const variants = ['bare', 'kept', 'guard', 'watched', 'everything', 'no-headers', 'detection', 'limiter', 'official-limiter', 'official'] as const

export type Variant = typeof variants[number]

export const titles: Readonly<Record<Variant, string>> = {
  bare: 'Fastify alone',
  kept: 'Fastify alone, out of the slow mode',
  guard: 'guard, defaults',
  watched: 'guard, defaults, metrics and dashboard',
  everything: 'guard, everything on',
  'no-headers': 'guard, everything but securityHeaders',
  detection: 'guard, detection alone',
  limiter: 'guard, rateLimit alone',
  'official-limiter': '@fastify/rate-limit',
  official: '@fastify/helmet + cors + rate-limit + under-pressure'
}

const ORIGIN = 'https://app.example.com'
const LIMIT = 1_000_000_000

/** Networks that no client of the benchmark is in. */
const deny = Array.from({ length: 1000 }, (_, i) => `${11 + (i % 90)}.${(i * 7) % 256}.${(i * 13) % 256}.0/24`)

const everything: GuardOptions = {
  detection: true,
  securityHeaders: {},
  rateLimit: { max: LIMIT, window: '1m' },
  ban: { threshold: 10, window: '1m', duration: '1h' },
  ip: { deny, trust: ['10.0.0.0/8'] },
  userAgent: { deny: ['sqlmap', 'nikto', 'nuclei', /\bmasscan\b/i] },
  hosts: ['127.0.0.1', 'localhost', '*.example.com'],
  methods: ['GET', 'HEAD', 'POST', 'OPTIONS'],
  cors: { origin: [ORIGIN], credentials: true }
}

/** A server of one variant, listening nowhere yet. */
export async function serverOf (variant: Variant): Promise<FastifyInstance> {
  const app = Fastify()
  if (variant === 'kept') keepTickRecord()
  else if (variant === 'official') await registerOfficial(app)
  else if (variant === 'official-limiter') await registerLimiter(app)
  else if (variant !== 'bare') await registerGuard(app, variant)
  app.get('/hello', (_request, reply) => { reply.send({ hello: 'world' }) })
  app.post('/items', (_request, reply) => { reply.send({ ok: true }) })
  return app
}

async function registerGuard (app: FastifyInstance, variant: 'guard' | 'watched' | 'everything' | 'no-headers' | 'detection' | 'limiter'): Promise<void> {
  const { guardPlugin } = await import('../../lib/index.ts')
  const { Registry } = await import('prom-client')
  const options = { guard: {}, watched: { metrics: { registry: new Registry() }, dashboard: {} }, everything, 'no-headers': { ...everything, securityHeaders: false } as const, detection: { detection: true, securityHeaders: false } as const, limiter: { detection: false, securityHeaders: false, rateLimit: { max: LIMIT, window: '1m' } } as const }
  await app.register(guardPlugin, options[variant])
}

async function registerLimiter (app: FastifyInstance): Promise<void> {
  const { default: rateLimit } = await import('@fastify/rate-limit')
  await app.register(rateLimit, { max: LIMIT, timeWindow: '1 minute' })
}

async function registerOfficial (app: FastifyInstance): Promise<void> {
  const [helmet, cors, underPressure] = await Promise.all([import('@fastify/helmet'), import('@fastify/cors'), import('@fastify/under-pressure')])
  await app.register(helmet.default)
  await app.register(cors.default, { origin: [ORIGIN], credentials: true })
  await registerLimiter(app)
  await app.register(underPressure.default, { maxEventLoopDelay: 60_000 })
}
