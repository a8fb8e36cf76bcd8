import { test, type TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { build, buildRoute, CLIENT, startError } from '../helpers.ts'
import type { GuardOptions } from '../../lib/index.ts'

const GOOD = 'https://app.example.com'
const OTHER = 'https://other.example.com'

interface Answer { status: number, headers: Record<string, unknown>, body: string }

async function send (app: FastifyInstance, method: string, url: string, headers: Record<string, string> = {}, ip = CLIENT): Promise<Answer> {
  const response = await app.inject({ method: method as 'GET', url, headers, remoteAddress: ip })
  return { status: response.statusCode, headers: response.headers, body: response.body }
}

async function preflight (app: FastifyInstance, method: string, url: string, origin = GOOD, ip = CLIENT): Promise<Answer> {
  return send(app, 'OPTIONS', url, { origin, 'access-control-request-method': method }, ip)
}

test('origins that are not listed get no permission', async (t: TestContext) => {
  const { app } = await build(t, { cors: { origin: [GOOD], credentials: true } })
  const good = await send(app, 'GET', '/', { origin: GOOD })
  t.assert.strictEqual(good.headers['access-control-allow-origin'], GOOD)
  t.assert.strictEqual(good.headers['access-control-allow-credentials'], 'true')
  for (const origin of ['https://evil.test', 'null', `${GOOD}.evil.test`, 'https://evil-app.example.com', 'https://example.com', 'http://app.example.com', `${GOOD}:444`, `${GOOD}/`, `${GOOD} https://evil.test`]) {
    for (const answer of [await send(app, 'GET', '/', { origin }), await preflight(app, 'GET', '/', origin)]) {
      t.assert.strictEqual(answer.headers['access-control-allow-origin'], undefined, origin)
      t.assert.match(String(answer.headers['vary']), /Origin/)
    }
  }
})

test('Vary names Origin on every answer that depends on it', async (t: TestContext) => {
  const { app } = await build(t, { cors: { origin: [GOOD] } }, (app) => {
    app.get('/vary', async (_request, reply) => reply.header('vary', 'Accept').send('ok'))
    app.get('/throws', async () => { throw new Error('no') })
  })
  for (const url of ['/', '/throws', '/none']) t.assert.strictEqual((await send(app, 'GET', url)).headers['vary'], 'Origin', url)
  t.assert.strictEqual((await send(app, 'GET', '/vary')).headers['vary'], 'Accept, Origin')
  const open = await build(t, { cors: true })
  t.assert.strictEqual((await send(open.app, 'GET', '/')).headers['vary'], undefined)
  t.assert.strictEqual((await send(open.app, 'GET', '/')).headers['access-control-allow-origin'], '*')
})

test('a preflight is answered for the route that it asks for', async (t: TestContext) => {
  const { app } = await build(t, { cors: { origin: [GOOD] } }, (app) => {
    app.put('/items/:id', { config: { guard: { cors: { origin: [OTHER], methods: ['PUT'], maxAge: 60 } } } }, async () => 'ok')
    app.get('/items/:id', async () => 'ok')
    app.delete('/items/:id', { config: { guard: { cors: false } } }, async () => 'ok')
  })
  const put = await preflight(app, 'PUT', '/items/7', OTHER)
  t.assert.strictEqual(put.status, 204)
  t.assert.strictEqual(put.headers['access-control-allow-origin'], OTHER)
  t.assert.strictEqual(put.headers['access-control-allow-methods'], 'PUT')
  t.assert.strictEqual(put.headers['access-control-max-age'], '60')
  t.assert.strictEqual(put.headers['x-content-type-options'], 'nosniff')
  t.assert.strictEqual((await preflight(app, 'PUT', '/items/7', GOOD)).headers['access-control-allow-origin'], undefined)
  const get = await preflight(app, 'GET', '/items/7')
  t.assert.strictEqual(get.headers['access-control-allow-origin'], GOOD)
  t.assert.strictEqual(get.headers['access-control-max-age'], undefined)
  const none = await preflight(app, 'DELETE', '/items/7')
  t.assert.strictEqual(none.status, 404)
  t.assert.strictEqual(none.headers['access-control-allow-methods'], undefined)
})

test('a route may have CORS where the plugin has none', async (t: TestContext) => {
  const { app } = await buildRoute(t, { cors: { origin: [GOOD] } })
  t.assert.strictEqual((await preflight(app, 'POST', '/guarded')).status, 204)
  t.assert.strictEqual((await send(app, 'GET', '/guarded', { origin: GOOD })).headers['access-control-allow-origin'], GOOD)
  const other = await send(app, 'GET', '/', { origin: GOOD })
  t.assert.strictEqual(other.headers['access-control-allow-origin'], undefined)
  t.assert.strictEqual(other.headers['vary'], undefined)
  t.assert.strictEqual((await preflight(app, 'GET', '/')).status, 404)
})

test('layers merge: a child scope and a policy have their say', async (t: TestContext) => {
  const { app } = await build(t, { cors: { origin: [GOOD], exposedHeaders: 'retry-after' }, policies: { partner: { cors: { origin: [OTHER] } } } }, (app) => {
    app.get('/partner', { config: { guard: 'partner' } }, async () => 'ok')
  })
  const { headers } = await send(app, 'GET', '/partner', { origin: OTHER })
  t.assert.strictEqual(headers['access-control-allow-origin'], OTHER)
  t.assert.strictEqual(headers['access-control-expose-headers'], 'retry-after')
})

test('a preflight passes the checks of the client first', async (t: TestContext) => {
  const cases: Array<[GuardOptions, number]> = [
    [{ ip: { deny: [CLIENT] } }, 403], [{ emergency: true }, 503], [{ https: true }, 403], [{ hosts: ['a.example.com'] }, 421]
  ]
  for (const [options, expected] of cases) {
    const { app } = await build(t, { cors: { origin: [GOOD] }, ...options })
    const answer = await preflight(app, 'GET', '/')
    t.assert.strictEqual(answer.status, expected, JSON.stringify(options))
    t.assert.strictEqual(answer.headers['access-control-allow-methods'], undefined)
  }
  const { app } = await build(t, { cors: { origin: [GOOD] } })
  await app.ready()
  ;(app as unknown as { guard: { ban: (ip: string, options: object) => void } }).guard.ban(CLIENT, { duration: '1h', reason: 'test' })
  t.assert.strictEqual((await preflight(app, 'GET', '/')).status, 403)
  t.assert.strictEqual((await preflight(app, 'GET', '/', GOOD, '203.0.113.8')).status, 204)
})

test("a preflight passes the target route's own address rules", async (t: TestContext) => {
  const { app } = await buildRoute(t, { ip: { allow: ['10.0.0.0/8'] } }, { cors: { origin: [GOOD] } })
  t.assert.strictEqual((await preflight(app, 'GET', '/guarded')).status, 403)
  t.assert.strictEqual((await preflight(app, 'GET', '/guarded', GOOD, '10.1.2.3')).status, 204)
})

test('a preflight is neither counted nor asked for what browsers leave out', async (t: TestContext) => {
  const { app } = await build(t, { cors: { origin: [GOOD] }, rateLimit: { max: 1, window: '1m' }, methods: ['GET'], userAgent: { missing: 'refuse' } })
  for (let i = 0; i < 5; i++) {
    const answer = await app.inject({ method: 'OPTIONS', url: '/', remoteAddress: CLIENT, headers: { origin: GOOD, 'access-control-request-method': 'GET', 'user-agent': '' } })
    t.assert.strictEqual(answer.statusCode, 204)
  }
})

test("a page's script can read refusals", async (t: TestContext) => {
  const { app } = await build(t, { cors: { origin: [GOOD], credentials: true, exposedHeaders: ['retry-after'] }, rateLimit: { max: 1, window: '1m' }, ip: { deny: ['203.0.113.9'] } })
  await send(app, 'GET', '/', { origin: GOOD })
  const limited = await send(app, 'GET', '/', { origin: GOOD })
  const denied = await send(app, 'GET', '/', { origin: GOOD }, '203.0.113.9')
  const unknown = await send(app, 'GET', '/none', { origin: GOOD }, '203.0.113.8')
  t.assert.deepStrictEqual([limited.status, denied.status, unknown.status], [429, 403, 404])
  for (const { headers } of [limited, denied, unknown]) {
    t.assert.strictEqual(headers['access-control-allow-origin'], GOOD)
    t.assert.strictEqual(headers['access-control-allow-credentials'], 'true')
    t.assert.strictEqual(headers['access-control-expose-headers'], 'retry-after')
    t.assert.strictEqual(headers['vary'], 'Origin')
  }
})

test("OPTIONS that is no preflight, and the application's own OPTIONS routes, keep working", async (t: TestContext) => {
  const { app } = await build(t, { cors: { origin: [GOOD] } }, (app) => {
    app.options('/own', async () => 'own')
    app.options('/mine', { config: { guard: { cors: false } } }, async () => 'mine')
    app.get('/mine', async () => 'ok')
    app.get('/continue', { config: { guard: { cors: { preflightContinue: true } } } }, async () => 'ok')
    app.options('/continue', async () => 'continued')
  })
  t.assert.strictEqual((await send(app, 'OPTIONS', '/')).status, 404)
  t.assert.strictEqual((await send(app, 'OPTIONS', '/own')).body, 'own')
  t.assert.strictEqual((await send(app, 'OPTIONS', '/own', { origin: GOOD })).body, 'own')
  t.assert.strictEqual((await send(app, 'OPTIONS', '/own', { 'access-control-request-method': 'GET' })).body, 'own')
  t.assert.strictEqual((await preflight(app, 'GET', '/mine')).body, 'mine')
  const continued = await preflight(app, 'GET', '/continue')
  t.assert.strictEqual(continued.body, 'continued')
  t.assert.strictEqual(continued.headers['access-control-allow-origin'], GOOD)
})

test('a method or a URL that leads nowhere gets the plugin\'s answer', async (t: TestContext) => {
  const { app } = await build(t, { cors: { origin: [GOOD] } })
  for (const [method, url] of [['GET', '/none'], ['NONSENSE', '/'], ['__proto__', '/'], ['get', '/']] as const) {
    const answer = await preflight(app, method, url)
    t.assert.strictEqual(answer.status, 204, `${method} ${url}`)
    t.assert.strictEqual(answer.headers['access-control-allow-methods'], 'GET,HEAD,POST')
  }
})

test('origin as a function is asked for each request', async (t: TestContext) => {
  const asked: unknown[] = []
  const { app } = await build(t, { cors: { origin: async (origin: string | undefined) => { asked.push(origin); return origin === GOOD }, credentials: true }, ip: { deny: ['203.0.113.9'] } })
  t.assert.strictEqual((await send(app, 'GET', '/', { origin: GOOD })).headers['access-control-allow-origin'], GOOD)
  t.assert.strictEqual((await preflight(app, 'GET', '/')).headers['access-control-allow-origin'], GOOD)
  t.assert.strictEqual((await send(app, 'GET', '/', { origin: OTHER })).headers['access-control-allow-origin'], undefined)
  t.assert.strictEqual((await send(app, 'GET', '/', { origin: GOOD }, '203.0.113.9')).status, 403)
  t.assert.deepStrictEqual(asked, [GOOD, GOOD, OTHER, GOOD])
})

test('nothing is registered where no layer has CORS', async (t: TestContext) => {
  const { app } = await build(t)
  const answer = await send(app, 'GET', '/', { origin: GOOD })
  t.assert.strictEqual(Object.keys(answer.headers).find((name) => name.startsWith('access-control')), undefined)
  t.assert.strictEqual(answer.headers['vary'], undefined)
  t.assert.strictEqual((await preflight(app, 'GET', '/')).status, 404)
  t.assert.ok(!app.hasRoute({ method: 'OPTIONS', url: '*' }))
})

test('options that let any site act as the user stop the start', async (t: TestContext) => {
  for (const cors of [{ credentials: true }, { origin: '*', credentials: true }, { origin: true, credentials: true }, { origin: ['*'], credentials: true }, { origin: [/.*/], credentials: true }]) {
    const error = await startError({ cors })
    t.assert.strictEqual(error.code, 'GUARD_OPTION_INVALID', JSON.stringify(cors))
    t.assert.match(error.message, /cors\.credentials needs a list of origins/)
  }
  const met = await startError({ cors: { origin: '*' } }, { cors: { credentials: true } })
  t.assert.match(met.message, /GET.* \/route config\.guard\.cors\.credentials needs a list of origins/)
})

test('wrong values stop the start, all in one message with their paths', async (t: TestContext) => {
  const error = await startError({ cors: { origin: [`${GOOD}/path`, 'null', 5], methods: 'get', maxAge: '1', exposedHeaders: 'a\r\nb', originn: '*' } })
  t.assert.strictEqual(error.code, 'GUARD_OPTION_INVALID')
  for (const part of [/cors\.origin\[0\] must be an origin without a path/, /cors\.origin\[1\] must not be "null"/, /cors\.origin\[2\] must be/, /cors\.methods\[0\] must be a method/,
    /cors\.maxAge must be a whole number/, /cors\.exposedHeaders\[0\] must be a header name/, /cors\.originn is unknown, did you mean origin\?/]) t.assert.match(error.message, part)
  t.assert.match((await startError({}, { cors: { origin: 'x.test' } })).message, /GET.* \/route config\.guard\.cors\.origin must be/)
})
