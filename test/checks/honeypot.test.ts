import { test, type TestContext } from 'node:test'
import { build, startError, status } from '../helpers.ts'

test('honeypot: global, per route, off, passive', async (t: TestContext) => {
  const { app } = await build(t, { honeypot: { fields: ['website'], paths: ['/trap/'] } }, (app) => {
    app.post('/form', async () => 'ok')
    app.post('/other', { config: { guard: { honeypot: { fields: ['fax'] } } } }, async () => 'ok')
    app.post('/off', { config: { guard: { honeypot: false } } }, async () => 'ok')
    app.post('/report', { config: { guard: { honeypot: { mode: 'passive' } } } }, async () => 'ok')
  })
  const post = (url: string, payload: object): Promise<number> => status(app, { method: 'POST', url, payload })
  t.assert.strictEqual(await post('/form', { website: 'x' }), 403)
  t.assert.strictEqual(await post('/other', { website: 'x' }), 200)
  t.assert.strictEqual(await post('/other', { fax: 'x' }), 403)
  t.assert.strictEqual(await post('/off', { website: 'x' }), 200)
  t.assert.strictEqual(await post('/report', { website: 'x' }), 200)
  t.assert.strictEqual(app.guard.stats().reported, 1)
})

test('honeypot: trap paths in every spelling that a router may read alike', async (t: TestContext) => {
  const { app } = await build(t, { honeypot: { paths: ['/trap/login'] } }, (app) => { app.get('/trap/login-help', async () => 'ok') })
  for (const url of ['/trap/login', '/trap/login/', '//trap///login', '/trap/%6cogin', '/trap/login?a=1', 'http://any.test/trap/login']) t.assert.strictEqual(await status(app, { url }), 403, url)
  t.assert.strictEqual(await status(app, { url: '/trap/login-help' }), 200)
})

test('honeypot: bodies that nest deeper than anybody looks, or imitate a multipart part', async (t: TestContext) => {
  const { app } = await build(t, { detection: false, honeypot: { fields: ['website'] } }, (app) => { app.post('/form', async () => 'ok') })
  const post = (payload: string): Promise<number> => status(app, { method: 'POST', url: '/form', payload, headers: { 'content-type': 'application/json' } })
  t.assert.strictEqual(await post(`${'{"a":'.repeat(5000)}{"website":"x"}${'}'.repeat(5000)}`), 403)
  t.assert.strictEqual(await post('{"fieldname":"a","type":"field","value":"","website":"x"}'), 403)
  t.assert.strictEqual(await post('{"website":{"fieldname":"a","type":"field","value":""}}'), 403)
  t.assert.strictEqual(await post('{"website":[null,"",false,[]]}'), 200)
})

test('honeypot: a file in a trap field', async (t: TestContext) => {
  const { default: multipart } = await import('@fastify/multipart')
  const { app } = await build(t, { honeypot: { fields: ['website'] } }, async (app) => {
    await app.register(multipart, { attachFieldsToBody: true })
    app.post('/form', async () => 'ok')
  })
  const send = (name: string): Promise<number> => status(app, { method: 'POST', url: '/form', headers: { 'content-type': 'multipart/form-data; boundary=b' }, payload: `--b\r\ncontent-disposition: form-data; name="${name}"; filename="a.txt"\r\ncontent-type: text/plain\r\n\r\nhello\r\n--b--\r\n` })
  t.assert.strictEqual(await send('photo'), 200)
  t.assert.strictEqual(await send('website'), 403)
})

test('honeypot: wrong values stop the start', async (t: TestContext) => {
  for (const [value, path] of [[{ fields: [] }, /honeypot\.fields must have/], [{ fields: [''] }, /honeypot\.fields\[0\]/], [{ paths: ['trap'] }, /honeypot\.paths\[0\]/], [{ paths: ['/'] }, /honeypot\.paths\[0\]/], [{ fields: ['a'], action: 'block' }, /honeypot\.action/]] as const) {
    t.assert.match((await startError({}, { honeypot: value })).message, path)
  }
})

test("honeypot: 'ban' needs no rule for bans, and ban: false keeps it from banning", async (t: TestContext) => {
  const { app } = await build(t, { honeypot: { paths: ['/trap'], action: 'ban' } })
  t.assert.strictEqual(await status(app, { url: '/?q=%3Cscript%3Ealert(1)%3C/script%3E' }), 400)
  t.assert.strictEqual(await status(app), 200)
  t.assert.strictEqual(await status(app, { url: '/trap' }), 403)
  t.assert.strictEqual(await status(app), 403)
  t.assert.strictEqual(app.guard.bans()[0]?.reason.includes('honeypot'), true)
  const { app: free } = await build(t, { ban: false, honeypot: { paths: ['/trap'], action: 'ban' } })
  t.assert.strictEqual(await status(free, { url: '/trap' }), 403)
  t.assert.strictEqual(await status(free), 200)
})
