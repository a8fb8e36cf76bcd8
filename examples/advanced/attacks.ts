import type { FastifyInstance } from 'fastify'

/** Detection is on everywhere; these say more about it. */
export async function attacks (app: FastifyInstance): Promise<void> {
  app.get('/search', async () => 'results')
  app.post('/comment', async () => 'saved')
  app.get('/items/:id', async () => 'item')
  app.get('/raw', { config: { guard: { detection: false } } }, async () => 'anything goes')
  app.post('/article', { config: { guard: { detection: { exclude: { fields: ['html'] } } } } }, async () => 'html is what it is about')
  app.get('/no-sql-here', { config: { guard: { detection: { exclude: { categories: ['sqli'] } } } } }, async () => 'all but SQL')
  app.get('/own-rule', { config: { guard: { detection: { rules: [{ id: 'coupon', pattern: /^FREE-\d{4}$/ }] } } } }, async () => 'no coupons')
  app.get('/watched', { config: { guard: { detection: { mode: 'passive' } } } }, async (request) => ({ found: request.guard.verdicts.length }))
  app.post('/abuse', async (request) => {
    request.guard.strike('an abuse that only the application sees')
    return 'noted'
  })
}
