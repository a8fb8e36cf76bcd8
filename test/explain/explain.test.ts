import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import formbody from '@fastify/formbody'
import Fastify from 'fastify'
import { build, CLIENT, raw, status } from '../helpers.ts'
import guardPlugin, { type GuardEvent, type GuardOptions, type RequestLike } from '../../lib/index.ts'

const rules: GuardOptions = {
  ip: { deny: ['198.51.100.0/24'], trust: ['192.0.2.9'] },
  clientIp: { trustedProxies: ['10.0.0.0/8'] },
  hosts: ['api.example', 'localhost'],
  userAgent: { deny: ['curl'] },
  rateLimit: { max: 50, window: '1m' },
  exclude: ['/health'],
  ban: { threshold: 3 }
}

async function declare (app: FastifyInstance): Promise<void> {
  await app.register(formbody)
  app.get('/health', async () => 'ok')
  app.post('/login', { config: { guard: { rateLimit: { max: 2, window: '1m' }, contentType: { allow: ['application/json', 'application/x-www-form-urlencoded'] }, honeypot: { fields: ['website'] } } } }, async () => 'ok')
  app.get('/admin', { config: { guard: { auth: { scheme: 'bearer', verify: (token) => token === 'good' ? { name: 'a' } : null } } } }, async () => 'ok')
  app.get('/keys', { config: { guard: { apiKey: { keys: ['k1'] }, check: (request) => request.headers['x-block'] === undefined ? undefined : { status: 418, message: 'no' } } } }, async () => 'ok')
  app.get('/https', { config: { guard: { https: true } } }, async () => 'ok')
  app.get('/gated', { config: { guard: { ip: { allow: ['10.0.0.0/8'] } } } }, async () => 'ok')
  app.put('/small', { config: { guard: { maxBodyBytes: 20 } } }, async () => 'ok')
  app.get('/passive', { config: { guard: { userAgent: { deny: ['Mozilla'], mode: 'passive' } } } }, async () => 'ok')
  app.get('/open', { config: { guard: false } }, async () => 'ok')
  app.get('/cors', { config: { guard: { cors: { origin: 'https://shop.example' } } } }, async () => 'ok')
  app.get('/params/:id', async () => 'ok')
}

/** What the guard answered to the real request: its code, or `undefined` where it let it pass. */
async function real (app: FastifyInstance, { method = 'GET', url = '/', ip, headers = {}, body }: RequestLike): Promise<string | undefined> {
  const response = await app.inject({ method: method as 'GET', url, remoteAddress: ip!, headers: headers as Record<string, string>, ...(body !== undefined && { payload: body as string }) })
  const reference = response.headers['x-guard-reference']
  return reference === undefined ? undefined : app.guard.explain(String(reference))!.code
}

const agent = { 'user-agent': 'Mozilla/5.0' }
const table: Record<string, RequestLike & { expected?: string }> = {
  passes: { headers: agent },
  404: { url: '/nowhere', headers: agent },
  'a 404 that probes': { url: '/.env', headers: agent, expected: 'GUARD_ATTACK_DETECTED' },
  HEAD: { method: 'HEAD', url: '/admin', headers: agent, expected: 'GUARD_AUTH_REQUIRED' },
  'a denied address': { ip: '198.51.100.7', headers: agent, expected: 'GUARD_IP_REFUSED' },
  'a denied address behind a proxy': { ip: '10.1.1.1', headers: { ...agent, 'x-forwarded-for': '198.51.100.7' }, expected: 'GUARD_IP_REFUSED' },
  'a forged header': { headers: { ...agent, 'x-forwarded-for': '198.51.100.7' } },
  'a denied agent': { headers: { 'user-agent': 'curl/8' }, expected: 'GUARD_USER_AGENT_REFUSED' },
  'a trusted client with a denied agent': { ip: '192.0.2.9', headers: { 'user-agent': 'curl/8' } },
  'a wrong host': { headers: { ...agent, host: 'evil.example' }, expected: 'GUARD_HOST_REFUSED' },
  'an attack in the query': { url: '/?q=%3Cscript%3Ealert(1)%3C/script%3E', headers: agent, expected: 'GUARD_ATTACK_DETECTED' },
  'an attack in a path parameter': { url: "/params/1'%20or%201=1--%20", headers: agent, expected: 'GUARD_ATTACK_DETECTED' },
  'an attack on an excluded route': { url: '/health?q=%3Cscript%3Ealert(1)%3C/script%3E', headers: { 'user-agent': 'curl' } },
  'an attack on an unguarded route': { url: '/open?q=%3Cscript%3Ealert(1)%3C/script%3E', headers: { 'user-agent': 'curl' } },
  'an attack in a JSON object': { method: 'POST', url: '/login', headers: agent, body: { q: '<script>alert(1)</script>' }, expected: 'GUARD_ATTACK_DETECTED' },
  'an attack in JSON text': { method: 'POST', url: '/login', headers: { ...agent, 'content-type': 'application/json' }, body: '{"q":"<script>alert(1)</script>"}', expected: 'GUARD_ATTACK_DETECTED' },
  'a form': { method: 'POST', url: '/login', headers: { ...agent, 'content-type': 'application/x-www-form-urlencoded' }, body: 'website=x&a=b', expected: 'GUARD_HONEYPOT' },
  'a honeypot that stays empty': { method: 'POST', url: '/login', headers: { ...agent, 'content-type': 'application/x-www-form-urlencoded' }, body: 'website=&a=b' },
  'a wrong content type': { method: 'POST', url: '/login', headers: { ...agent, 'content-type': 'text/plain' }, body: 'hello', expected: 'GUARD_CONTENT_TYPE' },
  'a large body': { method: 'PUT', url: '/small', headers: agent, body: { a: 'x'.repeat(100) }, expected: 'GUARD_BODY_TOO_LARGE' },
  'a small body': { method: 'PUT', url: '/small', headers: agent, body: { a: 'x' } },
  'no credential': { url: '/admin', headers: agent, expected: 'GUARD_AUTH_REQUIRED' },
  'a wrong credential': { url: '/admin', headers: { ...agent, authorization: 'Bearer bad' }, expected: 'GUARD_AUTH_REQUIRED' },
  'a good credential': { url: '/admin', headers: { ...agent, authorization: 'Bearer good' } },
  'a wrong key': { url: '/keys', headers: { ...agent, 'x-api-key': 'k2' }, expected: 'GUARD_API_KEY_REQUIRED' },
  'a good key': { url: '/keys', headers: { ...agent, 'x-api-key': 'k1' } },
  'a custom check': { url: '/keys', headers: { ...agent, 'x-api-key': 'k1', 'x-block': '1' }, expected: 'GUARD_CUSTOM' },
  'plain http': { url: '/https', headers: agent, expected: 'GUARD_HTTPS_REQUIRED' },
  'a gate': { url: '/gated', headers: agent, expected: 'GUARD_IP_REFUSED' },
  'through a gate': { url: '/gated', ip: '10.2.3.4', headers: agent },
  'a passive rule': { url: '/passive', headers: agent },
  'a preflight': { method: 'OPTIONS', url: '/cors', headers: { ...agent, origin: 'https://shop.example', 'access-control-request-method': 'GET' } },
  'a preflight of a denied address': { method: 'OPTIONS', url: '/cors', ip: '198.51.100.7', headers: { ...agent, origin: 'https://shop.example', 'access-control-request-method': 'GET' }, expected: 'GUARD_IP_REFUSED' },
  'a preflight for a route without CORS': { method: 'OPTIONS', url: '/admin', headers: { ...agent, origin: 'https://shop.example', 'access-control-request-method': 'GET' } }
}

test('explain answers what the request gets', async (t: TestContext) => {
  const { app } = await build(t, rules, declare)
  for (const [name, { expected, ...like }] of Object.entries(table)) {
    const asked = { ip: CLIENT, ...like }
    const explained = await app.guard.explain(asked, { run: true })
    t.assert.strictEqual(explained.refusal?.code, expected, name)
    t.assert.strictEqual(await real(app, asked), expected, name)
    t.assert.strictEqual(explained.verdict, expected === undefined ? 'pass' : 'refuse', name)
    await app.guard.reset()
  }
})

test('explain answers what random requests get', async (t: TestContext) => {
  const { app } = await build(t, rules, declare)
  const pick = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values)
  const text = fc.oneof(fc.string({ maxLength: 12 }), pick('<script>alert(1)</script>', "' or 1=1-- ", '../../etc/passwd', '${jndi:ldap://x}', 'plain'))
  const request = fc.record({
    method: pick('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'),
    path: pick('/', '/login', '/admin', '/keys', '/https', '/gated', '/small', '/passive', '/open', '/cors', '/params/7', '/none', '/.env', '/health'),
    query: fc.option(text, { nil: undefined }),
    ip: pick(CLIENT, '198.51.100.7', '192.0.2.9', '10.1.2.3', '2001:db8::1'),
    agent: pick('Mozilla/5.0', 'curl/8', 'x'),
    extra: fc.subarray(['x-forwarded-for', 'authorization', 'x-api-key', 'x-block', 'origin', 'access-control-request-method', 'host']),
    body: fc.option(fc.record({ a: text, website: pick('', 'x') }), { nil: undefined })
  })
  const values: Record<string, string> = { 'x-forwarded-for': '198.51.100.9, 10.9.9.9', authorization: 'Bearer good', 'x-api-key': 'k1', 'x-block': '1', origin: 'https://shop.example', 'access-control-request-method': 'GET', host: 'evil.example' }
  await fc.assert(fc.asyncProperty(request, async ({ method, path, query, ip, agent, extra, body }) => {
    const headers = { 'user-agent': agent, ...Object.fromEntries(extra.map((name) => [name, values[name]!])) }
    const like: RequestLike = { method, url: query === undefined ? path : `${path}?q=${encodeURIComponent(query)}`, ip, headers, ...(body !== undefined && { body }) }
    const explained = await app.guard.explain(like, { run: true })
    const code = await real(app, like)
    await app.guard.reset()
    return explained.refusal?.code === code
  }), { numRuns: 300 })
})

test('explain answers what requests get under random rules', async () => {
  const parts: Record<string, GuardOptions> = {
    passive: { mode: 'passive' },
    off: { mode: 'off' },
    gate: { ip: { allow: ['203.0.113.0/24', '10.0.0.0/8'] } },
    ordered: { ip: { rules: [{ allow: '203.0.113.7' }, { deny: '203.0.113.0/24' }] } },
    trust: { ip: { trust: [CLIENT] } },
    agents: { userAgent: { deny: ['curl'], missing: 'refuse' } },
    agentsPassive: { userAgent: { deny: [/x/], mode: 'passive' } },
    sampled: { methods: ['GET'], hosts: ['localhost'], referrer: { allow: ['shop.example'], sample: 0.5 } },
    limit: { rateLimit: { max: 0, window: '1m' } },
    limitPassive: { rateLimit: { max: 0, window: '1m', mode: 'passive' } },
    detection: { detection: { level: 4 } },
    noDetection: { detection: false },
    headers: { requireHeaders: { 'x-wanted': true } },
    types: { contentType: { allow: ['application/json'] }, maxBodyBytes: 30 },
    trap: { honeypot: { fields: ['website'], paths: ['/trap'] } },
    metadata: { fetchMetadata: true },
    emergency: { emergency: true }
  }
  const like = fc.record({
    method: fc.constantFrom('GET', 'POST'),
    url: fc.constantFrom('/', '/all', '/trap', '/all?q=%3Cscript%3Ealert(1)%3C/script%3E'),
    ip: fc.constantFrom(CLIENT, '203.0.113.8', '10.1.2.3', '2001:db8::1'),
    headers: fc.constantFrom({}, { 'user-agent': 'curl' }, { 'user-agent': 'x', 'x-wanted': '1' }, { 'user-agent': 'x', 'sec-fetch-site': 'cross-site', referer: 'https://shop.example/' }),
    body: fc.constantFrom(undefined, { website: 'x' }, { q: "' or 1=1-- " }, { long: 'x'.repeat(50) })
  })
  await fc.assert(fc.asyncProperty(fc.subarray(Object.keys(parts), { maxLength: 5 }), fc.array(like, { minLength: 5, maxLength: 15 }), async (chosen, requests) => {
    const app = Fastify()
    await app.register(guardPlugin, Object.assign({}, ...chosen.map((name) => parts[name]!)) as GuardOptions)
    app.all('/all', async () => 'ok')
    try {
      for (const request of requests) {
        // light-my-request sends an agent where there is none.
        const sent = { ...request, headers: { 'user-agent': 'test', ...request.headers } }
        const { refusal } = await app.guard.explain(sent)
        if (refusal?.code !== await real(app, sent)) return false
        await app.guard.reset()
      }
      return true
    } finally {
      await app.close()
    }
  }), { numRuns: 100 })
})

test('a guard in a child scope explains its own routes, and nothing outside them', async (t: TestContext) => {
  const app = Fastify()
  t.after(() => app.close())
  let ran = 0
  app.get('/outside', async () => { ran++ })
  await app.register(async (child) => {
    await child.register(guardPlugin, { userAgent: { deny: ['curl'] } })
    child.get('/inside', async () => { ran++ })
    child.get('/explain', async (request) => child.guard.explain({ url: (request.query as { url: string }).url, headers: { 'user-agent': 'curl' } }))
  })
  const explained = async (url: string): Promise<{ refusal?: { code: string }, code?: string }> => (await app.inject({ url: `/explain?url=${url}`, headers: { 'user-agent': 'test' } })).json()
  t.assert.strictEqual((await explained('/inside')).refusal?.code, 'GUARD_USER_AGENT_REFUSED')
  t.assert.strictEqual((await explained('/outside')).code, 'GUARD_NOT_COVERED')
  t.assert.strictEqual((await explained('/nowhere')).code, 'GUARD_NOT_COVERED')
  t.assert.strictEqual(ran, 0)
})

test('explain sees what was counted, and counts nothing itself', async (t: TestContext) => {
  const { app, events, lines } = await build(t, rules, declare)
  const like = { method: 'POST', url: '/login', ip: CLIENT, headers: agent, body: {} }
  for (let i = 0; i < 10; i++) t.assert.strictEqual((await app.guard.explain(like)).verdict, 'pass')
  const attack = { ...like, body: { q: '<script>alert(1)</script>' } }
  for (let i = 0; i < 10; i++) t.assert.strictEqual((await app.guard.explain(attack)).verdict, 'refuse')
  t.assert.deepStrictEqual(app.guard.bans(), [])
  t.assert.deepStrictEqual(events, [])
  t.assert.strictEqual(app.guard.stats().refused, 0)
  t.assert.ok((await app.guard.limits.peek(CLIENT)).every(({ max, remaining }) => max === remaining))
  t.assert.deepStrictEqual(lines.filter(({ msg }) => String(msg).startsWith('guard')), [])
  await real(app, like)
  await real(app, like)
  const over = await app.guard.explain(like)
  t.assert.strictEqual(over.refusal?.code, 'GUARD_RATE_LIMITED')
  t.assert.strictEqual(await real(app, like), 'GUARD_RATE_LIMITED')
})

test('explain runs no handler, no later hook and, unless asked, no function of the application', async (t: TestContext) => {
  const ran: string[] = []
  const { app } = await build(t, {}, (app) => {
    app.addHook('onRequest', async () => { ran.push('hook') })
    app.addHook('onResponse', async () => { ran.push('response') })
    const own = { auth: { scheme: 'bearer', verify: () => { ran.push('verify'); return { a: 1 } } }, check: () => { ran.push('check') }, rateLimit: { max: 5, window: 1000, key: () => { ran.push('key'); return 'k' } } }
    app.get('/own', { config: { guard: own } }, async () => { ran.push('handler') })
  })
  const like = { url: '/own', headers: { ...agent, authorization: 'Bearer x' } }
  const explained = await app.guard.explain(like)
  t.assert.strictEqual(explained.verdict, 'depends')
  t.assert.deepStrictEqual(explained.checks.filter(({ outcome }) => outcome === 'not run').map(({ check }) => check).sort(), ['auth', 'check', 'rateLimit'])
  t.assert.deepStrictEqual(ran, [])
  t.assert.strictEqual((await app.guard.explain({ url: '/own', headers: agent })).refusal?.code, 'GUARD_AUTH_REQUIRED')
  t.assert.strictEqual((await app.guard.explain(like, { run: true })).verdict, 'pass')
  t.assert.deepStrictEqual(ran.sort(), ['check', 'key', 'verify'])
})

test('explain sees what is under way and what a client did before, and adds nothing to it', async (t: TestContext) => {
  let finish = (): void => {}
  const { app } = await build(t, {}, (app) => {
    app.get('/slow', { config: { guard: { concurrency: { max: 1 } } } }, async () => { await new Promise<void>((resolve) => { finish = resolve }) })
    app.get('/watched', { config: { guard: { behavior: { usage: { max: 2, window: '1m', action: 'ban' } } } } }, async () => 'ok')
    app.get('/held', { config: { guard: { behavior: { usage: { max: 0, window: '1m', action: 'throttle', delay: 10 } } } } }, async () => 'ok')
  })
  const slow = { url: '/slow', ip: CLIENT, headers: agent }
  t.assert.strictEqual((await app.guard.explain(slow)).verdict, 'pass')
  t.assert.strictEqual((await app.guard.explain(slow)).verdict, 'pass')
  const under = real(app, slow)
  while ((await app.guard.explain(slow)).verdict === 'pass') await new Promise((resolve) => { setImmediate(resolve) })
  t.assert.strictEqual((await app.guard.explain(slow)).refusal?.code, 'GUARD_TOO_MANY_IN_FLIGHT')
  finish()
  await under
  const watched = { url: '/watched', ip: CLIENT, headers: agent }
  for (let i = 0; i < 5; i++) t.assert.strictEqual((await app.guard.explain(watched)).verdict, 'pass')
  await real(app, watched)
  await real(app, watched)
  t.assert.strictEqual((await app.guard.explain(watched)).refusal?.code, 'GUARD_BANNED')
  t.assert.deepStrictEqual(app.guard.bans(), [])
  t.assert.strictEqual(await real(app, watched), 'GUARD_BANNED')
  t.assert.strictEqual((await app.guard.explain(watched)).refusal?.check, 'ban')
  t.assert.strictEqual((await app.guard.explain({ ...watched, url: '/held', ip: '203.0.113.99' })).checks.find(({ check }) => check === 'behavior')?.outcome, 'delay')
})

test('what was explained is never answered, not even when handlerTimeout is over', async (t: TestContext) => {
  let answers = 0
  const { app } = await build(t, {}, (app) => {
    app.addHook('onSend', async () => { answers++ })
    app.get('/timed', { handlerTimeout: 20 }, async () => 'ok')
    app.get('/later', { handlerTimeout: 40 }, async (request) => { await new Promise((resolve) => { request.signal.addEventListener('abort', resolve) }) })
  })
  t.assert.strictEqual((await app.guard.explain({ url: '/timed', headers: agent })).verdict, 'pass')
  t.assert.strictEqual(await status(app, { url: '/later' }), 503)
  t.assert.strictEqual(answers, 1)
})

test('explain says how the client was found, which rules apply and where they came from', async (t: TestContext) => {
  const { app } = await build(t, rules, declare)
  const explained = await app.guard.explain({ url: '/passive?token=secret&a=1', ip: '10.1.1.1', headers: { ...agent, 'x-forwarded-for': CLIENT } })
  t.assert.strictEqual(explained.client.ip, CLIENT)
  t.assert.deepStrictEqual(explained.client.found.map(({ address }) => address), ['10.1.1.1', CLIENT])
  t.assert.strictEqual(explained.client.found[0]!.trusted, true)
  t.assert.deepStrictEqual(explained.origins['userAgent.deny'], ['route'])
  t.assert.deepStrictEqual(explained.origins['hosts'], ['plugin'])
  t.assert.deepStrictEqual(explained.passive.map(({ check }) => check), ['userAgent'])
  t.assert.ok(explained.checks.every(({ outcome, micros }) => outcome !== 'pass' || typeof micros === 'number'))
  t.assert.strictEqual(explained.url, '/passive?token=***&a=1')
  const trusted = await app.guard.explain({ ip: '192.0.2.9', headers: { 'user-agent': 'curl' } })
  t.assert.strictEqual(trusted.client.trusted, true)
  t.assert.strictEqual(trusted.checks.find(({ check }) => check === 'userAgent')?.outcome, 'trusted')
})

test('explain says what comes before the guard, and what it cannot judge', async (t: TestContext) => {
  const { app } = await build(t, {}, (app) => { app.post('/post', async () => 'ok') })
  t.assert.match((await app.guard.explain({ method: 'POST', url: '/post', headers: { 'content-type': 'application/json' }, body: '{' })).notes[0]!, /cannot parse/)
  t.assert.match((await app.guard.explain({ method: 'POST', url: '/post', headers: { 'content-type': 'text/odd' }, body: 'x' })).notes[0]!, /answers 415/)
  await t.assert.rejects(app.guard.explain(undefined as never), { code: 'GUARD_OPTION_INVALID' })
  const plain = Fastify()
  t.after(() => plain.close())
  await plain.register(guardPlugin)
  const { verdict, notes } = await plain.guard.explain({ url: '/%zz' })
  t.assert.strictEqual(verdict, 'not seen')
  t.assert.match(notes[0]!, /answered with 400/)
})

test('what the router refuses is explained too, and nobody is struck for it', async (t: TestContext) => {
  const { app, events, lines } = await build(t, { ip: { deny: ['198.51.100.0/24'] }, ban: { threshold: 1, on: ['malformed'] } }, (app) => { app.get('/params/:id', async () => 'ok') })
  await app.ready()
  const before = JSON.stringify(app.guard.stats())
  for (const [url, code] of [['/%zz', 'GUARD_BAD_URL'], [`/params/${'a'.repeat(200)}`, 'GUARD_PARAM_TOO_LONG']] as const) {
    const explained = await app.guard.explain({ url, ip: CLIENT, headers: agent })
    t.assert.strictEqual(explained.refusal?.code, code)
    t.assert.strictEqual(explained.refusal.check, 'malformed')
    t.assert.strictEqual((await app.guard.explain({ url, ip: '198.51.100.7', headers: agent })).refusal?.code, 'GUARD_IP_REFUSED')
  }
  t.assert.deepStrictEqual(events, [])
  t.assert.deepStrictEqual(app.guard.bans(), [])
  t.assert.deepStrictEqual(lines.filter(({ event }) => event !== undefined), [])
  t.assert.strictEqual(JSON.stringify(app.guard.stats()), before)
  t.assert.strictEqual(await real(app, { url: '/%zz', ip: CLIENT, headers: agent }), 'GUARD_BAD_URL')
})

test('a target is judged as a client writes it, not as a browser would', async (t: TestContext) => {
  const { app } = await build(t, {}, (app) => { app.get('/files/:name', async () => 'ok') })
  await app.listen({ port: 0, host: '127.0.0.1' })
  for (const url of ['/.git/../x', '/files/../x', '/x/../files/a', '/files/a', '/files/%2e%2e', '//files/a', '/?q=\\..\\..', 'http://localhost/files/a']) {
    const { refusal, route } = await app.guard.explain({ url, headers: { ...agent, host: 'localhost' } })
    const answer = await raw(app, `GET ${url} HTTP/1.1\r\nhost: localhost\r\nuser-agent: Mozilla/5.0\r\nconnection: close\r\n\r\n`)
    const reference = /x-guard-reference: (\S+)/.exec(answer)?.[1]
    t.assert.strictEqual(refusal?.code, reference === undefined ? undefined : app.guard.explain(reference)?.code, url)
    t.assert.strictEqual(route, reference === undefined ? (answer.startsWith('HTTP/1.1 200') ? url.startsWith('/?') ? '/' : '/files/:name' : undefined) : app.guard.explain(reference)?.route, url)
  }
  t.assert.strictEqual((await app.guard.explain({ url: '/.git/../x', headers: agent })).refusal?.code, 'GUARD_ATTACK_DETECTED')
})

test('a request that names another client is explained without a warning', async (t: TestContext) => {
  const { app, events } = await build(t)
  await app.guard.explain({ ip: '10.0.0.1', headers: { ...agent, 'x-forwarded-for': CLIENT } })
  t.assert.deepStrictEqual(events, [])
  await status(app, { ip: '10.0.0.1', headers: { 'x-forwarded-for': CLIENT } })
  t.assert.strictEqual((events as GuardEvent[])[0]?.type, 'warning')
})

test('what no client can send is named', async (t: TestContext) => {
  const { app } = await build(t)
  for (const [like, message] of [
    [{ url: '' }, /url must be a path/], [{ url: 'a' }, /url must be a path/], [{ url: 5 }, /url must/], [{ method: 'FOO BAR' }, /method must be a method of HTTP, got "FOO BAR"/], [{ method: 5 }, /method must/],
    [{ headers: { 'a b': '1' } }, /headers must/], [{ headers: { a: 'b\r\nc: d' } }, /headers\['a'\] must/], [{ headers: null }, /headers must/], [{ ip: 5 }, /ip must/], [{ protocol: 'ftp' }, /protocol must/]
  ] as const) await t.assert.rejects(app.guard.explain(like as never), { code: 'GUARD_OPTION_INVALID', message })
  t.assert.strictEqual((await app.guard.explain({ url: '/caf\u00e9 \u20ac', headers: agent })).url, '/caf%C3%A9%20%E2%82%AC')
})

test('neither keys nor header values that have to be right are shown', async (t: TestContext) => {
  const { app } = await build(t, { apiKey: { keys: ['hunter1'] }, requireHeaders: { 'x-origin': 'hunter2', 'x-any': true, 'x-id': /^\d+$/ } })
  const { rules } = await app.guard.explain({ headers: { ...agent, 'x-origin': 'hunter2', 'x-api-key': 'hunter1' } })
  t.assert.deepStrictEqual(rules['requireHeaders'], { 'x-origin': '[redacted]', 'x-any': true, 'x-id': /^\d+$/ })
  t.assert.doesNotMatch(JSON.stringify([rules, app.guard.routes()]), /hunter/)
})

test('a refusal can be looked up by its reference', async (t: TestContext) => {
  const { app } = await build(t, {})
  const response = await app.inject({ url: '/?q=%3Cscript%3Ealert(1)%3C/script%3E&token=secret', remoteAddress: CLIENT })
  const past = app.guard.explain(String(response.headers['x-guard-reference']))
  t.assert.strictEqual(past?.code, 'GUARD_ATTACK_DETECTED')
  t.assert.strictEqual(past.ip, CLIENT)
  t.assert.strictEqual(past.route, '/')
  t.assert.deepStrictEqual(past.exclusion, { params: ['q'] })
  t.assert.doesNotMatch(JSON.stringify(past), /secret/)
  t.assert.strictEqual(app.guard.explain('nosuchreference1'), undefined)
  for (let i = 0; i < 500; i++) await app.inject({ url: '/.env', remoteAddress: CLIENT })
  t.assert.strictEqual(app.guard.explain(String(response.headers['x-guard-reference'])), undefined)
})
