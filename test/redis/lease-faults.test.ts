import { describe, test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { build, CLIENT, status } from '../helpers.ts'
import { ask, counter } from '../limits/store-suite.ts'
import { leaseNodes, oneServer } from './one-server.ts'
import { clientOf, skip, sleep, startServer, until } from './server.ts'

const WINDOW = 16_000
const START = 1_700_000_000_000

describe('leases, with what goes wrong beside them', { skip }, () => {
  const redis = oneServer()
  let prefixes = 0

  const nodesOf = (clock: { now: number }, count: number) => leaseNodes(redis.client, clock, `faults${prefixes++}:`, count)

  test('in no span of window does more than max pass, with costs, late refunds and nodes that close', async () => {
    const step = fc.record({
      node: fc.nat(1),
      after: fc.oneof(fc.constant(0), fc.constant(0), fc.nat(300), fc.nat(300), fc.nat(WINDOW)),
      costs: fc.array(fc.constantFrom(1, 1, 1, 1, 3), { minLength: 1, maxLength: 30, size: 'max' }),
      together: fc.boolean(),
      failing: fc.constantFrom(0, 0, 0, 2, 5),
      refunds: fc.nat(10),
      closes: fc.constantFrom(false, false, false, false, true)
    })
    await fc.assert(fc.asyncProperty(fc.constantFrom('sliding-window' as const, 'fixed-window' as const), fc.array(step, { maxLength: 25, size: 'max' }), async (algorithm, steps) => {
      const clock = { now: START }
      const nodes = nodesOf(clock, 3)
      const shared = counter(algorithm, WINDOW)
      const max = 80
      let passes: Array<{ time: number, cost: number }> = []
      const later: Array<() => Promise<void>> = []
      for (const { node, after, costs, together, failing, refunds, closes } of steps) {
        clock.now += after
        const request = async (cost: number, i: number): Promise<void> => {
          const one = ask(shared, 'a', { max, cost })
          const { passed, at } = await nodes[node]!.take([one])
          if (!passed) return
          const pass = { time: clock.now, cost }
          passes.push(pass)
          if (failing > 0 && i % failing === 0) {
            later.push(async () => {
              passes = passes.filter((one) => one !== pass)
              await nodes[node]!.refund([one], at)
            })
          }
        }
        if (together) await Promise.all(costs.map(request))
        else for (const [i, cost] of costs.entries()) await request(cost, i)
        passes = passes.filter(({ time }) => time > clock.now - WINDOW)
        const sum = passes.reduce((sum, { cost }) => sum + cost, 0)
        // Across the end of a fixed window twice as many may pass.
        if (sum > (algorithm === 'fixed-window' ? 2 * max : max)) throw new Error(`${sum} passed`)
        await Promise.all(later.splice(0, refunds).map((call) => call()))
        if (closes) await nodes[node]!.release()
      }
      await Promise.all(nodes.map((node) => node.release()))
    }), { numRuns: 60 })
  })

  test('a refund of what was not paid by lease does not make it longer', async (t: TestContext) => {
    const clock = { now: START }
    const [node] = nodesOf(clock, 1)
    const shared = counter('sliding-window', WINDOW)
    const one = ask(shared, 'a', { max: 160 })
    // Another limit's requests get no lease of this one.
    const other = { ...one, max: 159 }
    await node!.take([one])
    clock.now++
    const plain = []
    for (let i = 0; i < 50; i++) plain.push(await node!.take([other]))
    await node!.take([one])
    for (const { at } of plain) await node!.refund([other], at)
    clock.now += 999
    let passed = 1
    for (let i = 0; i < 200; i++) if ((await node!.take([one])).passed) passed++
    clock.now = START + WINDOW + 1
    for (let i = 0; i < 200; i++) if ((await node!.take([one])).passed) passed++
    // Of these, two were taken more than a window ago.
    t.assert.ok(passed <= 162, `${passed} passed`)
  })

  test('what a node gives back after a reset is not taken from others', async (t: TestContext) => {
    const clock = { now: START }
    const [node, other] = nodesOf(clock, 2)
    const one = ask(counter('sliding-window', WINDOW), 'a', { max: 1600 })
    for (let i = 0; i < 60; i++) await node!.take([one])
    t.assert.ok((await other!.peek([one])).left[0]!.remaining < 1540)
    clock.now++
    await other!.reset([one.counter], 'a')
    clock.now += 1000
    const big = { ...one, cost: 800 }
    t.assert.strictEqual((await other!.take([big])).passed, true)
    await node!.release()
    await other!.release()
    t.assert.strictEqual((await other!.peek([one])).left[0]!.remaining, 800)
  })

  test('permits are taken ahead only where they can be spent', async (t: TestContext) => {
    const clock = { now: START }
    const [node, other] = nodesOf(clock, 2)
    const wide = ask(counter('sliding-window', WINDOW), 'a', { max: 1600 })
    const small = ask(counter('gcra', WINDOW), 'a', { max: 1600 })
    for (let i = 0; i < 20; i++) await node!.take([wide, small])
    t.assert.strictEqual((await other!.peek([wide])).left[0]!.remaining, 1580)
    t.assert.strictEqual(node!.leases, 0)
  })

  test('requests of one moment are refused by no permits that one of them brought', async (t: TestContext) => {
    const [node] = nodesOf({ now: START }, 1)
    const one = ask(counter('sliding-window', WINDOW), 'a', { max: 64 })
    const taken = await Promise.all(Array.from({ length: 100 }, () => node!.take([one])))
    t.assert.strictEqual(taken.filter(({ passed }) => passed).length, 64)
    t.assert.strictEqual((await node!.take([one])).passed, false)
  })

  test('after all leases ended every node sees what was spent, and nothing else', async (t: TestContext) => {
    const clock = { now: START }
    const nodes = nodesOf(clock, 3)
    const one = ask(counter('sliding-window', 600_000), 'a', { max: 4000 })
    let passed = 0
    for (let i = 0; i < 900; i++) {
      if (i % 50 === 0) clock.now += 400
      const node = nodes[i % 3]!
      const { passed: went, at } = await node.take([{ ...one, cost: 1 + i % 5 }])
      if (i % 7 === 0) await node.refund([{ ...one, cost: 1 + i % 5 }], at)
      else if (went) passed += 1 + i % 5
    }
    await Promise.all(nodes.map((node) => node.release()))
    t.assert.strictEqual((await nodes[0]!.peek([one])).left[0]!.remaining, 4000 - passed)
    t.assert.ok(nodes[0]!.leased > 50, `${nodes[0]!.leased} by lease`)
  })

  test('what a later limit refuses is given back to the lease, once', async (t: TestContext) => {
    const { app } = await build(t, {
      rateLimit: [{ max: 1600, window: '1m' }, { max: 5, window: '1m', name: 'each', key: () => 'all' }],
      store: { redis: redis.client, prefix: `faults${prefixes++}:`, mode: 'lease', timeout: 5000 }
    })
    const codes: number[] = []
    for (let i = 0; i < 30; i++) codes.push(await status(app))
    codes.push(...await Promise.all(Array.from({ length: 70 }, () => status(app))))
    t.assert.strictEqual(codes.filter((code) => code === 200).length, 5)
    t.assert.ok(app.guard.stats().store.leased! > 20)
    const left = await app.guard.limits.peek(CLIENT)
    t.assert.strictEqual(left[0]!.remaining, 1595)
    await until(() => app.guard.stats().store.leases === 0, 'leases end')
    await until(async () => (await app.guard.limits.peek(CLIENT))[0]!.remaining === 1595, 'all is given back')
  })

  test('a limit that is lowered counts at once, whatever was taken ahead', async (t: TestContext) => {
    const { app } = await build(t, { rateLimit: { max: 1600, window: '1m' }, store: { redis: redis.client, prefix: `faults${prefixes++}:`, mode: 'lease', timeout: 5000 } })
    for (let i = 0; i < 40; i++) await status(app)
    const pending = Promise.all(Array.from({ length: 5 }, () => status(app)))
    await app.guard.update({ rateLimit: { max: 100, window: '1m' } })
    await pending
    let passed = 45
    for (let i = 0; i < 200; i++) if (await status(app) === 200) passed++
    t.assert.ok(passed <= 100, `${passed} passed`)
    await until(() => app.guard.stats().store.leases === 0, 'leases end')
    for (let i = 0; i < 200; i++) if (await status(app) === 200) passed++
    t.assert.strictEqual(passed, 100)
  })

  test('a node that counts by itself afterwards knows what passed, not what was taken ahead', async (t: TestContext) => {
    const own = await startServer()
    t.after(() => own.stop())
    const link = clientOf(own.port, { retryStrategy: () => null, maxRetriesPerRequest: 0, enableOfflineQueue: false })
    t.after(() => link.disconnect())
    await until(() => link.status === 'ready')
    const { app } = await build(t, { rateLimit: { max: 4000, window: '1h' }, store: { redis: link, mode: 'lease', timeout: 5000 } })
    for (let i = 0; i < 100; i++) await status(app)
    t.assert.ok(app.guard.stats().store.leased! > 20)
    await until(() => app.guard.stats().store.leases === 0, 'leases end')
    for (let i = 0; i < 100; i++) await status(app)
    await until(() => app.guard.stats().store.leases === 0, 'leases end')
    link.disconnect()
    await until(() => app.guard.stats().store.state === 'down')
    await sleep(0)
    const response = await app.inject({ url: '/', remoteAddress: CLIENT })
    t.assert.match(String(response.headers['ratelimit']), /r=3799;/)
  })
})
