import { describe, test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { ask, counter } from '../limits/store-suite.ts'
import { clocked } from './clocked.ts'
import { oneServer } from './one-server.ts'
import { skip, type TestClient } from './server.ts'
import { memoryStore } from '../../lib/limits/memory.ts'
import type { RedisClient } from '../../lib/index.ts'
import type { Algorithm } from '../../lib/limits/store.ts'
import { redisKey } from '../../lib/redis/keys.ts'
import { remote } from '../../lib/redis/remote.ts'

const ALGORITHMS: readonly Algorithm[] = ['sliding-window', 'fixed-window', 'gcra']
const MOST = 2 ** 32 - 1
const YEAR = 365 * 86_400_000
const START = 1_700_000_000_000

/** The test's clock alone tells when a state of a window of some milliseconds ends, not also that of Redis. */
function lasting (client: TestClient): RedisClient {
  return {
    evalsha: (...args) => client.evalsha(...args),
    eval: (script, keys, ...args) => client.eval(script.replace("format('%d', lowest(LONGEST, expires - now))", '60000'), keys, ...args),
    scan: (...args) => client.scan(...args),
    unlink: (key) => client.unlink(key),
    on: (event, listener) => client.on(event, listener)
  }
}

describe('the script, with numbers at the ends of their ranges', { skip }, () => {
  const redis = oneServer()
  let stores = 0
  const at = (now: () => number) => remote({ client: clocked(lasting(redis.client), now), prefix: `extreme${stores++}:`, timeout: 5000 })

  test('it answers as the store in memory does', async () => {
    const unit = fc.oneof(fc.constantFrom(1, 2, 255, 65_536, 2 ** 31 - 1, 2 ** 31, MOST - 1, MOST), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: MOST }))
    const window = fc.constantFrom(1, 2, 15, 16, 17, 999, 1601, 86_400_000, YEAR, 2 * YEAR + 7)
    const step = fc.record({
      kind: fc.constantFrom('take', 'take', 'take', 'peek', 'refund'),
      part: fc.constantFrom(0, 0, 1 / 64, 1 / 16, 1 / 16 + 1e-9, 1 / 3, 1, 17 / 16, 3),
      cost: unit,
      max: fc.oneof(unit, fc.constant(0)),
      burst: unit
    })
    await fc.assert(fc.asyncProperty(fc.constantFrom(...ALGORITHMS), window, fc.array(step, { maxLength: 30, size: 'max' }), async (algorithm, window, steps) => {
      let now = START
      let longest = 0
      const near = memoryStore({ maxKeys: 100, now: () => now })
      const far = at(() => now)
      const one = counter(algorithm, window)
      let taken: { asks: Array<ReturnType<typeof ask>>, at: number } | undefined
      for (const { kind, part, cost, max, burst } of steps) {
        now += Math.ceil(part * window)
        // Memory knows times to 1e-4 ms, and gcra no shorter interval.
        const most = algorithm === 'gcra' ? Math.min(max, window * 1000) : max
        const asks = [ask(one, 'a', { max: most, burst, cost })]
        if (kind === 'refund') {
          if (taken === undefined) continue
          near.refund(taken.asks, taken.at - START)
          await far.refund(taken.asks, taken.at)
          taken = undefined
          continue
        }
        const expected = near[kind](asks)
        const { granted: _granted, ...found } = await far[kind](asks)
        const [wanted, got] = [expected.left[0]!, found.left[0]!]
        // Intervals of gcra are fractions: sums of them are rounded, by the more the larger they became.
        longest = Math.max(longest, wanted.reset)
        const slack = algorithm === 'gcra' ? 1 + longest * 1e-9 : 0
        const near1 = (x: number, y: number, by: number): boolean => Math.abs(x - y) <= by
        const same = expected.passed === found.passed && near1(wanted.remaining, got.remaining, algorithm === 'gcra' ? 1 + burst * 1e-6 : 0) &&
          (wanted.remaining === got.remaining ? ['wait', 'next', 'reset'] as const : ['wait', 'reset'] as const).every((name) => near1(Math.min(wanted[name], Number.MAX_SAFE_INTEGER), got[name], slack))
        if (!same) throw new Error(`memory ${JSON.stringify(expected)}, redis ${JSON.stringify(found)}`)
        if (expected.passed && kind === 'take') taken = { asks, at: found.at }
      }
    }), { numRuns: 150 })
  })

  test('units far shorter than a millisecond are counted by gcra too', async (t: TestContext) => {
    const store = at(() => START)
    const one = ask(counter('gcra', 1000), 'a', { max: 1_000_000, burst: 2 })
    const passed = (await Promise.all(Array.from({ length: 20 }, () => store.take([one])))).map(({ passed }) => passed)
    t.assert.strictEqual(passed.filter((one) => one).length, 2)
    const near = memoryStore({ now: () => START })
    t.assert.deepStrictEqual(passed.map(() => near.take([one]).passed), passed)
  })

  test('one ask of extreme numbers does not fail the others of its call', async (t: TestContext) => {
    const store = remote({ client: redis.client, prefix: 'huge:', timeout: 5000 })
    const huge = ask(counter('gcra', 2 * YEAR), 'a', { max: 1, burst: MOST, cost: MOST })
    const other = ask(counter('sliding-window', 60_000), 'b', { max: 3 })
    const [first, second] = await Promise.all([store.take([huge]), store.take([other])])
    t.assert.deepStrictEqual([first.passed, second.passed], [true, true])
    t.assert.strictEqual((await store.take([huge])).passed, false)
    t.assert.strictEqual((await store.peek([other])).left[0]!.remaining, 2)
  })

  test('thousands of limits are judged in one call, as a peek at all of an app asks for', async (t: TestContext) => {
    const store = remote({ client: redis.client, prefix: 'many:', timeout: 5000 })
    const asks = Array.from({ length: 9000 }, (_, i) => ask(counter('fixed-window', 60_000), 'a', { max: i + 1 }))
    t.assert.strictEqual((await store.take(asks)).passed, true)
    t.assert.deepStrictEqual((await store.peek(asks)).left.map(({ remaining }) => remaining), asks.map((_, i) => i))
  })

  test('whoever waits as long as it is told passes, also when the clock of Redis was set back or forward', async (t: TestContext) => {
    for (const by of [-3000 * 86_400_000, -86_400_000, -3_600_000, -60_001, -4000, 3_600_000, 3000 * 86_400_000]) {
      for (const algorithm of ALGORITHMS) {
        let now = START
        const store = at(() => now)
        const one = ask(counter(algorithm, 60_000))
        for (let i = 0; i < 3; i++) await store.take([one])
        now += by
        for (let i = 0; i < 3; i++) await store.take([one])
        const { passed, left: [left] } = await store.take([one])
        t.assert.strictEqual(passed, false, `${algorithm} by ${by}`)
        t.assert.ok(left!.wait <= 64_000, `${algorithm} by ${by} waits ${left!.wait}`)
        now += left!.wait
        const { passed: then, at: when } = await store.take([one])
        t.assert.strictEqual(then, true, `${algorithm} by ${by}, having waited`)
        await store.refund([one], when)
        t.assert.strictEqual((await store.take([one])).passed, true, `${algorithm} by ${by}, given back`)
      }
    }
  })

  test('garbage as long as a state is answered in numbers, and never lets more than max through', async (t: TestContext) => {
    await fc.assert(fc.asyncProperty(fc.constantFrom(...ALGORITHMS), fc.constantFrom(10, 14, 16, 20, 26, 30, 36, 46), fc.infiniteStream(fc.oneof(fc.constantFrom(0, 255, 127, 128), fc.nat(255))), async (algorithm, length, bytes) => {
      const store = at(() => START)
      const one = ask(counter(algorithm, 1600), 'a', { max: 3 })
      const raw = Buffer.from([...bytes.take(length)])
      await redis.client.call('SET', redisKey(`extreme${stores - 1}:`, one.counter, one.key), raw as unknown as string, 'PX', 5000)
      let passed = 0
      for (let i = 0; i < 5; i++) {
        const { passed: one1, left: [left] } = await store.take([one])
        if (one1) passed++
        for (const number of Object.values(left!)) if (!Number.isSafeInteger(number)) throw new Error(JSON.stringify(left))
      }
      if (passed > 3) throw new Error(`${passed} passed`)
    }), { numRuns: 200 })
    t.assert.ok(stores > 100)
  })
})
