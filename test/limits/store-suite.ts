import { describe, test } from 'node:test'
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import type { Algorithm, Ask, Counter, LimiterStore } from '../../lib/limits/store.ts'

/** A store under test, and its clock. */
export interface Bench {
  store: LimiterStore
  /** Moves the store's clock on. A store with a clock of its own waits. */
  pass: (ms: number) => Promise<void>
  /** Milliseconds by which the store's answers may differ from the exact ones. */
  slack: number
  close?: () => Promise<void>
}

const WINDOW = 1600
let counters = 0

/** A counter that no other test uses. */
export function counter (algorithm: Algorithm = 'sliding-window', window = WINDOW): Counter {
  const number = counters++
  return { id: `suite${number}`, number, algorithm, window }
}

export function ask (counter: Counter, key = 'a', { max = 3, burst = max, cost = 1 }: Partial<Pick<Ask, 'max' | 'burst' | 'cost'>> = {}): Ask {
  return { counter, key, max, burst, cost }
}

/** What every store of limiter state does, wherever it keeps it. */
export function limiterStoreSuite (name: string, make: () => Bench | Promise<Bench>): void {
  describe(`${name}: limiter store`, () => {
    function check (title: string, run: (bench: Bench) => Promise<void>): void {
      test(title, async () => {
        const bench = await make()
        try {
          await run(bench)
        } finally {
          await bench.close?.()
        }
      })
    }

    for (const algorithm of ['sliding-window', 'fixed-window', 'gcra'] as const) {
      check(`${algorithm}: a fresh key passes exactly max at once`, async ({ store, slack }) => {
        const one = ask(counter(algorithm))
        for (const remaining of [2, 1, 0]) {
          const { passed, left: [left] } = await store.take([one])
          deepStrictEqual([passed, left!.remaining, left!.wait], [true, remaining, 0])
        }
        const { passed, left: [left] } = await store.take([one])
        deepStrictEqual([passed, left!.remaining], [false, 0])
        const wait = algorithm === 'gcra' ? WINDOW / 3 : WINDOW
        ok(left!.wait > 0 && left!.wait <= wait + 1 && left!.wait >= wait - 1 - slack, `waits ${left!.wait}`)
      })

      check(`${algorithm}: whoever waits as long as it is told passes, and not before`, async ({ store, pass, slack }) => {
        const one = ask(counter(algorithm))
        for (let i = 0; i < 3; i++) await store.take([one])
        const { left: [left] } = await store.take([one])
        await pass(left!.wait - 1 - slack)
        strictEqual((await store.take([one])).passed, false)
        await pass(1 + slack)
        strictEqual((await store.take([one])).passed, true)
      })

      check(`${algorithm}: refusals do not extend the wait`, async ({ store, pass, slack }) => {
        const one = ask(counter(algorithm))
        for (let i = 0; i < 3; i++) await store.take([one])
        for (let i = 0; i < 20; i++) {
          strictEqual((await store.take([one])).passed, i * WINDOW / 16 >= WINDOW / 3 && algorithm === 'gcra')
          if (algorithm === 'gcra' && i === 5) break
          if (i === 15) break
          await pass(WINDOW / 16)
        }
        await pass(WINDOW / 16 + slack)
        strictEqual((await store.take([one])).passed, true)
      })

      check(`${algorithm}: keys and counters are apart`, async ({ store }) => {
        const [first, second] = [counter(algorithm), counter(algorithm)]
        for (const one of [ask(first, 'a', { max: 1 }), ask(first, 'b', { max: 1 }), ask(second, 'a', { max: 1 })]) {
          strictEqual((await store.take([one])).passed, true)
          strictEqual((await store.take([one])).passed, false)
        }
      })

      check(`${algorithm}: a cost takes as many units, or none`, async ({ store }) => {
        const shared = counter(algorithm)
        strictEqual((await store.take([ask(shared, 'a', { max: 5, cost: 3 })])).left[0]!.remaining, 2)
        const refused = await store.take([ask(shared, 'a', { max: 5, cost: 3 })])
        deepStrictEqual([refused.passed, refused.left[0]!.remaining], [false, 2])
        strictEqual((await store.take([ask(shared, 'a', { max: 5, cost: 2 })])).passed, true)
        strictEqual((await store.take([ask(shared, 'a', { max: 5 })])).passed, false)
      })

      check(`${algorithm}: max 0 and a cost above max never pass, and wait a window`, async ({ store, pass }) => {
        const shared = counter(algorithm)
        for (let i = 0; i < 2; i++) {
          for (const limits of [{ max: 0 }, { max: 2, cost: 3 }]) {
            const { passed, left: [left] } = await store.take([ask(shared, 'a', limits)])
            deepStrictEqual([passed, left!.wait], [false, WINDOW])
          }
          await pass(WINDOW)
        }
      })

      check(`${algorithm}: of several asks all are taken or none`, async ({ store }) => {
        const [wide, narrow] = [counter(algorithm), counter(algorithm)]
        const asks = [ask(wide, 'a', { max: 5 }), ask(narrow, 'a', { max: 2 })]
        for (let i = 0; i < 2; i++) strictEqual((await store.take(asks)).passed, true)
        for (let i = 0; i < 5; i++) {
          const { passed, left } = await store.take(asks)
          strictEqual(passed, false)
          strictEqual(left[0]!.wait, 0)
          ok(left[1]!.wait > 0)
        }
        strictEqual((await store.peek([asks[0]!])).left[0]!.remaining, 3)
        strictEqual((await store.take([asks[1]!, asks[0]!])).passed, false)
        strictEqual((await store.peek([asks[0]!])).left[0]!.remaining, 3)
      })

      check(`${algorithm}: a refused request leaves nothing behind for a fresh key`, async ({ store }) => {
        const [first, second] = [counter(algorithm), counter(algorithm)]
        strictEqual((await store.take([ask(first), ask(second, 'a', { max: 0 })])).passed, false)
        strictEqual((await store.peek([ask(first)])).left[0]!.remaining, 3)
      })

      check(`${algorithm}: peek takes nothing`, async ({ store }) => {
        const one = ask(counter(algorithm))
        for (let i = 0; i < 9; i++) {
          const { passed, left: [left] } = await store.peek([one])
          deepStrictEqual([passed, left!.remaining, left!.wait, left!.reset], [true, 3, 0, 0])
        }
        for (let i = 0; i < 3; i++) await store.take([one])
        const { passed, left: [left] } = await store.peek([one])
        deepStrictEqual([passed, left!.remaining], [false, 0])
        ok(left!.wait > 0)
      })

      check(`${algorithm}: what is given back can be taken again, once`, async ({ store }) => {
        const one = ask(counter(algorithm), 'a', { max: 4, cost: 2 })
        const { at } = await store.take([one])
        await store.take([one])
        strictEqual((await store.take([one])).passed, false)
        await store.refund([one], at)
        strictEqual((await store.peek([one])).left[0]!.remaining, 2)
        strictEqual((await store.take([one])).passed, true)
        strictEqual((await store.take([one])).passed, false)
      })

      check(`${algorithm}: giving back what has expired gives nothing`, async ({ store, pass, slack }) => {
        const one = ask(counter(algorithm), 'a', { max: 1 })
        const { at } = await store.take([one])
        await pass(WINDOW + WINDOW / 16 + slack)
        await store.refund([one], at)
        strictEqual((await store.take([one])).passed, true)
        await store.refund([one], at)
        strictEqual((await store.take([one])).passed, false)
        strictEqual((await store.peek([one])).left[0]!.remaining, 0)
      })

      check(`${algorithm}: max may change between calls`, async ({ store }) => {
        const shared = counter(algorithm)
        for (let i = 0; i < 4; i++) strictEqual((await store.take([ask(shared, 'a', { max: 4 })])).passed, true)
        strictEqual((await store.take([ask(shared, 'a', { max: 2 })])).passed, false)
        strictEqual((await store.peek([ask(shared, 'a', { max: 2 })])).left[0]!.remaining, 0)
        // Of `gcra`, 4 units of a quarter of the window are 8 of an eighth.
        strictEqual((await store.take([ask(shared, 'a', { max: 8 })])).passed, algorithm !== 'gcra')
      })

      check(`${algorithm}: reset forgets one key of the named counters, clear forgets all`, async ({ store }) => {
        const [first, second] = [counter(algorithm), counter(algorithm)]
        const asks = [ask(first, 'a', { max: 1 }), ask(second, 'a', { max: 1 }), ask(first, 'b', { max: 1 })]
        for (const one of asks) await store.take([one])
        await store.reset([first], 'a')
        deepStrictEqual(await Promise.all(asks.map(async (one) => (await store.peek([one])).passed)), [true, false, false])
        await store.clear()
        deepStrictEqual(await Promise.all(asks.map(async (one) => (await store.peek([one])).passed)), [true, true, true])
      })
    }

    check('keys may be any text', async ({ store }) => {
      const shared = counter()
      const keys = ['', 'constructor', '__proto__', 'a'.repeat(128), '\u20ac', '\u{1f600}', 'a\0', 'a', 'a\0\0', '\u00ff', '{a}', 'a:b', ' ']
      for (const key of keys) strictEqual((await store.take([ask(shared, key, { max: 1 })])).passed, true, JSON.stringify(key))
      for (const key of keys) strictEqual((await store.take([ask(shared, key, { max: 1 })])).passed, false, JSON.stringify(key))
    })

    check('gcra lets burst pass at once, and then one for each window / max', async ({ store, pass, slack }) => {
      const one = ask(counter('gcra'), 'a', { max: 16, burst: 2 })
      strictEqual((await store.take([one])).passed, true)
      strictEqual((await store.take([one])).passed, true)
      for (let i = 0; i < 3; i++) {
        strictEqual((await store.take([one])).passed, false)
        await pass(WINDOW / 16 + slack)
        strictEqual((await store.take([one])).passed, true)
      }
    })

    check('stats are numbers', async ({ store }) => {
      await store.take([ask(counter())])
      for (const value of Object.values(store.stats())) strictEqual(typeof value, 'number')
    })
  })
}
