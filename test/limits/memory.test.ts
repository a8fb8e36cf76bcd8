import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { memoryStore } from '../../lib/limits/memory.ts'
import { ask, counter, limiterStoreSuite } from './store-suite.ts'

limiterStoreSuite('memory', () => {
  let time = 1_700_000_000_000
  const store = memoryStore({ maxKeys: 1000, now: () => time })
  return { store, slack: 0, async pass (ms) { time += ms } }
})

const WINDOW = 1600

/** The exact sliding window: a time for every unit. */
function exactWindow (max: number, window: number) {
  let times: number[] = []
  return {
    wouldPass (now: number, cost: number): boolean {
      times = times.filter((time) => time + window > now)
      return times.length + cost <= max
    },
    take (now: number, cost: number): void {
      for (let i = 0; i < cost; i++) times.push(now)
    }
  }
}

// Steps that meet the edges of buckets and windows, and any others.
const step = fc.record({
  after: fc.oneof(fc.nat(WINDOW * 2), fc.constantFrom(0, 1, WINDOW / 16 - 1, WINDOW / 16, WINDOW / 16 + 1, WINDOW - 1, WINDOW, WINDOW + WINDOW / 16), fc.nat(150)),
  cost: fc.integer({ min: 1, max: 3 })
})

test('sliding-window: in no span of window more than max pass, and none is refused that would pass with windows a sixteenth longer', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 120 }), (max, steps) => {
    let now = 5
    const store = memoryStore({ maxKeys: 100, now: () => now })
    const exact = exactWindow(max, WINDOW)
    const longer = exactWindow(max, WINDOW + WINDOW / 16)
    const shared = counter('sliding-window', WINDOW)
    for (const { after, cost } of steps) {
      now += after
      const { passed } = store.take([ask(shared, 'a', { max, cost })])
      if (passed && !exact.wouldPass(now, cost)) return false
      if (!passed && longer.wouldPass(now, cost)) return false
      if (!passed) continue
      exact.take(now, cost)
      longer.take(now, cost)
    }
    return true
  }), { numRuns: 500 })
})

for (const algorithm of ['sliding-window', 'fixed-window', 'gcra'] as const) {
  test(`${algorithm}: the wait of a refusal is exact, and so are next and reset`, () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 60 }), (max, steps) => {
      let now = 5
      const shared = counter(algorithm, WINDOW)
      const store = memoryStore({ maxKeys: 100, now: () => now })
      const at = (time: number, cost: number) => {
        const before = now
        now = time
        // Peeking at a later time would move the clock on for good: a copy with the same history does.
        const copy = memoryStore({ maxKeys: 100, now: () => now })
        now = 5
        for (const past of history) {
          now = past.now
          copy.take([ask(shared, 'a', { max, cost: past.cost })])
        }
        now = time
        const found = copy.peek([ask(shared, 'a', { max, cost })])
        now = before
        return found
      }
      const history: Array<{ now: number, cost: number }> = []
      for (const { after, cost } of steps) {
        now += after
        const { passed, left: [left] } = store.take([ask(shared, 'a', { max, cost })])
        if (passed) history.push({ now, cost })
        if (!passed && cost <= max) {
          if (at(now + left!.wait - 1, cost).passed || !at(now + left!.wait, cost).passed) return false
        }
        if (left!.next > 0) {
          if (at(now + left!.next - 1, 1).left[0]!.remaining > left!.remaining || at(now + left!.next, 1).left[0]!.remaining <= left!.remaining) return false
        }
        if (left!.reset > 0) {
          if (at(now + left!.reset, 1).left[0]!.remaining !== max || at(now + left!.reset, 1).left[0]!.reset !== 0) return false
        }
      }
      return true
    }), { numRuns: 100 })
  })
}

test('sliding-window: giving back is as if it had never been taken', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 8 }), fc.array(fc.tuple(step, fc.boolean()), { maxLength: 60 }), (max, steps) => {
    let now = 5
    const store = memoryStore({ maxKeys: 100, now: () => now })
    const exact = exactWindow(max, WINDOW)
    const shared = counter('sliding-window', WINDOW)
    for (const [{ after, cost }, counts] of steps) {
      now += after
      const one = ask(shared, 'a', { max, cost })
      const { passed, at } = store.take([one])
      if (passed && !exact.wouldPass(now, cost)) return false
      if (!passed) continue
      now += after % 300
      if (counts) exact.take(now - after % 300, cost)
      else store.refund([one], at)
    }
    return true
  }), { numRuns: 500 })
})

test('fixed-window: at most max pass in a window that the first request begins', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 80 }), (max, steps) => {
    let now = 5
    const store = memoryStore({ maxKeys: 100, now: () => now })
    const shared = counter('fixed-window', WINDOW)
    let ends = 0
    let taken = 0
    for (const { after, cost } of steps) {
      now += after
      if (now >= ends) taken = 0
      const { passed } = store.take([ask(shared, 'a', { max, cost })])
      if (passed !== (taken + cost <= max)) return false
      if (!passed) continue
      if (taken === 0) ends = now + WINDOW
      taken += cost
    }
    return true
  }), { numRuns: 300 })
})

test('gcra: at most burst at once and one for each interval', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.array(step, { maxLength: 80 }), (max, burst, steps) => {
    let now = 5
    const store = memoryStore({ maxKeys: 100, now: () => now })
    const shared = counter('gcra', WINDOW)
    const passes: number[] = []
    for (const { after } of steps) {
      now += after
      if (store.take([ask(shared, 'a', { max, burst })]).passed) passes.push(now)
    }
    return passes.every((from, i) => passes.slice(i).every((to, j) => j + 1 <= burst + (to - from + 0.5) * max / WINDOW))
  }), { numRuns: 300 })
})

test('a clock that is set back lengthens no wait', (t: TestContext) => {
  let now = 1_000_000
  const store = memoryStore({ maxKeys: 100, now: () => now })
  const one = ask(counter(), 'a', { max: 1 })
  store.take([one])
  now -= 500_000
  t.assert.ok(store.take([one]).left[0]!.wait <= WINDOW)
  now += WINDOW
  t.assert.strictEqual(store.take([one]).passed, true)
})

test('keys are bounded, evictions counted, and expired keys make room first', (t: TestContext) => {
  let now = 0
  const store = memoryStore({ maxKeys: 1000, now: () => now })
  const shared = counter()
  for (let i = 0; i < 1000; i++) store.take([ask(shared, `a${i}`)])
  t.assert.deepStrictEqual(store.stats(), { keys: 1000, maxKeys: 1000, evicted: 0 })
  for (let i = 0; i < 1000; i++) t.assert.strictEqual(store.peek([ask(shared, `a${i}`)]).left[0]!.remaining, 2)
  now += WINDOW
  for (let i = 0; i < 1000; i++) store.take([ask(shared, `b${i}`)])
  t.assert.deepStrictEqual(store.stats(), { keys: 1000, maxKeys: 1000, evicted: 0 })
  for (let i = 0; i < 1000; i++) t.assert.strictEqual(store.peek([ask(shared, `b${i}`)]).left[0]!.remaining, 2)
  for (let i = 0; i < 500; i++) store.take([ask(shared, `c${i}`)])
  t.assert.deepStrictEqual(store.stats(), { keys: 1000, maxKeys: 1000, evicted: 500 })
})

test('a flood of new keys does not make the store forget who is at the limit', (t: TestContext) => {
  let now = 0
  const store = memoryStore({ maxKeys: 1000, now: () => now })
  const shared = counter('sliding-window', 3_600_000)
  for (let i = 0; i < 10; i++) store.take([ask(shared, 'busy', { max: 10 })])
  for (let i = 0; i < 100_000; i++) {
    now += 1
    store.take([ask(shared, `new${i}`, { max: 10 })])
  }
  t.assert.strictEqual(store.take([ask(shared, 'busy', { max: 10 })]).passed, false)
})

test('many keys with many buckets stay exact while there are cells, and lose nothing without', (t: TestContext) => {
  let now = 0
  const store = memoryStore({ maxKeys: 300, now: () => now })
  const shared = counter()
  let passed = 0
  for (let round = 0; round < 15; round++) {
    for (let i = 0; i < 300; i++) if (store.take([ask(shared, `k${i}`, { max: 10 })]).passed) passed++
    now += WINDOW / 16 + 1
  }
  t.assert.strictEqual(passed, 3000)
  for (let i = 0; i < 300; i++) t.assert.strictEqual(store.take([ask(shared, `k${i}`, { max: 10 })]).passed, false)
  now += WINDOW + WINDOW / 16
  for (let i = 0; i < 300; i++) t.assert.strictEqual(store.take([ask(shared, `k${i}`, { max: 10 })]).left[0]!.remaining, 9)
})

test('random keys, takes and times agree with one store for each key', () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(40), fc.nat(200), fc.integer({ min: 1, max: 2 })), { maxLength: 400 }), (steps) => {
    let now = 0
    const clock = () => now
    const together = memoryStore({ maxKeys: 1000, now: clock })
    const apart = Array.from({ length: 41 }, () => memoryStore({ maxKeys: 100, now: clock }))
    const shared = counter()
    for (const [key, after, cost] of steps) {
      now += after
      const one = ask(shared, `key${key}`, { max: 4, cost })
      const [here, there] = [together.take([one]), apart[key]!.take([one])]
      if (here.passed !== there.passed || here.left[0]!.remaining !== there.left[0]!.remaining || here.left[0]!.wait !== there.left[0]!.wait) return false
    }
    return true
  }), { numRuns: 200 })
})

test('a million keys take at most 100 bytes each', { skip: globalThis.gc === undefined ? 'needs --expose-gc' : false }, (t: TestContext) => {
  const size = () => {
    globalThis.gc!()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const before = size()
  const store = memoryStore({ maxKeys: 1_000_000 })
  const shared = counter('sliding-window', 3_600_000)
  for (let i = 0; i < 1_000_000; i++) store.take([ask(shared, `10.${i >>> 16}.${i >>> 8 & 255}.${i & 255}`)])
  const perKey = (size() - before) / 1_000_000
  t.diagnostic(`${perKey.toFixed(1)} bytes a key`)
  t.assert.strictEqual(store.stats()['keys'], 1_000_000)
  t.assert.ok(perKey <= 100, `${perKey} bytes a key`)
})
