import { test, type TestContext } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import { compileCors, corsConflict, corsShape, ensureVary, isPreflight } from '../../lib/headers/cors.ts'
import { examine } from '../../lib/options/shape.ts'
import type { CorsRules } from '../../types/index.ts'

const NL = '\r\n'

function problems (value: unknown): string[] {
  const found: string[] = []
  examine(corsShape, value, 'cors', (path, message) => found.push(`${path} ${message}`))
  return found
}

/** An app with CORS as the guard runs it: headers before the checks, preflights after those that look at the client. */
async function build (t: TestContext, rules: CorsRules, routes: (app: FastifyInstance) => void = () => {}): Promise<FastifyInstance> {
  const app = Fastify()
  t.after(() => app.close())
  const cors = compileCors(app, rules)
  app.addHook('onRequest', async (request, reply) => {
    const refuse = (): void => { if (request.headers['x-banned'] !== undefined) throw Object.assign(new Error('banned'), { statusCode: 403 }) }
    if (isPreflight(request)) {
      refuse()
      return await cors.preflight(request, reply) ? reply : undefined
    }
    await cors.headers(request, reply)
    refuse()
  })
  app.addHook('onSend', async (_request, reply) => { if (cors.varies) ensureVary(reply) })
  app.get('/', async () => 'ok')
  app.get('/vary', async (_request, reply) => reply.header('vary', 'Accept-Encoding').send('ok'))
  routes(app)
  return app
}

const GOOD = 'https://app.example.com'
const ask = { origin: GOOD, 'access-control-request-method': 'GET' }

test('a listed origin is named, others are not', async (t: TestContext) => {
  const app = await build(t, { origin: [GOOD, /^https:\/\/[a-z]+\.example\.org$/], credentials: true, exposedHeaders: ['retry-after'] })
  for (const origin of [GOOD, 'https://a.example.org']) {
    const { headers } = await app.inject({ url: '/', headers: { origin } })
    t.assert.strictEqual(headers['access-control-allow-origin'], origin)
    t.assert.strictEqual(headers['access-control-allow-credentials'], 'true')
    t.assert.strictEqual(headers['access-control-expose-headers'], 'retry-after')
    t.assert.strictEqual(headers['vary'], 'Origin')
  }
  for (const origin of ['https://evil.test', 'null', `${GOOD}.evil.test`, 'https://evil-app.example.com', 'http://app.example.com', `${GOOD}:8443`, 'https://APP.example.com', 'https://a.example.org.evil.test', 'file://', '']) {
    for (const method of ['GET', 'OPTIONS'] as const) {
      const { headers } = await app.inject({ method, url: '/', headers: { ...ask, origin } })
      t.assert.strictEqual(headers['access-control-allow-origin'], undefined, `${method} ${origin}`)
      t.assert.match(String(headers['vary']), /^Origin/)
    }
  }
})

test('a single origin is not named to others either', async (t: TestContext) => {
  const app = await build(t, { origin: GOOD })
  t.assert.strictEqual((await app.inject({ url: '/', headers: { origin: GOOD } })).headers['access-control-allow-origin'], GOOD)
  const other = await app.inject({ url: '/', headers: { origin: 'https://evil.test' } })
  t.assert.strictEqual(other.headers['access-control-allow-origin'], undefined)
  t.assert.strictEqual(other.headers['vary'], 'Origin')
})

test('Vary says Origin without an Origin header, beside a Vary of the handler', async (t: TestContext) => {
  const app = await build(t, { origin: [GOOD] })
  t.assert.strictEqual((await app.inject('/')).headers['vary'], 'Origin')
  t.assert.strictEqual((await app.inject('/vary')).headers['vary'], 'Accept-Encoding, Origin')
})

test('an answer for every origin does not vary', async (t: TestContext) => {
  const app = await build(t, {})
  const { headers } = await app.inject({ url: '/', headers: { origin: GOOD } })
  t.assert.strictEqual(headers['access-control-allow-origin'], '*')
  t.assert.strictEqual(headers['vary'], undefined)
})

test('a preflight is answered with the options', async (t: TestContext) => {
  const app = await build(t, { origin: [GOOD], methods: ['GET', 'PUT'], allowedHeaders: 'authorization', maxAge: 600, cacheControl: 60 })
  const response = await app.inject({ method: 'OPTIONS', url: '/', headers: ask })
  t.assert.strictEqual(response.statusCode, 204)
  t.assert.strictEqual(response.body, '')
  t.assert.strictEqual(response.headers['access-control-allow-origin'], GOOD)
  t.assert.strictEqual(response.headers['access-control-allow-methods'], 'GET, PUT')
  t.assert.strictEqual(response.headers['access-control-allow-headers'], 'authorization')
  t.assert.strictEqual(response.headers['access-control-max-age'], '600')
  t.assert.strictEqual(response.headers['cache-control'], 'max-age=60')
})

test('without allowedHeaders those asked for are allowed', async (t: TestContext) => {
  const app = await build(t, { optionsSuccessStatus: 200 })
  const response = await app.inject({ method: 'OPTIONS', url: '/', headers: { ...ask, 'access-control-request-headers': 'x-a, x-b' } })
  t.assert.strictEqual(response.statusCode, 200)
  t.assert.strictEqual(response.headers['access-control-allow-headers'], 'x-a, x-b')
  t.assert.match(String(response.headers['vary']), /Access-Control-Request-Headers/)
})

test('a refused request can be read by the page, a refused preflight gets no answer', async (t: TestContext) => {
  const app = await build(t, { origin: [GOOD] })
  const refused = await app.inject({ url: '/', headers: { origin: GOOD, 'x-banned': '1' } })
  t.assert.strictEqual(refused.statusCode, 403)
  t.assert.strictEqual(refused.headers['access-control-allow-origin'], GOOD)
  const preflight = await app.inject({ method: 'OPTIONS', url: '/', headers: { ...ask, 'x-banned': '1' } })
  t.assert.strictEqual(preflight.statusCode, 403)
  t.assert.strictEqual(preflight.headers['access-control-allow-methods'], undefined)
})

test('OPTIONS that is no preflight goes to the application', async (t: TestContext) => {
  const app = await build(t, { origin: [GOOD] }, (app) => { app.options('/own', async () => 'own') })
  t.assert.strictEqual((await app.inject({ method: 'OPTIONS', url: '/' })).statusCode, 404)
  const headers = { origin: GOOD }
  const own = await app.inject({ method: 'OPTIONS', url: '/own', headers })
  t.assert.strictEqual(own.body, 'own')
  t.assert.strictEqual(own.headers['access-control-allow-origin'], GOOD)
  t.assert.strictEqual((await app.inject({ method: 'OPTIONS', url: '/own', headers: { 'access-control-request-method': 'GET' } })).body, 'own')
})

for (const rules of [{ preflight: false }, { origin: false }, { preflightContinue: true }] as CorsRules[]) {
  test(`${JSON.stringify(rules)} leaves preflights to the application`, async (t: TestContext) => {
    const app = await build(t, rules, (app) => { app.options('/own', async () => 'own') })
    const response = await app.inject({ method: 'OPTIONS', url: '/own', headers: ask })
    t.assert.strictEqual(response.body, 'own')
    t.assert.strictEqual(response.headers['access-control-allow-methods'], rules.preflightContinue === true ? 'GET,HEAD,POST' : undefined)
  })
}

for (const [kind, origin] of [
  ['a callback', (origin: string | undefined, done: (error: Error | null, allowed: boolean) => void) => { setImmediate(() => done(null, origin === GOOD)) }],
  ['a promise', async (origin: string | undefined) => origin === GOOD]
] as Array<[string, NonNullable<CorsRules['origin']>]>) {
  test(`origin as a function with ${kind}`, async (t: TestContext) => {
    const app = await build(t, { origin, credentials: true })
    for (const method of ['GET', 'OPTIONS'] as const) {
      const good = await app.inject({ method, url: '/', headers: ask })
      t.assert.strictEqual(good.statusCode, method === 'GET' ? 200 : 204)
      t.assert.strictEqual(good.headers['access-control-allow-origin'], GOOD)
      const other = await app.inject({ method, url: '/', headers: { ...ask, origin: 'https://evil.test' } })
      t.assert.strictEqual(other.headers['access-control-allow-origin'], undefined)
      t.assert.match(String(other.headers['vary']), /^Origin/)
    }
  })
}

for (const origin of [() => { throw new Error('no') }, async () => { throw new Error('no') }, (_: unknown, done: (error: Error) => void) => done(new Error('no'))]) {
  test(`an origin function that fails refuses: ${origin}`, async (t: TestContext) => {
    const app = await build(t, { origin: origin as NonNullable<CorsRules['origin']> })
    const response = await app.inject({ url: '/', headers: ask })
    t.assert.strictEqual(response.statusCode, 500)
    t.assert.strictEqual(response.headers['access-control-allow-origin'], undefined)
  })
}

test('config.cors of a route is not read', async (t: TestContext) => {
  const app = await build(t, { origin: [GOOD] }, (app) => { app.get('/loose', { config: { cors: { origin: true, credentials: true } } as object }, async () => 'ok') })
  const { headers } = await app.inject({ url: '/loose', headers: { origin: 'https://evil.test' } })
  t.assert.strictEqual(headers['access-control-allow-origin'], undefined)
  t.assert.strictEqual(headers['access-control-allow-credentials'], undefined)
})

test('no route and no decorator is added', async (t: TestContext) => {
  const app = await build(t, {})
  await app.ready()
  t.assert.ok(!app.hasRoute({ method: 'OPTIONS', url: '*' }))
  t.assert.ok(!app.hasRequestDecorator('corsPreflightEnabled'))
})

const wrong: Array<[unknown, RegExp]> = [
  ['*', /^cors must be true or false or an object/],
  [{ origins: '*' }, /^cors\.origins is unknown, did you mean origin\?/],
  [{ origin: 5 }, /^cors\.origin must be/],
  [{ origin: null }, /^cors\.origin must be/],
  [{ origin: [] }, /^cors\.origin must have at least 1/],
  [{ origin: [true] }, /^cors\.origin\[0\] must be/],
  [{ origin: 'null' }, /^cors\.origin must not be "null"/],
  [{ origin: '' }, /^cors\.origin must be/],
  [{ origin: 'x.test' }, /^cors\.origin must be '\*' or an origin/],
  [{ origin: 'https://x.test/path' }, /^cors\.origin must be an origin without a path: 'https:\/\/x\.test'/],
  [{ origin: 'https://x.test/' }, /^cors\.origin must be an origin without a path: 'https:\/\/x\.test'/],
  [{ origin: ['https://x.test', 'https://x.test?a'] }, /^cors\.origin\[1\] must be an origin without a path/],
  [{ origin: 'https://user@x.test' }, /^cors\.origin must be an origin without a path/],
  [{ origin: 'https://X.test' }, /^cors\.origin must be written as browsers send it: 'https:\/\/x\.test'/],
  [{ origin: 'https://x.test:443' }, /^cors\.origin must be written as browsers send it: 'https:\/\/x\.test'/],
  [{ origin: 'https://*.x.test' }, /^cors\.origin must not have a wildcard within/],
  [{ origin: `https://x.test${NL}a:b` }, /^cors\.origin must be/],
  [{ origin: 'https://x.test:99999' }, /^cors\.origin is no origin/],
  [{ credentials: 'yes' }, /^cors\.credentials must be true or false/],
  [{ origin: '*', credentials: true }, /^cors\.credentials needs a list of origins/],
  [{ origin: true, credentials: true }, /^cors\.credentials needs a list of origins/],
  [{ origin: ['*'], credentials: true }, /^cors\.credentials needs a list of origins/],
  [{ origin: /.*/, credentials: true }, /^cors\.credentials needs a list of origins/],
  [{ origin: [GOOD, /^/g], credentials: true }, /^cors\.credentials needs a list of origins/],
  [{ origin: GOOD, credentials: true, allowedHeaders: '*' }, /^cors\.credentials takes no '\*' in allowedHeaders/],
  [{ origin: GOOD, credentials: true, methods: ['*'] }, /^cors\.credentials takes no '\*' in methods/],
  [{ methods: 'GET,put' }, /^cors\.methods\[1\] must be a method in upper case/],
  [{ methods: ['NOPE'] }, /^cors\.methods\[0\] must be a method/],
  [{ methods: 7 }, /^cors\.methods must be/],
  [{ allowedHeaders: `x-a${NL}x: y` }, /^cors\.allowedHeaders\[0\] must be a header name/],
  [{ exposedHeaders: ['x y'] }, /^cors\.exposedHeaders\[0\] must be a header name/],
  [{ maxAge: '600' }, /^cors\.maxAge must be a whole number/],
  [{ cacheControl: `a${NL}b` }, /^cors\.cacheControl must not contain a line break/],
  [{ optionsSuccessStatus: 404 }, /^cors\.optionsSuccessStatus must be/],
  [{ hook: 'preHandler' }, /^cors\.hook must be left out/],
  [{ delegator: () => {} }, /^cors\.delegator must be left out/],
  [{ strictPreflight: false }, /^cors\.strictPreflight must be left out/],
  [{ hideOptionsRoute: false }, /^cors\.hideOptionsRoute must be left out/]
]

for (const [value, expected] of wrong) {
  test(`${JSON.stringify(value, (_key, member) => member instanceof RegExp ? String(member) : member as unknown)} is refused`, (t: TestContext) => {
    t.assert.match(problems(value).join('\n'), expected)
  })
}

for (const value of [true, false, {}, { origin: '*' }, { origin: true }, { origin: false }, { origin: GOOD }, { origin: ['http://localhost:3000', /a/] }, { origin: 'http://[::1]:3000' }, { origin: 'capacitor://localhost' },
  { origin: () => {}, credentials: true }, { origin: /^https:\/\/a\.test$/, credentials: true }, { credentials: true }, { methods: 'GET, PUT', allowedHeaders: ['X-A'], exposedHeaders: '*', maxAge: -1, cacheControl: 'no-store' }]) {
  test(`${JSON.stringify(value)} is taken`, (t: TestContext) => {
    t.assert.deepStrictEqual(problems(value), [])
  })
}

test('credentials of one layer and an origin of another are seen when they meet', (t: TestContext) => {
  t.assert.match(corsConflict({ credentials: true })!, /any site/)
  t.assert.strictEqual(corsConflict({ credentials: true, origin: GOOD }), undefined)
})
