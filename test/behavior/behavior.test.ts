import { connect, type AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { BehaviorFinding } from '../../lib/index.ts'
import { roomOf } from '../../lib/checks/behavior.ts'
import { guardOf } from '../../lib/guard.ts'
import { build, CLIENT, startError, status } from '../helpers.ts'

async function times (app: FastifyInstance, count: number, url = '/', ip = CLIENT): Promise<number[]> {
  const statuses: number[] = []
  for (let i = 0; i < count; i++) statuses.push(await status(app, { url, ip }))
  return statuses
}

test('usage: log tells once a client and window, on the call after max, and refuses nothing', async (t: TestContext) => {
  const { app, events, lines } = await build(t, { behavior: { usage: { max: 2, window: '1m', action: 'log' } } })
  t.assert.deepStrictEqual(await times(app, 2), [200, 200])
  t.assert.strictEqual(events.length, 0)
  t.assert.deepStrictEqual(await times(app, 3), [200, 200, 200])
  t.assert.deepStrictEqual(events.map((event) => event.type === 'reported' && [event.check, event.code, event.rule]), [['behavior', 'GUARD_BEHAVIOR', 'usage']])
  t.assert.strictEqual(lines.filter((line) => line['msg'] === 'guard: noticed' && line['level'] === 40).length, 1)
  await times(app, 3, '/', '203.0.113.8')
  t.assert.strictEqual(events.length, 2, 'clients are counted by themselves')
})

test('usage: alert is an error in the log, and comes even where refusals are not logged', async (t: TestContext) => {
  const { app, lines } = await build(t, { log: { refused: false }, behavior: { usage: { max: 0, action: 'alert' } } })
  await times(app, 1)
  t.assert.strictEqual(lines.filter((line) => line['level'] === 50).length, 1)
})

test('usage: ban refuses the call after max and those that follow, without a ban rule, for its own time', async (t: TestContext) => {
  const { app, events } = await build(t, { behavior: { usage: { max: 2, window: '1m', action: 'ban', duration: '2h' } } })
  t.assert.deepStrictEqual(await times(app, 4), [200, 200, 403, 403])
  const [ban] = app.guard.bans()
  t.assert.strictEqual(ban?.client, CLIENT)
  t.assert.strictEqual(ban.until - ban.since, 7_200_000)
  t.assert.match(ban.reason, /usage/)
  t.assert.strictEqual(events.filter((event) => event.type === 'banned' && event.kind === 'behavior').length, 1)
  t.assert.strictEqual(await status(app, { ip: '203.0.113.8' }), 200)
  app.guard.unban(CLIENT)
  t.assert.strictEqual((await app.inject({ url: '/', remoteAddress: CLIENT })).json<{ code: string }>().code, 'GUARD_BANNED', 'still past max')
})

test('ban spares loopback, trusted and exempt clients', async (t: TestContext) => {
  const { app } = await build(t, { ip: { trust: ['192.0.2.1'] }, ban: { exempt: ['192.0.2.2'] }, behavior: { usage: { max: 1, action: 'ban' } } })
  for (const ip of ['127.0.0.1', '192.0.2.1', '192.0.2.2']) t.assert.deepStrictEqual(await times(app, 3, '/', ip), [200, 200, 200], ip)
  t.assert.deepStrictEqual(app.guard.bans(), [])
})

test('frequency: calls a second over a window', async (t: TestContext) => {
  const { app, events } = await build(t, { behavior: { frequency: { max: 0.1, window: '1m' } } })
  await times(app, 6)
  t.assert.strictEqual(events.length, 0)
  await times(app, 1)
  t.assert.strictEqual(events[0]?.type === 'reported' && events[0].rule, 'frequency')
})

// The original counted each call once for each rule.
test('several rules count one call once each', async (t: TestContext) => {
  const { app, events } = await build(t, { behavior: { usage: { max: 4, window: '1h' }, frequency: { max: 4, window: '1s' }, returns: [{ status: 200, max: 4 }] } })
  await times(app, 4)
  t.assert.strictEqual(events.length, 0)
  await times(app, 1)
  t.assert.deepStrictEqual(events.map((event) => event.type === 'reported' && event.rule).sort(), ['frequency', 'returns[0]', 'usage'])
})

test('a rule of the plugin counts over all routes, a route\'s own by its pattern', async (t: TestContext) => {
  const { app, events } = await build(t, { behavior: { usage: { max: 3 } } }, (app) => {
    app.get('/a', async () => 'a')
    app.get('/items/:id', { config: { guard: { behavior: { usage: { max: 1 } } } } }, async () => 'item')
    app.get('/more', { config: { guard: { behavior: { returns: [{ status: 200, max: 100 }] } } } }, async () => 'more')
    app.get('/off', { config: { guard: { behavior: false } } }, async () => 'off')
  })
  await times(app, 1, '/items/1')
  await times(app, 5, '/off')
  t.assert.strictEqual(events.length, 0)
  await times(app, 1, '/items/2')
  t.assert.strictEqual(events.length, 1)
  for (const url of ['/', '/a', '/more']) await times(app, 1, url)
  t.assert.strictEqual(events.length, 1)
  await times(app, 1, '/more')
  t.assert.strictEqual(events.length, 2, 'a route with rules of its own for answers shares the plugin\'s for calls')
})

test('passive: reports what it would do, and does nothing', async (t: TestContext) => {
  const called: BehaviorFinding[] = []
  for (const options of [{ mode: 'passive', behavior: { usage: { max: 1, action: 'ban' } } }, { behavior: { mode: 'passive', usage: { max: 1, action: 'ban' } } }] as const) {
    const { app } = await build(t, options)
    t.assert.deepStrictEqual(await times(app, 4), [200, 200, 200, 200])
    t.assert.deepStrictEqual(app.guard.bans(), [])
    t.assert.strictEqual(app.guard.stats().byCode['GUARD_BEHAVIOR']?.reported, 3)
  }
  const own = await build(t, { mode: 'passive', behavior: { usage: { max: 0, action: (_request, found) => { called.push(found) } }, frequency: { max: 0.01, action: 'throttle', delay: '20s' } } })
  await times(own.app, 3)
  t.assert.deepStrictEqual(called, [])
})

test('an own function learns what was found; what it throws harms nothing', async (t: TestContext) => {
  const found: BehaviorFinding[] = []
  const { app } = await build(t, { behavior: { usage: { max: 1, window: '1m', action: async (_request, finding) => { found.push(finding); throw new Error('boom') } }, returns: [{ status: 200, max: 0, action () { throw new Error('boom') } }] } })
  t.assert.deepStrictEqual(await times(app, 4), [200, 200, 200, 200])
  t.assert.deepStrictEqual(found.map(({ time, ...rest }) => rest), [{ rule: 'usage', max: 1, window: 60_000, client: CLIENT, route: '/' }])
})

test('throttle really delays, by its own time', async (t: TestContext) => {
  const { app } = await build(t, { behavior: { usage: { max: 1, action: 'throttle', delay: 150 } } })
  await times(app, 1)
  const start = performance.now()
  t.assert.strictEqual(await status(app), 200)
  t.assert.ok(performance.now() - start >= 140)
  t.assert.strictEqual(await status(app, { ip: '203.0.113.8' }), 200)
})

test('throttle holds at most ten requests of a client; more are refused', async (t: TestContext) => {
  const { app } = await build(t, { behavior: { usage: { max: 0, action: 'throttle', delay: 100 } } })
  const statuses = await Promise.all(Array.from({ length: 14 }, () => status(app)))
  t.assert.deepStrictEqual([statuses.filter((code) => code === 200).length, statuses.filter((code) => code === 429).length], [10, 4])
})

test('throttle lets go when the client leaves, and when the server closes', async (t: TestContext) => {
  let served = 0
  const { app } = await build(t, { behavior: { usage: { max: 0, action: 'throttle', delay: '20s' } } }, (app) => { app.get('/count', async () => ++served) })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const room = roomOf(guardOf(app)!.services)
  const until = async (size: number): Promise<void> => {
    for (let i = 0; i < 100 && room.size !== size; i++) await new Promise((resolve) => setTimeout(resolve, 10))
    t.assert.strictEqual(room.size, size)
  }
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1', () => socket.write('GET /count HTTP/1.1\r\nhost: a\r\n\r\n'))
  await until(1)
  socket.destroy()
  await until(0)
  t.assert.strictEqual(served, 0, 'nobody is there to be served')
  const held = status(app, { url: '/count' })
  await until(1)
  const start = performance.now()
  await app.close()
  t.assert.strictEqual(await held, 200)
  t.assert.ok(performance.now() - start < 5000)
})

test('returns: status, several, and the ban meets the next request', async (t: TestContext) => {
  const { app, events } = await build(t, { behavior: { returns: [{ status: [404, 410], max: 2, window: '1m', action: 'ban' }] } })
  t.assert.deepStrictEqual(await times(app, 2, '/none'), [404, 404])
  t.assert.strictEqual(await status(app), 200)
  t.assert.deepStrictEqual(await times(app, 2, '/none'), [404, 403])
  t.assert.strictEqual(events.filter(({ type }) => type === 'banned').length, 1)
})

test('returns: refusals of the guard count, those of a ban do not', async (t: TestContext) => {
  const { app } = await build(t, { apiKey: { keys: ['k'] }, behavior: { returns: [{ status: [401, 403], max: 2, action: 'ban', duration: '1m' }] } })
  t.assert.deepStrictEqual(await times(app, 4), [401, 401, 401, 403])
  const [before] = app.guard.bans()
  await times(app, 5)
  t.assert.deepStrictEqual(app.guard.bans(), [before])
})

test('returns: JSON paths with lists, text, expressions, all of a rule', async (t: TestContext) => {
  const answers: Record<string, () => unknown> = {
    '/rare': () => ({ items: [{ type: 'common' }, { type: 'rare' }] }),
    '/common': () => ({ items: [{ type: 'common' }], type: 'rare' }),
    '/nested': () => ({ a: { b: [[{ c: 1 }]] } }),
    '/text': () => 'You Win A Prize',
    '/buffer': () => Buffer.from('code=12345'),
    '/broken': () => '{"items":'
  }
  const cases = [
    [{ json: { path: 'items[].type', equals: 'rare' } }, ['/rare']],
    [{ json: { path: 'items[1].type', equals: 'rare' } }, ['/rare']],
    [{ json: { path: 'a.b[][0].c', equals: 1 } }, ['/nested']],
    [{ json: { path: 'a.b[][0].c', equals: '1' } }, []],
    [{ text: 'win a prize' }, []],
    [{ text: 'win a prize', ignoreCase: true }, ['/text']],
    [{ regexp: /code=\d{5}/g }, ['/buffer']],
    [{ text: 'rare', status: 200 }, ['/rare', '/common']],
    [{ text: 'rare', status: 500 }, []]
  ] as const
  for (const [matcher, expected] of cases) {
    const seen: string[] = []
    const { app } = await build(t, { detection: false, behavior: { returns: [{ max: 0, window: 1000, action: (request) => { seen.push(request.url) }, ...matcher }] } }, (app) => {
      for (const [url, answer] of Object.entries(answers)) app.get(url, async () => answer())
    })
    for (const [i, url] of Object.keys(answers).entries()) await status(app, { url, ip: `198.51.100.${i}` })
    t.assert.deepStrictEqual(seen, expected, JSON.stringify(matcher))
  }
})

test('returns: only maxBytes are looked at, and streams pass untouched', async (t: TestContext) => {
  const { Readable } = await import('node:stream')
  const { app, events } = await build(t, { behavior: { returns: [{ text: 'needle', max: 0, maxBytes: 100 }, { json: { path: 'needle', equals: 1 }, max: 0, maxBytes: 100 }] } }, (app) => {
    app.get('/far', async () => `${'x'.repeat(100)}needle`)
    app.get('/long', async () => ({ needle: 1, pad: 'x'.repeat(200) }))
    app.get('/stream', async () => Readable.from(['needle']))
    app.get('/near', async () => 'a needle')
  })
  for (const url of ['/far', '/stream']) t.assert.strictEqual(await status(app, { url }), 200)
  t.assert.strictEqual((await app.inject('/stream')).body, 'needle')
  t.assert.strictEqual(events.length, 0)
  for (const [i, url] of ['/near', '/long'].entries()) await status(app, { url, ip: `198.51.100.${i}` })
  t.assert.deepStrictEqual(events.map((event) => event.type === 'reported' && [event.path, event.rule]), [['/near', 'returns[0]'], ['/long', 'returns[0]']])
})

test('counters are those of the store: bounded, seen in stats, forgotten by reset', async (t: TestContext) => {
  const { app, events } = await build(t, { maxKeys: 100, behavior: { usage: { max: 1 } } })
  for (let i = 0; i < 300; i++) await status(app, { ip: `198.51.${i >> 8}.${i & 255}` })
  t.assert.strictEqual(app.guard.stats().limits['keys'], 100)
  await times(app, 2)
  t.assert.strictEqual(events.length, 1)
  await app.guard.limits.reset(CLIENT)
  await times(app, 1)
  t.assert.strictEqual(events.length, 1)
})

test('wrong values stop the start', async (t: TestContext) => {
  for (const [value, path] of [
    [{ usage: {} }, /behavior\.usage\.max is missing/], [{ usage: { max: -1 } }, /behavior\.usage\.max/], [{ usage: { max: NaN } }, /behavior\.usage\.max/], [{ usage: { max: 1, action: 'block' } }, /behavior\.usage\.action/],
    [{ usage: { max: 1, window: 0 } }, /behavior\.usage\.window/], [{ usage: { max: 1, action: 'throttle', delay: '1m' } }, /behavior\.usage\.delay must be at most 30 seconds/],
    [{ usage: { max: 1, delay: 10 } }, /behavior\.usage\.delay is for action/], [{ usage: { max: 1, duration: 10 } }, /behavior\.usage\.duration is for action/],
    [{ frequency: { max: 0 } }, /behavior\.frequency\.max/], [{ returns: [] }, /behavior\.returns must have/], [{ returns: [{ max: 1 }] }, /behavior\.returns\[0\] needs one of/],
    [{ returns: [{ max: 1, json: { path: 'a..b', equals: 1 } }] }, /behavior\.returns\[0\]\.json\.path/], [{ returns: [{ max: 1, json: { path: 'a' } }] }, /equals is missing/],
    [{ returns: [{ max: 1, status: 99 }] }, /behavior\.returns\[0\]\.status/], [{ returns: [{ max: 1, regexp: 'x' }] }, /behavior\.returns\[0\]\.regexp/],
    [{ usages: {} }, /behavior\.usages is unknown, did you mean usage\?/], [true, /behavior must be/]
  ] as const) {
    t.assert.match((await startError({ behavior: value })).message, path)
    t.assert.match((await startError({}, { behavior: value })).message, path)
  }
})
