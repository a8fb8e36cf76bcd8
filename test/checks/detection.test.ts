import { test, type TestContext } from 'node:test'
import formbody from '@fastify/formbody'
import { detect } from '../../lib/index.ts'
import { build, buildRoute, startError, status } from '../helpers.ts'

const SQL = "1' OR '1'='1' -- "
const q = (value: string): string => `/?q=${encodeURIComponent(value)}`

test('detection is on by default, off and on per route', async (t: TestContext) => {
  const { app } = await build(t, {}, (app) => {
    app.get('/off', { config: { guard: { detection: false } } }, async () => 'ok')
    app.get('/sqli-off', { config: { guard: { detection: { categories: { sqli: false } } } } }, async () => 'ok')
    app.get('/only', { config: { guard: { detection: { categories: ['xss'] } } } }, async () => 'ok')
  })
  t.assert.strictEqual(await status(app, { url: q(SQL) }), 400)
  t.assert.strictEqual(await status(app, { url: q('hello') }), 200)
  for (const url of ['/off', '/sqli-off', '/only']) t.assert.strictEqual(await status(app, { url: url + q(SQL).slice(1) }), 200, url)
  for (const url of ['/sqli-off', '/only']) t.assert.strictEqual(await status(app, { url: url + q('<script>alert(1)</script>').slice(1) }), 400, url)
  const off = await build(t, { detection: false }, (app) => { app.get('/on', { config: { guard: { detection: true } } }, async () => 'ok') })
  t.assert.strictEqual(await status(off.app, { url: q(SQL) }), 200)
  t.assert.strictEqual(await status(off.app, { url: `/on${q(SQL).slice(1)}` }), 400)
})

test('exclude: by parameter, header, field, rule, category and path; each adds to outer ones', async (t: TestContext) => {
  const { app, events } = await build(t, { detection: { exclude: { params: ['sql'], headers: ['x-query'], fields: ['note'], paths: ['/admin'] } } }, (app) => {
    app.post('/', async () => 'ok')
    app.get('/admin/run', async () => 'ok')
    app.get('/administrator', async () => 'ok')
    app.get('/more', { config: { guard: { detection: { exclude: { params: ['q'] } } } } }, async () => 'ok')
    app.get('/category', { config: { guard: { detection: { exclude: { categories: ['sqli'] } } } } }, async () => 'ok')
  })
  const value = encodeURIComponent(SQL)
  for (const url of [`/?sql=${value}`, `/admin/run?q=${value}`, `/more?q=${value}&sql=${value}`, `/category?q=${value}`]) t.assert.strictEqual(await status(app, { url }), 200, url)
  for (const url of [`/?q=${value}`, `/administrator?q=${value}`, `/more?other=${value}`, '/category?q=<script>alert(1)</script>']) t.assert.strictEqual(await status(app, { url }), 400, url)
  t.assert.strictEqual(await status(app, { headers: { 'x-query': SQL } }), 200)
  t.assert.strictEqual(await status(app, { headers: { 'x-other': SQL } }), 400)
  t.assert.strictEqual(await status(app, { method: 'POST', payload: { a: { note: SQL } } }), 200)
  t.assert.strictEqual(await status(app, { method: 'POST', payload: { a: { title: SQL } } }), 400)
  t.assert.ok(events.length > 0)
  // Looking ends at the first sign that suffices, so the others show one after the other.
  const rules: string[] = []
  for (let found = detect({ query: { q: SQL } }); found.attack && rules.length < 10; found = detect({ query: { q: SQL } }, { exclude: { rules } })) rules.push(...found.matches.map(({ rule }) => rule))
  t.assert.strictEqual(await status((await build(t, { detection: { exclude: { rules: rules.slice(0, -1) } } })).app, { url: `/?q=${value}` }), 400)
  const byRule = await build(t, { detection: { exclude: { rules } } })
  t.assert.strictEqual(await status(byRule.app, { url: `/?q=${value}` }), 200)
})

test('the verdict names the exclusion that would let the request pass, and it does', async (t: TestContext) => {
  const { app, events, lines } = await build(t, {}, (app) => { app.post('/', async () => 'ok') })
  await status(app, { url: q(SQL) })
  await status(app, { method: 'POST', payload: { user: { name: SQL } } })
  await status(app, { headers: { 'x-search': SQL } })
  const exclusions = events.map((event) => 'exclusion' in event ? event.exclusion : undefined)
  t.assert.deepStrictEqual(exclusions, [{ params: ['q'] }, { fields: ['user.name'] }, { headers: ['x-search'] }])
  t.assert.deepStrictEqual(lines.filter(({ event }) => event === 'guard.refused').map(({ exclude }) => exclude), exclusions)
  const again = await build(t, { detection: { exclude: { params: ['q'], fields: ['user.name'], headers: ['x-search'] } } }, (app) => { app.post('/', async () => 'ok') })
  t.assert.strictEqual(await status(again.app, { url: q(SQL) }), 200)
  t.assert.strictEqual(await status(again.app, { method: 'POST', payload: { user: { name: SQL } } }), 200)
  t.assert.strictEqual(await status(again.app, { headers: { 'x-search': SQL } }), 200)
})

test('own rules: literal, expression, function, with a category and a score', async (t: TestContext) => {
  const { app, events } = await build(t, {
    detection: {
      rules: [
        { id: 'own/literal', pattern: 'Forbidden Word' },
        { id: 'own/expression', pattern: /^x-\d+$/, category: 'code' },
        { id: 'own/function', pattern: (value) => value.length > 5000 },
        { id: 'own/weak', pattern: 'weak', score: 2 }
      ]
    }
  })
  for (const value of ['a forbidden word b', 'x-12', 'a'.repeat(5001)]) t.assert.strictEqual(await status(app, { url: q(value) }), 400, value.slice(0, 20))
  for (const value of ['x-12a', 'weak', 'a'.repeat(4000)]) t.assert.strictEqual(await status(app, { url: q(value) }), 200, value.slice(0, 20))
  t.assert.deepStrictEqual(events.map((event) => 'rule' in event && event.rule), ['own/literal', 'own/expression', 'own/function'])
  for (const pattern of ['', /a/g, /x*/, 5]) t.assert.match((await startError({ detection: { rules: [{ id: 'a', pattern }] } })).message, /detection\.rules\[0\]\.pattern/)
})

test('scan chooses the places that are looked at', async (t: TestContext) => {
  const { app } = await build(t, { detection: { scan: { query: false, headers: false, cookies: false, body: false, path: false } } }, (app) => {
    app.post('/', async () => 'ok')
    app.get('/path/:id', async () => 'ok')
  })
  t.assert.strictEqual(await status(app, { url: q(SQL) }), 200)
  t.assert.strictEqual(await status(app, { headers: { 'x-search': SQL } }), 200)
  t.assert.strictEqual(await status(app, { headers: { cookie: `a=${encodeURIComponent(SQL)}` } }), 200)
  t.assert.strictEqual(await status(app, { method: 'POST', payload: { a: SQL } }), 200)
  t.assert.strictEqual(await status(app, { url: `/path/${encodeURIComponent(SQL)}` }), 200)
})

test('past a bound a body is refused, or passes if the options say so; never a strike', async (t: TestContext) => {
  for (const [bound, payload, code] of [
    [{ maxBytes: 200 }, { text: 'a'.repeat(300) }, 413],
    [{ maxDepth: 3 }, { a: { b: { c: { d: { e: 1 } } } } }, 400],
    [{ maxKeys: 5 }, Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, i])), 400]
  ] as const) {
    const { app } = await build(t, { detection: bound, ban: { threshold: 1, duration: '1h' } }, (app) => { app.post('/', async () => 'ok') })
    t.assert.strictEqual(await status(app, { method: 'POST', payload }), code, JSON.stringify(bound))
    t.assert.deepStrictEqual(app.guard.bans(), [])
    t.assert.strictEqual(await status(app, { method: 'POST', payload: { a: 1 } }), 200)
    const open = await build(t, { detection: { ...bound, overflow: 'pass' } }, (app) => { app.post('/', async () => 'ok') })
    t.assert.strictEqual(await status(open.app, { method: 'POST', payload }), 200, JSON.stringify(bound))
  }
})

test('probe rules see what matches no route, a bare wildcard included', async (t: TestContext) => {
  const { app } = await build(t, {}, (app) => { app.get('/wp-login.php', async () => 'mine') })
  t.assert.strictEqual(await status(app, { url: '/.env' }), 400)
  t.assert.strictEqual(await status(app, { url: '/wp-login.php' }), 200, 'never on a route of the application')
  t.assert.strictEqual(await status(app, { url: '/none' }), 404)
  const wild = await build(t, {}, (app) => { app.get('/*', async () => 'ok') })
  t.assert.strictEqual(await status(wild.app, { url: '/.env' }), 400)
})

test('level and threshold', async (t: TestContext) => {
  for (const level of [1, 2, 3, 4] as const) {
    const { app } = await build(t, { detection: { level } })
    t.assert.strictEqual(await status(app, { url: q(SQL) }), 400, `level ${level}`)
    t.assert.strictEqual(await status(app, { url: q('an ordinary sentence about cats') }), 200, `level ${level}`)
  }
  const lax = await build(t, { detection: { threshold: 1000 } })
  t.assert.strictEqual(await status(lax.app, { url: q(SQL) }), 200)
})

test('a passive detection reports', async (t: TestContext) => {
  const { app } = await buildRoute(t, { detection: { mode: 'passive' } })
  t.assert.strictEqual(await status(app, { url: `/guarded${q(SQL).slice(1)}` }), 200)
  t.assert.strictEqual(app.guard.stats().byCheck['detection']?.reported, 1)
})

test('secrets do not get into log and events', async (t: TestContext) => {
  const { app, events } = await build(t, {}, async (app) => { await app.register(formbody); app.post('/', async () => 'ok') })
  await status(app, { headers: { authorization: `Bearer ${SQL}` } })
  await status(app, { headers: { cookie: `session=${encodeURIComponent(SQL)}` } })
  await status(app, { method: 'POST', payload: { password: SQL } })
  t.assert.strictEqual(events.length, 3)
  for (const event of events) t.assert.ok('evidence' in event && event.evidence === '[redacted]', JSON.stringify(event))
})
