import type { FastifyInstance } from 'fastify'

/** What is sent. */
export async function content (app: FastifyInstance): Promise<void> {
  app.get('/no-bots', { config: { guard: { userAgent: { deny: ['bot', /crawler|spider/i], missing: 'refuse' } } } }, async () => 'people')
  app.get('/no-ai', { config: { guard: { bots: { deny: ['ai-crawler', 'scanner'], allow: ['search-engine'] } } } }, async () => 'people and search engines')
  app.post('/json-only', { config: { guard: { contentType: { allow: ['application/json'] } } } }, async () => 'json')
  app.post('/small', { config: { guard: { maxBodyBytes: 100 } } }, async () => 'small')
  app.get('/from-us', { config: { guard: { referrer: { allow: ['example.com'] } } } }, async () => 'from us')
  app.post('/same-site', { config: { guard: { fetchMetadata: true } } }, async () => 'no forgery')
  app.get('/custom', { config: { guard: { check: (request) => request.headers['x-vip'] === 'yes' ? undefined : { status: 402, message: 'For members' } } } }, async () => 'member')
  app.post('/form', { config: { guard: { honeypot: { fields: ['website'] } } } }, async () => 'thanks')
  app.route({ method: ['GET', 'POST'], url: '/methods', config: { guard: { methods: ['GET'] } }, handler: async () => 'get' })
  app.get('/hosts', { config: { guard: { hosts: ['api.example.com'] } } }, async () => 'this host')
  app.get('/office-hours', { config: { guard: { timeWindow: { start: '08:00', end: '18:00', timeZone: 'Europe/Berlin', days: ['mon', 'tue', 'wed', 'thu', 'fri'] } } } }, async () => 'open')
}
