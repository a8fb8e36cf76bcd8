import { after, before, describe, test, type TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { GuardEvent, GuardOptions, RedisStoreOptions } from '../../lib/index.ts'
import { build, CLIENT, status, type Built } from '../helpers.ts'
import { clientOf, skip, startServer, until, type Server, type TestClient } from '../redis/server.ts'

const OTHER = '198.51.100.1'

describe('nodes that share one Redis', { skip }, () => {
  let server: Server
  let client: TestClient
  before(async () => {
    server = await startServer()
    client = clientOf(server.port)
  })
  after(async () => {
    client.disconnect()
    await server.stop()
  })
  const storeOf = (t: TestContext): RedisStoreOptions => ({ redis: `redis://127.0.0.1:${server.port}`, prefix: `${t.name}:`, timeout: 10_000 })

  async function node (t: TestContext, options: GuardOptions = {}): Promise<Built> {
    const built = await build(t, { store: storeOf(t), ...options })
    await built.app.ready()
    return built
  }
  const is = (app: FastifyInstance, expected: number, ip = CLIENT): Promise<void> => until(async () => await status(app, { ip }) === expected, `${expected} for ${ip}`)
  const updates = (events: readonly GuardEvent[]): unknown[] => events.flatMap((event) => event.type === 'update' ? [[event.source, event.by, event.changed]] : [])

  test('update with broadcast reaches every node, and one that starts later', async (t: TestContext) => {
    const [one, two] = [await node(t), await node(t, { methods: ['GET', 'POST'] })]
    await one.app.guard.update({ ip: { deny: [CLIENT] } }, { broadcast: true, by: 'ada' })
    t.assert.strictEqual(await status(one.app), 403)
    await is(two.app, 403)
    await two.app.guard.update({ ip: { deny: [OTHER] }, detection: { rules: [{ id: 'own', pattern: 'secret-word' }] } }, { broadcast: true })
    await is(one.app, 200)
    await is(one.app, 403, OTHER)
    t.assert.strictEqual(await status(one.app, { url: '/?q=secret-word' }), 400)
    const three = await node(t)
    t.assert.deepStrictEqual([await status(three.app), await status(three.app, { ip: OTHER })], [200, 403])
    t.assert.deepStrictEqual(updates(one.events), [['code', 'ada', ['ip']], ['store', undefined, ['ip', 'detection']]])
    t.assert.strictEqual(await status(two.app, { method: 'PUT' }), 405, 'what was not sent stays')
  })

  test('rollback with broadcast takes back what was sent last', async (t: TestContext) => {
    const [one, two] = [await node(t), await node(t)]
    t.assert.strictEqual(await one.app.guard.rollback({ broadcast: true }), false)
    await one.app.guard.update({ ip: { deny: [CLIENT] } }, { broadcast: true })
    await one.app.guard.update({ methods: ['POST'] }, { broadcast: true })
    await is(two.app, 403)
    t.assert.strictEqual(await status(two.app, { ip: OTHER }), 405)
    t.assert.strictEqual(await two.app.guard.rollback({ broadcast: true, by: 'bob' }), true)
    await is(one.app, 200, OTHER)
    t.assert.strictEqual(await status(one.app), 403)
    await two.app.guard.rollback({ broadcast: true })
    await is(one.app, 200)
  })

  test('nodes that roll back at the same time take back one update each', async (t: TestContext) => {
    const [one, two] = [await node(t), await node(t)]
    for (const methods of [['GET'], ['POST'], ['PUT']]) await one.app.guard.update({ methods }, { broadcast: true })
    t.assert.deepStrictEqual(await Promise.all([one, two].map(({ app }) => app.guard.rollback({ broadcast: true }))), [true, true])
    await is(one.app, 200)
    await is(two.app, 200)
    await one.app.guard.rollback({ broadcast: true })
    await until(async () => await status(two.app, { method: 'PUT' }) === 404)
    t.assert.strictEqual(await one.app.guard.rollback({ broadcast: true }), false)
  })

  test('what cannot be sent, or not be used, changes nothing anywhere', async (t: TestContext) => {
    const { app } = await node(t)
    for (const [changes, message] of [
      [{ check: () => {} }, /check is a function, which cannot be sent/],
      [{ userAgent: { deny: [/x/] } }, /userAgent\.deny\[0\] is a RegExp/],
      [{ mode: 'passive' }, /mode must be left to the program/],
      [{ ip: { deny: ['x.'] } }, /ip\.deny\[0\]/],
      [{ country: { deny: ['DE'] } }, /country needs a database/]
    ] as const) {
      await t.assert.rejects(async () => app.guard.update(changes as GuardOptions, { broadcast: true }), { code: 'GUARD_OPTION_INVALID', message })
    }
    t.assert.strictEqual(await client.call('EXISTS', `${t.name}:shared:{rules}`), 0)
    const alone = await build(t)
    await t.assert.rejects(async () => alone.app.guard.update({}, { broadcast: true }), /broadcast needs a store/)
    await t.assert.rejects(async () => alone.app.guard.update({}, { brodcast: true } as object), /brodcast is unknown, did you mean broadcast\?/)
  })

  test('a node on which shared rules make no sense keeps the last good ones and says so', async (t: TestContext) => {
    const [one, two] = [await node(t, { geo: { handler: { lookup: () => ({ country: 'DE' }) } } }), await node(t)]
    await one.app.guard.update({ ip: { deny: [CLIENT] } }, { broadcast: true })
    await is(two.app, 403)
    await one.app.guard.update({ ip: false, country: { deny: ['DE'] } }, { broadcast: true })
    await until(() => two.events.some((event) => event.type === 'rules' && event.state === 'refused' && event.source === 'store'))
    t.assert.strictEqual(await status(two.app), 403)
    await client.call('HSET', `${t.name}:shared:{rules}`, 'version', '9999999999999999', 'text', '{"rules":{"mode":"off"}}')
    await client.call('PUBLISH', `${t.name}:channel`, 'rules')
    await until(() => two.events.filter((event) => event.type === 'rules').length === 2)
    t.assert.strictEqual(await status(two.app), 403)
  })

  test('nodes that update at the same time lose nothing', async (t: TestContext) => {
    const nodes = [await node(t), await node(t), await node(t)]
    const names = ['a', 'b', 'c']
    await Promise.all(nodes.map(({ app }, i) => app.guard.update({ [['hosts', 'methods', 'contentType'][i]!]: [['localhost:80', 'localhost'], ['GET'], { allow: ['text/plain'] }][i] }, { broadcast: true, by: names[i]! })))
    for (const { app } of nodes) {
      await until(async () => await status(app, { method: 'PUT' }) === 405 && await status(app, { headers: { host: 'evil.test' } }) === 421)
      t.assert.deepStrictEqual(app.guard.routes()[0]!.rules.contentType, { allow: ['text/plain'] })
    }
  })

  test('emergency mode reaches every node, and one that starts later', async (t: TestContext) => {
    const [one, two] = [await node(t), await node(t)]
    one.app.guard.emergency(true)
    t.assert.strictEqual(await status(one.app), 503)
    await is(two.app, 503)
    const three = await node(t)
    t.assert.strictEqual(await status(three.app), 503)
    two.app.guard.emergency(false)
    await is(one.app, 200)
    await is(three.app, 200)
    const own = await node(t, { emergency: true })
    t.assert.strictEqual(await status(own.app), 503, 'an old "off" does not lift what the options say')
    one.app.guard.emergency({ for: 300 })
    await is(two.app, 503)
    await is(two.app, 200)
    t.assert.deepStrictEqual(two.events.flatMap((event) => event.type === 'emergency' ? [[event.enabled, event.by]] : []),
      [[true, 'store'], [false, 'code'], [true, 'store'], [false, 'timer']])
  })

  test('emergency mode that is on already takes over a new end, and the last of several switches counts', async (t: TestContext) => {
    const [one, two] = [await node(t), await node(t)]
    const heard = (): unknown[] => two.events.flatMap((event) => event.type === 'emergency' ? [[event.enabled, event.by]] : [])
    one.app.guard.emergency({ for: 60_000 })
    await is(two.app, 503)
    one.app.guard.emergency({ for: 200 })
    await is(two.app, 200)
    t.assert.deepStrictEqual(heard(), [[true, 'store'], [true, 'store'], [false, 'timer']])
    one.app.guard.emergency({ for: 200 })
    await is(two.app, 503)
    one.app.guard.emergency(true)
    await until(() => heard().length === 5)
    await new Promise((resolve) => setTimeout(resolve, 300))
    t.assert.strictEqual(await status(two.app), 503)
    for (const on of [false, true, false, true, false]) one.app.guard.emergency(on)
    await is(two.app, 200)
    t.assert.strictEqual(await status((await node(t)).app), 200)
  })

  test('a node without messages, and one whose connection was cut, learn it all the same', async (t: TestContext) => {
    const plain = { evalsha: client.evalsha.bind(client), eval: client.eval.bind(client), scan: client.scan.bind(client), unlink: client.unlink.bind(client), on () {} }
    const [one, two, deaf] = [await node(t), await node(t), await node(t, { store: { redis: plain, prefix: `${t.name}:` } })]
    await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    one.app.guard.emergency(true)
    await is(two.app, 503)
    await is(deaf.app, 503)
  })

  test('what could not be told while Redis was away is told when it is back', async (t: TestContext) => {
    const own = await startServer()
    t.after(() => own.stop())
    const store = { redis: `redis://127.0.0.1:${own.port}`, prefix: 'away:' }
    const [one, two] = [await node(t, { store }), await node(t, { store })]
    await own.stop()
    await until(() => one.app.guard.stats().store.state === 'down')
    one.app.guard.emergency(true)
    t.assert.strictEqual(await status(one.app), 503)
    await t.assert.rejects(one.app.guard.update({ methods: ['POST'] }, { broadcast: true }))
    const again = await startServer([], own.port)
    t.after(() => again.stop())
    await is(two.app, 503)
    two.app.guard.emergency(false)
    await is(one.app, 200)
  })
})
