// Rules of several layers: the plugin's, a named policy's, a child scope's and a route's.
//
// PORT=3000 node --import tsx examples/policies.ts
import Fastify from 'fastify'
import guardPlugin, { guard, guardServerOptions } from '../lib/index.ts'

const app = Fastify(guardServerOptions({ logger: { level: 'warn' } }))

await app.register(guardPlugin, {
  // All routes: what is refused here, no layer below lets in again by accident.
  ip: { deny: ['192.0.2.0/24'] },
  rateLimit: { max: 300, window: '1m' },
  policies: {
    internal: { ip: { allow: ['loopback', 'private'] } },
    expensive: { rateLimit: { name: 'expensive', max: 5, window: '1m' } }
  }
})

app.get('/', async () => 'all of the plugin\'s rules')

// A policy by its name; of an array, later ones win.
app.get('/metrics', { config: { guard: 'internal' } }, async () => 'from inside only')
app.get('/report', { config: { guard: ['internal', 'expensive', { methods: ['GET'] }] } }, async () => 'from inside, 5 a minute')

// Rules of one route. guard() lets TypeScript check their names, which it does not in a bare literal.
app.post('/login', {
  config: {
    guard: guard({
      rateLimit: { name: 'login', max: 5, window: '10m', count: 'failures' },
      contentType: { allow: ['application/json'] },
      maxBodyBytes: 1024
    })
  }
}, async () => ({ welcome: true }))

// A webhook whose bodies hold code: everything but the detection stays.
app.post('/hooks/git', { config: { guard: { detection: false, apiKey: { keys: ['a-long-random-key'] } } } }, async () => 'thanks')

// No check at all; security headers stay.
app.get('/healthz', { config: { guard: false } }, async () => 'ok')

// A child scope takes rules and policies; the root's ip.deny, ban and emergency stay whatever it says.
await app.register(async (admin) => {
  await admin.register(guardPlugin, { ip: { allow: ['loopback', '10.0.0.0/8'] }, securityHeaders: { preset: 'html' } })
  admin.get('/', async (_request, reply) => {
    reply.type('text/html')
    return `<!doctype html><title>Admin</title><script nonce="${reply.cspNonce.script}">document.title += '!'</script>`
  })
}, { prefix: '/admin' })

await app.ready()
for (const { methods, url, checks, origins } of app.guard.routes()) {
  console.log(methods.join(','), url ?? '(no route)', checks.join(' '), JSON.stringify(origins))
}

console.log(await app.listen({ host: '127.0.0.1', port: Number(process.env['PORT'] ?? 0) }))
