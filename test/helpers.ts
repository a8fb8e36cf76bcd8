import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import guardPlugin, { guardServerOptions, type GuardEvent, type GuardOptions, type RouteGuard } from '../lib/index.ts'

/** A documentation address that no rule of the tests' own machine touches. */
export const CLIENT = '203.0.113.7'

export interface Built {
  app: FastifyInstance
  events: GuardEvent[]
  /** Lines of the log, parsed. */
  lines: Array<Record<string, unknown>>
}

/** An app with the guard registered as the README says; `routes` declares more routes than `/`. */
export async function build (t: TestContext, options: GuardOptions = {}, routes: (app: FastifyInstance) => void | Promise<void> = () => {}, server: FastifyServerOptions = {}): Promise<Built> {
  const events: GuardEvent[] = []
  const lines: Array<Record<string, unknown>> = []
  const stream = { write: (line: string) => { lines.push(JSON.parse(line) as Record<string, unknown>) } }
  const app = Fastify(guardServerOptions({ logger: { level: 'info', stream }, ...server })) as unknown as FastifyInstance
  t.after(() => app.close())
  await app.register(guardPlugin, { onEvent: (event) => { events.push(event) }, ...options })
  app.get('/', async () => ({ hello: 'world' }))
  await routes(app)
  return { app, events, lines }
}

export interface Sent { method?: string, url?: string, ip?: string, headers?: Record<string, string | string[]>, payload?: string | Buffer | object }

/** The status of one request from `ip`. */
export async function status (app: FastifyInstance, { method = 'GET', url = '/', ip = CLIENT, headers = {}, payload }: Sent = {}): Promise<number> {
  const response = await app.inject({ method: method as 'GET', url, remoteAddress: ip, headers, ...(payload !== undefined && { payload }) })
  return response.statusCode
}

/** An app with one route `/guarded` that has `rules`. */
export async function buildRoute (t: TestContext, rules: RouteGuard, options: GuardOptions = {}): Promise<Built> {
  return build(t, options, (app) => { app.all('/guarded', { config: { guard: rules } }, async () => 'ok') })
}

/** Why an app with these options does not start. */
export async function startError (options: unknown, route?: unknown): Promise<Error & { code?: string }> {
  const app = Fastify()
  try {
    await app.register(guardPlugin, options as GuardOptions)
    app.get('/route', { config: { guard: route as RouteGuard } }, async () => 'ok')
    await app.ready()
  } catch (error) {
    return error as Error
  } finally {
    await app.close()
  }
  throw new Error('the app started')
}

/** Sends bytes to a listening app and answers all that comes back until the server closes or falls silent. */
export async function raw (app: FastifyInstance, bytes: string, quietMs = 300): Promise<string> {
  const { port } = app.server.address() as AddressInfo
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    let text = ''
    socket.setTimeout(quietMs, () => socket.destroy())
    socket.on('data', (chunk) => { text += chunk.toString('latin1') })
    socket.on('close', () => resolve(text))
    socket.on('error', (error) => text === '' ? reject(error) : resolve(text))
  })
}
