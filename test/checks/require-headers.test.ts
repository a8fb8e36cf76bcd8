import { test, type TestContext } from 'node:test'
import { build, buildRoute, startError, status } from '../helpers.ts'

test('requireHeaders: a route adds to what the plugin requires, and can switch it off', async (t: TestContext) => {
  const { app } = await buildRoute(t, { requireHeaders: { 'X-B': '2' } }, { requireHeaders: { 'x-a': true } })
  app.get('/off', { config: { guard: { requireHeaders: false } } }, async () => 'ok')
  t.assert.strictEqual(await status(app, { headers: { 'x-a': '1' } }), 200)
  t.assert.strictEqual(await status(app), 400)
  t.assert.strictEqual(await status(app, { url: '/none' }), 400, 'a 404 is guarded too')
  t.assert.strictEqual(await status(app, { url: '/guarded', headers: { 'x-b': '2' } }), 400)
  t.assert.strictEqual(await status(app, { url: '/guarded', headers: { 'x-a': '1', 'x-b': '2' } }), 200)
  t.assert.strictEqual(await status(app, { url: '/off' }), 200)
})

test('requireHeaders: the answer and the event name no value', async (t: TestContext) => {
  const { app, events } = await build(t, { requireHeaders: { 'x-secret': 'hunter2' } })
  const response = await app.inject({ url: '/', headers: { 'x-secret': 'guess' } })
  t.assert.strictEqual(response.json<{ code: string }>().code, 'GUARD_HEADER_REQUIRED')
  t.assert.ok(!response.body.includes('hunter2') && !JSON.stringify(events).includes('guess'))
  t.assert.ok(events.some((event) => event.type === 'refused' && event.rule === 'x-secret'))
})

test('requireHeaders: an expression keeps no position', async (t: TestContext) => {
  const { app } = await build(t, { requireHeaders: { 'x-id': /^\d+$/g } })
  for (let i = 0; i < 3; i++) t.assert.strictEqual(await status(app, { headers: { 'x-id': '12' } }), 200)
})

test('requireHeaders: wrong values stop the start', async (t: TestContext) => {
  for (const [rule, path] of [[{ mode: 'pasive' }, /requireHeaders\.mode must be one of/], [{ sample: 2 }, /requireHeaders\.sample/], [{ 'x-a': false }, /requireHeaders\.x-a/], [{ 'x-a': '' }, /requireHeaders\.x-a/], [['x-a'], /requireHeaders must be/]] as const) {
    t.assert.match((await startError({ requireHeaders: rule })).message, path)
    t.assert.match((await startError({}, { requireHeaders: rule })).message, path)
  }
})
