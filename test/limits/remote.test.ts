import { test, type TestContext } from 'node:test'
import type { Refusal } from '../../lib/check.ts'
import { rateLimit } from '../../lib/checks/rate-limit.ts'
import { limiter, type Limiter } from '../../lib/limits/limiter.ts'
import { memoryStore } from '../../lib/limits/memory.ts'
import type { Taken } from '../../lib/limits/store.ts'
import type { Limit } from '../../types/index.ts'
import { limiterStoreSuite } from './store-suite.ts'

/** The memory store, as if it were far away. */
function far () {
  let time = 1_700_000_000_000
  const near = memoryStore({ maxKeys: 1000, now: () => time })
  return {
    near,
    pass: async (ms: number): Promise<void> => { time += ms },
    store: {
      take: async (...args: Parameters<typeof near.take>) => near.take(...args),
      peek: async (...args: Parameters<typeof near.peek>) => near.peek(...args),
      refund: async (...args: Parameters<typeof near.refund>) => near.refund(...args),
      reset: async (...args: Parameters<typeof near.reset>) => near.reset(...args),
      clear: async () => near.clear(),
      stats: () => near.stats()
    }
  }
}

limiterStoreSuite('a store that answers by promise', () => ({ ...far(), slack: 0 }))

/** The check on one request after the other, with a limiter whose answers are promises. */
function setUp (limits: Limit[], changes: Partial<Limiter> = {}) {
  const { store, near } = far()
  const local = limiter({ store: near, now: Date.now })
  const remote: Limiter = { ...local, take: store.take, refund: store.refund, ...changes }
  const checks = rateLimit.compile(limits, { limiter: remote } as never, { layer: 'test', problem: () => {} } as never)!
  return async (user = 'ann'): Promise<{ refusal: Refusal | undefined, headers: Record<string, string>, finish: (status: number) => void }> => {
    const headers: Record<string, string> = {}
    const reply = { statusCode: 200, raw: { headersSent: true }, header (name: string, value: string) { headers[name] = value }, getHeader: (name: string) => headers[name] }
    const visit = { client: { key: '203.0.113.7' }, chain: { request: [{ key: 'rateLimit' }, { key: 'rateLimit' }] }, after: undefined as Array<(request: unknown, reply: unknown) => void> | undefined }
    const request = { user, log: { warn () {}, error () {} } }
    let refusal
    for (const check of [checks.request, checks.late]) refusal ??= await check?.(request as never, visit as never, reply as never)
    return { refusal, headers, finish: (status) => visit.after?.forEach((call) => call(request, { ...reply, statusCode: status })) }
  }
}

const byUser = (request: unknown): string => (request as { user: string }).user

test('checks wait for the store, write headers of both phases, and give back what a later limit refused', async (t: TestContext) => {
  const send = setUp([{ name: 'client', max: 3, window: '1m' }, { name: 'user', max: 1, window: '1m', key: byUser }])
  t.assert.strictEqual((await send()).headers['ratelimit'], '"client";r=2;t=60, "user";r=0;t=60')
  for (let i = 0; i < 3; i++) t.assert.strictEqual((await send()).refusal?.rule, 'user')
  t.assert.strictEqual((await send('bob')).refusal, undefined)
  t.assert.strictEqual((await send('eve')).refusal, undefined)
  t.assert.strictEqual((await send('kim')).refusal?.rule, 'client')
})

test('what does not count is given back later', async (t: TestContext) => {
  const send = setUp([{ max: 1, window: '1m', count: 'failures' }])
  for (const status of [200, 204, 302, 400]) {
    const { refusal, finish } = await send()
    t.assert.strictEqual(refusal, undefined)
    finish(status)
    await Promise.resolve()
  }
  t.assert.strictEqual((await send()).refusal?.code, 'GUARD_RATE_LIMITED')
})

test('a store that cannot give back breaks nothing', async (t: TestContext) => {
  const send = setUp([{ max: 1, window: '1m', count: 'failures' }], { refund: async () => { throw new Error('gone') } })
  const { finish } = await send()
  finish(200)
  await new Promise((resolve) => setImmediate(resolve))
  t.assert.strictEqual((await send()).refusal?.code, 'GUARD_RATE_LIMITED')
})

test('a failing store that is to refuse does so without blaming the client', async (t: TestContext) => {
  const failed: Taken = { passed: false, at: NaN, left: [{ remaining: 0, wait: 0, next: 0, reset: 0 }], failed: 'no answer' }
  const send = setUp([{ max: 1, window: '1m' }], { take: async () => failed })
  const { refusal } = await send()
  t.assert.deepStrictEqual([refusal?.status, refusal?.code, refusal?.strike], [503, 'GUARD_CHECK_FAILED', undefined])
})
