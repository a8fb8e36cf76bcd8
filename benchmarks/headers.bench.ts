/**
 * CPU per request of the security headers and of CORS, beside bare Fastify and the official plugins.
 *
 *   node --import tsx benchmarks/headers.bench.ts [rounds] [variant,...]
 *
 * Each round starts every variant once, in its own process, in turn; the figure is `process.cpuUsage` of the server
 * over 40,000 pipelined requests after a warm-up. Ratio: bare Fastify's median divided by the variant's (1 = free).
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import fastifyCors from '@fastify/cors'
import fastifyHelmet from '@fastify/helmet'
import Fastify, { type FastifyInstance } from 'fastify'
import { applyHeaders, ensureHeaders } from '../lib/headers/apply.ts'
import { compileCors, ensureVary } from '../lib/headers/cors.ts'
import { compileSecurityHeaders } from '../lib/headers/security-headers.ts'
import type { CorsRules, SecurityHeaderRules } from '../types/index.ts'

// It has no types.
const autocannon = createRequire(import.meta.url)('autocannon') as (options: object) => Promise<unknown>

const ORIGIN = 'https://app.example.com'
const WARM_UP = 15_000
const REQUESTS = 40_000

function withHeaders (app: FastifyInstance, rules: SecurityHeaderRules): void {
  const set = compileSecurityHeaders(rules)
  app.addHook('onRequest', (_request, reply, done) => { applyHeaders(reply, set, false); done() })
  app.addHook('onSend', (_request, reply, payload, done) => { ensureHeaders(reply, set, false, true); done(null, payload) })
}

function withCors (app: FastifyInstance, rules: CorsRules): void {
  const cors = compileCors(app, rules)
  app.addHook('onRequest', (request, reply, done) => { cors.headers(request, reply); done() })
  app.addHook('onSend', (_request, reply, payload, done) => { if (cors.varies) ensureVary(reply); done(null, payload) })
}

const variants: Record<string, (app: FastifyInstance) => unknown> = {
  bare: () => {},
  hooks (app) {
    app.addHook('onRequest', (_request, _reply, done) => done())
    app.addHook('onSend', (_request, _reply, payload, done) => done(null, payload))
  },
  headers: (app) => withHeaders(app, {}),
  'headers, html with nonce': (app) => withHeaders(app, { preset: 'html' }),
  'reply.headers() in onSend' (app) {
    const { plain } = compileSecurityHeaders({})
    app.addHook('onSend', (_request, reply, payload, done) => { reply.headers(plain); done(null, payload) })
  },
  'raw.setHeader()' (app) {
    const entries = Object.entries(compileSecurityHeaders({}).plain)
    app.addHook('onRequest', (_request, reply, done) => { for (const [name, value] of entries) reply.raw.setHeader(name, value); done() })
  },
  '@fastify/helmet': (app) => app.register(fastifyHelmet),
  cors: (app) => withCors(app, { origin: [ORIGIN] }),
  '@fastify/cors': (app) => app.register(fastifyCors, { origin: [ORIGIN] })
}

async function serve (name: string): Promise<void> {
  const app = Fastify()
  await variants[name]!(app)
  app.get('/', async () => ({ hello: 'world' }))
  await app.listen({ port: 0, host: '127.0.0.1' })
  let start = process.cpuUsage()
  process.on('message', (message) => {
    if (message === 'start') start = process.cpuUsage()
    const { user, system } = process.cpuUsage(start)
    process.send!({ cpu: user + system })
  })
  process.send!({ port: (app.server.address() as AddressInfo).port })
}

async function ask<T> (child: ChildProcess, message?: string): Promise<T> {
  const answer = once(child, 'message')
  if (message !== undefined) child.send(message)
  return (await answer)[0] as T
}

/** Microseconds of CPU for one request. */
async function measure (name: string): Promise<number> {
  const child = fork(fileURLToPath(import.meta.url), ['--serve', name], { execArgv: import.meta.url.endsWith('.ts') ? process.execArgv : ['--expose-gc'] })
  const { port } = await ask<{ port: number }>(child)
  const load = { url: `http://127.0.0.1:${port}`, connections: 20, pipelining: 4, headers: { origin: ORIGIN } }
  await autocannon({ ...load, amount: WARM_UP })
  await ask(child, 'start')
  await autocannon({ ...load, amount: REQUESTS })
  const { cpu } = await ask<{ cpu: number }>(child, 'stop')
  child.kill()
  return cpu / REQUESTS
}

function median (values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!
}

async function compare (rounds: number, names: readonly string[]): Promise<void> {
  const found = new Map<string, number[]>(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const name of names) found.get(name)!.push(await measure(name))
  }
  const base = median(found.get(names[0]!)!)
  console.log('| variant | us per request | ratio | fastest | slowest |\n|---|---|---|---|---|')
  for (const [name, values] of found) {
    console.log(`| ${name} | ${median(values).toFixed(1)} | ${(base / median(values)).toFixed(2)} | ${Math.min(...values).toFixed(1)} | ${Math.max(...values).toFixed(1)} |`)
  }
}

const [first = '5', second] = process.argv.slice(2)
if (first === '--serve') await serve(second!)
else await compare(Number(first), second?.split(',') ?? Object.keys(variants))
