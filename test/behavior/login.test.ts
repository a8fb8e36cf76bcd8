import { test, type TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { build, status } from '../helpers.ts'

/** As docs/checks/behavior.md has it. */
async function login (t: TestContext, duration: number | string = '5m'): Promise<{ app: FastifyInstance, attempt: (user: string, password: string, ip: string) => Promise<number> }> {
  const { app } = await build(t, { ban: { threshold: 8, window: '1h', duration, escalate: 2 } }, (app) => {
    app.post<{ Body: { user: string, password: string } }>('/login', {
      config: {
        guard: {
          rateLimit: [
            { name: 'address', max: 5, window: '15m', count: 'failures' },
            { name: 'account', max: 3, window: '15m', key: () => 'account', skip: () => true }
          ]
        }
      }
    }, async (request, reply) => {
      const account = `account:${request.body.user}`
      const states = await app.guard.limits.peek(account)
      if (states.some(({ limit, remaining }) => limit === 'account' && remaining === 0)) return reply.code(429).send()
      if (request.body.password !== 'right') {
        await app.guard.limits.consume(account, 'account')
        request.guard.strike('login failed')
        return reply.code(401).send()
      }
      await app.guard.limits.reset(account)
      await app.guard.limits.reset(request.guard.ip)
      return 'welcome'
    })
  })
  return { app, attempt: (user, password, ip) => status(app, { method: 'POST', url: '/login', payload: { user, password }, ip }) }
}

test('failures are counted by account, from wherever they come, and forgotten by a success', async (t: TestContext) => {
  const { attempt } = await login(t)
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 2; i++) t.assert.strictEqual(await attempt('ada', 'wrong', `198.51.100.${round * 10 + i}`), 401)
    t.assert.strictEqual(await attempt('ada', 'right', '203.0.113.1'), 200)
  }
  for (let i = 0; i < 3; i++) t.assert.strictEqual(await attempt('ada', 'wrong', `198.51.101.${i}`), 401)
  t.assert.strictEqual(await attempt('ada', 'right', '198.51.101.9'), 429)
  t.assert.strictEqual(await attempt('bob', 'right', '198.51.101.9'), 200)
})

test('failures are counted by address, over all accounts; successes are not', async (t: TestContext) => {
  const { attempt } = await login(t)
  for (let i = 0; i < 12; i++) t.assert.strictEqual(await attempt(`user${i}`, 'right', '203.0.113.1'), 200)
  for (let i = 0; i < 5; i++) t.assert.strictEqual(await attempt(`user${i}`, 'wrong', '203.0.113.2'), 401)
  t.assert.strictEqual(await attempt('user9', 'right', '203.0.113.2'), 429)
})

test('who goes on is banned, each time for longer', async (t: TestContext) => {
  const { app, attempt } = await login(t, 200)
  const lengths: number[] = []
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 8; i++) {
      await app.guard.limits.reset('203.0.113.3')
      await attempt(`user${round}-${i}`, 'wrong', '203.0.113.3')
    }
    const [ban] = app.guard.bans()
    lengths.push(ban!.until - ban!.since)
    t.assert.strictEqual(await attempt('x', 'right', '203.0.113.3'), 403)
    await new Promise((resolve) => setTimeout(resolve, lengths.at(-1)! + 20))
    t.assert.strictEqual(await attempt('x', 'right', '203.0.113.3'), 200)
  }
  t.assert.deepStrictEqual(lengths, [200, 400])
})

test('strikes of auth lead to a ban without any code', async (t: TestContext) => {
  const { app } = await build(t, { ban: { threshold: 3, on: ['auth'] }, auth: { scheme: 'bearer', verify: (token: string) => token === 'good' } })
  const send = (token: string): Promise<number> => status(app, { headers: { authorization: `Bearer ${token}` } })
  t.assert.deepStrictEqual([await send('a'), await send('good'), await send('b'), await send('c'), await send('good')], [401, 200, 401, 401, 403])
})
