import { test, type TestContext } from 'node:test'
import { build, startError, status } from '../helpers.ts'

test('check: global, replaced per route, off, passive', async (t: TestContext) => {
  const { app } = await build(t, { check: () => ({ status: 402, message: 'pay' }) }, (app) => {
    app.get('/own', { config: { guard: { check: (request) => request.headers['x-ok'] === undefined ? { status: 403, message: 'no' } : undefined } } }, async () => 'ok')
    app.get('/off', { config: { guard: { check: false } } }, async () => 'ok')
  })
  t.assert.strictEqual(await status(app), 402)
  t.assert.strictEqual(await status(app, { url: '/nowhere' }), 402)
  t.assert.strictEqual(await status(app, { url: '/own' }), 403)
  t.assert.strictEqual(await status(app, { url: '/own', headers: { 'x-ok': '1' } }), 200)
  t.assert.strictEqual(await status(app, { url: '/off' }), 200)
  const passive = await build(t, { mode: 'passive', check: () => ({ status: 402, message: 'pay' }) })
  t.assert.strictEqual(await status(passive.app), 200)
  t.assert.strictEqual(passive.app.guard.stats().byCode['GUARD_CUSTOM']?.reported, 1)
})

test('check: an object with a then is waited for', async (t: TestContext) => {
  const lazy = { then: (resolve: (value: unknown) => void) => { resolve({ status: 409, message: 'late' }) } }
  const { app } = await build(t, { check: (() => lazy) as never })
  t.assert.strictEqual(await status(app), 409)
})

test('check: wrong values stop the start', async (t: TestContext) => {
  t.assert.match((await startError({ check: true })).message, /check must be a function/)
  t.assert.match((await startError({}, { check: { status: 400 } })).message, /check must be a function/)
})
