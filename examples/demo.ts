// npm run demo: a protected server on 127.0.0.1, and curl lines to try against it.
//
// PORT=3000      listens there; without it, on a free port
// --open         (or DEMO_OPEN=1) answers 200 to every method and path, with the guard's defaults: what
//                npm run replay sends its attacks and harmless requests to
import { join } from 'node:path'
import Fastify, { type FastifyInstance } from 'fastify'
import guardPlugin, { guard, guardServerOptions } from '../lib/index.ts'

const open = process.argv.includes('--open') || process.env['DEMO_OPEN'] === '1'
const app = Fastify(guardServerOptions({ logger: { level: open ? 'error' : process.env['LOG_LEVEL'] ?? 'warn' } }))

if (open) await openServer(app)
else await demoServer(app)

async function demoServer (app: FastifyInstance): Promise<void> {
  await app.register(guardPlugin, {
    // Plays a reverse proxy on this machine, so that curl can play clients by their X-Forwarded-For.
    clientIp: { trustedProxies: 'loopback' },
    ip: { deny: ['192.0.2.0/24'] },
    // Documentation addresses in made-up places: scripts/demo-database.ts. A real one: geo: { download: 'dbip-lite' }.
    geo: { database: join(import.meta.dirname, 'demo.mmdb') },
    country: { deny: ['AQ'] },
    asn: { deny: [64500] },
    cloud: { deny: ['hetzner'] },
    userAgent: { deny: ['sqlmap', 'nikto', 'masscan'] },
    rateLimit: { name: 'client', max: 100, window: '1m' },
    ban: { threshold: 3, window: '10m', duration: '1m', escalate: 2 },
    cors: { origin: ['https://app.example'], credentials: true },
    // Without auth for this machine only.
    dashboard: { path: '/guard' }
  })

  app.get('/', async (request) => ({ hello: 'world', you: request.guard.ip }))
  app.get('/place', { config: { guard: guard({ rateLimit: { name: 'place', max: 10, window: '1m', byCountry: { SE: 2 } } }) } }, async ({ guard: { ip, country, continent, asn, network } }) => ({ ip, country, continent, asn, network }))
  app.get('/search', async (request) => ({ query: request.query }))
  app.get('/users/:id', async (request) => request.params)
  app.post('/echo', async (request) => ({ body: request.body }))
  app.get('/admin', { config: { guard: guard({ ip: { allow: ['10.0.0.0/8'] } }) } }, async () => ({ secret: 42 }))
  app.post('/login', { config: { guard: guard({ rateLimit: { name: 'login', max: 2, window: '1m' } }) } }, async () => ({ welcome: true }))
  app.get('/private', {
    config: { guard: guard({ auth: { scheme: 'bearer', verify: (token: string) => token === 'demo-token' ? { user: 'demo' } : null } }) }
  }, async (request) => ({ principal: request.guard.principal }))
  app.get('/stats', async () => app.guard.stats())
  app.get('/routes', async () => app.guard.routes())
  app.get('/healthz', { config: { guard: false } }, async () => 'ok')
}

/** The guard's defaults, and every kind of body as text, so that whatever a case sends is looked at. */
async function openServer (app: FastifyInstance): Promise<void> {
  await app.register(guardPlugin)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => { done(null, body) })
  app.all('/*', async () => 'ok')
  app.setNotFoundHandler(async (_request, reply) => reply.code(200).send('ok'))
}

interface Try { title: string, expect: number[], curl: string }

/** Lines to try, in this order: the later ones rely on what the earlier ones did. */
function tries (at: string): Try[] {
  const short = "curl -s -o /dev/null -w '%{http_code}\\n'"
  const json = "-H 'content-type: application/json'"
  return [
    { title: 'an ordinary request', expect: [200], curl: `curl -i ${at}/` },
    { title: 'prose that sounds like SQL', expect: [200], curl: `curl -i '${at}/search?q=select+a+plan+from+the+list+below'` },
    { title: 'SQL injection in the query', expect: [400], curl: `curl -i "${at}/search?q=1'%20OR%20'1'='1"` },
    { title: 'a script in a JSON body', expect: [400], curl: `curl -i ${json} -d '{"comment":"<script>alert(1)</script>"}' ${at}/echo` },
    { title: 'a harmless JSON body', expect: [200], curl: `curl -i ${json} -d '{"comment":"fish & chips, 2 < 3"}' ${at}/echo` },
    { title: 'path traversal, twice encoded', expect: [400], curl: `curl -i '${at}/users/..%252f..%252fetc%252fpasswd'` },
    { title: 'a scanner, by its User-Agent', expect: [403], curl: `curl -i -A 'sqlmap/1.8' ${at}/` },
    { title: 'a scanner, by what it asks for', expect: [400], curl: `curl -i ${at}/.env` },
    { title: 'a URL that no Fastify hook ever sees', expect: [400], curl: `curl -i ${at}/%zz` },
    { title: 'a route for 10.0.0.0/8, from elsewhere', expect: [403], curl: `curl -i ${at}/admin` },
    { title: 'the same, from there', expect: [200], curl: `curl -i -H 'X-Forwarded-For: 10.1.2.3' ${at}/admin` },
    { title: 'a client that claims to be there', expect: [403], curl: `curl -i -H 'X-Forwarded-For: 10.1.2.3, 203.0.113.9' ${at}/admin` },
    { title: 'a client from refused addresses', expect: [403], curl: `curl -i -H 'X-Forwarded-For: 192.0.2.1' ${at}/` },
    { title: 'where a client is, by the demo\'s database', expect: [200], curl: `curl -i -H 'X-Forwarded-For: 198.51.100.1' ${at}/place` },
    { title: 'a client from a refused country', expect: [403], curl: `curl -i -H 'X-Forwarded-For: 198.51.100.200' ${at}/` },
    { title: 'the same over IPv6', expect: [403], curl: `curl -i -H 'X-Forwarded-For: 2001:db8:8000::1' ${at}/` },
    { title: 'a client from a refused network', expect: [403], curl: `curl -i -H 'X-Forwarded-For: 203.0.113.140' ${at}/` },
    { title: 'a client in a refused cloud', expect: [403], curl: `curl -i -H 'X-Forwarded-For: 203.0.113.200' ${at}/` },
    { title: 'two requests a minute from Sweden, ten from elsewhere', expect: [200, 200, 429], curl: `for i in 1 2 3; do ${short} -H 'X-Forwarded-For: 2001:db8::1' ${at}/place; done` },
    { title: 'a route that wants a token', expect: [401], curl: `curl -i ${at}/private` },
    { title: 'the same, with it', expect: [200], curl: `curl -i -H 'Authorization: Bearer demo-token' ${at}/private` },
    { title: 'two log-ins a minute, not three', expect: [200, 200, 429], curl: `for i in 1 2 3; do ${short} -X POST -H 'X-Forwarded-For: 198.51.100.1' ${at}/login; done` },
    { title: 'three attacks, then a ban', expect: [400, 400, 400, 403], curl: `for i in 1 2 3 4; do ${short} -H 'X-Forwarded-For: 203.0.113.66' "${at}/search?q=<script>alert($i)</script>"; done` },
    { title: 'a preflight', expect: [204], curl: `curl -i -X OPTIONS -H 'Origin: https://app.example' -H 'Access-Control-Request-Method: POST' ${at}/echo` },
    { title: 'what the guard counted', expect: [200], curl: `curl -s -i ${at}/stats` }
  ]
}

const address = await app.listen({ host: '127.0.0.1', port: Number(process.env['PORT'] ?? 0) })
console.log(address)
if (!open) {
  console.log('\nTry these; the numbers are the statuses to expect:\n')
  for (const { title, expect, curl } of tries(address)) console.log(`# ${title}: ${expect.join(' ')}\n${curl}\n`)
  console.log(`What the guard does, live: ${address}/guard\n`)
  console.log('Each refusal has a reference in x-guard-reference that stands in the log line below, too. Ctrl+C ends the server.\n')
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => { app.close().then(() => process.exit(0), () => process.exit(1)) })
}
