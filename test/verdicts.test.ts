import { test, type TestContext } from 'node:test'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { GuardEvent } from '../lib/index.ts'
import { build, CLIENT, status } from './helpers.ts'

const deny = { ip: { deny: [CLIENT] } }

test('a refusal goes through the error handling of Fastify', async (t: TestContext) => {
  const { app, events, lines } = await build(t, deny)
  const response = await app.inject({ url: '/?password=secret', remoteAddress: CLIENT })
  t.assert.strictEqual(response.statusCode, 403)
  t.assert.deepStrictEqual(response.json(), { statusCode: 403, code: 'GUARD_IP_REFUSED', error: 'Forbidden', message: 'Access denied' })
  const reference = response.headers['x-guard-reference']
  const line = lines.find(({ event }) => event === 'guard.refused')!
  t.assert.strictEqual(line['reference'], reference)
  t.assert.strictEqual(line['client'], CLIENT)
  t.assert.strictEqual(line['check'], 'ip')
  t.assert.strictEqual(line['rule'], `ip.deny ${CLIENT}`)
  t.assert.strictEqual(line['path'], '/')
  const [event] = events
  t.assert.ok(event?.type === 'refused' && event.reference === reference && event.ip === CLIENT && event.route === '/')
  t.assert.ok(!JSON.stringify([line, event]).includes('secret'), 'the query stays out')
})

test('an error handler sees the refusal, and what it writes to it harms no later request', async (t: TestContext) => {
  const seen: unknown[] = []
  const { app } = await build(t, deny, (app) => {
    app.setErrorHandler((error: Error & { code?: string, reference?: string, statusCode?: number, extra?: number }, _request, reply) => {
      seen.push(error.extra, error.reference)
      error.message = 'changed'
      error.extra = 1
      reply.code(error.statusCode ?? 500).send({ mine: error.code })
    })
  })
  const first = await app.inject({ url: '/', remoteAddress: CLIENT })
  const second = await app.inject({ url: '/', remoteAddress: CLIENT })
  t.assert.deepStrictEqual(first.json(), { mine: 'GUARD_IP_REFUSED' })
  t.assert.deepStrictEqual([seen[0], seen[2]], [undefined, undefined])
  t.assert.strictEqual(seen[1], first.headers['x-guard-reference'])
  t.assert.notStrictEqual(first.headers['x-guard-reference'], second.headers['x-guard-reference'])
})

test('neither reason nor evidence reaches the client', async (t: TestContext) => {
  const { app } = await build(t, { userAgent: { deny: ['evil-agent'] } })
  const response = await app.inject({ url: '/', headers: { 'user-agent': 'x evil-agent y' } })
  t.assert.strictEqual(response.statusCode, 403)
  t.assert.ok(!JSON.stringify([response.body, response.headers]).includes('evil-agent'))
})

test('log and events hold no raw control characters', async (t: TestContext) => {
  const { app, lines, events } = await build(t, { userAgent: { deny: ['sqlmap'] } })
  await app.inject({ url: '/a%0d%0ab\u001b[31m', headers: { 'user-agent': 'sqlmap \u001b[31m\u0085\u202e' } })
  const text = JSON.stringify(events) + JSON.stringify(lines.filter(({ event }) => event === 'guard.refused'))
  t.assert.doesNotMatch(text, /[\u0000-\u001f\u007f-\u009f\u202e]/)
  t.assert.match(text, /\\\\u001b/)
})

test('the same events go to diagnostics_channel, and a throwing onEvent breaks nothing', async (t: TestContext) => {
  const seen: GuardEvent[] = []
  const listen = (event: unknown): void => { seen.push(event as GuardEvent) }
  subscribe('fastify-api-guard', listen)
  t.after(() => unsubscribe('fastify-api-guard', listen))
  const { app } = await build(t, { ...deny, onEvent: () => { throw new Error('mine') } })
  t.assert.strictEqual(await status(app), 403)
  t.assert.strictEqual(seen.filter(({ type }) => type === 'refused').length, 1)
})

test('request.guard shows data only, its methods are not enumerable', async (t: TestContext) => {
  const { app } = await build(t, { ip: { trust: ['10.0.0.1'] } }, (app) => {
    app.get('/me', async (request) => ({ keys: Object.keys(request.guard), ...request.guard }))
    app.get('/off', { config: { guard: false } }, async (request) => ({ ip: request.guard.ip, types: [typeof request.guard.inspect, typeof request.guard.strike] }))
  })
  const me = (await app.inject({ url: '/me', remoteAddress: '::ffff:10.0.0.1' })).json()
  t.assert.deepStrictEqual(me, { keys: ['ip', 'trusted', 'verdicts'], ip: '10.0.0.1', trusted: true, verdicts: [] })
  t.assert.deepStrictEqual((await app.inject({ url: '/off', remoteAddress: CLIENT })).json(), { ip: CLIENT, types: ['function', 'function'] })
})

test('inspect judges values that no parser shows, strike counts towards a ban', async (t: TestContext) => {
  const { app } = await build(t, { ban: { threshold: 2, duration: '1h' } }, (app) => {
    app.get('/inspect', async (request) => ({ verdict: request.guard.inspect({ deep: ["1' or '1'='1"] }, 'message')?.rule ?? null, fine: request.guard.inspect('hello', 'message') ?? null }))
    app.get('/strike', async (request) => { request.guard.strike('stolen card'); return 'ok' })
  })
  const answer = (await app.inject({ url: '/inspect', remoteAddress: CLIENT })).json()
  t.assert.match(answer.verdict, /^sqli\//)
  t.assert.strictEqual(answer.fine, null)
  t.assert.strictEqual(await status(app, { url: '/strike' }), 200)
  t.assert.strictEqual(await status(app, { url: '/strike' }), 403, 'two strikes: one by inspect, one by the application')
})

test('stats count by check, code and route, and reset forgets', async (t: TestContext) => {
  const { app } = await build(t, deny)
  await status(app)
  await status(app, { url: '/none' })
  const { refused, byCheck, byCode, byRoute } = app.guard.stats()
  t.assert.strictEqual(refused, 2)
  t.assert.deepStrictEqual(byCheck['ip'], { refused: 2, reported: 0 })
  t.assert.deepStrictEqual(byCode['GUARD_IP_REFUSED'], { refused: 2, reported: 0 })
  t.assert.deepStrictEqual(byRoute, { '/': { refused: 1, reported: 0 }, '(none)': { refused: 1, reported: 0 } })
  app.guard.reset()
  t.assert.strictEqual(app.guard.stats().refused, 0)
})

test('problem details where no handler of the application answered', async (t: TestContext) => {
  const { app } = await build(t, { ...deny, response: { format: 'problem', messages: { GUARD_IP_REFUSED: 'Not from here' } } }, async (app) => {
    await app.register(async (child) => {
      child.setErrorHandler((_error, _request, reply) => { reply.code(418).send({ own: true }) })
      child.get('/own', async () => 'ok')
    })
  })
  const response = await app.inject({ url: '/', remoteAddress: CLIENT })
  t.assert.strictEqual(response.statusCode, 403)
  t.assert.match(String(response.headers['content-type']), /^application\/problem\+json/)
  t.assert.strictEqual(Number(response.headers['content-length']), response.body.length)
  t.assert.deepStrictEqual(response.json(), { type: 'about:blank', title: 'Forbidden', status: 403, detail: 'Not from here', code: 'GUARD_IP_REFUSED', reference: response.headers['x-guard-reference'] })
  t.assert.deepStrictEqual((await app.inject({ url: '/own', remoteAddress: CLIENT })).json(), { own: true })
})

test('messages replace the text, modify has the last word', async (t: TestContext) => {
  const { app } = await build(t, { ...deny, response: { messages: { GUARD_IP_REFUSED: 'Not from here' }, modify: (reply, verdict) => { reply.header('x-why', verdict.check) } } })
  const response = await app.inject({ url: '/', remoteAddress: CLIENT })
  t.assert.strictEqual(response.json().message, 'Not from here')
  t.assert.strictEqual(response.headers['x-why'], 'ip')
  t.assert.strictEqual((await app.inject('/')).headers['x-why'], undefined)
})

test('the level of a refusal\'s line is chosen, or none is written', async (t: TestContext) => {
  const info = await build(t, { ...deny, log: { refused: 'info' } })
  await status(info.app)
  t.assert.strictEqual(info.lines.find(({ event }) => event === 'guard.refused')?.['level'], 30)
  const silent = await build(t, { ...deny, log: { refused: false } })
  await status(silent.app)
  t.assert.ok(!silent.lines.some(({ event }) => event === 'guard.refused'))
})
