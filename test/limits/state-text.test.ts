import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { build } from '../helpers.ts'
import { stateTexts } from '../../lib/limits/state-text.ts'

const number = fc.oneof(fc.nat(5), fc.constantFrom(0, 1023, 4095, 4096, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1, 315_360_000, 2 ** 53 - 1))

test('a text is that of its own limit and numbers, whatever was asked for before', () => {
  const textOf = stateTexts()
  fc.assert(fc.property(fc.constantFrom('"a"', '"b"', '"default"', '"\\""', '""'), fc.nat(3), number, number, (quoted, salt, remaining, seconds) => {
    for (let i = 0; i < 2; i++) {
      const text = textOf(quoted, salt, remaining, seconds)
      if (text !== `${quoted};r=${remaining};t=${seconds}`) throw new Error(text)
    }
  }), { numRuns: 5000 })
})

test('a text that was made is not made again', (t: TestContext) => {
  const textOf = stateTexts()
  let read = 0
  // Only making a text reads the name as a text.
  const name = { [Symbol.toPrimitive]: () => `"n${read++}"` } as unknown as string
  const texts = [1, 2, 3].map(() => textOf(name, 0, 7, 60))
  t.assert.deepStrictEqual(texts, ['"n0";r=7;t=60', '"n0";r=7;t=60', '"n0";r=7;t=60'])
})

test('a thousand routes with limits share one memory of texts', async (t: TestContext) => {
  const before = process.memoryUsage().arrayBuffers
  const { app } = await build(t, { rateLimit: { max: 100, window: '1m' } }, (app) => {
    for (let i = 0; i < 1000; i++) app.get(`/route${i}`, async () => 'ok')
  })
  t.assert.strictEqual((await app.inject('/route7')).headers['ratelimit'], '"default";r=99;t=60')
  const added = process.memoryUsage().arrayBuffers - before
  t.assert.ok(added < 4 * 2 ** 20, `${added} bytes`)
})
