import { test, type TestContext } from 'node:test'
import { Readable } from 'node:stream'
import Fastify, { type FastifyReply } from 'fastify'
import guardPlugin from '../lib/index.ts'
import { build, CLIENT, raw, status } from './helpers.ts'
import { printed } from '../lib/coverage.ts'

const deny = { ip: { deny: [CLIENT] } }

test('every route at any depth, HEAD, OPTIONS and 404s are refused to a denied address', async (t: TestContext) => {
  const { app } = await build(t, deny, async (app) => {
    app.all('/all', async () => 'ok')
    app.get('/users/:id', async () => 'ok')
    app.get('/files/*', async () => 'ok')
    await app.register(async (child) => {
      child.get('/secret', async () => 'ok')
      child.setNotFoundHandler((_request, reply) => { reply.code(404).send('none') })
      await child.register(async (grandchild) => { grandchild.get('/g/secret', async () => 'ok') })
    }, { prefix: '/child' })
  })
  const requests = [
    { url: '/' }, { url: '/all' }, { url: '/users/7' }, { url: '/files/a/b' }, { url: '/child/secret' }, { url: '/child/g/secret' },
    { url: '/none' }, { url: '/child/none' }, { method: 'HEAD', url: '/' }, { method: 'OPTIONS', url: '/all' }, { method: 'DELETE', url: '/' },
    { url: '/%2e%2e/none' }, { url: '//all' }, { url: '/all/' }, { url: '/all;x' }, { url: '/ALL' }, { url: 'http://bench.local/all' }
  ]
  for (const request of requests) t.assert.strictEqual(await status(app, request), 403, JSON.stringify(request))
  for (const request of requests) t.assert.notStrictEqual(await status(app, { ...request, ip: '203.0.113.8' }), 403, JSON.stringify(request))
  t.assert.strictEqual(app.guard.stats().refused, requests.length)
})

test('what the router refuses is refused, counted and carries the headers', async (t: TestContext) => {
  const { app, events } = await build(t, deny, (app) => { app.get('/users/:id', async () => 'ok') })
  for (const url of ['/%zz', `/users/${'a'.repeat(200)}`]) {
    t.assert.strictEqual(await status(app, { url }), 403)
    const response = await app.inject({ url, remoteAddress: '203.0.113.8' })
    t.assert.strictEqual(response.statusCode, url === '/%zz' ? 400 : 414)
    t.assert.strictEqual(response.json().code, url === '/%zz' ? 'GUARD_BAD_URL' : 'GUARD_PARAM_TOO_LONG')
    t.assert.strictEqual(response.headers['x-content-type-options'], 'nosniff')
    t.assert.match(String(response.headers['x-guard-reference']), /^[0-9a-v]{16}$/)
  }
  t.assert.strictEqual(app.guard.stats().refused, 4)
  t.assert.deepStrictEqual(events.map((event) => 'code' in event && event.code), ['GUARD_IP_REFUSED', 'GUARD_BAD_URL', 'GUARD_IP_REFUSED', 'GUARD_PARAM_TOO_LONG'])
})

test('parser errors are answered, counted, and can lead to a ban', async (t: TestContext) => {
  const { app } = await build(t, { ban: { threshold: 2, on: ['malformed'], duration: '1h' }, clientIp: { trustedProxies: ['192.0.2.1'] } })
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.assert.match(await raw(app, 'GET / HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n'), /^HTTP\/1\.1 400 [\s\S]*GUARD_BAD_REQUEST/)
  t.assert.match(await raw(app, `GET / HTTP/1.1\r\nhost: a\r\nx: ${'a'.repeat(20000)}\r\n\r\n`), /^HTTP\/1\.1 431 [\s\S]*x-content-type-options: nosniff[\s\S]*GUARD_HEADERS_TOO_LARGE/)
  t.assert.strictEqual(app.guard.stats().byCheck['malformed']?.refused, 2)
  // Loopback is never banned automatically.
  t.assert.deepStrictEqual(app.guard.bans(), [])
})

test("the application's own handlers are called after the guard", async (t: TestContext) => {
  const called: string[] = []
  const { app } = await build(t, {}, () => {}, {
    frameworkErrors: (error, _request, reply) => { called.push(error.code); const answer = reply as FastifyReply; answer.code(400).send('own') },
    clientErrorHandler: (error, socket) => { called.push(String((error as { code?: string }).code)); socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 3\r\n\r\nown') }
  })
  t.assert.strictEqual((await app.inject('/%zz')).body, 'own')
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.assert.match(await raw(app, 'NONSENSE\r\n\r\n'), /own$/)
  t.assert.strictEqual(called[0], 'FST_ERR_BAD_URL')
  t.assert.strictEqual(called.length, 2)
  t.assert.strictEqual(app.guard.stats().byCheck['malformed']?.refused, 2)
})

test('error answers, streams and failing handlers are covered and carry the headers', async (t: TestContext) => {
  const { app } = await build(t, {}, (app) => {
    app.get('/throws', async () => { throw new Error('boom') })
    app.get('/stream', (_request, reply) => { reply.send(Readable.from(['a', 'b'])) })
    app.post('/json', async () => 'ok')
  })
  for (const request of [{ url: '/' }, { url: '/throws' }, { url: '/stream' }, { url: '/none' }, { method: 'HEAD' as const, url: '/' },
    { method: 'POST' as const, url: '/json', payload: '{', headers: { 'content-type': 'application/json' } },
    { method: 'POST' as const, url: '/json', payload: 'x', headers: { 'content-type': 'application/unknown' } }]) {
    const response = await app.inject(request)
    t.assert.strictEqual(response.headers['x-frame-options'], 'SAMEORIGIN', JSON.stringify(request))
  }
})

test('a route declared before the guard gets the rules of the plugin, its own at its first request, and a warning', async (t: TestContext) => {
  const app = Fastify()
  t.after(() => app.close())
  app.get('/early', { config: { guard: { userAgent: { deny: ['sqlmap'] } } } }, async () => 'ok')
  app.get('/broken', { config: { guard: { userAgentt: {} } as object } }, async () => 'ok')
  const warnings: string[] = []
  await app.register(guardPlugin, { ...deny, onEvent: (event) => { if (event.type === 'warning') warnings.push(event.message) } })
  await app.ready()
  t.assert.strictEqual(warnings.length, 1)
  t.assert.match(warnings[0]!, /GET \/early/)
  t.assert.strictEqual(await status(app, { url: '/early' }), 403)
  t.assert.strictEqual(await status(app, { url: '/early', ip: '203.0.113.8' }), 200)
  t.assert.strictEqual(await status(app, { url: '/early', ip: '203.0.113.8', headers: { 'user-agent': 'sqlmap' } }), 403)
  t.assert.strictEqual(await status(app, { url: '/broken', ip: '203.0.113.8' }), 500)
  t.assert.ok(app.guard.routes().some(({ url, late }) => url === '/early' && late))
})

test('a route beside an un-awaited register is guarded, warned about, and with strict a start error', async (t: TestContext) => {
  for (const strict of [false, true]) {
    const app = Fastify()
    t.after(() => app.close())
    app.register(guardPlugin, { ...deny, strict })
    app.get('/beside', { config: { guard: { userAgent: { deny: ['sqlmap'] } } } }, async () => 'ok')
    if (strict) {
      await t.assert.rejects(async () => app.ready(), /GET \/beside/)
      continue
    }
    t.assert.strictEqual(await status(app, { url: '/beside' }), 403)
    t.assert.strictEqual(await status(app, { url: '/beside', ip: '203.0.113.8', headers: { 'user-agent': 'sqlmap' } }), 403)
  }
})

test('a guard of a child scope warns that it sees no 404 outside', async (t: TestContext) => {
  const app = Fastify()
  t.after(() => app.close())
  const warnings: string[] = []
  await app.register(async (child) => {
    await child.register(guardPlugin, { ...deny, onEvent: (event) => { if (event.type === 'warning') warnings.push(event.message) } })
    child.get('/in', async () => 'ok')
  })
  app.get('/out', async () => 'ok')
  t.assert.strictEqual(await status(app, { url: '/in' }), 403)
  t.assert.strictEqual(await status(app, { url: '/out' }), 200)
  t.assert.match(warnings.join(), /child scope/)
})

test('reads the printed routes whatever their shape', async (t: TestContext) => {
  const app = Fastify()
  t.after(() => app.close())
  const urls = ['/', '/a', '/a/b/:id', '/a/b/:id/c', '/ab', '/w/*', '/x/:y-:z', '/re/:id(^\\d+$)', '/opt/:a?', '/with space']
  for (const url of urls) app.get(url, { exposeHeadRoute: false }, async () => 1)
  app.get('/a', { exposeHeadRoute: false, constraints: { host: 'x.test' } }, async () => 1)
  app.post('/a', async () => 1)
  await app.ready()
  const found = new Set(printed(app.printRoutes()).map(({ method, url }) => `${method} ${url}`))
  for (const url of urls) {
    if (url !== '/opt/:a?') t.assert.ok(found.has(`GET ${url}`), url)
  }
  t.assert.ok(found.has('POST /a'))
})
