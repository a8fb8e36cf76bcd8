import { fork } from 'node:child_process'
import { once } from 'node:events'
import { after, before, describe, test, type TestContext } from 'node:test'
import { join } from 'node:path'
import Fastify from 'fastify'
import fastifyRedis from '@fastify/redis'
import { build, CLIENT, startError, status } from '../helpers.ts'
import { ask, counter } from '../limits/store-suite.ts'
import { clientOf, Redis, skip, startCluster, startServer, until, type ClusterServers, type Server, type TestClient } from './server.ts'
import guardPlugin, { type RedisStoreOptions } from '../../lib/index.ts'
import { remote } from '../../lib/redis/remote.ts'

/** Far above what a busy machine needs. */
const TIMEOUT = 10_000

/** Has nodes send requests at the same time. Of each client, how many passed over all of them. */
async function onNodes (skews: readonly number[], orders: { store: RedisStoreOptions, max: number, requests: number, clients: number }): Promise<number[]> {
  const nodes = skews.map(() => fork(join(import.meta.dirname, 'node.ts'), { execArgv: ['--import', 'tsx'] }))
  try {
    await Promise.all(nodes.map((node) => once(node, 'message')))
    const answers = await Promise.all(nodes.map(async (node, i) => {
      const answer = once(node, 'message')
      node.send({ ...orders, skew: skews[i]! })
      const [passed] = await Promise.race([answer, once(node, 'exit').then(() => { throw new Error('a node ended') })]) as [number[]]
      return passed
    }))
    return Array.from({ length: orders.clients }, (_, client) => answers.reduce((sum, passed) => sum + passed[client]!, 0))
  } finally {
    for (const node of nodes) node.kill()
  }
}

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
  const url = () => `redis://127.0.0.1:${server.port}`

  test('4 processes with 200 parallel requests each let exactly 50 of one client through, whatever their clocks say', async (t: TestContext) => {
    const passed = await onNodes([0, 0, 90_000, -90_000], { store: { redis: url(), prefix: 'four:', timeout: TIMEOUT }, max: 50, requests: 200, clients: 1 })
    t.assert.deepStrictEqual(passed, [50])
  })

  test('the application\'s own connection is used and left open', async (t: TestContext) => {
    const app = Fastify()
    t.after(() => app.close())
    await app.register(fastifyRedis, { port: server.port, host: '127.0.0.1' })
    await app.register(guardPlugin, { rateLimit: { max: 1, window: '1m' }, store: { redis: true, prefix: 'app:', timeout: TIMEOUT } })
    app.get('/', async () => app.redis.ping())
    t.assert.deepStrictEqual([await status(app), await status(app)], [200, 429])
    t.assert.strictEqual((await client.call('KEYS', 'app:{203*') as string[]).length, 1)
    await app.close()
  })

  test('a client of the application is used and left open', async (t: TestContext) => {
    const own = clientOf(server.port)
    t.after(() => own.disconnect())
    const { app } = await build(t, { rateLimit: { max: 1, window: '1m' }, store: { redis: own, prefix: 'client:', timeout: TIMEOUT } })
    t.assert.deepStrictEqual([await status(app), await status(app)], [200, 429])
    await app.close()
    t.assert.strictEqual(own.status, 'ready')
    t.assert.strictEqual(await own.call('PING'), 'PONG')
  })

  test('anything with the methods that the guard calls is a client', async (t: TestContext) => {
    const own = { evalsha: client.evalsha.bind(client), eval: client.eval.bind(client), scan: client.scan.bind(client), unlink: client.unlink.bind(client), on () {} }
    const { app } = await build(t, { rateLimit: { max: 1, window: '1m' }, store: { redis: own, prefix: 'plain:', timeout: TIMEOUT } })
    t.assert.deepStrictEqual([await status(app), await status(app)], [200, 429])
    await app.guard.limits.reset(CLIENT)
    t.assert.strictEqual(await status(app), 200)
    t.assert.strictEqual((await app.guard.limits.peek(CLIENT))[0]!.remaining, 0)
    await app.guard.reset()
    t.assert.deepStrictEqual(await client.call('KEYS', 'plain:{203*'), [])
  })

  test('several limits are one round trip, and a refused request takes from none', async (t: TestContext) => {
    const { app } = await build(t, { rateLimit: [{ max: 9, window: '1m', name: 'wide' }, { max: 2, window: '1m', name: 'narrow', algorithm: 'gcra' }], store: { redis: url(), prefix: 'many:', timeout: TIMEOUT } })
    t.assert.deepStrictEqual([await status(app), await status(app), await status(app), await status(app)], [200, 200, 429, 429])
    t.assert.strictEqual(app.guard.stats().store.calls, 4)
    const left = await app.guard.limits.peek(CLIENT)
    t.assert.deepStrictEqual(left.map(({ limit, remaining }) => [limit, remaining]), [['wide', 7], ['narrow', 0]])
  })

  test('a limit by key that refuses gives the limit by client back', async (t: TestContext) => {
    const { app } = await build(t, { rateLimit: [{ max: 9, window: '1m', name: 'client' }, { max: 1, window: '1m', name: 'key', key: () => 'k' }], store: { redis: url(), prefix: 'late:', timeout: TIMEOUT } })
    t.assert.deepStrictEqual([await status(app), await status(app), await status(app)], [200, 429, 429])
    t.assert.strictEqual((await app.guard.limits.peek(CLIENT))[0]!.remaining, 8)
  })
})

describe('Redis Cluster of three nodes', { skip }, () => {
  let servers: ClusterServers
  let cluster: TestClient
  before(async () => {
    servers = await startCluster()
    cluster = new Redis.Cluster(servers.ports.map((port) => ({ port, host: '127.0.0.1' })))
    cluster.on('error', () => {})
    await until(() => cluster.status === 'ready', 'the cluster is ready')
  })
  after(async () => {
    cluster.disconnect()
    await servers.stop()
  })

  test('clients are counted wherever their slot is, exactly', async (t: TestContext) => {
    const { app } = await build(t, { rateLimit: [{ max: 3, window: '1m', name: 'a' }, { max: 5, window: '1h', name: 'b' }], store: { redis: cluster, timeout: TIMEOUT } })
    const codes = await Promise.all(Array.from({ length: 200 }, (_, i) => status(app, { ip: `198.51.100.${i % 40}` })))
    t.assert.strictEqual(codes.filter((code) => code === 200).length, 120)
    const { failures, fallbacks } = app.guard.stats().store
    t.assert.deepStrictEqual({ failures, fallbacks }, { failures: 0, fallbacks: 0 })
    const used = await Promise.all(servers.ports.map(async (port) => {
      const node = clientOf(port)
      const keys = await node.call('KEYS', 'guard:{198*') as string[]
      node.disconnect()
      return keys.length
    }))
    t.assert.ok(used.every((keys) => keys > 0), `keys by node: ${used.join()}`)
    t.assert.strictEqual(used[0]! + used[1]! + used[2]!, 80)
    await app.guard.reset()
    t.assert.strictEqual(await status(app, { ip: '198.51.100.1' }), 200)
  })

  test('limits of one request with different keys: a later refusal gives back what the earlier ones took', async (t: TestContext) => {
    const store = remote({ client: cluster, prefix: 'apart:', timeout: TIMEOUT })
    const [wide, narrow] = [counter('sliding-window', 60_000), counter('sliding-window', 60_000)]
    const asks = [ask(wide, 'one', { max: 9 }), ask(narrow, 'another', { max: 2 }), ask(wide, 'third', { max: 9 })]
    for (let i = 0; i < 5; i++) {
      const { passed, left } = await store.take(asks)
      t.assert.strictEqual(passed, i < 2)
      t.assert.strictEqual(left.length, 3)
    }
    const { passed, left } = await store.peek(asks)
    t.assert.strictEqual(passed, false)
    t.assert.deepStrictEqual(left.map(({ remaining }) => remaining), [7, 0, 7])
    await store.reset([narrow], 'another')
    t.assert.strictEqual((await store.take(asks)).passed, true)
  })
})

test('an application without Redis is told what it needs', async (t: TestContext) => {
  const { code, message } = await startError({ store: { redis: true } })
  t.assert.strictEqual(code, 'GUARD_OPTION_INVALID')
  t.assert.match(message, /register @fastify\/redis before the guard/)
  for (const [store, problem] of [
    [{ redis: 'localhost:6379' }, /store\.redis must be true, a redis:\/\/ or rediss:\/\/ URL/],
    [{}, /store\.redis is missing/],
    [{ redis: true, mode: 'fast' }, /store\.mode must be one of 'strict', 'lease'/],
    [{ redis: true, prefx: 'x' }, /did you mean prefix\?/],
    [{ redis: true, timeout: 0 }, /store\.timeout/],
    [{ redis: true, prefix: '{x}' }, /store\.prefix/]
  ] as const) t.assert.match((await startError({ store })).message, problem)
})
