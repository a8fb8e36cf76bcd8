import { describe, test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { build, CLIENT, status } from '../helpers.ts'
import { ask, counter } from '../limits/store-suite.ts'
import { leaseNodes, oneServer } from './one-server.ts'
import { skip, until } from './server.ts'

const WINDOW = 16_000
const NODES = 3

describe('leases', { skip }, () => {
  const redis = oneServer()
  let prefixes = 0

  const nodesOf = (clock: { now: number }) => leaseNodes(redis.client, clock, `lease${prefixes++}:`, NODES)

  test('in no span of window do nodes with leases let more than max pass', async () => {
    const step = fc.record({ node: fc.nat(NODES - 1), after: fc.oneof(fc.constant(0), fc.constant(0), fc.nat(300), fc.nat(WINDOW)), requests: fc.integer({ min: 1, max: 30 }), back: fc.boolean() })
    await fc.assert(fc.asyncProperty(fc.constantFrom('sliding-window' as const, 'fixed-window' as const), fc.array(step, { maxLength: 25 }), async (algorithm, steps) => {
      const clock = { now: 1_700_000_000_000 }
      const nodes = nodesOf(clock)
      const shared = counter(algorithm, WINDOW)
      const max = 80
      let times: number[] = []
      for (const { node, after, requests, back } of steps) {
        clock.now += after
        for (let i = 0; i < requests; i++) {
          const one = ask(shared, 'a', { max })
          const { passed, at } = await nodes[node]!.take([one])
          if (passed && back && i % 5 === 0) await nodes[node]!.refund([one], at)
          else if (passed) times.push(clock.now)
        }
        times = times.filter((time) => time > clock.now - WINDOW)
        // Across the end of a fixed window twice as many may pass.
        if (times.length > (algorithm === 'fixed-window' ? 2 * max : max)) throw new Error(`${times.length} passed`)
      }
      await Promise.all(nodes.map((node) => node.release()))
    }), { numRuns: 25 })
  })

  test('most requests of a busy client ask nobody, and no more than nodes times lease are refused early', async (t: TestContext) => {
    const clock = { now: 1_700_000_000_000 }
    const nodes = nodesOf(clock)
    const one = ask(counter('sliding-window', WINDOW), 'a', { max: 1600 })
    let passed = 0
    for (let i = 0; i < 1600 * 2; i++) if ((await nodes[i % NODES]!.take([one])).passed) passed++
    const calls = nodes.reduce((sum, { counts }) => sum + counts.calls, 0)
    t.assert.ok(passed <= 1600 && passed >= 1600 - NODES * 100, `${passed} passed`)
    t.assert.ok(calls < 1600 * 0.2 + 1600, `${calls} calls`)
    t.assert.ok(nodes[0]!.leased > 400, `${nodes[0]!.leased} by lease`)
  })

  test('what is not spent is given back when a node closes', async (t: TestContext) => {
    const clock = { now: 1_700_000_000_000 }
    const [node, other] = nodesOf(clock)
    const one = ask(counter('sliding-window', WINDOW), 'a', { max: 320 })
    for (let i = 0; i < 10; i++) t.assert.strictEqual((await node!.take([one])).left[0]!.remaining, 319 - i)
    t.assert.ok((await other!.peek([one])).left[0]!.remaining < 310)
    t.assert.strictEqual((await node!.peek([one])).left[0]!.remaining, 310)
    await node!.release()
    t.assert.strictEqual((await other!.peek([one])).left[0]!.remaining, 310)
  })

  test('a busy client does not wait: more permits come before the last is spent', async (t: TestContext) => {
    const clock = { now: 1_700_000_000_000 }
    const [node, other] = nodesOf(clock)
    const one = ask(counter('sliding-window', WINDOW), 'a', { max: 100_000 })
    let waited = 0
    for (let i = 0; i < 2000; i++) {
      const taken = node!.take([one])
      if (taken instanceof Promise) waited++
      t.assert.strictEqual((await taken).passed, true)
      await new Promise((resolve) => { setTimeout(resolve, 0) })
    }
    t.assert.ok(waited <= 10, `${waited} of 2000 waited`)
    t.assert.ok((await other!.peek([one])).left[0]!.remaining < 98_000)
    await node!.release()
    t.assert.strictEqual((await other!.peek([one])).left[0]!.remaining, 98_000)
  })

  test('small limits and gcra are asked for each time', async (t: TestContext) => {
    const [node] = nodesOf({ now: 1_700_000_000_000 })
    for (const one of [ask(counter('sliding-window', WINDOW), 'a', { max: 20 }), ask(counter('gcra', WINDOW), 'a', { max: 500 }), ask(counter('sliding-window', 500), 'a', { max: 500 })]) {
      for (let i = 0; i < 10; i++) await node!.take([one])
    }
    t.assert.strictEqual(node!.leased, 0)
  })

  test('leases end by themselves, and the plugin counts exactly with them', async (t: TestContext) => {
    const { app } = await build(t, { rateLimit: { max: 100, window: '1m' }, store: { redis: redis.client, prefix: 'app:', mode: 'lease', timeout: 10_000 } })
    const codes: number[] = []
    for (let i = 0; i < 130; i++) codes.push(await status(app))
    t.assert.strictEqual(codes.filter((code) => code === 200).length, 100)
    const { leased, calls } = app.guard.stats().store
    t.assert.ok(leased! > 30 && calls! < 100, `${leased} by lease, ${calls} calls`)
    await until(() => app.guard.stats().store.leases === 0, 'leases end')
    const left = await app.guard.limits.peek(CLIENT)
    t.assert.strictEqual(left[0]!.remaining, 0)
    t.assert.strictEqual(await status(app), 429)
  })
})
