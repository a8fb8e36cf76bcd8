import { test, type TestContext } from 'node:test'
import { repeat } from '../../lib/download/repeat.ts'
import { until } from './server.ts'

test('a job comes again, one run at a time, and not after the end', async (t: TestContext) => {
  let runs = 0
  let now = 0
  let most = 0
  const repeating = repeat(5, async () => {
    most = Math.max(most, ++now)
    await new Promise((resolve) => { setTimeout(resolve, 10) })
    now--
    return ++runs % 2 === 0
  })
  await until(() => runs >= 4, 'it runs')
  await repeating.close()
  const ended = runs
  await new Promise((resolve) => { setTimeout(resolve, 50) })
  t.assert.deepStrictEqual([runs, now, most], [ended, 0, 1])
})

test('after a failure it comes sooner than after a success', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  t.mock.method(Math, 'random', () => 0.5)
  const DAY = 86_400_000
  const runs: number[] = []
  let passed = 0
  const outcomes = [false, false, true, true]
  const repeating = repeat(DAY, async () => {
    runs.push(passed)
    return outcomes.shift()!
  }, Promise.resolve(false))
  for (let i = 0; i < 1500; i++) {
    await new Promise((resolve) => { setImmediate(resolve) })
    t.mock.timers.tick(60_000)
    passed += 60_000
  }
  await repeating.close()
  t.assert.deepStrictEqual(runs.slice(0, 4).map((at) => Math.round(at / 60_000)), [1, 3, 7, 1447])
})
