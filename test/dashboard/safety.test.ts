import { EventEmitter, once } from 'node:events'
import { request as send } from 'node:http'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import { Registry } from 'prom-client'
import { live, message } from '../../lib/dashboard/live.ts'
import guardPlugin from '../../lib/index.ts'
import { build, CLIENT, raw, status } from '../helpers.ts'
import { basic, listen, messages, OWN, snapshot } from './pages.ts'

test('without auth, what a proxy on this machine hands on is refused', async (t: TestContext) => {
  const { app } = await build(t, { dashboard: {}, clientIp: { header: 'x-edge-address', trustedProxies: 'loopback' } })
  const names = ['x-forwarded', 'x-forwarded-port', 'x-forwarded-ssl', 'x-cluster-client-ip', 'x-client-ip', 'true-client-ip', 'cf-connecting-ip', 'fastly-client-ip', 'fly-client-ip', 'x-original-forwarded-for', 'x-original-host', 'x-envoy-external-address', 'x-azure-clientip', 'x-real-ip', 'cdn-loop', 'x-edge-address']
  for (const name of names) t.assert.strictEqual(await status(app, { url: '/guard', ip: '127.0.0.1', headers: { [name]: CLIENT } }), 403, name)
  t.assert.strictEqual(await status(app, { url: '/guard', ip: '127.0.0.1', headers: { 'x-requested-with': 'fetch', 'x-edge-address': '127.0.0.1' } }), 200)
  await listen(app)
  // What nginx sends by default: no browser speaks HTTP/1.0, and no header tells of the proxy.
  t.assert.match(await raw(app, 'GET /guard/api/bans HTTP/1.0\r\nHost: 127.0.0.1:3000\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 403 /)
  t.assert.match(await raw(app, 'GET /guard/api/bans HTTP/1.1\r\nHost: 127.0.0.1:3000\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 200 /)
})

test('without auth nobody comes in by a Unix socket', async (t: TestContext) => {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(guardPlugin, { dashboard: {} })
  const path = `/tmp/guard-dashboard-${process.pid}.sock`
  await app.listen({ path })
  const [response] = await once(send({ socketPath: path, path: '/guard', headers: { host: 'localhost' } }).end(), 'response') as [{ statusCode: number, resume: () => void }]
  response.resume()
  t.assert.strictEqual(response.statusCode, 403)
})

test('a start that is refused is an error of listen(), whichever way it is told', async (t: TestContext) => {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(guardPlugin, { dashboard: {} })
  const error = await new Promise<unknown>((resolve) => { app.listen({ port: 0, host: '0.0.0.0' }, resolve) })
  t.assert.strictEqual((error as { code?: string } | null)?.code, 'GUARD_OPTION_INVALID')
  t.assert.strictEqual(app.server.listening, false)
})

test('numbers of requests may be anything, and take little room', async (t: TestContext) => {
  let id: unknown = 0
  const { app } = await build(t, { dashboard: {}, ip: { deny: [CLIENT] } }, undefined, { genReqId: () => id as string })
  const at = await listen(app)
  const stream = messages(`${at}/guard/api/live`)
  await stream.next()
  for (id of [10n, 'r'.repeat(15_000), '\u202e\u0000']) await status(app)
  id = 'after'
  for await (const { event, data } of stream) {
    const { events } = data as { events: Array<{ reqId: string }> }
    if (event !== 'tick' || events.length === 0) continue
    t.assert.deepStrictEqual(events.slice(0, 3).map(({ reqId }) => reqId.slice(0, 6)), ['10', 'rrrrrr', '\\u202e'])
    t.assert.ok(events.every(({ reqId }) => reqId.length < 300))
    break
  }
})

test('metrics beside it still hear how long checks take', async (t: TestContext) => {
  const registry = new Registry()
  const { app } = await build(t, { metrics: { registry: registry as never }, dashboard: {}, ip: { deny: ['192.0.2.1'] } })
  for (let i = 0; i < 200; i++) await status(app)
  t.assert.match(await registry.metrics(), /^guard_check_duration_seconds_count\{[^}]*\} [1-9]/m)
  t.assert.ok((await snapshot(await listen(app))).state.times.length > 0)
})

test('whoever steers it cannot ban himself: he could not lift it', async (t: TestContext) => {
  const { app } = await build(t, { dashboard: {} })
  for (const target of ['127.0.0.1', ' 127.0.0.1 ', '::ffff:127.0.0.1']) {
    const answer = await app.inject({ method: 'POST', url: '/guard/api/ban', headers: OWN, payload: { target } })
    t.assert.strictEqual(answer.statusCode, 400, target)
    t.assert.match(answer.json<{ error: string }>().error, /your own/)
  }
  t.assert.deepStrictEqual(app.guard.bans(), [])
})

test('live: a message that is larger than what may wait still reaches a page that reads', async (t: TestContext) => {
  const pages = live({ now: () => 0, waiting: 1000 })
  t.after(() => pages.close())
  const stream = pages.open(() => '')!
  const got = new EventEmitter()
  let bytes = 0
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    got.emit('more')
  })
  await once(got, 'more')
  for (let i = 1; i <= 3; i++) {
    const more = once(got, 'more')
    pages.send(message('tick', 'x'.repeat(5000)))
    await Promise.race([more, sleep(2000, undefined, { ref: false }).then(() => { throw new Error('nothing came') })])
  }
  t.assert.ok(bytes > 15_000)
})

test('live: no page is let in once the server closes', (t: TestContext) => {
  const pages = live({ now: () => 0 })
  pages.close()
  t.assert.strictEqual(pages.open(() => ''), undefined)
})

test('a principal that is banned does not come in, nor ban himself; the log names him, and tells no more of him', async (t: TestContext) => {
  const auth = { scheme: 'basic', verify: ({ username }: { username: string }) => ({ id: username, secret: 'hash' }) } as const
  const { app, lines } = await build(t, { dashboard: { auth } })
  const ban = async (by: string, target: string): Promise<number> => status(app, { method: 'POST', url: '/guard/api/ban', headers: { ...OWN, ...basic(by, 'x') }, payload: { target } })
  t.assert.strictEqual(await ban('ann', 'principal:ann'), 400)
  t.assert.strictEqual(await ban('ann', 'principal:bob'), 200)
  t.assert.deepStrictEqual([await status(app, { url: '/guard', headers: basic('bob', 'x') }), await status(app, { url: '/guard', headers: basic('ann', 'x') })], [403, 200])
  t.assert.strictEqual(lines.find(({ event }) => event === 'guard.dashboard')!['principal'], 'principal:ann')
})
