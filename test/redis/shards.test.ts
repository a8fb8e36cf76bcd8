import { after, before, beforeEach, describe, test, type TestContext } from 'node:test'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { build, status, type Built } from '../helpers.ts'
import { clientOf, Redis, skip, startCluster, until, type ClusterServers, type TestClient } from './server.ts'
import type { GuardOptions, RedisClient, RedisStoreOptions } from '../../lib/index.ts'
import { nodeFinder, slotOf, tagOf } from '../../lib/redis/keys.ts'

/** Far above what a slow machine needs to answer, so that only faults are faults. */
const TIMEOUT = 800
const LIMIT: GuardOptions = { rateLimit: { max: 3, window: '1m' } }
const FULL = ['--cluster-require-full-coverage', 'no']
const isUp = ({ app }: Built): boolean => app.guard.stats().store.state === 'up'
const numbers = (app: FastifyInstance) => app.guard.stats().store as { calls: number, failures: number, fallbacks: number }

/** Names that are on a master of `startCluster`, each a new one. */
function namesOn (shard: number, name: (i: number) => string): () => string {
  let i = 0
  return () => {
    for (;;) {
      const found = name(i++)
      if (Math.floor(slotOf(`{${tagOf(found)}}`) * 3 / 16384) === shard) return found
    }
  }
}
const addressesOn = (shard: number) => namesOn(shard, (i) => `198.51.${100 + (i >> 8)}.${i & 255}`)

/** How many of `count` requests pass, which go to the nodes in turn. */
async function passing (nodes: readonly Built[], count: number, sent: Parameters<typeof status>[1]): Promise<number> {
  let passed = 0
  for (let i = 0; i < count; i++) if (await status(nodes[i % nodes.length]!.app, sent) === 200) passed++
  return passed
}

async function clusterClient (t: TestContext, servers: ClusterServers, options: object = {}): Promise<TestClient> {
  const client = new Redis.Cluster(servers.ports.map((port) => ({ port, host: '127.0.0.1' })), options)
  client.on('error', () => {})
  t.after(() => client.disconnect())
  await until(() => client.status === 'ready', 'the cluster is ready')
  return client
}

let prefixes = 0
/** Two nodes, each with a client of its own. */
async function nodesOf (t: TestContext, servers: ClusterServers, options: GuardOptions = LIMIT, store: Partial<RedisStoreOptions> = {}): Promise<[Built, Built]> {
  const prefix = `shards${prefixes++}:`
  const node = async (): Promise<Built> => {
    const built = await build(t, { ...options, store: { redis: await clusterClient(t, servers), prefix, timeout: TIMEOUT, ...store } })
    await built.app.ready()
    return built
  }
  return [await node(), await node()]
}

/** Has each node find out that a shard fails, with requests of the others between. */
async function opened (nodes: readonly Built[], lost: () => string, kept: () => string): Promise<void> {
  await Promise.all(nodes.map(async ({ app }) => {
    const { failures, fallbacks } = numbers(app)
    for (let i = 0; i < 3; i++) {
      await status(app, { ip: lost() })
      await status(app, { ip: kept() })
    }
    const found = app.guard.stats().store
    if (found.state === 'up' || found.failures !== failures + 3 || found.fallbacks !== fallbacks + 3) throw new Error(`${failures} failures, ${fallbacks} fallbacks before; now ${JSON.stringify(found)}`)
  }))
}

describe('a shard of Redis Cluster that fails', { skip }, () => {
  let servers: ClusterServers
  before(async () => { servers = await startCluster(FULL) })
  after(() => servers.stop())
  beforeEach(() => settled())

  /** Hangs a master until the test ends, or until what it returns is called. */
  function hang (t: TestContext, shard: number): () => void {
    servers.servers[shard]!.signal('SIGSTOP')
    const mend = (): void => servers.servers[shard]!.signal('SIGCONT')
    t.after(mend)
    return mend
  }

  /** Until each master takes all of them to be well again. */
  async function settled (): Promise<void> {
    for (const port of servers.ports) {
      const client = clientOf(port)
      const holds = async (): Promise<boolean> => String(await client.call('CLUSTER', 'INFO')).includes('cluster_state:ok') && !String(await client.call('CLUSTER', 'NODES')).includes('fail')
      await until(holds, 'the cluster is well').finally(() => client.disconnect())
    }
  }

  test('its clients are limited by each node and wait for nothing, the others\' limits stay exact and shared', async (t: TestContext) => {
    const nodes = await nodesOf(t, servers)
    const [lost, kept, other] = [addressesOn(0), addressesOn(1), addressesOn(2)]
    const before = lost()
    t.assert.strictEqual(await passing(nodes, 8, { ip: before }), 3)
    const mend = hang(t, 0)
    await opened(nodes, lost, kept)

    // What a node let through before is counted there.
    t.assert.strictEqual(await passing(nodes, 8, { ip: before }), 3)
    for (const { app } of nodes) {
      const { calls, fallbacks } = numbers(app)
      t.assert.strictEqual(await passing([{ app } as Built], 10, { ip: lost() }), 3)
      t.assert.strictEqual(numbers(app).calls, calls, 'nobody asks the shard')
      t.assert.strictEqual(numbers(app).fallbacks, fallbacks + 10)
    }
    const found = nodes.map(({ app }) => numbers(app))
    for (const ip of [kept(), other(), kept(), other()]) t.assert.strictEqual(await passing(nodes, 8, { ip }), 3)
    for (const [i, { app }] of nodes.entries()) {
      t.assert.strictEqual(numbers(app).fallbacks, found[i]!.fallbacks, 'Redis judged the others')
      t.assert.strictEqual(numbers(app).failures, found[i]!.failures)
    }

    const { reason } = nodes[0].app.guard.stats().store
    t.assert.match(reason!, new RegExp(`^127\\.0\\.0\\.1:${servers.ports[0]}: no answer within ${TIMEOUT} ms$`))
    await t.assert.rejects(async () => { await nodes[0].app.guard.ready() }, { code: 'GUARD_STORE_DOWN' })
    mend()
    await until(() => nodes.every(isUp), 'the shard is found again')
    await nodes[0].app.guard.ready()
    t.assert.strictEqual(await passing(nodes, 8, { ip: lost() }), 3)
    for (const { events, lines } of nodes) {
      const told = events.filter(({ type }) => type === 'store') as unknown as Array<{ state: string, reason: string }>
      t.assert.deepStrictEqual(told.map(({ state }) => state), ['down', 'up'])
      t.assert.ok(told.every(({ reason }) => reason.includes(String(servers.ports[0]))))
      t.assert.ok(lines.filter(({ event }) => event === 'guard.store').length <= 2)
    }
  })

  test('of two that fail each is told, and ends by itself', async (t: TestContext) => {
    const [node] = await nodesOf(t, servers)
    const [first, second, kept] = [addressesOn(0), addressesOn(1), addressesOn(2)]
    const mendFirst = hang(t, 0)
    await opened([node], first, kept)
    const mendSecond = hang(t, 1)
    const { since } = node.app.guard.stats().store
    for (let i = 0; i < 3; i++) await status(node.app, { ip: second() })
    const reason = (): string => node.app.guard.stats().store.reason!
    t.assert.ok(servers.ports.map((port) => reason().includes(String(port))).join() === 'true,true,false', reason())
    mendFirst()
    await until(() => !reason().includes(String(servers.ports[0])), 'the first one is found again')
    t.assert.strictEqual(isUp(node), false)
    t.assert.strictEqual(node.app.guard.stats().store.since, since)
    mendSecond()
    await until(() => isUp(node))
    const told = node.events.filter(({ type }) => type === 'store') as unknown as Array<{ state: string }>
    t.assert.deepStrictEqual(told.map(({ state }) => state).slice(0, 2), ['down', 'down'])
    t.assert.strictEqual(told.at(-1)!.state, 'up')
  })

  test('a request with keys on several shards: those on the others are counted there, or not at all', async (t: TestContext) => {
    const key = (name: string) => (request: { headers: Record<string, unknown> }): string => String(request.headers[name])
    const rateLimit = [{ name: 'near', max: 2, window: '1m', key: key('x-lost') }, { name: 'far', max: 4, window: '1m', key: key('x-kept') }]
    const name = (i: number): string => `name ${i}`
    const [lost, kept] = [namesOn(0, name), namesOn(1, name)]
    const nodes = await nodesOf(t, servers, { rateLimit })
    const mend = hang(t, 0)
    const send = (count: number, headers: Record<string, string>, to: readonly Built[] = nodes) => passing(to, count, { headers })
    await Promise.all(nodes.map(async (node) => {
      for (let i = 0; i < 3; i++) await send(1, { 'x-lost': lost(), 'x-kept': kept() }, [node])
      t.assert.strictEqual(isUp(node), false)
    }))
    const shared = kept()
    let passed = 0
    for (let i = 0; i < 12; i++) passed += await send(1, { 'x-lost': lost(), 'x-kept': shared }, [nodes[i % 2]!])
    t.assert.strictEqual(passed, 4, 'the limit on the shard that works holds over both nodes')
    const [own, other] = [lost(), kept()]
    t.assert.strictEqual(await send(6, { 'x-lost': own, 'x-kept': other }, [nodes[0]]), 2)
    const left = async (): Promise<number> => (await nodes[1].app.guard.limits.peek(other)).find(({ limit }) => limit === 'far')!.remaining
    await until(async () => await left() === 2, 'what refused requests took is given back')
    mend()
    await until(() => nodes.every(isUp))
    t.assert.strictEqual(await send(8, { 'x-lost': lost(), 'x-kept': kept() }), 2)
  })

  for (const [onError, passed] of [['pass', 8], ['refuse', 0]] as const) {
    test(`onError: '${onError}' is for the clients of that shard alone`, async (t: TestContext) => {
      const nodes = await nodesOf(t, servers, LIMIT, { onError })
      const [lost, kept] = [addressesOn(2), addressesOn(1)]
      hang(t, 2)
      await opened(nodes, lost, kept)
      t.assert.strictEqual(await passing(nodes, 8, { ip: lost() }), passed)
      t.assert.strictEqual(await passing(nodes, 8, { ip: kept() }), 3)
    })
  }

  test('whoever waits for a shard when its circuit opens waits no longer, and the others go on waiting', async (t: TestContext) => {
    const client = await clusterClient(t, servers)
    const held: Array<() => void> = []
    let broken = false
    const own: RedisClient = {
      isCluster: true,
      slots: client.slots!,
      eval: (...args) => client.eval(...args),
      scan: (...args) => client.scan(...args),
      unlink: (key) => client.unlink(key),
      on () {},
      evalsha (...args) {
        const answer = () => client.evalsha(...args)
        if (!args[2]!.startsWith('held:{198.51.')) return answer()
        if (broken) return Promise.reject(new Error('broken'))
        return new Promise((resolve, reject) => { held.push(() => { answer().then(resolve, reject) }) })
      }
    }
    const { app } = await build(t, { ...LIMIT, store: { redis: own, prefix: 'held:', timeout: 60_000 } })
    await app.ready()
    const [lost, kept] = [addressesOn(0), addressesOn(1)]
    const waiting = [lost(), lost(), kept()].map((ip) => status(app, { ip }))
    await until(() => held.length === 3)
    broken = true
    for (let i = 0; i < 3; i++) t.assert.strictEqual(await status(app, { ip: lost() }), 200)
    await until(() => numbers(app).fallbacks === 5, 'two more are judged here')
    held.forEach((answer) => answer())
    t.assert.deepStrictEqual(await Promise.all(waiting), [200, 200, 200])
    t.assert.strictEqual(numbers(app).fallbacks, 5)
  })

  test('what is given back is given back where it was counted', async (t: TestContext) => {
    const nodes = await nodesOf(t, servers, { rateLimit: { max: 2, window: '1m', count: 'failures' } })
    const [lost, kept] = [addressesOn(0), addressesOn(1)]
    hang(t, 0)
    await opened(nodes, lost, kept)
    for (const ip of [lost(), kept()]) t.assert.strictEqual(await passing(nodes, 12, { ip }), 12)
  })

  test('leases of the other shards go on', async (t: TestContext) => {
    const [node] = await nodesOf(t, servers, { rateLimit: { max: 100, window: '1m' } }, { mode: 'lease' })
    const [lost, kept] = [addressesOn(0), addressesOn(1)]
    hang(t, 0)
    await opened([node], lost, kept)
    const leased = (): number => node.app.guard.stats().store.leased!
    const before = leased()
    t.assert.strictEqual(await passing([node], 120, { ip: kept() }), 100)
    t.assert.ok(leased() > before)
    const between = leased()
    t.assert.strictEqual(await passing([node], 120, { ip: lost() }), 100)
    t.assert.strictEqual(leased(), between)
  })

  test('a connection that is gone altogether opens all', async (t: TestContext) => {
    // ioredis waits for the answer of some node, without end if that one hangs.
    const client = await clusterClient(t, servers, { enableReadyCheck: false }) as TestClient & { connect: () => Promise<void> }
    const node = await build(t, { ...LIMIT, store: { redis: client, prefix: 'gone:', timeout: TIMEOUT } })
    await node.app.ready()
    const [lost, kept] = [addressesOn(0), addressesOn(1)]
    const mend = hang(t, 0)
    await opened([node], lost, kept)
    client.disconnect()
    await until(() => node.app.guard.stats().store.reason === 'connection closed')
    const { calls } = numbers(node.app)
    t.assert.strictEqual(await passing([node], 8, { ip: kept() }), 3)
    t.assert.strictEqual(numbers(node.app).calls, calls)
    await client.connect()
    await until(() => isUp(node), 'the connection is back')
    t.assert.strictEqual(await passing([node], 8, { ip: kept() }), 3)
    t.assert.ok(numbers(node.app).calls > calls)
    // Whether the shard works is found out anew.
    await opened([node], lost, kept)
    mend()
    await until(() => isUp(node))
  })

  test('slots are those of Redis', async () => {
    const client = clientOf(servers.ports[0]!)
    const part = fc.oneof(fc.constantFrom('{', '}', 'a', '{b}', ''), fc.string({ unit: 'binary', maxLength: 4 }).filter((text) => text.isWellFormed()))
    try {
      await fc.assert(fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 5 }), async (parts) => {
        const key = parts.join('')
        if (slotOf(key) !== Number(await client.call('CLUSTER', 'KEYSLOT', key))) throw new Error(JSON.stringify(key))
      }), { numRuns: 300 })
    } finally {
      client.disconnect()
    }
  })
})

test('after a failover from a master that hangs its shard is counted at the new one', { skip }, async (t: TestContext) => {
  const servers = await startCluster(FULL)
  t.after(() => servers.stop())
  const replica = await servers.replicate()
  const nodes = await nodesOf(t, servers)
  const [lost, kept] = [addressesOn(0), addressesOn(1)]
  servers.servers[0]!.signal('SIGSTOP')
  await opened(nodes, lost, kept)
  const watcher = clientOf(replica.port)
  t.after(() => watcher.disconnect())
  await until(async () => String(await watcher.call('ROLE')).startsWith('master'), 'the replica takes over')
  await until(() => nodes.every(isUp), 'the guard asks the new master')
  const { fallbacks } = numbers(nodes[0].app)
  t.assert.strictEqual(await passing(nodes, 8, { ip: lost() }), 3)
  t.assert.strictEqual(numbers(nodes[0].app).fallbacks, fallbacks)
  servers.servers[0]!.signal('SIGCONT')
  t.assert.strictEqual(await passing(nodes, 8, { ip: lost() }), 3)
})

test('the slot of a key, by the examples of the specification', (t: TestContext) => {
  t.assert.strictEqual(slotOf('123456789'), 0x31c3)
  t.assert.strictEqual(slotOf('{user1000}.following'), slotOf('user1000'))
  t.assert.strictEqual(slotOf('foo{{bar}}zap'), slotOf('{bar'))
  t.assert.strictEqual(slotOf('foo{bar}{zap}'), slotOf('bar'))
  t.assert.notStrictEqual(slotOf('foo{}{bar}'), slotOf('bar'))
})

test('a client that tells of no slots has one shard; a keyPrefix with a hash tag puts all into one', (t: TestContext) => {
  const slots = [['first'], ...new Array<string[]>(16383).fill(['other'])]
  const client = (more: object) => more as RedisClient
  t.assert.strictEqual(nodeFinder(client({ slots }), 'guard:'), undefined)
  t.assert.strictEqual(nodeFinder(client({ isCluster: true }), 'guard:'), undefined)
  const [one, two] = [addressesOn(0)(), addressesOn(2)()]
  slots[slotOf(`{${one}}`)] = ['mine']
  slots[slotOf('tag')] = ['tagged']
  t.assert.deepStrictEqual([one, two].map(nodeFinder(client({ isCluster: true, slots }), 'guard:')!), ['mine', 'other'])
  t.assert.deepStrictEqual([one, two].map(nodeFinder(client({ isCluster: true, slots, options: { keyPrefix: '{tag}' } }), 'guard:')!), ['tagged', 'tagged'])
  t.assert.strictEqual(nodeFinder(client({ isCluster: true, slots: [] }), 'guard:')!(one), 'a slot without a node')
})
