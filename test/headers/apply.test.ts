import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import fastifyHelmet from '@fastify/helmet'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { applyHeaders, ensureHeaders, headerRecord } from '../../lib/headers/apply.ts'
import { compileSecurityHeaders, type HeaderSet } from '../../lib/headers/security-headers.ts'

const api = compileSecurityHeaders({})
const html = compileSecurityHeaders({ preset: 'html' })

/** An app with the two hooks as the guard has them. `before` may add hooks that run earlier. */
function build (t: TestContext, { set = api, secure = false, before = () => {} }: { set?: HeaderSet, secure?: boolean, before?: (app: FastifyInstance) => void } = {}): FastifyInstance {
  const app = Fastify()
  t.after(() => app.close())
  before(app)
  app.addHook('onRequest', (_request, reply, done) => { applyHeaders(reply, set, secure); done() })
  app.addHook('onSend', (_request, reply, _payload, done) => { ensureHeaders(reply, set, secure); done() })
  return app
}

function stands (t: TestContext, headers: Record<string, unknown>, set = api.plain, but: readonly string[] = []): void {
  for (const [name, value] of Object.entries(set)) if (!but.includes(name)) t.assert.strictEqual(headers[name], value, name)
}

test('they stand on every kind of answer', async (t: TestContext) => {
  const app = build(t)
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    if (error.message === 'twice') throw new Error('the handler fails too')
    return reply.code(error.statusCode ?? 500).send({ error: error.message })
  })
  app.get('/', async () => 'ok')
  app.get('/empty', async (_request, reply) => reply.code(204).send())
  app.get('/same', async (_request, reply) => reply.code(304).send())
  app.get('/stream', async () => Readable.from(['a', 'b']))
  app.get('/web', async () => new Response('a', { status: 201 }))
  app.get('/broken', async () => Readable.from((async function * () { throw new Error('no'); yield '' })()))
  app.get('/throws', async () => { throw new Error('no') })
  app.get('/twice', async () => { throw new Error('twice') })
  app.get('/redirect', async (_request, reply) => reply.redirect('/'))
  app.get('/not', (_request, reply) => { reply.callNotFound() })
  app.options('/', async () => 'ok')
  app.post('/', async () => 'ok')
  const cases: Array<[string, string, number, Record<string, string>?]> = [['GET', '/', 200], ['HEAD', '/', 200], ['OPTIONS', '/', 200], ['GET', '/empty', 204], ['GET', '/same', 304],
    ['GET', '/stream', 200], ['HEAD', '/stream', 200], ['GET', '/web', 201], ['GET', '/broken', 500], ['GET', '/throws', 500], ['GET', '/twice', 500], ['GET', '/redirect', 302], ['GET', '/not', 404], ['GET', '/none', 404],
    ['OPTIONS', '/none', 404], ['POST', '/', 415, { 'content-type': 'a/b' }], ['POST', '/', 400, { 'content-type': 'application/json' }]]
  for (const [method, url, status, headers = {}] of cases) {
    const response = await app.inject({ method: method as 'GET', url, headers, ...(method === 'POST' && { payload: '{' }) })
    t.assert.strictEqual(response.statusCode, status, `${method} ${url}`)
    stands(t, response.headers)
  }
})

test('they stand on an answer that an earlier hook gave, beside its own headers', async (t: TestContext) => {
  const app = build(t, {
    before: (early) => {
      early.addHook('onRequest', async (_request, reply) => reply.header('x-frame-options', 'DENY').header('x-content-type-options', 'x').code(403).send('early'))
    }
  })
  app.get('/', async () => 'ok')
  const { statusCode, headers } = await app.inject('/')
  t.assert.strictEqual(statusCode, 403)
  t.assert.strictEqual(headers['x-frame-options'], 'DENY')
  t.assert.strictEqual(headers['x-content-type-options'], 'x')
  stands(t, headers, api.plain, ['x-frame-options', 'x-content-type-options'])
})

test("a handler's own header wins, however it is set", async (t: TestContext) => {
  const app = build(t, { before: (early) => { early.addHook('onRequest', async (_request, reply) => { reply.header('referrer-policy', 'origin') }) } })
  app.get('/', async (_request, reply) => {
    reply.header('X-Frame-Options', 'DENY').headers({ 'cross-origin-opener-policy': 'unsafe-none' })
    reply.raw.setHeader('cross-origin-resource-policy', 'cross-origin')
    reply.removeHeader('x-download-options')
    return 'ok'
  })
  const { headers } = await app.inject('/')
  t.assert.strictEqual(headers['x-frame-options'], 'DENY')
  t.assert.strictEqual(headers['cross-origin-opener-policy'], 'unsafe-none')
  t.assert.strictEqual(headers['cross-origin-resource-policy'], 'cross-origin')
  t.assert.strictEqual(headers['referrer-policy'], 'origin')
  t.assert.strictEqual(headers['x-download-options'], undefined)
  stands(t, headers, api.plain, ['x-frame-options', 'cross-origin-opener-policy', 'cross-origin-resource-policy', 'referrer-policy', 'x-download-options'])
})

for (const first of [true, false]) {
  test(`what @fastify/helmet sets stays, registered ${first ? 'before' : 'after'}`, async (t: TestContext) => {
    const app = Fastify()
    t.after(() => app.close())
    const options = { frameguard: { action: 'deny' as const }, enableCSPNonces: true }
    if (first) await app.register(fastifyHelmet, options)
    app.addHook('onRequest', (_request, reply, done) => { applyHeaders(reply, html, true); done() })
    app.addHook('onSend', (_request, reply, _payload, done) => { ensureHeaders(reply, html, true); done() })
    if (!first) await app.register(fastifyHelmet, options)
    app.get('/', async (_request, reply) => reply.cspNonce)
    const response = await app.inject('/')
    t.assert.strictEqual(response.headers['x-frame-options'], 'DENY')
    t.assert.match(String(response.headers['content-security-policy']), new RegExp(`'nonce-${response.json<{ script: string }>().script}'`))
    t.assert.match(String(response.headers['content-security-policy']), /upgrade-insecure-requests/)
    t.assert.strictEqual(response.headers['permissions-policy'], api.plain['permissions-policy'])
  })
}

test('HSTS stands on secure answers only', async (t: TestContext) => {
  for (const secure of [false, true]) {
    const app = build(t, { secure })
    app.get('/', async () => 'ok')
    t.assert.strictEqual((await app.inject('/')).headers['strict-transport-security'], secure ? 'max-age=31536000' : undefined)
  }
})

test('each answer has a nonce of its own, the same in header and reply', async (t: TestContext) => {
  const app = build(t, { set: html })
  app.get('/', async (_request, reply) => (reply as { cspNonce?: unknown }).cspNonce)
  const seen = new Set<string>()
  for (let i = 0; i < 300; i++) {
    const response = await app.inject('/')
    const { script, style } = response.json<{ script: string, style: string }>()
    t.assert.match(script, /^[\w-]{22}$/)
    t.assert.ok(String(response.headers['content-security-policy']).includes(`script-src 'self' 'nonce-${script}';`))
    t.assert.ok(String(response.headers['content-security-policy']).includes(`style-src 'self' https: 'nonce-${style}'`))
    seen.add(script).add(style)
  }
  t.assert.strictEqual(seen.size, 600)
})

test('a policy of the handler replaces the one with nonces', async (t: TestContext) => {
  const app = build(t, { set: html })
  app.get('/', async (_request, reply) => reply.header('content-security-policy', "default-src 'none'").send('ok'))
  t.assert.strictEqual((await app.inject('/')).headers['content-security-policy'], "default-src 'none'")
})

test("without Fastify's record of headers, the public functions do", (t: TestContext) => {
  const headers: Record<string, unknown> = { 'x-frame-options': 'DENY' }
  const reply = {
    hasHeader: (name: string) => name in headers,
    getHeader: (name: string) => headers[name],
    header: (name: string, value: unknown) => { headers[name] = value }
  } as unknown as FastifyReply
  applyHeaders(reply, api, true)
  t.assert.deepStrictEqual(headers, { ...api.secure, 'x-frame-options': 'DENY' })
})

test('headers for answers that no hook sees', (t: TestContext) => {
  t.assert.deepStrictEqual(headerRecord(api, false), { ...api.plain })
  const record = headerRecord(html, true)
  t.assert.match(record['content-security-policy']!, /'nonce-[\w-]{22}'/)
  t.assert.strictEqual(record['strict-transport-security'], 'max-age=31536000')
})

test('answers of one set share one hidden class with those of Fastify alone', async (t: TestContext) => {
  // Objects that do not would make every later look at them slow: the record must stay the one Fastify made.
  const app = build(t)
  let same = true
  app.get('/', async (_request, reply) => {
    const symbol = Object.getOwnPropertySymbols(reply).find(({ description }) => description === 'fastify.reply.headers')!
    const record = (reply as unknown as Record<symbol, object>)[symbol]!
    applyHeaders(reply, api, false)
    same = record === (reply as unknown as Record<symbol, object>)[symbol]
    return 'ok'
  })
  await app.inject('/')
  t.assert.ok(same)
})
