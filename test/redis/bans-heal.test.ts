import { after, before, describe, test, type TestContext } from 'node:test'
import { build, CLIENT, status } from '../helpers.ts'
import { clientOf, skip, startServer, until, type Server, type TestClient } from './server.ts'
import { BANS_SCRIPT } from '../../lib/redis/bans-script.ts'
import type { GuardOptions, RedisClient, RedisStoreOptions } from '../../lib/index.ts'

const OTHER = '198.51.100.9'
const KEYS = ['meta', 'rows', 'log', 'ends'].map((part) => `guard:bans:{bans}:${part}`)
const ROWS = KEYS[1]!

interface App { guard: { bans: () => Array<{ client: string }>, stats: () => { bans: Record<string, number> } } }
const isBanned = (app: App, client = CLIENT): boolean => app.guard.bans().some((ban) => ban.client === client)
const waiting = (app: App): number => app.guard.stats().bans['waiting']!

interface Duplicable extends TestClient { status: string, duplicate: (options: object) => { on: (event: string, listener: () => void) => void } }

/** The client, with other ways to call scripts. */
function through (client: TestClient, calls: Partial<RedisClient>): RedisClient & Pick<Duplicable, 'duplicate'> {
  const real = client as Duplicable
  return {
    get status () { return real.status },
    evalsha: real.evalsha.bind(real),
    eval: real.eval.bind(real),
    scan: real.scan.bind(real),
    unlink: real.unlink.bind(real),
    on: real.on.bind(real),
    off: real.off!.bind(real),
    duplicate: (options) => real.duplicate(options),
    ...calls
  }
}

describe('bans find together again', { skip }, () => {
  let server: Server
  let direct: TestClient
  before(async () => { server = await startServer() })
  after(() => server.stop())

  async function node (t: TestContext, store: Partial<RedisStoreOptions> = {}, options: GuardOptions = {}) {
    const { app } = await build(t, { ...options, store: { redis: `redis://127.0.0.1:${server.port}`, timeout: 5000, ...store } })
    await app.ready()
    return app
  }

  async function empty (t: TestContext): Promise<void> {
    const client = clientOf(server.port)
    t.after(() => client.disconnect())
    direct = client
    await direct.call('FLUSHALL')
    await direct.call('CONFIG', 'RESETSTAT')
  }

  async function callsOf (command: string): Promise<number> {
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(String(await direct.call('INFO', 'commandstats')))?.[1] ?? 0)
  }

  test('an emptied Redis is filled with one call for 200 bans', async (t: TestContext) => {
    await empty(t)
    const app = await node(t)
    for (let i = 0; i < 5000; i++) app.guard.ban(`10.1.${i >> 8}.${i & 255}`)
    await until(() => waiting(app) === 0)
    await empty(t)
    await until(async () => Number(await direct.call('HLEN', ROWS)) === 5000 && waiting(app) === 0, 'filled again')
    // 25 with bans, one that finds Redis empty and those that look whether there is more.
    const calls = await callsOf('evalsha')
    t.assert.ok(calls >= 25 && calls < 35, `${calls} calls`)
    for (const command of ['hset', 'hget', 'hmget', 'zadd']) t.assert.ok(await callsOf(command) <= 3 * calls, `${command} for many at once`)
  })

  test('of nodes that fill it together each tells a part', async (t: TestContext) => {
    await empty(t)
    const [one, other] = [await node(t), await node(t)]
    for (let i = 0; i < 5000; i++) one.guard.ban(`10.1.${i >> 8}.${i & 255}`)
    await until(() => waiting(one) === 0 && other.guard.bans().length === 5000)
    await empty(t)
    await until(async () => Number(await direct.call('HLEN', ROWS)) === 5000 && waiting(one) + waiting(other) === 0, 'filled again')
    const calls = await callsOf('evalsha')
    t.assert.ok(calls < 80, `${calls} calls`)
  })

  test('a lift that is heard of before the answer to the own ban counts', async (t: TestContext) => {
    await empty(t)
    const client = clientOf(server.port)
    t.after(() => client.disconnect())
    let release: () => void = () => {}
    let held: Promise<void> | undefined
    let heard = 0
    const late = async <T>(answer: Promise<T>): Promise<T> => {
      await answer.catch(() => {})
      await held
      return answer
    }
    const slow = through(client, {
      evalsha: (...args) => late(client.evalsha(...args)),
      eval: (...args) => late(client.eval(...args)),
    })
    const duplicate = slow.duplicate
    slow.duplicate = (options) => {
      const feed = duplicate(options)
      feed.on('message', () => { heard++ })
      return feed
    }
    const [one, other] = [await node(t, { redis: slow }), await node(t)]
    one.guard.ban(OTHER)
    await until(() => waiting(one) === 0 && isBanned(other, OTHER))
    held = new Promise((resolve) => { release = resolve })
    const before = heard
    one.guard.ban(CLIENT)
    await until(() => isBanned(other))
    other.guard.unban(CLIENT)
    await until(() => heard === before + 2)
    held = undefined
    release()
    await until(() => waiting(one) === 0 && !isBanned(one), 'lifted')
    t.assert.strictEqual(await status(one), 200)
    t.assert.strictEqual(isBanned(other), false)
  })

  test('what an older copy of Redis forgot is told again', async (t: TestContext) => {
    await empty(t)
    const app = await node(t)
    app.guard.ban(CLIENT)
    app.guard.ban(OTHER)
    app.guard.unban(OTHER)
    await until(() => waiting(app) === 0)
    const copies = await Promise.all(KEYS.map((key) => (direct as TestClient & { dumpBuffer: (key: string) => Promise<string> }).dumpBuffer(key)))
    app.guard.unban(CLIENT)
    app.guard.ban(OTHER)
    await until(() => waiting(app) === 0)
    for (const [i, key] of KEYS.entries()) await direct.call('RESTORE', key, 0, copies[i]!, 'REPLACE')
    await until(async () => {
      const [lifted, banned] = await direct.call('HMGET', ROWS, CLIENT, OTHER) as [string, string]
      return lifted.includes('"lift"') && banned.includes('"manual"')
    }, 'told again')
    const late = await node(t)
    t.assert.deepStrictEqual(late.guard.bans().map(({ client }) => client), [OTHER])
  })

  for (const [name, skew] of [['forward', 7_200_000], ['back', -7_200_000]] as const) {
    test(`a node whose clock is set ${name} by two hours: bans end when they end`, async (t: TestContext) => {
      await empty(t)
      const { now } = Date
      let ahead = 0
      Date.now = () => now() + ahead
      t.after(() => { Date.now = now })
      const app = await node(t)
      app.guard.ban(CLIENT, { duration: '1h' })
      await until(() => waiting(app) === 0)
      ahead = skew
      await until(() => app.guard.bans().some(({ client, until }) => client === CLIENT && Math.abs(until - Date.now() - 3_600_000) < 60_000), 'it ends in an hour')
      t.assert.strictEqual(await status(app), 403)
    })
  }

  test('an empty Redis whose clock is an hour behind: lifts and bans still reach every node', async (t: TestContext) => {
    await empty(t)
    let ahead = 3_600_000
    const client = clientOf(server.port)
    t.after(() => client.disconnect())
    const scripted = (script: string, keys: number, ...args: string[]): Promise<unknown> => {
      const time = Date.now() + ahead
      return client.eval(script.replace("redis.call('TIME')", `{ ${Math.floor(time / 1000)}, ${time % 1000 * 1000} }`), keys, ...args)
    }
    const calls: Partial<RedisClient> = { evalsha: (_sha, keys, ...args) => scripted(BANS_SCRIPT, keys, ...args), eval: scripted }
    const [one, other] = [await node(t, { redis: through(client, calls) }), await node(t, { redis: through(client, calls) })]
    one.guard.ban(CLIENT, { duration: '1d' })
    one.guard.ban(OTHER, { duration: '1d' })
    one.guard.unban(OTHER)
    await until(() => isBanned(other) && waiting(one) === 0)
    ahead = 0
    await empty(t)
    await until(async () => Number(await direct.call('HLEN', ROWS)) === 2 && waiting(one) + waiting(other) === 0, 'filled again')
    other.guard.unban(CLIENT)
    other.guard.ban(OTHER)
    await until(() => !isBanned(one) && isBanned(one, OTHER), 'told')
    t.assert.deepStrictEqual([await status(one), await status(one, { ip: OTHER })], [200, 403])
  })
})
