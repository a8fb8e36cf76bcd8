import { describe, test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { ask, counter, limiterStoreSuite } from '../limits/store-suite.ts'
import { clocked } from './clocked.ts'
import { oneServer } from './one-server.ts'
import { skip } from './server.ts'
import { memoryStore } from '../../lib/limits/memory.ts'
import type { Algorithm } from '../../lib/limits/store.ts'
import { redisKey, tagOf } from '../../lib/redis/keys.ts'
import { remote } from '../../lib/redis/remote.ts'

const MINUTE = 60_000
const ALGORITHMS: readonly Algorithm[] = ['sliding-window', 'fixed-window', 'gcra']

describe('redis', { skip }, () => {
  const redis = oneServer()
  let stores = 0
  const open = () => remote({ client: redis.client, prefix: `test${stores++}:`, timeout: 5000 })

  limiterStoreSuite('redis', () => {
    let time = 1_700_000_000_000
    const far = remote({ client: clocked(redis.client, () => time), prefix: `suite${stores++}:`, timeout: 5000 })
    return { store: { ...far, stats: () => ({}) }, slack: 0, async pass (ms) { time += ms } }
  })

  test('it answers as the store in memory does, whatever happens', async () => {
    const step = fc.record({
      kind: fc.constantFrom('take', 'take', 'take', 'peek', 'refund'),
      after: fc.oneof(fc.nat(3200), fc.constantFrom(0, 0, 1, 99, 100, 101, 1599, 1600, 1700), fc.nat(150)),
      costs: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 2 }),
      max: fc.integer({ min: 0, max: 9 })
    })
    await fc.assert(fc.asyncProperty(fc.constantFrom(...ALGORITHMS), fc.array(step, { maxLength: 40 }), async (algorithm, steps) => {
      const start = 1_700_000_000_000
      let now = start
      const near = memoryStore({ maxKeys: 100, now: () => now })
      const far = remote({ client: clocked(redis.client, () => now), prefix: `same${stores++}:`, timeout: 5000 })
      const counters = [counter(algorithm), counter(algorithm)]
      let taken: { asks: ReturnType<typeof ask>[], at: number } | undefined
      for (const { kind, after, costs, max } of steps) {
        now += after
        const asks = costs.map((cost, i) => ask(counters[i]!, 'a', { max, burst: max + i, cost }))
        if (kind === 'refund') {
          if (taken === undefined) continue
          near.refund(taken.asks, taken.at - start)
          await far.refund(taken.asks, taken.at)
          taken = undefined
          continue
        }
        const one = kind === 'take' ? near.take(asks) : near.peek(asks)
        const { granted: _granted, ...other } = kind === 'take' ? await far.take(asks) : await far.peek(asks)
        if (JSON.stringify({ ...one, at: one.at + start }) !== JSON.stringify(other)) throw new Error(`memory ${JSON.stringify(one)}, redis ${JSON.stringify(other)}`)
        if (one.passed && kind === 'take') taken = { asks, at: other.at }
      }
    }), { numRuns: 60 })
  })

  test('requests of one moment go out together, at most 32 in a call', async (t: TestContext) => {
    const store = open()
    const shared = counter()
    const taken = await Promise.all(Array.from({ length: 60 }, (_, i) => store.take([ask(shared, `c${i % 7}`, { max: 5 })])))
    t.assert.strictEqual(taken.filter(({ passed }) => passed).length, 35)
    t.assert.deepStrictEqual({ ...store.counts, reloads: 0 }, { calls: 2, operations: 60, reloads: 0 })
  })

  test('every key expires, and when its state does', async (t: TestContext) => {
    const store = open()
    for (const algorithm of ALGORITHMS) await store.take([ask(counter(algorithm, MINUTE), 'a')])
    await store.take([ask(counter('sliding-window', MINUTE), 'refused', { max: 0 })])
    await store.refund([ask(counter('gcra', MINUTE), 'never taken')], Date.now())
    const keys = await redis.client.call('KEYS', `test${stores - 1}:*`) as string[]
    t.assert.strictEqual(keys.length, 3)
    for (const key of keys) {
      const ttl = Number(await redis.client.call('PTTL', key))
      t.assert.ok(ttl > 0 && ttl <= MINUTE, `${key} lives ${ttl} ms`)
    }
    // Whatever is there without an expiry was not put there by us.
    const all = await redis.client.call('KEYS', '*') as string[]
    for (const key of all) t.assert.notStrictEqual(await redis.client.call('PTTL', key), -1, key)
  })

  test('a script that Redis forgot is loaded again, and nothing is miscounted', async (t: TestContext) => {
    const store = open()
    const shared = counter('sliding-window', MINUTE)
    const taking: Array<Promise<{ passed: boolean }>> = []
    for (let i = 0; i < 20; i++) {
      for (let j = 0; j < 10; j++) taking.push(store.take([ask(shared, 'a', { max: 50 })]))
      const flushed = redis.client.call('SCRIPT', 'FLUSH')
      await new Promise((resolve) => setImmediate(resolve))
      if (i % 3 === 0) await flushed
    }
    const passed = (await Promise.all(taking)).filter((taken) => taken.passed)
    t.assert.strictEqual(passed.length, 50)
    t.assert.ok(store.counts.reloads >= 1)
  })

  test('what somebody else wrote to a key is no state', async (t: TestContext) => {
    const store = open()
    const prefix = `test${stores - 1}:`
    for (const [i, command] of [['SET', 'x'], ['SET', '\x93'], ['LPUSH', 'x'], ['SET', '\xc3']].entries()) {
      const one = ask(counter('sliding-window', MINUTE), `k${i}`, { max: 1 })
      await redis.client.call(command[0]!, redisKey(prefix, one.counter, one.key), command[1]!)
      t.assert.strictEqual((await store.take([one])).passed, true)
      t.assert.strictEqual((await store.take([one])).passed, false)
    }
  })

  test('clear leaves what has another prefix', async (t: TestContext) => {
    const store = open()
    await redis.client.call('SET', 'other:{a}:s:1', 'x', 'EX', 60)
    await Promise.all(Array.from({ length: 700 }, (_, i) => store.take([ask(counter(), String(i))])))
    await store.clear()
    t.assert.deepStrictEqual(await redis.client.call('KEYS', `test${stores - 1}:*`), [])
    t.assert.strictEqual(await redis.client.call('EXISTS', 'other:{a}:s:1'), 1)
  })

  test('a clock of Redis that is set back makes nobody wait much longer than a window', async (t: TestContext) => {
    let now = 1_700_000_000_000
    const store = remote({ client: clocked(redis.client, () => now), prefix: `test${stores++}:`, timeout: 5000 })
    for (const algorithm of ALGORITHMS) {
      const one = ask(counter(algorithm, MINUTE))
      for (let i = 0; i < 3; i++) await store.take([one])
      now -= 3_600_000
      const { passed, left: [left] } = await store.take([one])
      t.assert.strictEqual(passed, false, algorithm)
      t.assert.ok(left!.wait <= MINUTE * 17 / 16, `${algorithm} waits ${left!.wait}`)
    }
  })

  test('Redis takes the time, not the nodes: clocks that differ change nothing', async (t: TestContext) => {
    const one = open()
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() - 90_000 })
    const shared = counter('fixed-window', MINUTE)
    const { at } = await one.take([ask(shared)])
    t.assert.ok(Math.abs(at - Date.now()) > 80_000)
  })
})

test('a hash tag is never empty and never ends early', (t: TestContext) => {
  for (const key of ['', '}', 'a}b', '{a}', 'a b', '\ud800', '\u20ac', '%', '~', '1:}']) t.assert.match(tagOf(key), /^~[\w-]{22}$/, JSON.stringify(key))
  for (const key of ['203.0.113.7', '2001:db8::/64', '2001:db8::1', '::1', 'unknown']) t.assert.strictEqual(tagOf(key), key)
  t.assert.notStrictEqual(tagOf('\ud800'), tagOf('\udbff'))
  for (const secret of ['sk-live-4eC39HqLyjWDarjtT1zdp7dc', 'deadbeef', 'anna@example.com']) t.assert.ok(!tagOf(secret).includes(secret.slice(0, 6)), secret)
})
