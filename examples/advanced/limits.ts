import type { FastifyInstance } from 'fastify'

/** How many, and how often. */
export async function limits (app: FastifyInstance): Promise<void> {
  app.get('/limited', { config: { guard: { rateLimit: { max: 2, window: '1m' } } } }, async () => 'twice a minute')
  app.get('/limited/:id', { config: { guard: { rateLimit: { max: 2, window: '1m' } } } }, async () => 'twice, whatever the id')
  app.get('/by-country', { config: { guard: { rateLimit: { max: 1, window: '1m', byCountry: { DE: 3 } } } } }, async () => 'more at home')
  app.get('/by-user', { config: { guard: { apiKey: { keys: (key: string) => ({ user: key }) }, rateLimit: { max: 1, window: '1m', key: (request) => (request.guard.principal as { user: string }).user } } } }, async () => 'once a user')
  app.get('/one-at-a-time', { config: { guard: { concurrency: { max: 1 } } } }, async () => {
    await new Promise((resolve) => setTimeout(resolve, 30))
    return 'done'
  })
  app.get('/usage', { config: { guard: { behavior: { usage: { max: 2, window: '1h', action: 'ban', duration: '1m' } } } } }, async () => 'twice an hour')
  app.get('/frequency', { config: { guard: { behavior: { frequency: { max: 0.05, window: '1m', action: 'ban', duration: '1m' } } } } }, async () => 'slowly')
  app.get('/rare', { config: { guard: { behavior: { returns: [{ json: { path: 'items[].type', equals: 'rare' }, max: 1, action: 'ban', duration: '1m' }] } } } }, async () => ({ items: [{ type: 'common' }, { type: 'rare' }] }))
  app.get('/missing', { config: { guard: { behavior: { returns: [{ status: 404, max: 1, action: 'ban', duration: '1m' }] } } } }, async (_request, reply) => reply.code(404).send('nothing'))
  app.get('/errors', { config: { guard: { behavior: { returns: [{ regexp: /code=\d+/, max: 1, action: 'ban', duration: '1m' }] } } } }, async () => 'code=12')
}
