import type { FastifyInstance } from 'fastify'

/** Who may come: addresses, countries, networks. */
export async function access (app: FastifyInstance): Promise<void> {
  app.get('/office', { config: { guard: { ip: { allow: ['10.0.0.0/8'] } } } }, async () => 'for the office')
  app.get('/no-spammers', { config: { guard: { ip: { deny: ['198.51.100.0/24'] } } } }, async () => 'for all but some')
  app.get('/ordered', { config: { guard: { ip: { rules: [{ deny: '10.0.0.66' }, { allow: '10.0.0.0/8' }, { deny: '0.0.0.0/0' }, { deny: '::/0' }] } } } }, async () => 'the first match wins')
  app.get('/country-only', { config: { guard: { country: { allow: ['DE', 'AT', 'CH'] } } } }, async () => 'here')
  app.get('/country-not', { config: { guard: { country: { deny: ['US'] } } } }, async () => 'not there')
  app.get('/network', { config: { guard: { asn: { deny: [64501] } } } }, async () => 'not from that network')
  app.get('/no-cloud', { config: { guard: { cloud: { deny: ['hetzner', 'ovh'] } } } }, async () => 'not from a data centre')
  app.get('/no-ban', { config: { guard: { ban: false } } }, async () => 'for banned clients too')
  app.get('/unguarded', { config: { guard: false } }, async () => 'no check at all')
}
