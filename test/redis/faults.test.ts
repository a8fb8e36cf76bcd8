import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { build, CLIENT } from '../helpers.ts'
import { faultProxy, type FaultProxy } from './proxy.ts'
import { clientOf, freePort, skip, sleep, startServer, until, type Server, type TestClient } from './server.ts'
import type { GuardOptions, RedisStoreOptions } from '../../lib/index.ts'

/** Far above what a slow machine needs to answer, so that only faults are faults. */
const TIMEOUT = 400
const LIMIT: GuardOptions = { rateLimit: { max: 3, window: '1m' } }

describe('faults of Redis', { skip }, () => {
  let server: Server
  let proxy: FaultProxy
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
  async function guarded (t: TestContext, store: Partial<RedisStoreOptions> = {}, options: GuardOptions = LIMIT) {
    const opened = proxy = await faultProxy(server.port)
    t.after(() => opened.close())
    const prefix = `fault${prefixes++}:`
    const built = await build(t, { ...options, store: { redis: `redis://127.0.0.1:${proxy.port}`, prefix, timeout: TIMEOUT, ...store } })
    await built.app.ready()
    const storeLines = () => built.lines.filter(({ event }) => event === 'guard.store')
    return { ...built, prefix, storeLines }
  }

  async function statuses (app: FastifyInstance, count: number, ip = CLIENT): Promise<number[]> {
    const found: number[] = []
    for (let i = 0; i < count; i++) found.push((await app.inject({ url: '/', remoteAddress: ip })).statusCode)
    return found
  }
  const isUp = (app: FastifyInstance): boolean => app.guard.stats().store.state === 'up'
  const THREE = [200, 200, 200, 429]

  /** What breaks Redis, and what mends it. */
  const faults: Record<string, { strike: () => Promise<unknown> | void, mend: () => Promise<unknown> | void }> = {
    cut: { strike: () => proxy.cut(), mend: () => proxy.mend() },
    'cut by FIN': { strike: () => proxy.cut(false), mend: () => proxy.mend() },
    stall: { strike: () => proxy.stall(true), mend: () => proxy.stall(false) },
    'latency above the timeout': { strike () { proxy.latency = TIMEOUT }, mend () { proxy.latency = 0 } },
    'lost replies': { strike () { proxy.dropReplies = true }, mend () { proxy.dropReplies = false; proxy.reset() } },
    READONLY: { strike: () => direct.call('REPLICAOF', '127.0.0.1', '1'), mend: () => direct.call('REPLICAOF', 'NO', 'ONE') },
    NOREPLICAS: { strike: () => direct.call('CONFIG', 'SET', 'min-replicas-to-write', '1'), mend: () => direct.call('CONFIG', 'SET', 'min-replicas-to-write', '0') },
    MISCONF: {
      async strike () {
        await direct.call('CONFIG', 'SET', 'save', '3600 1')
        rmSync(server.folder, { recursive: true })
        // A snapshot that cannot be written: from then on Redis takes no writes.
        await direct.call('BGSAVE')
        await until(async () => String(await direct.call('INFO', 'persistence')).includes('rdb_last_bgsave_status:err'))
      },
      mend: () => direct.call('CONFIG', 'SET', 'save', '')
    },
    OOM: { strike: () => direct.call('CONFIG', 'SET', 'maxmemory', '1'), mend: () => direct.call('CONFIG', 'SET', 'maxmemory', '0') }
  }

  for (const [name, { strike, mend }] of Object.entries(faults)) {
    test(`${name}: this node goes on limiting, and the shared limit is exact again afterwards`, async (t: TestContext) => {
      const { app, events, storeLines } = await guarded(t)
      t.assert.deepStrictEqual(await statuses(app, 4, '198.51.100.1'), THREE)
      await strike()
      // Whoever was counted before is not forgotten, and new clients have their limit.
      t.assert.deepStrictEqual(await statuses(app, 4, '198.51.100.1'), [429, 429, 429, 429])
      t.assert.deepStrictEqual(await statuses(app, 4, '198.51.100.2'), THREE)
      await until(() => !isUp(app), 'the breaker opens')
      const { calls } = app.guard.stats().store
      t.assert.deepStrictEqual(await statuses(app, 20, '198.51.100.3'), [...THREE, ...new Array(16).fill(429)])
      t.assert.strictEqual(app.guard.stats().store.calls, calls, 'while it is open no request asks Redis')
      await mend()
      await until(() => isUp(app), 'Redis is found again')
      const { fallbacks } = app.guard.stats().store
      t.assert.deepStrictEqual(await statuses(app, 4, '198.51.100.4'), THREE)
      t.assert.strictEqual(app.guard.stats().store.fallbacks, fallbacks)
      t.assert.deepStrictEqual(events.filter(({ type }) => type === 'store').map((event) => (event as { state: string }).state), ['down', 'up'])
      t.assert.ok(storeLines().length <= 2)
    })
  }

  test('reset connections: a request or three are judged here, the next ones by Redis', async (t: TestContext) => {
    const { app } = await guarded(t)
    t.assert.deepStrictEqual(await statuses(app, 2), [200, 200])
    proxy.reset()
    t.assert.deepStrictEqual(await statuses(app, 2), [200, 429])
    await until(() => isUp(app))
    t.assert.deepStrictEqual(await statuses(app, 4, '198.51.100.4'), THREE)
  })

  test('jitter below the timeout changes nothing', async (t: TestContext) => {
    const { app } = await guarded(t)
    proxy.latency = 5
    proxy.jitter = 40
    const all = await Promise.all(Array.from({ length: 30 }, () => app.inject({ url: '/', remoteAddress: CLIENT })))
    t.assert.strictEqual(all.filter(({ statusCode }) => statusCode === 200).length, 3)
    t.assert.strictEqual(app.guard.stats().store.failures, 0)
  })

  test('a lost reply counts one too many, never one too few', async (t: TestContext) => {
    const { app } = await guarded(t)
    proxy.dropReplies = true
    t.assert.deepStrictEqual(await statuses(app, 1), [200])
    proxy.dropReplies = false
    t.assert.strictEqual(isUp(app), true, 'one failure does not open the breaker')
    t.assert.deepStrictEqual(await statuses(app, 3), [200, 200, 429])
  })

  test('SCRIPT FLUSH between requests', async (t: TestContext) => {
    const { app } = await guarded(t)
    const found: number[] = []
    for (let i = 0; i < 4; i++) {
      found.push(...await statuses(app, 1))
      await direct.call('SCRIPT', 'FLUSH')
    }
    t.assert.deepStrictEqual(found, THREE)
    t.assert.strictEqual(app.guard.stats().store.failures, 0)
  })

  test('down at start: it starts, limits, and finds Redis when that comes', async (t: TestContext) => {
    const port = await freePort()
    const { app, storeLines } = await build(t, { ...LIMIT, store: { redis: { host: '127.0.0.1', port }, timeout: TIMEOUT } }).then(async (built) => {
      await built.app.ready()
      return { ...built, storeLines: () => built.lines.filter(({ event }) => event === 'guard.store') }
    })
    t.assert.strictEqual(isUp(app), false)
    t.assert.match(app.guard.stats().store.reason ?? '', /ECONNREFUSED|not connected/)
    t.assert.deepStrictEqual(await statuses(app, 4), THREE)
    await t.assert.rejects(async () => { await app.guard.ready() }, { code: 'GUARD_STORE_DOWN', statusCode: 503 })
    t.assert.strictEqual(storeLines().length, 1)
    const late = await startServer([], port)
    t.after(() => late.stop())
    await until(() => isUp(app))
    await app.guard.ready()
    t.assert.deepStrictEqual(await statuses(app, 4, '198.51.100.9'), THREE)
    const client = clientOf(port)
    t.assert.strictEqual((await client.call('KEYS', 'guard:{198*') as string[]).length, 1)
    client.disconnect()
  })

  test('LOADING: a server that reads its data asks nobody to wait', async (t: TestContext) => {
    const folder = mkdtempSync(join(tmpdir(), 'guard-loading-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const full = await startServer(['--dir', folder])
    const filler = clientOf(full.port)
    await filler.eval('for i = 1, 3000 do redis.call("SET", KEYS[1] .. i, "x") end', 1, 'filler')
    await filler.call('SAVE')
    filler.disconnect()
    await full.stop()
    // Half a millisecond for each key.
    const loading = await startServer(['--dir', folder, '--key-load-delay', '500', '--loading-process-events-interval-bytes', '1024'], full.port)
    t.after(() => loading.stop())
    const asker = clientOf(full.port, { enableReadyCheck: false })
    await t.assert.rejects(async () => { await asker.call('GET', 'x') }, /LOADING/)
    asker.disconnect()
    const { app } = await build(t, { ...LIMIT, store: { redis: `redis://127.0.0.1:${full.port}`, timeout: TIMEOUT } })
    await app.ready()
    t.assert.deepStrictEqual(await statuses(app, 4), THREE)
    await until(() => isUp(app))
    t.assert.deepStrictEqual(await statuses(app, 4, '198.51.100.9'), THREE)
    t.assert.strictEqual(app.guard.stats().store.failures, 0)
  })

  test("onError: 'pass' lets everything through, 'refuse' nothing", async (t: TestContext) => {
    const passing = await guarded(t, { onError: 'pass' })
    await proxy.cut()
    await until(() => !isUp(passing.app))
    t.assert.deepStrictEqual(await statuses(passing.app, 5), [200, 200, 200, 200, 200])
    const refusing = await guarded(t, { onError: 'refuse' })
    await proxy.cut()
    await until(() => !isUp(refusing.app))
    const response = await refusing.app.inject({ url: '/', remoteAddress: CLIENT })
    t.assert.strictEqual(response.statusCode, 503)
    t.assert.strictEqual(response.json<{ code: string }>().code, 'GUARD_CHECK_FAILED')
    t.assert.strictEqual(response.headers['retry-after'], '1')
  })

  test('time lost in a busy event loop is no failure of the store', async (t: TestContext) => {
    // Not through the proxy: that is busy as well.
    const { app } = await guarded(t, { timeout: 50, redis: `redis://127.0.0.1:${server.port}` })
    await statuses(app, 1, '198.51.100.20')
    for (let i = 0; i < 5; i++) {
      const asked = app.inject({ url: '/', remoteAddress: CLIENT })
      // The question is out, and the answer waits in the socket for far longer than the timeout.
      await new Promise((resolve) => setTimeout(resolve, 1))
      for (const end = performance.now() + 200; performance.now() < end;);
      await asked
    }
    t.assert.strictEqual(app.guard.stats().store.fallbacks, 0)
  })

  test('what is given back after an outage is given back where it was counted', async (t: TestContext) => {
    const { app } = await guarded(t, {}, { rateLimit: { max: 2, window: '1m', count: 'failures' } })
    t.assert.deepStrictEqual(await statuses(app, 4), [200, 200, 200, 200])
    await proxy.cut()
    await until(() => !isUp(app))
    t.assert.deepStrictEqual(await statuses(app, 4), [200, 200, 200, 200])
  })

  test('closing leaves nothing open, with Redis there, silent or gone', async (t: TestContext) => {
    for (const strike of [() => {}, () => proxy.stall(true), () => proxy.cut()]) {
      const { app } = await guarded(t)
      await statuses(app, 1)
      await strike()
      await app.close()
    }
    await sleep(50)
    const clients = String(await direct.call('CLIENT', 'LIST')).trim().split('\n')
    t.assert.strictEqual(clients.filter((line) => !line.includes('cmd=client')).length, 0, clients.join('\n'))
  })
})
