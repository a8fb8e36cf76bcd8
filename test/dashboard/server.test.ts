import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import { banLister } from '../../lib/dashboard/ban-list.ts'
import { guardOf } from '../../lib/guard.ts'
import guardPlugin, { type GuardOptions } from '../../lib/index.ts'
import { build, CLIENT, startError, status } from '../helpers.ts'
import { basic, listen, messages, OWN, snapshot } from './pages.ts'

const auth = { scheme: 'basic', verify: ({ username, password }: { username: string, password: string }) => username === 'ann' && password === 'pw' ? { user: 'ann' } : null } as const
const ROUTES = ['/guard', '/guard/', '/guard/app.js', '/guard/style.css', '/guard/uplot.js', '/guard/api/live', '/guard/api/routes', '/guard/api/bans']
const ACTIONS = ['ban', 'unban', 'emergency', 'promote']

test('it is off without the option', async (t: TestContext) => {
  for (const options of [{}, { dashboard: false }] as GuardOptions[]) {
    const { app } = await build(t, options)
    for (const url of ROUTES) t.assert.strictEqual(await status(app, { url, ip: '127.0.0.1' }), 404, url)
  }
})

test('the page and all its files come from the plugin, under a strict policy', async (t: TestContext) => {
  const { app } = await build(t, { dashboard: {} })
  const page = await app.inject('/guard')
  t.assert.strictEqual(page.statusCode, 200)
  t.assert.strictEqual(page.headers['content-type'], 'text/html; charset=utf-8')
  const links = [...page.body.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, link = '']) => link)
  t.assert.ok(links.length >= 4)
  const seen = new Set<string>()
  const queue = links.map((link) => new URL(link, 'http://localhost/guard').pathname)
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (seen.has(path)) continue
    seen.add(path)
    const file = await app.inject(path)
    t.assert.strictEqual(file.statusCode, 200, path)
    for (const name of ['content-security-policy', 'x-content-type-options', 'cross-origin-resource-policy']) t.assert.strictEqual(file.headers[name], page.headers[name], `${path} ${name}`)
    for (const [, specifier = ''] of file.body.matchAll(/^import .* from '([^']+)'/gm)) queue.push(new URL(specifier, `http://localhost${path}`).pathname)
    const again = await app.inject({ url: path, headers: { 'if-none-match': `"other", ${String(file.headers.etag)}` } })
    t.assert.deepStrictEqual([again.statusCode, again.body], [304, ''], path)
  }
  t.assert.ok(seen.has('/guard/uplot.js') && seen.has('/guard/dom.js'))
  const policy = String(page.headers['content-security-policy'])
  t.assert.match(policy, /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'.*require-trusted-types-for 'script'/)
  t.assert.doesNotMatch(policy, /unsafe|https?:|\*/)
  t.assert.doesNotMatch(page.body, /\son\w+=|<script[^>]*>[^<]|style=/)
})

test('it stands where path says, below a prefix and in a router without slashes', async (t: TestContext) => {
  const { app } = await build(t, { dashboard: { path: '/internal/watch' } })
  t.assert.match((await app.inject('/internal/watch')).body, /href="watch\/style\.css"/)
  t.assert.strictEqual((await app.inject('/internal/watch/style.css')).statusCode, 200)
  t.assert.strictEqual((await app.inject('/internal/watch/')).headers.location, '../watch')
  t.assert.strictEqual((await app.inject('/guard')).statusCode, 404)
  const { app: loose } = await build(t, { dashboard: {} }, undefined, { routerOptions: { ignoreTrailingSlash: true } })
  for (const url of ['/guard', '/guard/']) t.assert.strictEqual((await loose.inject(url)).statusCode, 200)
})

test('auth is asked for on every route, in every mode of the guard', async (t: TestContext) => {
  for (const options of [{}, { mode: 'passive' }, { mode: 'off' }, { exclude: ['/guard'] }] as GuardOptions[]) {
    const { app } = await build(t, { ...options, dashboard: { auth } })
    for (const url of ROUTES) {
      const refused = await app.inject({ url, remoteAddress: CLIENT, headers: { host: 'api.example' } })
      t.assert.strictEqual(refused.statusCode, 401, `${url} ${JSON.stringify(options)}`)
      t.assert.match(String(refused.headers['www-authenticate']), /^Basic /)
      t.assert.strictEqual(await status(app, { url, headers: basic('ann', 'wrong') }), 401)
    }
    for (const name of ACTIONS) t.assert.strictEqual(await status(app, { method: 'POST', url: `/guard/api/${name}`, headers: OWN, payload: {} }), 401)
    t.assert.strictEqual(await status(app, { url: '/guard', headers: { host: 'api.example', ...basic('ann', 'pw') } }), 200)
  }
})

test('auth may be a function of the request; what stands for nobody lets nobody in', async (t: TestContext) => {
  const answers: unknown[] = [null, undefined, false, '', new Error('no'), Promise.resolve(null)]
  for (const answer of answers) {
    const { app } = await build(t, { dashboard: { auth: () => answer } })
    t.assert.strictEqual(await status(app, { url: '/guard', ip: '127.0.0.1' }), 401)
  }
  const { app } = await build(t, { dashboard: { auth: async ({ headers }) => headers.cookie === 'session=good' ? { user: 'ann' } : null } })
  t.assert.strictEqual(await status(app, { url: '/guard', headers: { cookie: 'session=good' } }), 200)
  const { app: failing } = await build(t, { dashboard: { auth: () => { throw new Error('session store is down') } } })
  const response = await failing.inject('/guard')
  t.assert.strictEqual(response.statusCode, 500)
  t.assert.doesNotMatch(response.body, /session store/)
})

test("a rule auth of the application is not the dashboard's, and the other way round", async (t: TestContext) => {
  const { app } = await build(t, { auth: { scheme: 'bearer', verify: (token: string) => token === 'app' }, apiKey: { keys: ['k'.repeat(20)] }, dashboard: { auth } })
  t.assert.strictEqual(await status(app, { url: '/guard', headers: basic('ann', 'pw') }), 200)
  t.assert.strictEqual(await status(app, { url: '/guard', headers: { authorization: 'Bearer app', 'x-api-key': 'k'.repeat(20) } }), 401)
  t.assert.strictEqual(await status(app, { url: '/', headers: basic('ann', 'pw') }), 401)
})

test('guessing the password is a strike', async (t: TestContext) => {
  const { app } = await build(t, { dashboard: { auth }, ban: { threshold: 3, on: ['auth'] } })
  const guess = { url: '/guard', headers: basic('ann', 'guess') }
  t.assert.deepStrictEqual([await status(app, guess), await status(app, guess), await status(app, guess), await status(app, guess)], [401, 401, 401, 403])
})

test('without auth it is for this machine only', async (t: TestContext) => {
  const { app } = await build(t, { dashboard: {}, clientIp: { trustedProxies: 'loopback' } })
  for (const ip of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1']) t.assert.strictEqual(await status(app, { url: '/guard', ip }), 200, ip)
  for (const ip of [CLIENT, '10.0.0.1', '2001:db8::1', '::ffff:10.0.0.1']) t.assert.strictEqual(await status(app, { url: '/guard', ip }), 403, ip)
  for (const headers of [{ 'x-forwarded-for': '127.0.0.1' }, { forwarded: 'for=127.0.0.1' }, { 'x-real-ip': '127.0.0.1' }, { via: '1.1 proxy' }, { 'x-forwarded-host': 'localhost' }, { 'x-forwarded-for': '' }]) {
    t.assert.strictEqual(await status(app, { url: '/guard', ip: '127.0.0.1', headers }), 403, JSON.stringify(headers))
  }
})

test('a name that another site may have made lead here is refused (DNS rebinding)', async (t: TestContext) => {
  const { app } = await build(t, { dashboard: {} })
  for (const host of ['localhost', 'localhost:3000', 'LOCALHOST', '127.0.0.1:80', '[::1]:80', 'localhost.']) t.assert.strictEqual(await status(app, { url: '/guard', ip: '127.0.0.1', headers: { host } }), 200, host)
  for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '192.168.1.5', '0.0.0.0', 'a b']) {
    for (const url of ROUTES) t.assert.strictEqual(await status(app, { url, ip: '127.0.0.1', headers: { host } }), 421, `${host} ${url}`)
  }
})

test('without auth the server does not start on an address that others reach', async (t: TestContext) => {
  const start = async (listening: object, dashboard: GuardOptions['dashboard']): Promise<string> => {
    const app = Fastify()
    t.after(() => app.close())
    await app.register(guardPlugin, { dashboard: dashboard! })
    return app.listen({ port: 0, ...listening })
  }
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.com']) await t.assert.rejects(start({ host }, {}), { code: 'GUARD_OPTION_INVALID', message: /dashboard\.auth is missing/ }, host)
  for (const host of ['127.0.0.1', 'localhost']) t.assert.match(await start({ host }, {}), /^http:/)
  t.assert.match(await start({ host: '0.0.0.0' }, { auth }), /^http:/)
})

const post = async (app: Awaited<ReturnType<typeof build>>['app'], name: string, payload: object | string, headers: Record<string, string> = OWN): Promise<{ status: number, body: { ok?: boolean, outcome?: unknown, error?: string } }> => {
  const response = await app.inject({ method: 'POST', url: `/guard/api/${name}`, headers: { 'content-type': 'application/json', ...headers }, payload })
  return { status: response.statusCode, body: response.json() }
}

test('many bans are listed and searched a part at a time', async (t: TestContext) => {
  const { app } = await build(t, { dashboard: {} })
  const duration = 3_600_000
  for (let i = 0; i < 6000; i++) app.guard.ban(`10.${i >> 8}.${i & 255}.1`, { duration: duration + (i * 7919 % 6000) * 1000, reason: i % 1000 === 0 ? 'seldom' : 'often' })
  let turns = 0
  let counting = true
  const count = (): void => { if (counting) setImmediate(count); turns++ }
  count()
  const found = await app.inject({ url: '/guard/api/bans?q=often', headers: OWN })
  counting = false
  t.assert.ok(turns >= 12, `others had ${turns} turns`)
  const { total, shown } = found.json<{ total: number, shown: Array<{ client: string, until: number }> }>()
  const latest = app.guard.bans().filter(({ reason }) => reason === 'often').reverse()
  t.assert.deepStrictEqual([total, shown.length], [5994, 200])
  t.assert.deepStrictEqual(shown, latest.slice(0, 200))
  t.assert.strictEqual((await app.inject({ url: '/guard/api/bans?q=seldom', headers: OWN })).json<{ total: number }>().total, 6)
  const list = banLister(guardOf(app)!)
  t.assert.deepStrictEqual(list(6000).shown, [], 'not yet')
  while (list(6000).shown.length === 0) await new Promise((resolve) => { setImmediate(resolve) })
  t.assert.deepStrictEqual(list(6000).shown, app.guard.bans().reverse().slice(0, 200))
})

test('bans are made and lifted', async (t: TestContext) => {
  const { app, lines } = await build(t, { dashboard: {} })
  const made = await post(app, 'ban', { target: '203.0.113.0/24', duration: '10m', reason: '<b>scanner</b>' })
  t.assert.strictEqual(made.status, 200)
  t.assert.deepStrictEqual(app.guard.bans().map(({ client, reason, since, until }) => [client, reason, until - since]), [['203.0.113.0/24', '<b>scanner</b>', 600_000]])
  t.assert.strictEqual(await status(app), 403)
  t.assert.ok(lines.some(({ event, action, client }) => event === 'guard.dashboard' && action === 'ban' && client === '127.0.0.1'))
  t.assert.deepStrictEqual((await post(app, 'unban', { target: '203.0.113.0/24' })).body, { ok: true, outcome: { lifted: true } })
  t.assert.strictEqual(await status(app), 200)
  t.assert.deepStrictEqual((await post(app, 'unban', { target: '203.0.113.0/24' })).body.outcome, { lifted: false })
})

test('emergency mode is switched, and leaves the dashboard open', async (t: TestContext) => {
  const { app } = await build(t, { dashboard: {} })
  t.assert.strictEqual((await post(app, 'emergency', { on: true })).status, 200)
  t.assert.strictEqual(await status(app, { ip: '127.0.0.1' }), 503)
  await app.guard.update({ methods: ['GET', 'POST'] })
  t.assert.strictEqual(await status(app, { ip: '127.0.0.1' }), 503)
  t.assert.strictEqual(await status(app, { url: '/guard', ip: '127.0.0.1' }), 200)
  t.assert.strictEqual((await post(app, 'emergency', { on: false })).status, 200)
  t.assert.strictEqual(await status(app), 200)
})

test('a passive rule is promoted, of a list of limits those that are passive', async (t: TestContext) => {
  const { app, events } = await build(t, { userAgent: { deny: ['sqlmap'], mode: 'passive' }, rateLimit: [{ max: 1, window: '1m', mode: 'passive' }, { max: 100, window: '1h' }], dashboard: {} })
  const tool = { headers: { 'user-agent': 'sqlmap' } }
  t.assert.deepStrictEqual([await status(app, tool), await status(app, tool)], [200, 200])
  t.assert.strictEqual((await post(app, 'promote', { check: 'userAgent' })).status, 200)
  t.assert.deepStrictEqual([await status(app, tool), await status(app)], [403, 200])
  t.assert.strictEqual((await post(app, 'promote', { check: 'rateLimit' })).status, 200)
  t.assert.deepStrictEqual([await status(app), await status(app)], [200, 429])
  t.assert.ok(events.some((event) => event.type === 'update' && event.by === 'dashboard' && event.changed.includes('userAgent')))
  for (const check of ['userAgent', 'detection', 'mode', '__proto__', 'dashboard']) t.assert.strictEqual((await post(app, 'promote', { check })).status, 400, check)
  const { app: all } = await build(t, { mode: 'passive', ip: { deny: [CLIENT] }, dashboard: {} })
  t.assert.strictEqual(await status(all), 200)
  t.assert.strictEqual((await post(all, 'promote', { check: 'mode' })).status, 200)
  t.assert.strictEqual(await status(all), 403)
})

test('what cannot be read changes nothing, and says why', async (t: TestContext) => {
  const { app } = await build(t, { dashboard: {} })
  const faulty: Array<[string, object | string, RegExp]> = [['ban', {}, /target is missing/], ['ban', { target: 'x' }, /x/], ['ban', { target: '0.0.0.0/0' }, /./], ['ban', { target: 7 }, /target must be a text/], ['ban', { target: CLIENT, duration: 'soon' }, /duration/],
    ['ban', { target: 'x'.repeat(301) }, /at most 300/], ['ban', [], /JSON object/], ['ban', '{', /JSON/i], ['emergency', { on: 'yes' }, /on must be/], ['emergency', { on: true, for: 'ever' }, /for/], ['unban', {}, /target/], ['promote', {}, /check/]]
  for (const [name, payload, error] of faulty) {
    const { status, body } = await post(app, name, payload)
    t.assert.strictEqual(status, 400, JSON.stringify(payload))
    t.assert.match(body.error!, error)
  }
  t.assert.deepStrictEqual([app.guard.bans(), app.guard.stats().emergency], [[], false])
})

test('no other site can have a browser change anything (CSRF)', async (t: TestContext) => {
  const { app } = await build(t, { dashboard: {}, cors: { origin: ['https://partner.example'], credentials: true, allowedHeaders: ['x-guard-dashboard', 'content-type'] } })
  const json = { 'content-type': 'application/json' }
  const target = JSON.stringify({ target: CLIENT })
  const tries: Array<[Record<string, string>, number]> = [
    [{ ...json, 'x-guard-dashboard': '1', 'sec-fetch-site': 'cross-site' }, 403], [{ ...json, 'x-guard-dashboard': '1', 'sec-fetch-site': 'same-site' }, 403], [{ ...json, 'x-guard-dashboard': '1', 'sec-fetch-site': 'none' }, 403],
    [{ ...json, 'x-guard-dashboard': '1', origin: 'https://partner.example' }, 403], [{ ...json, 'x-guard-dashboard': '1', origin: 'null' }, 403], [{ ...json, 'x-guard-dashboard': '1', origin: 'http://localhost:81' }, 403],
    [{ ...json, 'sec-fetch-site': 'same-origin' }, 403], [{ 'content-type': 'text/plain', ...OWN }, 415], [{ 'content-type': 'application/x-www-form-urlencoded', ...OWN }, 415]
  ]
  for (const name of ACTIONS) {
    for (const [headers, expected] of tries) t.assert.strictEqual((await app.inject({ method: 'POST', url: `/guard/api/${name}`, headers, payload: target })).statusCode, expected, JSON.stringify(headers))
    t.assert.strictEqual((await app.inject(`/guard/api/${name}?target=${CLIENT}`)).statusCode, 404)
  }
  const preflight = await app.inject({ method: 'OPTIONS', url: '/guard/api/ban', headers: { origin: 'https://partner.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-guard-dashboard' } })
  t.assert.strictEqual(preflight.statusCode, 404, 'a browser takes nothing but 2xx for leave')
  t.assert.deepStrictEqual(app.guard.bans(), [])
  for (const headers of [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, { origin: 'https://evil.example' }]) t.assert.strictEqual((await app.inject({ url: '/guard/api/bans', headers: headers as Record<string, string> })).statusCode, 403)
  t.assert.strictEqual((await app.inject({ url: '/guard', headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } })).statusCode, 200, 'a link')
})

test('a navigation from elsewhere gets to the page and to nothing else', async (t: TestContext) => {
  const { app } = await build(t, { dashboard: {} })
  const get = async (url: string, site: string, dest = 'document'): Promise<number> => (await app.inject({ url, headers: { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': dest } })).statusCode
  for (const site of ['cross-site', 'same-site']) {
    t.assert.deepStrictEqual([await get('/guard', site), await get('/guard/', site)], [200, 308], site)
    for (const url of ['/guard/api/live', '/guard/api/bans', '/guard/api/routes', '/guard/app.js']) for (const dest of ['document', 'iframe']) t.assert.strictEqual(await get(url, site, dest), 403, `${url} ${site} ${dest}`)
    t.assert.strictEqual(await get('/guard', site, 'iframe'), 403)
  }
  t.assert.strictEqual(await get('/guard/api/bans', 'none'), 200, 'typed by the user')
})

test("the application's rules on clients count, those on contents and counts do not", async (t: TestContext) => {
  const { app } = await build(t, { dashboard: { auth }, ip: { deny: [CLIENT] }, rateLimit: { max: 1, window: '1m' }, methods: ['POST'], requireHeaders: { 'x-tenant': true }, contentType: { allow: ['text/plain'] } })
  const headers = basic('ann', 'pw')
  t.assert.strictEqual(await status(app, { url: '/guard', headers }), 403)
  for (let i = 0; i < 3; i++) t.assert.strictEqual(await status(app, { url: '/guard', ip: '198.51.100.1', headers }), 200)
  t.assert.strictEqual(await status(app, { url: '/guard/api/bans?q=<script>alert(1)</script>', ip: '198.51.100.1', headers }), 200)
  app.guard.ban('198.51.100.1')
  t.assert.strictEqual(await status(app, { url: '/guard', ip: '198.51.100.1', headers }), 403)
})

test('a page gets all there is, then what is new, within a second; its own requests are not counted', async (t: TestContext) => {
  const { app } = await build(t, { dashboard: {}, ip: { deny: [CLIENT] } })
  const at = await listen(app)
  await status(app)
  await status(app, { ip: '198.51.100.1' })
  const stream = messages(`${at}/guard/api/live`)
  const { value: first } = await stream.next() as { value: { event: string, data: Awaited<ReturnType<typeof snapshot>> } }
  t.assert.strictEqual(first.event, 'snapshot')
  t.assert.deepStrictEqual(first.data.events.map(({ type }) => type), ['refused'])
  t.assert.deepStrictEqual(first.data.state.totals, { requests: 2, refused: 1, reported: 0 })
  t.assert.deepStrictEqual(first.data.state.tops['clients'], [{ name: CLIENT, count: 1 }])
  const began = Date.now()
  await status(app, { url: '/?x="\u2028<script>' })
  for await (const { event, data } of stream) {
    const { events = [], lanes = {} } = data as { events?: Array<{ type: string, path: string }>, lanes?: Record<string, number[]> }
    if (event !== 'tick' || events.length === 0) continue
    t.assert.ok(Date.now() - began < 1000)
    t.assert.strictEqual(events[0]!.type, 'refused')
    t.assert.ok(lanes['refused:ip']!.some((value) => value > 0))
    break
  }
  t.assert.strictEqual((await snapshot(at)).state.totals.requests, 3)
})

test('pages that are open do not hold the server open', async (t: TestContext) => {
  const { app } = await build(t, { dashboard: {} })
  const at = await listen(app)
  const response = await fetch(`${at}/guard/api/live`)
  const reader = response.body!.getReader()
  await reader.read()
  const closed = app.close()
  for (let done = false; !done;) done = await reader.read().then((part) => part.done, () => true)
  await Promise.race([closed, sleep(5000).then(() => { throw new Error('the server is still open') })])
})

test('two apps in a process share nothing', async (t: TestContext) => {
  const one = await build(t, { dashboard: {}, ip: { deny: [CLIENT] } })
  const other = await build(t, { dashboard: {} })
  await status(one.app)
  t.assert.strictEqual((await snapshot(await listen(other.app))).events.length, 0)
})

test('wrong values stop the start', async (t: TestContext) => {
  const faulty: Array<[unknown, RegExp]> = [[true, /dashboard must be/], ['/guard', /dashboard must be/], [{ paht: '/x' }, /dashboard\.paht is unknown, did you mean path/], [{ path: 'guard' }, /dashboard\.path must start/], [{ path: '/' }, /dashboard\.path/], [{ path: '/a/' }, /dashboard\.path/],
    [{ path: '/:id' }, /dashboard\.path/], [{ path: '/a/../b' }, /dashboard\.path/], [{ auth: {} }, /dashboard\.auth\.scheme is missing[\s\S]*dashboard\.auth\.verify is missing/], [{ auth: { scheme: 'basic', verify: 'x' } }, /dashboard\.auth\.verify/], [{ auth: true }, /dashboard\.auth/]]
  for (const [dashboard, message] of faulty) t.assert.match((await startError({ dashboard })).message, message)
  t.assert.match((await startError({}, { dashboard: {} })).message, /config\.guard\.dashboard is unknown/)
})
