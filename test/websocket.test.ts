import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import websocket from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import { WebSocket } from 'ws'
import type { GuardOptions, WebSocketOptions } from '../lib/index.ts'
import { build } from './helpers.ts'

async function serve (t: TestContext, options: GuardOptions, messages: WebSocketOptions): Promise<{ app: FastifyInstance, url: string }> {
  const { app } = await build(t, { clientIp: { trustedProxies: ['127.0.0.1'] }, ...options }, async (app) => {
    await app.register(websocket)
    const protect = app.guard.websocket(messages)
    app.get('/ws', { websocket: true, config: { guard: { ip: { deny: ['203.0.113.66'] } } } }, (socket, request) => {
      protect(socket, request, (data) => { socket.send(`echo ${String(data)}`) })
    })
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { app, url: `ws://127.0.0.1:${(app.server.address() as AddressInfo).port}/ws` }
}

/** Sends texts one after the other; what came back, and the code that the connection was closed with. */
async function talk (url: string, texts: ReadonlyArray<string | Buffer>, ip = '203.0.113.7'): Promise<{ echoes: string[], code: number }> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, { headers: { 'x-forwarded-for': ip } })
    const echoes: string[] = []
    let at = 0
    const next = (): void => { if (at < texts.length) socket.send(texts[at++]!); else socket.close(1000) }
    socket.on('open', next)
    socket.on('message', (data) => { echoes.push(String(data)); next() })
    socket.on('unexpected-response', (request, response) => { request.destroy(); resolve({ echoes, code: response.statusCode ?? 0 }) })
    socket.on('close', (code) => resolve({ echoes, code }))
    socket.on('error', () => {})
  })
}

test('the connection is under the rules of its route', async (t: TestContext) => {
  const { url, app } = await serve(t, {}, { max: 10, window: '1m' })
  t.assert.strictEqual((await talk(url, [], '203.0.113.66')).code, 403)
  t.assert.strictEqual((await talk(`${url}?q=${encodeURIComponent('<script>alert(1)</script>')}`, [])).code, 400)
  t.assert.deepStrictEqual(await talk(url, ['a', 'b']), { echoes: ['echo a', 'echo b'], code: 1000 })
  app.guard.ban('203.0.113.7')
  t.assert.strictEqual((await talk(url, ['a'])).code, 403)
})

test('messages are limited by client, over all connections', async (t: TestContext) => {
  const { url } = await serve(t, {}, { max: 3, window: '1m' })
  t.assert.deepStrictEqual(await talk(url, ['1', '2']), { echoes: ['echo 1', 'echo 2'], code: 1000 })
  t.assert.deepStrictEqual(await talk(url, ['3', '4']), { echoes: ['echo 3'], code: 1008 })
  t.assert.strictEqual((await talk(url, ['1'], '203.0.113.8')).code, 1000)
})

test('attacks in texts, large messages and bans close the connection', async (t: TestContext) => {
  const { url, app } = await serve(t, { ban: { threshold: 2 } }, { max: 100, window: '1m', maxBytes: 1000 })
  t.assert.strictEqual((await talk(url, ['x'.repeat(1001)])).code, 1009)
  t.assert.deepStrictEqual(await talk(url, ['hello', '{"a":["<script>alert(1)</script>"]}']), { echoes: ['echo hello'], code: 1008 })
  t.assert.strictEqual((await talk(url, ["' UNION SELECT password FROM users--"])).code, 1008)
  t.assert.strictEqual(app.guard.bans().length, 1, 'strikes count')
})

test('passive: reported, and passed on', async (t: TestContext) => {
  const { url, app } = await serve(t, { mode: 'passive' }, { max: 1, window: '1m' })
  t.assert.strictEqual((await talk(url, ['a', 'b', '<script>alert(1)</script>'])).echoes.length, 3)
  t.assert.ok(app.guard.stats().reported >= 3, 'reported')
})

test('wrong values', async (t: TestContext) => {
  const { app } = await build(t)
  for (const [options, message] of [[{}, /websocket\.max is missing[\s\S]*websocket\.window is missing/], [{ max: 0, window: 1000 }, /websocket\.max/], [{ max: 1, window: 'x' }, /websocket\.window/], [{ max: 1, window: 1, maxx: 1 }, /did you mean max\?/]] as const) {
    t.assert.throws(() => app.guard.websocket(options as never), { message })
  }
})
