import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import guardPlugin from '../../lib/index.ts'
import { build, raw, startError } from '../helpers.ts'

const NL = '\r\n'

const api: Record<string, string> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'SAMEORIGIN',
  'referrer-policy': 'strict-origin-when-cross-origin',
  'permissions-policy': 'geolocation=(), microphone=(), camera=()',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'x-dns-prefetch-control': 'off',
  'x-download-options': 'noopen',
  'x-permitted-cross-domain-policies': 'none',
  'x-xss-protection': '0'
}

function stands (t: TestContext, headers: Record<string, unknown>, label: string, but: readonly string[] = []): void {
  for (const [name, value] of Object.entries(api)) if (!but.includes(name)) t.assert.strictEqual(headers[name], value, `${label}: ${name}`)
}

function routes (app: FastifyInstance): void {
  app.get('/throws', async () => { throw new Error('no') })
  app.get('/stream', async () => Readable.from(['a']))
  app.get('/same', async (_request, reply) => reply.code(304).send())
  app.get('/unguarded', { config: { guard: false } }, async () => 'ok')
  app.get('/excluded/a', async () => 'ok')
  app.get('/moved', async (_request, reply) => reply.redirect('/'))
  app.options('/own', async () => 'own')
  app.post('/', async () => 'ok')
  app.register(async (child) => {
    child.setNotFoundHandler(async (_request, reply) => reply.code(404).send('child'))
    child.get('/', async () => 'ok')
  }, { prefix: '/child' })
}

const answers: Array<[string, string, number, { headers?: Record<string, string>, payload?: string }?]> = [
  ['GET', '/', 200], ['HEAD', '/', 200], ['GET', '/none', 404], ['OPTIONS', '/none', 404], ['OPTIONS', '/own', 200], ['GET', '/throws', 500], ['GET', '/stream', 200],
  ['GET', '/same', 304], ['GET', '/moved', 302], ['GET', '/unguarded', 200], ['GET', '/excluded/a', 200], ['GET', '/child', 200], ['GET', '/child/none', 404],
  ['POST', '/', 400, { headers: { 'content-type': 'application/json' }, payload: '{' }],
  ['POST', '/', 415, { headers: { 'content-type': 'a/b' }, payload: 'x' }],
  ['POST', '/', 413, { headers: { 'content-type': 'text/plain' }, payload: 'x'.repeat(2000) }],
  ['GET', '/', 403, { headers: { 'user-agent': 'sqlmap' } }],
  ['GET', '/?q=<script>alert(1)</script>', 400],
  ['GET', '/%zz', 400]
]

test('they stand on every answer', async (t: TestContext) => {
  const { app } = await build(t, { userAgent: { deny: ['sqlmap'] }, exclude: ['/excluded'] }, routes, { bodyLimit: 1000 })
  for (const [method, url, status, more] of answers) {
    const response = await app.inject({ method: method as 'GET', url, ...more })
    t.assert.strictEqual(response.statusCode, status, `${method} ${url}`)
    stands(t, response.headers, `${method} ${url}`)
    t.assert.strictEqual(response.headers['strict-transport-security'], undefined)
  }
})

test('they stand on answers to what Node cannot parse', async (t: TestContext) => {
  const { app } = await build(t)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const answer = (await raw(app, `GET / HTTP/1.1${NL}Host: a${NL}bad header${NL}${NL}`)).toLowerCase()
  t.assert.match(answer, /^http\/1\.1 400/)
  for (const [name, value] of Object.entries(api)) t.assert.ok(answer.includes(`${name}: ${value.toLowerCase()}\r\n`), name)
})

test('they stand on an answer that a hook registered before the guard gave', async (t: TestContext) => {
  const app = Fastify()
  t.after(() => app.close())
  app.addHook('onRequest', async (_request, reply) => reply.code(503).header('x-frame-options', 'DENY').send('early'))
  await app.register(guardPlugin)
  app.get('/', async () => 'ok')
  const { statusCode, headers } = await app.inject('/')
  t.assert.strictEqual(statusCode, 503)
  t.assert.strictEqual(headers['x-frame-options'], 'DENY')
  stands(t, headers, 'early', ['x-frame-options'])
})

test("a handler's own header wins, and what it removes stays away", async (t: TestContext) => {
  const { app } = await build(t, {}, (app) => {
    app.get('/own', async (_request, reply) => {
      reply.raw.setHeader('cross-origin-resource-policy', 'cross-origin')
      return reply.header('X-Frame-Options', 'DENY').removeHeader('x-download-options').send('ok')
    })
  })
  const { headers } = await app.inject('/own')
  t.assert.strictEqual(headers['x-frame-options'], 'DENY')
  t.assert.strictEqual(headers['cross-origin-resource-policy'], 'cross-origin')
  t.assert.strictEqual(headers['x-download-options'], undefined)
  stands(t, headers, 'own', ['x-frame-options', 'cross-origin-resource-policy', 'x-download-options'])
})

test('HSTS is sent over https only, and over http only a trusted proxy can say that it is https', async (t: TestContext) => {
  const { app } = await build(t, { clientIp: { trustedProxies: ['10.0.0.1'], trustProto: true } })
  const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7' }
  const trusted = await app.inject({ url: '/', remoteAddress: '10.0.0.1', headers })
  t.assert.strictEqual(trusted.headers['strict-transport-security'], 'max-age=31536000')
  const other = await app.inject({ url: '/', remoteAddress: '203.0.113.9', headers })
  t.assert.strictEqual(other.headers['strict-transport-security'], undefined)
})

test('false turns them off, for all routes or one', async (t: TestContext) => {
  const off = await build(t, { securityHeaders: false }, (app) => { app.get('/on', { config: { guard: { securityHeaders: true } } }, async () => 'ok') })
  t.assert.strictEqual((await off.app.inject('/')).headers['x-content-type-options'], undefined)
  stands(t, (await off.app.inject('/on')).headers, 'on')
  const on = await build(t, {}, (app) => { app.get('/off', { config: { guard: { securityHeaders: false } } }, async () => 'ok') })
  const { headers } = await on.app.inject('/off')
  for (const name of Object.keys(api)) t.assert.strictEqual(headers[name], undefined)
})

test('a route changes single headers and keeps the others', async (t: TestContext) => {
  const { app } = await build(t, { securityHeaders: { custom: { 'x-own': 'a' }, hsts: { maxAge: 60 } } }, (app) => {
    app.get('/frame', { config: { guard: { securityHeaders: { frameOptions: false, referrerPolicy: 'no-referrer' } } } }, async () => 'ok')
    app.get('/bare', { config: { guard: { securityHeaders: { inherit: false, frameOptions: 'DENY' } } } }, async () => 'ok')
  })
  const { headers } = await app.inject('/frame')
  t.assert.strictEqual(headers['x-frame-options'], undefined)
  t.assert.strictEqual(headers['referrer-policy'], 'no-referrer')
  t.assert.strictEqual(headers['x-own'], 'a')
  stands(t, headers, 'frame', ['x-frame-options', 'referrer-policy'])
  const bare = await app.inject('/bare')
  t.assert.strictEqual(bare.headers['x-own'], undefined)
  t.assert.strictEqual(bare.headers['x-frame-options'], 'DENY')
})

test('the html preset has a nonce of its own for each answer, at reply.cspNonce', async (t: TestContext) => {
  const { app } = await build(t, {}, (app) => {
    app.get('/page', { config: { guard: { securityHeaders: { preset: 'html' } } } }, async (_request, reply) => (reply as unknown as { cspNonce: unknown }).cspNonce)
  })
  const seen = new Set<string>()
  for (let i = 0; i < 20; i++) {
    const response = await app.inject('/page')
    const { script, style } = response.json<{ script: string, style: string }>()
    const csp = String(response.headers['content-security-policy'])
    t.assert.ok(csp.includes(`'nonce-${script}'`) && csp.includes(`'nonce-${style}'`))
    t.assert.strictEqual(response.headers['cross-origin-embedder-policy'], 'require-corp')
    seen.add(script).add(style)
  }
  t.assert.strictEqual(seen.size, 40)
  t.assert.strictEqual((await app.inject('/')).headers['content-security-policy'], undefined)
  const refused = await app.inject('/page?q=<script>alert(1)</script>')
  t.assert.strictEqual(refused.statusCode, 400)
  t.assert.match(String(refused.headers['content-security-policy']), /'nonce-[\w-]{22}'/)
})

test('wrong values stop the start, all in one message with their paths', async (t: TestContext) => {
  const error = await startError({
    securityHeaders: {
      presett: 'html',
      frameOptions: 'deny',
      hsts: { preload: true },
      custom: { 'x-a': `a${NL}set-cookie: b=c`, [`x${NL}b`]: 'c' },
      csp: { directives: { scriptSrc: ["'self'"], 'img-src': ['nonce'] } },
      permissionsPolicy: { geolocatio: [] }
    }
  })
  t.assert.strictEqual(error.code, 'GUARD_OPTION_INVALID')
  for (const part of [/securityHeaders\.presett is unknown, did you mean preset\?/, /securityHeaders\.frameOptions .*did you mean DENY\?/, /securityHeaders\.hsts\.includeSubDomains must be true/,
    /securityHeaders\.custom\["x-a"\] must not contain a line break/, /securityHeaders\.custom\["x\\r\\nb"\] is no header name/, /csp\.directives\["scriptSrc"\] is no directive, did you mean script-src\?/,
    /csp\.directives\["img-src"\]\[0\] a nonce works in/, /permissionsPolicy\["geolocatio"\] is no feature, did you mean geolocation\?/]) t.assert.match(error.message, part)
  t.assert.ok(!/\r/.test(error.message))
  const route = await startError({}, { securityHeaders: { referrerPolicy: 'nothing' } })
  t.assert.match(route.message, /GET.* \/route config\.guard\.securityHeaders\.referrerPolicy/)
})
