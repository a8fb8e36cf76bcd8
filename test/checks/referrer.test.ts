import { test, type TestContext } from 'node:test'
import { build, buildRoute, startError, status } from '../helpers.ts'

test('referrer: global, a route of its own, off', async (t: TestContext) => {
  const { app } = await buildRoute(t, { referrer: { allow: ['b.test'] } }, { referrer: { allow: ['a.test'] } })
  app.get('/off', { config: { guard: { referrer: false } } }, async () => 'ok')
  const from = (url: string, referer: string): Promise<number> => status(app, { url, headers: { referer } })
  t.assert.strictEqual(await from('/', 'https://a.test/x'), 200)
  t.assert.strictEqual(await from('/', 'https://b.test/x'), 403)
  t.assert.strictEqual(await from('/guarded', 'https://b.test/x'), 200)
  t.assert.strictEqual(await from('/guarded', 'https://a.test/x'), 403, 'lists replace')
  t.assert.strictEqual(await from('/off', 'https://evil.test/'), 200)
})

test('referrer: passive reports', async (t: TestContext) => {
  const { app, events } = await build(t, { referrer: { allow: ['a.test'], mode: 'passive' } })
  t.assert.strictEqual(await status(app, { headers: { referer: 'https://evil.test/?token=x' } }), 200)
  const [event] = events
  t.assert.ok(event?.type === 'reported' && event.code === 'GUARD_REFERRER_REFUSED' && event.evidence === 'evil.test')
})

test('referrer: wrong values stop the start', async (t: TestContext) => {
  for (const [rule, path] of [[{}, /referrer\.allow is missing/], [{ allow: [] }, /referrer\.allow must have/], [{ allow: ['a.test:80'] }, /referrer\.allow\[0\]/], [{ allow: ['a.test'], missing: 'deny' }, /referrer\.missing/], [true, /referrer must be/]] as const) {
    t.assert.match((await startError({ referrer: rule })).message, path)
  }
})
