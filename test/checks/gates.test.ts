import { test, type TestContext } from 'node:test'
import { build, buildRoute, CLIENT, startError, status } from '../helpers.ts'
import { raw } from '../helpers.ts'

test('requireHeaders: present, equal, matching; per route, passive, wrong value', async (t: TestContext) => {
  const rules = { requireHeaders: { 'x-tenant': true, 'X-Version': '2', 'x-id': /^\d+$/ } } as const
  const { app } = await buildRoute(t, rules)
  const full = { 'x-tenant': 'a', 'x-version': '2', 'x-id': '12' }
  t.assert.strictEqual(await status(app, { url: '/guarded', headers: full }), 200)
  for (const change of [{ 'x-tenant': '' }, { 'x-version': '3' }, { 'x-id': 'a' }]) {
    t.assert.strictEqual(await status(app, { url: '/guarded', headers: { ...full, ...change } }), 400, JSON.stringify(change))
  }
  t.assert.strictEqual(await status(app, { url: '/' }), 200)
  const passive = await build(t, { requireHeaders: { 'x-tenant': true, mode: 'passive' } })
  t.assert.strictEqual(await status(passive.app), 200)
  t.assert.strictEqual(passive.app.guard.stats().reported, 1)
  t.assert.match((await startError({ requireHeaders: { 'x y': true, 'x-a': 5 } })).message, /requireHeaders\["x y"\][\s\S]*requireHeaders\.x-a|requireHeaders\["x-a"\]/)
})

test('referrer: a host and its subdomains, nothing that only looks like one', async (t: TestContext) => {
  const { app } = await buildRoute(t, { referrer: { allow: ['shop.test'] } })
  const from = (referer: string): Promise<number> => status(app, { url: '/guarded', headers: { referer } })
  for (const url of ['https://shop.test/a', 'http://www.shop.test:8080/', 'https://SHOP.test./']) t.assert.strictEqual(await from(url), 200, url)
  for (const url of ['https://evilshop.test/', 'https://shop.test.evil/', 'https://evil/?shop.test', 'shop.test', 'javascript://shop.test/', 'https://shop.test@evil.test/']) t.assert.strictEqual(await from(url), 403, url)
  t.assert.strictEqual(await status(app, { url: '/guarded' }), 403)
  const open = await buildRoute(t, { referrer: { allow: ['shop.test'], missing: 'pass' } })
  t.assert.strictEqual(await status(open.app, { url: '/guarded' }), 200)
  t.assert.match((await startError({ referrer: { allow: ['https://shop.test/'] } })).message, /referrer\.allow\[0\] must be a host name/)
})

test('fetchMetadata: unsafe requests of other sites are refused', async (t: TestContext) => {
  const { app } = await build(t, { fetchMetadata: true }, (app) => { app.post('/form', async () => 'ok') })
  const post = (headers: Record<string, string>): Promise<number> => status(app, { method: 'POST', url: '/form', headers: { host: 'a.test', ...headers } })
  for (const site of ['same-origin', 'none']) t.assert.strictEqual(await post({ 'sec-fetch-site': site }), 200, site)
  for (const site of ['cross-site', 'same-site', 'nonsense']) t.assert.strictEqual(await post({ 'sec-fetch-site': site }), 403, site)
  t.assert.strictEqual(await status(app, { headers: { 'sec-fetch-site': 'cross-site' } }), 200, 'links from elsewhere work')
  t.assert.strictEqual(await post({}), 200, 'no browser')
  t.assert.strictEqual(await post({ origin: 'https://a.test' }), 200)
  t.assert.strictEqual(await post({ origin: 'https://evil.test' }), 403)
  t.assert.strictEqual(await post({ origin: 'null' }), 403)
  const wider = await build(t, { fetchMetadata: { allow: ['same-site'] } }, (app) => { app.post('/form', async () => 'ok') })
  t.assert.strictEqual(await status(wider.app, { method: 'POST', url: '/form', headers: { 'sec-fetch-site': 'same-site' } }), 200)
})

test('contentType: the media type is parsed, and only bodies are judged', async (t: TestContext) => {
  const { app } = await build(t, {}, (app) => {
    app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    app.all('/guarded', { config: { guard: { contentType: { allow: ['application/json', 'image/*'] } } } }, async () => 'ok')
  })
  const post = (type: string): Promise<number> => status(app, { method: 'POST', url: '/guarded', payload: '{}', headers: { 'content-type': type } })
  for (const type of ['application/json', 'APPLICATION/JSON; charset=utf-8', 'image/png']) t.assert.strictEqual(await post(type), 200, type)
  for (const type of ['text/plain; x=application/json', 'application/jsonx', 'text/html', '*/*', 'image/*', 'application']) t.assert.strictEqual(await post(type), 415, type)
  t.assert.strictEqual(await status(app, { url: '/guarded' }), 200, 'a GET has no body')
})

test('timeWindow: hours, zones, days and nights', async (t: TestContext) => {
  const { timeWindow } = await import('../../lib/checks/time-window.ts')
  const open = (rule: object | object[], iso: string): boolean => {
    const parts = timeWindow.compile(rule as never, { now: () => Date.parse(iso) } as never, {} as never)
    return parts?.request?.({} as never, {} as never, {} as never) === undefined
  }
  const office = { start: '09:00', end: '17:00' }
  t.assert.ok(open(office, '2026-11-21T09:00:00Z'))
  t.assert.ok(!open(office, '2026-11-21T17:00:00Z'), 'the end is exclusive')
  t.assert.ok(open({ ...office, timeZone: 'America/New_York' }, '2026-11-21T21:59:00Z'))
  t.assert.ok(!open({ ...office, timeZone: 'America/New_York' }, '2026-11-21T13:59:00Z'))
  t.assert.ok(!open({ ...office, days: ['mon', 'tue', 'wed', 'thu', 'fri'] }, '2026-11-21T10:00:00Z'), 'a Saturday')
  const night = { start: '22:00', end: '06:00', days: ['fri'] }
  t.assert.ok(open(night, '2026-11-20T23:00:00Z'))
  t.assert.ok(open(night, '2026-11-21T05:59:00Z'), "Friday's night goes on into Saturday")
  t.assert.ok(!open(night, '2026-11-21T23:00:00Z'))
  t.assert.ok(open([office, night], '2026-11-21T05:00:00Z'))
  // Berlin's clocks go from 02:00 to 03:00 on 29 March 2026: half past two does not occur.
  const gap = { start: '02:00', end: '03:00', timeZone: 'Europe/Berlin' }
  t.assert.ok(!open(gap, '2026-03-29T00:59:00Z') && !open(gap, '2026-03-29T01:00:00Z'))
  // and back on 25 October: it occurs twice.
  t.assert.ok(open(gap, '2026-10-25T00:30:00Z') && open(gap, '2026-10-25T01:30:00Z'))
  t.assert.ok(open({ start: '00:00', end: '24:00' }, '2026-11-21T23:59:59Z'))
})

test('timeWindow refuses by the clock, and nonsense at start', async (t: TestContext) => {
  const now = new Date()
  const hour = (add: number): string => `${String((now.getUTCHours() + add + 24) % 24).padStart(2, '0')}:00`
  const open = await buildRoute(t, { timeWindow: { start: hour(-1), end: hour(2) } })
  t.assert.strictEqual(await status(open.app, { url: '/guarded' }), 200)
  const shut = await buildRoute(t, { timeWindow: { start: hour(2), end: hour(-1) } })
  t.assert.strictEqual(await status(shut.app, { url: '/guarded' }), 403)
  for (const [rule, path] of [[{ start: '25:00', end: '26:00' }, /timeWindow\.start/], [{ start: '09:00', end: '09:00' }, /same start and end/], [{ start: '09:00', end: '10:00', timeZone: 'Mars/Base' }, /timeWindow\.timeZone/], [{ start: '9:00', end: '10:00' }, /timeWindow\.start/], [{ start: '09:00', end: '10:00', days: ['monday'] }, /timeWindow\.days\[0\]/]] as const) {
    t.assert.match((await startError({ timeWindow: rule })).message, path)
  }
})

test('auth: bearer, any case of the scheme, async, principal; nothing else', async (t: TestContext) => {
  const { app } = await build(t, {}, (app) => {
    app.get('/me', { config: { guard: { auth: { scheme: 'bearer', verify: async (token: string) => token === 'good' ? { id: 7 } : null } } } }, async (request) => request.guard.principal)
    app.get('/broken', { config: { guard: { auth: { scheme: 'bearer', verify: () => { throw new Error('database is down') } } } } }, async () => 'ok')
  })
  for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
    const response = await app.inject({ url: '/me', headers: { authorization: `${scheme} good` } })
    t.assert.deepStrictEqual(response.json(), { id: 7 }, scheme)
  }
  for (const value of ['', 'Bearer', 'Bearer ', 'Bearergood', 'Basic good', 'Bearer bad', 'Bearer good, Bearer bad', 'good']) {
    const response = await app.inject({ url: '/me', headers: { authorization: value } })
    t.assert.strictEqual(response.statusCode, 401, value)
    t.assert.strictEqual(response.headers['www-authenticate'], 'Bearer')
  }
  t.assert.strictEqual(await status(app, { url: '/me' }), 401)
  t.assert.strictEqual(await status(app, { url: '/broken', headers: { authorization: 'Bearer x' } }), 500, 'what cannot be checked is not let through')
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.assert.match(await raw(app, 'GET /me HTTP/1.1\r\nhost: a\r\nauthorization: Bearer good\r\nauthorization: Bearer good\r\nconnection: close\r\n\r\n'), /^HTTP\/1\.1 401/, 'doubled')
  t.assert.match((await startError({ auth: { scheme: 'bearer' } })).message, /auth\.verify is missing/)
})

test('auth: basic', async (t: TestContext) => {
  const { app } = await buildRoute(t, { auth: { scheme: 'basic', verify: ({ username, password }: { username: string, password: string }) => username === 'ada' && password === 'a:b\u00e9' } })
  const send = (text: string): Promise<number> => status(app, { url: '/guarded', headers: { authorization: `Basic ${Buffer.from(text).toString('base64')}` } })
  t.assert.strictEqual(await send('ada:a:b\u00e9'), 200)
  for (const text of ['ada:wrong', 'ada', ':', '']) t.assert.strictEqual(await send(text), 401, text)
  t.assert.strictEqual(await status(app, { url: '/guarded', headers: { authorization: 'Basic !!!' } }), 401)
})

test('apiKey: known keys, own header, own function', async (t: TestContext) => {
  const { app } = await build(t, {}, (app) => {
    app.get('/keys', { config: { guard: { apiKey: { keys: ['old-key', 'new-key'] } } } }, async (request) => request.guard.principal)
    app.get('/own', { config: { guard: { apiKey: { header: 'X-Token', keys: async (key: string) => key === 'k' ? 'ada' : null } } } }, async (request) => ({ who: request.guard.principal }))
  })
  for (const key of ['old-key', 'new-key']) t.assert.strictEqual(await status(app, { url: '/keys', headers: { 'x-api-key': key } }), 200, key)
  for (const key of ['', 'old-ke', 'old-keyx', 'OLD-KEY', 'x'.repeat(5000), '\u00fc']) t.assert.strictEqual(await status(app, { url: '/keys', headers: { 'x-api-key': key } }), 401, key)
  t.assert.deepStrictEqual((await app.inject({ url: '/own', headers: { 'x-token': 'k' } })).json(), { who: 'ada' })
  t.assert.strictEqual(await status(app, { url: '/own', headers: { 'x-api-key': 'k' } }), 401)
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.assert.match(await raw(app, 'GET /keys HTTP/1.1\r\nhost: a\r\nx-api-key: old-key\r\nX-API-Key: evil\r\nconnection: close\r\n\r\n'), /^HTTP\/1\.1 401/, 'doubled')
})

test('check: passes, refuses, waits, throws', async (t: TestContext) => {
  const { app } = await build(t, {}, (app) => {
    const route = (url: string, check: never): void => { app.get(url, { config: { guard: { check } } }, async () => 'ok') }
    route('/pass', (() => undefined) as never)
    route('/refuse', (() => ({ status: 418, message: 'teapot' })) as never)
    route('/later', (async () => ({ status: 451, message: 'later' })) as never)
    route('/throws', (() => { throw new Error('secret detail') }) as never)
    route('/nonsense', (() => true) as never)
  })
  t.assert.strictEqual(await status(app, { url: '/pass' }), 200)
  t.assert.deepStrictEqual((await app.inject('/refuse')).json(), { statusCode: 418, code: 'GUARD_CUSTOM', error: "I'm a Teapot", message: 'teapot' })
  t.assert.strictEqual((await app.inject('/later')).json().message, 'later')
  const thrown = await app.inject('/throws')
  t.assert.strictEqual(thrown.statusCode, 500)
  t.assert.strictEqual(thrown.json().code, 'GUARD_CHECK_FAILED')
  t.assert.ok(!thrown.body.includes('secret'))
  t.assert.strictEqual(await status(app, { url: '/nonsense' }), 500)
})

test('honeypot: fields at any depth, trap paths, ban at once', async (t: TestContext) => {
  const { default: formbody } = await import('@fastify/formbody')
  const { default: multipart } = await import('@fastify/multipart')
  const { app } = await build(t, { ban: { threshold: 50, duration: '1h' }, honeypot: { fields: ['website'], paths: ['/wp-admin/secret'], action: 'refuse' } }, async (app) => {
    await app.register(formbody)
    await app.register(multipart, { attachFieldsToBody: true })
    app.post('/form', async () => 'ok')
    app.post('/ban', { config: { guard: { honeypot: { action: 'ban' } } } }, async () => 'ok')
  })
  const json = (payload: object, url = '/form', ip = CLIENT): Promise<number> => status(app, { method: 'POST', url, payload, ip })
  t.assert.strictEqual(await json({ name: 'Ada', website: '' }), 200)
  for (const body of [{ website: 'x' }, { a: { b: [{ website: 'x' }] } }, { website: ['', 'x'] }, { website: { a: 1 } }]) t.assert.strictEqual(await json(body), 403, JSON.stringify(body))
  const form = (payload: string): Promise<number> => status(app, { method: 'POST', url: '/form', payload, headers: { 'content-type': 'application/x-www-form-urlencoded' } })
  t.assert.strictEqual(await form('name=a&website='), 200)
  for (const payload of ['website=x', 'website=&website=x', 'web%73ite=x']) t.assert.strictEqual(await form(payload), 403, payload)
  const part = (value: string): Promise<number> => status(app, { method: 'POST', url: '/form', payload: `--b\r\ncontent-disposition: form-data; name="website"\r\n\r\n${value}\r\n--b--\r\n`, headers: { 'content-type': 'multipart/form-data; boundary=b' } })
  t.assert.strictEqual(await part(''), 200)
  t.assert.strictEqual(await part('x'), 403)
  for (const url of ['/wp-admin/secret', '/wp-admin/secret?x=1', '/wp-admin/%73ecret']) t.assert.strictEqual(await status(app, { url }), 403, url)
  t.assert.strictEqual(await json({ website: 'x' }, '/ban', '203.0.113.99'), 403)
  t.assert.strictEqual(app.guard.bans().length, 1)
  t.assert.strictEqual(await status(app, { ip: '203.0.113.99' }), 403)
})

test('a doubled body rule: maxBodyBytes counts, chunked too', async (t: TestContext) => {
  const { app } = await build(t, {}, (app) => {
    app.addContentTypeParser('text/plain', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    app.post('/sized', { config: { guard: { maxBodyBytes: 100 } } }, async () => 'ok')
  })
  const post = (size: number): Promise<number> => status(app, { method: 'POST', url: '/sized', payload: 'x'.repeat(size), headers: { 'content-type': 'text/plain' } })
  t.assert.strictEqual(await post(100), 200)
  t.assert.strictEqual(await post(101), 413)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const chunked = (size: number): Promise<string> => raw(app, `POST /sized HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n${size.toString(16)}\r\n${'x'.repeat(size)}\r\n0\r\n\r\n`)
  t.assert.match(await chunked(100), /^HTTP\/1\.1 200/)
  t.assert.match(await chunked(2000), /^HTTP\/1\.1 413 [\s\S]*GUARD_BODY_TOO_LARGE/)
  const passive = await build(t, { mode: 'passive' }, (app) => {
    app.addContentTypeParser('text/plain', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    app.post('/sized', { config: { guard: { maxBodyBytes: 100 } } }, async (request) => String(request.body).length)
  })
  t.assert.strictEqual((await passive.app.inject({ method: 'POST', url: '/sized', payload: 'x'.repeat(500), headers: { 'content-type': 'text/plain' } })).body, '500')
  t.assert.strictEqual(passive.app.guard.stats().reported, 1)
})
