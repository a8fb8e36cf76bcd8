import type { FastifyInstance } from 'fastify'

const TOKENS = new Map([['s3cr3t', { id: 1, name: 'Ada' }]])

/** Who it is. */
export async function authentication (app: FastifyInstance): Promise<void> {
  app.get('/https-only', { config: { guard: { https: true } } }, async () => 'encrypted')
  app.get('/bearer', { config: { guard: { auth: { scheme: 'bearer', verify: (token: string) => TOKENS.get(token) ?? null } } } }, async (request) => request.guard.principal)
  app.get('/basic', { config: { guard: { auth: { scheme: 'basic', verify: ({ username, password }: { username: string, password: string }) => username === 'ada' && password === 'lovelace' ? { name: username } : null } } } }, async (request) => request.guard.principal)
  app.get('/api-key', { config: { guard: { apiKey: { keys: ['the-old-key', 'the-new-key'] } } } }, async () => 'known')
  app.get('/headers', { config: { guard: { requireHeaders: { 'x-tenant': true, 'x-version': '2' } } } }, async () => 'complete')
  app.get('/everything', { config: { guard: { https: true, apiKey: { keys: ['k'] }, requireHeaders: { 'x-tenant': true } } } }, async () => 'all of it')
}
