import { test, type TestContext } from 'node:test'
import { build, CLIENT, status } from '../helpers.ts'
import { skip, startServer } from '../redis/server.ts'

test('explain looks at limits in Redis and takes nothing', { skip }, async (t: TestContext) => {
  const server = await startServer()
  t.after(() => server.stop())
  for (const mode of ['strict', 'lease'] as const) {
    const { app } = await build(t, { store: { redis: `redis://127.0.0.1:${server.port}`, mode, prefix: `${mode}:` }, rateLimit: { max: 3, window: '1m' } })
    await app.ready()
    await app.guard.ready()
    const like = { ip: CLIENT, headers: { 'user-agent': 'test' } }
    for (let i = 0; i < 10; i++) t.assert.strictEqual((await app.guard.explain(like)).verdict, 'pass', mode)
    for (let i = 0; i < 3; i++) t.assert.strictEqual(await status(app), 200, `${mode} ${i}`)
    t.assert.strictEqual((await app.guard.explain(like)).refusal?.code, 'GUARD_RATE_LIMITED', mode)
    t.assert.strictEqual(await status(app), 429, mode)
  }
})
