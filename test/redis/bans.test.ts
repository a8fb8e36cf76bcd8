import { once } from 'node:events'
import { after, before, describe, test, type TestContext } from 'node:test'
import { build, CLIENT, status } from '../helpers.ts'
import { processNode, type Node } from './process-node.ts'
import { faultProxy } from './proxy.ts'
import { clientOf, freePort, Redis, skip, startCluster, startServer, until, type Server, type TestClient } from './server.ts'
import type { GuardOptions, RedisStoreOptions } from '../../lib/index.ts'

const OTHER = '198.51.100.9'
const ATTACK = '/?q=<script>alert(1)</script>'

const isBanned = async (app: { guard: { bans: () => Array<{ client: string }> } }, client = CLIENT): Promise<boolean> => app.guard.bans().some((ban) => ban.client === client)

describe('bans of nodes that share one Redis', { skip }, () => {
  let server: Server
  let direct: TestClient
  before(async () => {
    server = await startServer()
    direct = clientOf(server.port)
  })
  after(async () => {
    direct.disconnect()
    await server.stop()
  })

  let prefixes = 0
  const prefixOf = (): string => `bans${prefixes++}:`

  async function node (t: TestContext, store: Partial<RedisStoreOptions>, options: GuardOptions = {}) {
    const built = await build(t, { ...options, store: { redis: `redis://127.0.0.1:${server.port}`, timeout: 5000, ...store } })
    await built.app.ready()
    return built
  }

  async function pair (t: TestContext, options: GuardOptions = {}) {
    const prefix = prefixOf()
    const [one, other] = [await node(t, { prefix }, options), await node(t, { prefix }, options)]
    return { one: one.app, other: other.app, prefix, events: other.events }
  }

  test('a ban, a CIDR and an unban reach the other node', async (t: TestContext) => {
    const { one, other, events } = await pair(t)
    const made = one.guard.ban(CLIENT, { duration: '2h', reason: 'by hand' })
    one.guard.ban('198.51.100.0/24')
    await until(async () => await isBanned(other) && await isBanned(other, '198.51.100.0/24'))
    t.assert.strictEqual(await status(other), 403)
    t.assert.strictEqual(await status(other, { ip: OTHER }), 403)
    const [, heard] = other.guard.bans()
    t.assert.strictEqual(heard!.reason, 'by hand')
    t.assert.ok(Math.abs(heard!.until - made.until) < 1000, 'it ends when it ends')
    t.assert.deepStrictEqual(events.filter(({ type }) => type === 'banned'), [], 'who makes a ban says so, once')
    t.assert.strictEqual(other.guard.unban(CLIENT), true)
    await until(async () => !await isBanned(one))
    t.assert.strictEqual(await status(one), 200)
    t.assert.strictEqual(await status(one, { ip: OTHER }), 403)
  })

  test('a reason that was cut within a character holds up nobody', async (t: TestContext) => {
    const { one, other } = await pair(t)
    one.guard.ban(CLIENT, { reason: `${'x'.repeat(255)}\u{1f600}` })
    one.guard.ban(OTHER, { reason: 'a\ud800b' })
    await until(async () => await isBanned(other) && await isBanned(other, OTHER))
    t.assert.deepStrictEqual(new Set(other.guard.bans().map(({ reason }) => reason)), new Set([`${'x'.repeat(255)}\\ud83d...`, 'a\\ud800b']))
    t.assert.strictEqual(one.guard.stats().bans['syncFailures'], 0)
  })

  test('what was banned right before closing is told, however much', async (t: TestContext) => {
    const { one, other } = await pair(t)
    for (let i = 0; i < 170; i++) one.guard.ban(`10.0.0.${i}`)
    await one.close()
    await until(() => other.guard.bans().length === 170)
  })

  test('a client with a prefix of its own shares bans, and reset finds its keys', async (t: TestContext) => {
    const client = clientOf(server.port, { keyPrefix: 'mine:' })
    t.after(() => client.disconnect())
    const prefix = prefixOf()
    const options: GuardOptions = { rateLimit: { max: 1, window: '1h' } }
    const [one, other] = [await node(t, { prefix, redis: client }, options), await node(t, { prefix, redis: client }, options)]
    one.app.guard.ban(OTHER)
    await until(() => isBanned(other.app, OTHER))
    t.assert.deepStrictEqual([await status(one.app), await status(other.app)], [200, 429])
    await one.app.guard.reset()
    t.assert.strictEqual(await status(other.app), 200)
  })

  test('a ban that had to make room on one node is lifted on no other', async (t: TestContext) => {
    const prefix = prefixOf()
    const [{ app: full }, { app: other }] = [await node(t, { prefix }, { maxKeys: 100 }), await node(t, { prefix }, { maxKeys: 1000 })]
    for (let i = 0; i < 99; i++) full.guard.ban(`10.0.0.${i}`, { duration: '2h' })
    other.guard.ban(CLIENT, { duration: '1h' })
    await until(() => full.guard.bans().length === 100)
    full.guard.ban(CLIENT, { duration: '1h', reason: 'again' })
    full.guard.ban(OTHER, { duration: '2h' })
    t.assert.strictEqual(await isBanned(full), false)
    await until(() => isBanned(other, OTHER))
    t.assert.strictEqual(await isBanned(other), true)
  })

  test('apps that come and go leave nothing on the client of the application', async (t: TestContext) => {
    const client = clientOf(server.port) as TestClient & { listenerCount: (event: string) => number }
    t.after(() => client.disconnect())
    const counts = []
    for (let i = 0; i < 3; i++) {
      const { app } = await node(t, { prefix: prefixOf(), redis: client })
      await app.close()
      counts.push(['error', 'ready', 'close', 'end'].map((event) => client.listenerCount(event)).join())
    }
    t.assert.strictEqual(new Set(counts).size, 1, counts.join(' '))
  })

  test('lifts leave room for new bans', async (t: TestContext) => {
    const prefix = prefixOf()
    const { app } = await node(t, { prefix }, { maxKeys: 100 })
    for (let i = 0; i < 100; i++) app.guard.ban(`10.0.0.${i}`)
    await until(() => app.guard.stats().bans['waiting'] === 0)
    await app.guard.reset()
    for (let i = 0; i < 100; i++) app.guard.ban(`10.0.1.${i}`)
    await until(() => app.guard.stats().bans['waiting'] === 0)
    const late = await node(t, { prefix }, { maxKeys: 100 })
    t.assert.deepStrictEqual(new Set(late.app.guard.bans().map(({ client }) => client)), new Set(Array.from({ length: 100 }, (_, i) => `10.0.1.${i}`)))
  })

  test('a ban lasts exactly its duration where it was made', async (t: TestContext) => {
    const { one } = await pair(t)
    const { since, until: end } = one.guard.ban(CLIENT, { duration: '1h' })
    await until(() => one.guard.stats().bans['waiting'] === 0)
    t.assert.strictEqual(end - since, 3_600_000)
    t.assert.deepStrictEqual([one.guard.bans()[0]!.since, one.guard.bans()[0]!.until], [since, end])
  })

  test('the threshold is one of all nodes together, and so is what is remembered of earlier bans', async (t: TestContext) => {
    const { one, other } = await pair(t, { ban: { threshold: 4, escalate: 3, duration: '1h' } })
    t.assert.deepStrictEqual([await status(one, { url: ATTACK }), await status(other, { url: ATTACK }), await status(one, { url: ATTACK }), await status(other, { url: ATTACK })], [400, 400, 400, 400])
    await until(async () => await isBanned(one) && await isBanned(other))
    t.assert.deepStrictEqual([await status(one), await status(other)], [403, 403])
    t.assert.match(one.guard.bans()[0]!.reason, /^4 strikes/)
    const [ban] = one.guard.bans()
    t.assert.ok(Math.abs(ban!.until - ban!.since - 3_600_000) < 5)
  })

  test('an unban forgets strikes on every node', async (t: TestContext) => {
    const { one, other } = await pair(t, { ban: { threshold: 2 } })
    t.assert.strictEqual(await status(one, { url: ATTACK }), 400)
    other.guard.unban(CLIENT)
    other.guard.ban(OTHER)
    await until(() => isBanned(one, OTHER))
    t.assert.strictEqual(await status(one, { url: ATTACK }), 400)
    t.assert.strictEqual(await status(one), 200)
  })

  test('a node that starts later knows all, however many', async (t: TestContext) => {
    const prefix = prefixOf()
    const { app } = await node(t, { prefix })
    for (let i = 0; i < 2500; i++) app.guard.ban(`10.1.${i >> 8}.${i & 255}`)
    app.guard.unban('10.1.0.7')
    await until(() => app.guard.stats().bans['waiting'] === 0)
    const { app: late } = await node(t, { prefix })
    t.assert.strictEqual(late.guard.stats().bans['active'], 2499)
    t.assert.strictEqual(await status(late, { ip: '10.1.9.1' }), 403)
    t.assert.strictEqual(await status(late, { ip: '10.1.0.7' }), 200)
  })

  test('requests of banned clients ask Redis nothing', async (t: TestContext) => {
    const { one, other } = await pair(t, { rateLimit: { max: 100, window: '1m' } })
    one.guard.ban(CLIENT)
    await until(() => isBanned(other))
    const { calls } = other.guard.stats().store
    for (let i = 0; i < 20; i++) t.assert.strictEqual(await status(other), 403)
    t.assert.strictEqual(other.guard.stats().store.calls, calls)
  })

  test('every key expires, and what has ended is dropped', async (t: TestContext) => {
    const { one, prefix } = await pair(t)
    one.guard.ban(CLIENT, { duration: 30 })
    one.guard.ban(OTHER, { duration: '1h' })
    await until(() => one.guard.stats().bans['waiting'] === 0)
    await until(async () => {
      one.guard.ban('192.0.2.1', { duration: '1h', reason: String(Math.random()) })
      return Number(await direct.call('HLEN', `${prefix}bans:{bans}:rows`)) === 2
    })
    const keys = await direct.call('KEYS', `${prefix}bans*`) as string[]
    t.assert.strictEqual(keys.length, 4)
    for (const key of keys) t.assert.ok(Number(await direct.call('PTTL', key)) > 3_000_000, key)
  })

  test('no more than maxKeys are kept in Redis', async (t: TestContext) => {
    const prefix = prefixOf()
    const { app } = await node(t, { prefix }, { maxKeys: 100 })
    for (let i = 0; i < 150; i++) app.guard.ban(`10.2.0.${i}`, { duration: 3_600_000 + i * 1000 })
    await until(() => app.guard.stats().bans['waiting'] === 0)
    t.assert.strictEqual(await direct.call('HLEN', `${prefix}bans:{bans}:rows`), 100)
    t.assert.strictEqual(await direct.call('ZCARD', `${prefix}bans:{bans}:log`), 100)
    t.assert.strictEqual(await direct.call('HEXISTS', `${prefix}bans:{bans}:rows`, '10.2.0.149'), 1)
  })

  test('reset lifts all, everywhere', async (t: TestContext) => {
    const { one, other } = await pair(t)
    one.guard.ban(CLIENT)
    await until(() => isBanned(other))
    await other.guard.reset()
    await until(async () => !await isBanned(one))
    one.guard.ban(CLIENT)
    await until(() => isBanned(other))
  })

  test('a client without duplicate() is asked each second', async (t: TestContext) => {
    const prefix = prefixOf()
    const plain = { evalsha: direct.evalsha.bind(direct), eval: direct.eval.bind(direct), scan: direct.scan.bind(direct), unlink: direct.unlink.bind(direct), on () {} }
    const { app: one } = await node(t, { prefix })
    const { app: other } = await node(t, { prefix, redis: plain })
    one.guard.ban(CLIENT)
    await until(() => isBanned(other))
    other.guard.unban(CLIENT)
    await until(async () => !await isBanned(one))
  })

  test('a Redis that refuses bans is warned about once, and this node goes on', async (t: TestContext) => {
    const refuses = async (...args: unknown[]): Promise<never> => { throw new Error(`NOPERM for ${String(args[2])}`) }
    const plain = { evalsha: refuses, eval: refuses, scan: direct.scan.bind(direct), unlink: direct.unlink.bind(direct), on () {} }
    const { app, events } = await node(t, { redis: plain })
    app.guard.ban(CLIENT)
    t.assert.strictEqual(await status(app), 403)
    const warnings = (): string[] => events.filter((event) => event.type === 'warning').map(({ code, message }) => `${code} ${message}`)
    await until(() => app.guard.stats().bans['syncFailures']! > 4)
    t.assert.deepStrictEqual(warnings(), ['GUARD_BANS_NOT_SHARED bans are not shared: NOPERM for guard:bans:{bans}:meta'])
  })

  for (const [name, strike, mend] of [
    ['cut', (proxy) => proxy.cut(), (proxy) => proxy.mend()],
    ['stalled', (proxy) => proxy.stall(true), (proxy) => proxy.stall(false)]
  ] as ReadonlyArray<[string, (proxy: Awaited<ReturnType<typeof faultProxy>>) => unknown, (proxy: Awaited<ReturnType<typeof faultProxy>>) => unknown]>) {
    test(`${name}: bans go on here, are told afterwards, and what was lifted meanwhile stays lifted`, async (t: TestContext) => {
      const proxy = await faultProxy(server.port)
      t.after(() => proxy.close())
      const prefix = prefixOf()
      const { app: away } = await node(t, { prefix, redis: `redis://127.0.0.1:${proxy.port}` })
      const { app: there } = await node(t, { prefix })
      there.guard.ban('192.0.2.1')
      there.guard.ban('192.0.2.2')
      await until(async () => await isBanned(away, '192.0.2.1') && await isBanned(away, '192.0.2.2'))
      await strike(proxy)
      away.guard.ban(CLIENT)
      away.guard.ban(OTHER)
      away.guard.unban('192.0.2.2')
      t.assert.strictEqual(await status(away), 403)
      t.assert.strictEqual(await status(away, { ip: '192.0.2.1' }), 403, 'what was known is known')
      await new Promise((resolve) => setTimeout(resolve, 1100))
      there.guard.unban('192.0.2.1')
      there.guard.unban(OTHER)
      await until(() => there.guard.stats().bans['waiting'] === 0)
      await mend(proxy)
      await until(async () => await isBanned(there) && !await isBanned(there, '192.0.2.2'), 'what was done there is told')
      await until(async () => !await isBanned(away, '192.0.2.1') && !await isBanned(away, OTHER), 'what was lifted is lifted')
      t.assert.deepStrictEqual(there.guard.bans().map(({ client }) => client), [CLIENT])
      t.assert.deepStrictEqual(away.guard.bans().map(({ client }) => client), [CLIENT])
    })
  }

  test('SCRIPT FLUSH changes nothing', async (t: TestContext) => {
    const { one, other } = await pair(t)
    await direct.call('SCRIPT', 'FLUSH')
    one.guard.ban(CLIENT)
    await until(() => isBanned(other))
  })

  test('an emptied Redis is filled again, lifts included', async (t: TestContext) => {
    const own = await startServer()
    t.after(() => own.stop())
    const client = clientOf(own.port)
    t.after(() => client.disconnect())
    const redis = `redis://127.0.0.1:${own.port}`
    const { app: one } = await node(t, { redis })
    const { app: other } = await node(t, { redis })
    one.guard.ban(CLIENT)
    other.guard.ban(OTHER)
    await until(async () => await isBanned(one, OTHER) && await isBanned(other))
    one.guard.unban(OTHER)
    await until(async () => !await isBanned(other, OTHER))
    await client.call('FLUSHALL')
    await until(async () => Number(await client.call('HLEN', 'guard:bans:{bans}:rows')) === 2, 'filled again')
    const { app: late } = await node(t, { redis })
    t.assert.deepStrictEqual(late.guard.bans().map((ban) => ban.client), [CLIENT])
  })

  test('a Redis that is not there at start gets the bans when it comes, and again after a restart', async (t: TestContext) => {
    const port = await freePort()
    const begun = performance.now()
    const { app } = await node(t, { redis: `redis://127.0.0.1:${port}` })
    t.assert.ok(performance.now() - begun < 10_000)
    app.guard.ban(CLIENT)
    t.assert.strictEqual(await status(app), 403)
    let late = await startServer([], port)
    t.after(() => late.stop())
    await until(() => app.guard.stats().bans['waiting'] === 0)
    const { app: other } = await node(t, { redis: `redis://127.0.0.1:${port}` })
    t.assert.strictEqual(await status(other), 403)
    await late.stop()
    other.guard.ban(OTHER)
    late = await startServer([], port)
    await until(() => isBanned(app, OTHER))
    t.assert.strictEqual(await isBanned(other), true)
  })

  test('bans survive a restart of all nodes', async (t: TestContext) => {
    const prefix = prefixOf()
    const { app } = await node(t, { prefix })
    app.guard.ban(CLIENT)
    await app.close()
    const { app: next } = await node(t, { prefix })
    t.assert.strictEqual(await status(next), 403)
  })

  test('what others write into the channel or the keys harms nobody', async (t: TestContext) => {
    const { one, other, prefix } = await pair(t)
    one.guard.ban(CLIENT)
    await until(() => isBanned(other))
    const epoch = await direct.call('HGET', `${prefix}bans:{bans}:meta`, 'epoch')
    for (const message of ['', '[]', '{}', 'null', `["${epoch}",1,9,[["nonsense",9e15,1,2]]]`, `["${epoch}",1,9,7]`]) await direct.call('PUBLISH', `${prefix}bans`, message)
    other.guard.ban(OTHER)
    await until(() => isBanned(one, OTHER))
    t.assert.deepStrictEqual(one.guard.bans().map(({ client }) => client).sort(), [OTHER, CLIENT])
  })

  test('closing leaves no connection, and tells what was done last', async (t: TestContext) => {
    const own = await startServer()
    t.after(() => own.stop())
    const client = clientOf(own.port)
    t.after(() => client.disconnect())
    const { app } = await node(t, { redis: `redis://127.0.0.1:${own.port}` })
    app.guard.ban(CLIENT)
    await app.close()
    t.assert.strictEqual(await client.call('HEXISTS', 'guard:bans:{bans}:rows', CLIENT), 1)
    await until(async () => String(await client.call('CLIENT', 'LIST')).trim().split('\n').length === 1)
  })

  test('three processes: a ban and an unban are everywhere within milliseconds', async (t: TestContext) => {
    const store = { redis: `redis://127.0.0.1:${server.port}`, prefix: prefixOf(), timeout: 5000 }
    const nodes = await Promise.all([0, 1, 2].map(() => processNode(t, { store, ban: { threshold: 3 } })))
    const [first, second, third] = nodes as [Node, Node, Node]
    const took = []
    for (let i = 0; i < 20; i++) {
      const client = `203.0.113.${100 + i}`
      const heard = [second.tell<number>({ watch: client, banned: true }), third.tell<number>({ watch: client, banned: true })]
      const made = await first.tell<number>({ ban: client })
      took.push(...(await Promise.all(heard)).map((time) => time - made))
      const lifted = [first.tell<number>({ watch: client, banned: false }), second.tell<number>({ watch: client, banned: false })]
      await third.tell({ unban: client })
      await Promise.all(lifted)
    }
    took.sort((a, b) => a - b)
    t.diagnostic(`milliseconds until another process knows: median ${took[20]}, most ${took[39]}`)
    for (const { tell } of [first, second, third]) t.assert.deepStrictEqual(await tell({ send: CLIENT, url: ATTACK }), [400])
    await Promise.all(nodes.map(({ tell }) => tell({ watch: CLIENT, banned: true })))
    for (const { tell } of nodes) t.assert.deepStrictEqual(await tell({ send: CLIENT }), [403])
    await Promise.all(nodes.map(({ child, order }) => {
      order({ close: true })
      return once(child, 'exit')
    }))
    t.assert.deepStrictEqual(nodes.map(({ child }) => child.exitCode), [0, 0, 0], 'no handle is left')
  })
})

describe('bans in a Redis Cluster of three nodes', { skip }, () => {
  test('are shared, in one slot', async (t: TestContext) => {
    const servers = await startCluster()
    t.after(() => servers.stop())
    const clusters = [0, 1].map(() => new Redis.Cluster(servers.ports.map((port) => ({ port, host: '127.0.0.1' }))))
    t.after(() => { for (const cluster of clusters) cluster.disconnect() })
    for (const cluster of clusters) cluster.on('error', () => {})
    await until(() => clusters.every(({ status }) => status === 'ready'), 'the cluster is ready')
    const [one, other] = [await build(t, { store: { redis: clusters[0]!, timeout: 5000 } }), await build(t, { store: { redis: clusters[1]!, timeout: 5000 } })]
    await one.app.ready()
    await other.app.ready()
    one.app.guard.ban(CLIENT)
    await until(() => isBanned(other.app))
    other.app.guard.unban(CLIENT)
    await until(async () => !await isBanned(one.app))
    t.assert.strictEqual(one.app.guard.stats().bans['syncFailures'], 0)
    await one.app.close()
    await other.app.close()
  })
})
