// A server behind one reverse proxy on the same machine or in a private network.
//
// PORT=3000 node --import tsx examples/behind-a-proxy.ts
// curl -H 'X-Forwarded-For: 203.0.113.7' http://127.0.0.1:3000/
import Fastify from 'fastify'
import guardPlugin, { guardServerOptions } from '../lib/index.ts'

const app = Fastify(guardServerOptions({ logger: { level: 'warn' } }))

await app.register(guardPlugin, {
  // Only these peers are believed. The client is the right-most entry of X-Forwarded-For that is none of them;
  // what a client writes further left changes nothing.
  clientIp: { trustedProxies: ['loopback', 'private'], trustProto: true },
  // X-Forwarded-Proto of a trusted peer says how the client came. The host never comes from the request.
  https: { redirect: true, host: 'example.com' },
  ban: { threshold: 3, window: '10m', duration: '1h', escalate: 2 }
})

// A load balancer's probe comes without https and from its own address.
app.get('/healthz', { config: { guard: { https: false } } }, async () => 'ok')
app.get('/', async (request) => ({ you: request.guard.ip }))

console.log(await app.listen({ host: '127.0.0.1', port: Number(process.env['PORT'] ?? 0) }))
