import { test, type TestContext } from 'node:test'
import { known } from '../../lib/checks/api-key.ts'
import { build, buildRoute, startError, status } from '../helpers.ts'

test('apiKey: global with an open route, and passive', async (t: TestContext) => {
  const { app } = await build(t, { apiKey: { keys: ['k'] } }, (app) => {
    app.get('/open', { config: { guard: { apiKey: false } } }, async () => 'ok')
    app.get('/own', { config: { guard: { apiKey: { keys: ['other'] } } } }, async () => 'ok')
  })
  t.assert.strictEqual(await status(app, { headers: { 'x-api-key': 'k' } }), 200)
  t.assert.strictEqual(await status(app), 401)
  t.assert.strictEqual(await status(app, { url: '/nowhere' }), 401)
  t.assert.strictEqual(await status(app, { url: '/open' }), 200)
  t.assert.strictEqual(await status(app, { url: '/own', headers: { 'x-api-key': 'k' } }), 401, 'lists replace')
  t.assert.strictEqual(await status(app, { url: '/own', headers: { 'x-api-key': 'other' } }), 200)
  const passive = await build(t, { apiKey: { keys: ['k'], mode: 'passive' } })
  t.assert.strictEqual(await status(passive.app), 200)
  t.assert.strictEqual(passive.app.guard.stats().reported, 1)
})

test('apiKey: an object with a then is waited for; one that fails refuses', async (t: TestContext) => {
  const { app } = await buildRoute(t, { apiKey: { keys: (key: string) => ({ then: (resolve: (value: unknown) => void, reject: (error: Error) => void) => { if (key === 'boom') reject(new Error('down')); else resolve(key === 'k' ? 'ada' : null) } }) } })
  for (const [key, expected] of [['k', 200], ['x', 401], ['boom', 500]] as const) t.assert.strictEqual(await status(app, { url: '/guarded', headers: { 'x-api-key': key } }), expected, key)
})

// Welch's t over two samples of 4000 comparisons each; medians of chunks, since other processes disturb single ones.
test('apiKey: where a wrong key differs does not show in the time', (t: TestContext) => {
  const verify = known(['k'.repeat(64)])
  const sample = (key: string): number => {
    const start = process.hrtime.bigint()
    for (let i = 0; i < 20; i++) verify(key)
    return Number(process.hrtime.bigint() - start)
  }
  const first = `x${'k'.repeat(63)}`
  const last = `${'k'.repeat(63)}x`
  for (let i = 0; i < 500; i++) sample(i % 2 === 0 ? first : last)
  const times: [number[], number[]] = [[], []]
  for (let i = 0; i < 4000; i++) times[i % 2]!.push(sample(i % 2 === 0 ? first : last))
  const kept = times.map((values) => values.sort((one, other) => one - other).slice(0, values.length / 2))
  const [one, other] = kept.map((values) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    return { mean, spread: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) }
  })
  t.assert.ok(Math.abs(one!.mean - other!.mean) < Math.max(one!.spread, other!.spread), JSON.stringify([one, other]))
})

test('apiKey: wrong values stop the start', async (t: TestContext) => {
  for (const [value, path] of [[{}, /apiKey\.keys is missing/], [{ keys: [] }, /apiKey\.keys must have/], [{ keys: [''] }, /apiKey\.keys\[0\]/], [{ keys: ['k'], header: 'a b' }, /apiKey\.header/], ['k', /apiKey must be/]] as const) {
    t.assert.match((await startError({}, { apiKey: value })).message, path)
  }
})
