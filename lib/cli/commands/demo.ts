import { once } from 'node:events'
import Fastify, { type FastifyInstance } from 'fastify'
import { guardPlugin, guard, guardServerOptions } from '../../index.ts'
import { readArgs, wholeNumber } from '../args.ts'
import { UsageError, type ExitCode, type Io } from '../command.ts'

export const about = 'starts a protected server on this machine, and prints requests to try'

export const help = `fastify-api-guard demo [options]

Starts a server on 127.0.0.1 that the guard protects, and prints its address and curl lines to try against it. It needs
no Redis, no database and no network, and ends with Ctrl-C. Its dashboard is at /guard, for this machine only.

  --port N   port; default: a free one

  fastify-api-guard demo --port 3000
`

export async function run (args: string[], io: Io): Promise<ExitCode> {
  const { values, positionals } = readArgs(args, { port: { type: 'string' } })
  if (positionals.length > 0) throw new UsageError(`demo takes no '${positionals[0]}'`)
  const port = wholeNumber(values.port, 'port', 0, 0)
  if (port > 65_535) throw new UsageError(`--port must be a whole number from 0 to 65535, not '${port}'`)
  const app = await server()
  const address = await app.listen({ port, host: '127.0.0.1' }).catch((error: unknown) => { throw new UsageError(`--port ${port}: ${(error as Error).message}`) })
  io.out(`${address}\n\nTo try:\n${TRIES.map(([title, line]) => `\n# ${title}\ncurl -si ${line.replaceAll('URL', address)}\n`).join('')}\nDashboard: ${address}/guard\n`)
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  await app.close()
  return 0
}

/** In this order: the last ones rely on what comes before. */
const TRIES: ReadonlyArray<readonly [title: string, line: string]> = [
  ['passes', 'URL/'],
  ['an attack: 400', "'URL/?q=<script>alert(1)</script>' -g"],
  ['a scanner: 403', 'URL/ -A sqlmap'],
  ['an address that is denied: 403', "URL/ -H 'x-forwarded-for: 192.0.2.7'"],
  ['no credential: 401', 'URL/private'],
  ['with one: 200', "URL/private -H 'authorization: Bearer demo-token'"],
  ['the third log-in of a minute: 429', 'URL/login URL/login URL/login']
]

async function server (): Promise<FastifyInstance> {
  const app = Fastify(guardServerOptions()) as unknown as FastifyInstance
  await app.register(guardPlugin, {
    // Plays a proxy on this machine, so that curl can play other clients by their X-Forwarded-For.
    clientIp: { trustedProxies: 'loopback' },
    ip: { deny: ['192.0.2.0/24'] },
    userAgent: { deny: ['sqlmap', 'nikto', 'masscan'] },
    rateLimit: { name: 'client', max: 100, window: '1m' },
    ban: { threshold: 3, window: '10m', duration: '1m' },
    dashboard: { path: '/guard' }
  })
  app.get('/', async (request) => ({ hello: 'world', you: request.guard.ip }))
  app.get('/login', { config: { guard: guard({ rateLimit: { name: 'login', max: 2, window: '1m' } }) } }, async () => ({ welcome: true }))
  app.get('/private', { config: { guard: guard({ auth: { scheme: 'bearer', verify: (token: string) => token === 'demo-token' ? { user: 'demo' } : null } }) } }, async (request) => ({ principal: request.guard.principal }))
  return app
}
