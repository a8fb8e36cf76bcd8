// One route for each thing that the guard can do. Run it: node --import tsx examples/advanced/server.ts
import formbody from '@fastify/formbody'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import guardPlugin, { guardServerOptions, type GuardOptions } from '../../lib/index.ts'
import { access } from './access.ts'
import { admin } from './admin.ts'
import { attacks } from './attacks.ts'
import { authentication } from './authentication.ts'
import { content } from './content.ts'
import { limits } from './limits.ts'

/** A database in place of a file, so that the example needs none. */
const places: Record<string, { country: string, asn: number }> = {
  '203.0.113.1': { country: 'DE', asn: 64500 },
  '203.0.113.2': { country: 'US', asn: 64501 },
  '203.0.113.3': { country: 'DE', asn: 24940 }
}

export async function advanced (server: FastifyServerOptions = {}, options: GuardOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(guardServerOptions(server)) as unknown as FastifyInstance
  await app.register(formbody)
  await app.register(guardPlugin, {
    geo: { handler: { lookup: (ip) => places[ip] ?? null } },
    ban: { threshold: 10, window: '10m', duration: '1h', escalate: 2 },
    emergency: { allow: ['10.0.0.1'] },
    cors: { origin: ['https://app.example.com'], credentials: true },
    securityHeaders: { preset: 'html' },
    response: { messages: { GUARD_RATE_LIMITED: 'Please slow down' } },
    ...options
  })
  await app.register(access, { prefix: '/access' })
  await app.register(authentication, { prefix: '/auth' })
  await app.register(content, { prefix: '/content' })
  await app.register(limits, { prefix: '/limits' })
  await app.register(attacks, { prefix: '/attacks' })
  await app.register(async (child) => {
    await child.register(guardPlugin, { apiKey: { keys: ['admin-key'] } })
    await child.register(admin)
  }, { prefix: '/admin' })
  app.get('/', async () => ({ hello: 'world' }))
  return app
}
