// The shortest protected server. In an application of yours the import is 'fastify-api-guard'.
//
// PORT=3000 node --import tsx examples/minimal.ts
import Fastify from 'fastify'
import guardPlugin, { guardServerOptions } from '../lib/index.ts'

const app = Fastify(guardServerOptions({ logger: { level: 'warn' } }))

// Detection of attacks and security headers are on by default; `await`, so that the guard sees every route below.
await app.register(guardPlugin, {
  rateLimit: { max: 100, window: '1m' }
})

app.get('/', async () => ({ hello: 'world' }))
app.get('/search', async (request) => ({ query: request.query }))

console.log(await app.listen({ host: '127.0.0.1', port: Number(process.env['PORT'] ?? 0) }))
