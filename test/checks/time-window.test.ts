import { test, type TestContext } from 'node:test'
import { build, startError, status } from '../helpers.ts'

/** A window of a minute that is never now. */
function shut (): { start: string, end: string } {
  const hour = (new Date().getUTCHours() + 12) % 24
  return { start: `${String(hour).padStart(2, '0')}:00`, end: `${String(hour).padStart(2, '0')}:01` }
}

test('timeWindow: global, per route, off, passive', async (t: TestContext) => {
  const { app } = await build(t, { timeWindow: shut() }, (app) => {
    app.get('/off', { config: { guard: { timeWindow: false } } }, async () => 'ok')
    app.get('/open', { config: { guard: { timeWindow: [{ start: '00:00', end: '24:00' }] } } }, async () => 'ok')
    app.get('/report', { config: { guard: { timeWindow: { ...shut(), mode: 'passive' } } } }, async () => 'ok')
  })
  const response = await app.inject('/')
  t.assert.strictEqual(response.statusCode, 403)
  t.assert.strictEqual(response.json<{ code: string }>().code, 'GUARD_TIME_WINDOW')
  t.assert.strictEqual(await status(app, { url: '/nowhere' }), 403)
  for (const url of ['/off', '/open', '/report']) t.assert.strictEqual(await status(app, { url }), 200, url)
  t.assert.strictEqual(app.guard.stats().reported, 1)
})

test('timeWindow: wrong values stop the start', async (t: TestContext) => {
  for (const [value, path] of [[[], /timeWindow must have/], [{ start: '09:00' }, /timeWindow\.end is missing/], [{ start: '24:00', end: '01:00' }, /timeWindow\.start/], [{ start: '09:00', end: '10:00', days: [] }, /timeWindow\.days must have/], [{ start: 9, end: 10 }, /timeWindow\.start/]] as const) {
    t.assert.match((await startError({ timeWindow: value })).message, path)
  }
})
