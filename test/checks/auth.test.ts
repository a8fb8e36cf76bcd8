import { test, type TestContext } from 'node:test'
import { build, buildRoute, startError, status } from '../helpers.ts'

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })

test('auth: global with an open route, 404s and passive', async (t: TestContext) => {
  const verify = (token: string): object | null => token === 'good' ? { id: 1 } : null
  const { app } = await build(t, { auth: { scheme: 'bearer', verify } }, (app) => { app.get('/open', { config: { guard: { auth: false } } }, async () => 'ok') })
  t.assert.strictEqual(await status(app, { headers: bearer('good') }), 200)
  t.assert.strictEqual(await status(app), 401)
  t.assert.strictEqual(await status(app, { url: '/nowhere' }), 401)
  t.assert.strictEqual(await status(app, { url: '/open' }), 200)
  const passive = await build(t, { mode: 'passive', auth: { scheme: 'bearer', verify } })
  t.assert.strictEqual(await status(passive.app), 200)
  t.assert.strictEqual(passive.app.guard.stats().reported, 1)
})

test('auth: an object with a then is waited for, never taken for a principal', async (t: TestContext) => {
  // As query builders answer: lazy, and no Promise.
  const query = (rows: unknown) => ({ then: (resolve: (value: unknown) => void) => { resolve(rows) } })
  const { app } = await buildRoute(t, { auth: { scheme: 'bearer', verify: (token: string) => query(token === 'good' ? { id: 7 } : undefined) } })
  t.assert.strictEqual(await status(app, { url: '/guarded', headers: bearer('bad') }), 401)
  t.assert.strictEqual(await status(app, { url: '/guarded', headers: bearer('good') }), 200)
})

test('auth: the principal is seen, whoever asked for request.guard before', async (t: TestContext) => {
  const { app } = await build(t, {}, (app) => {
    app.get('/me', { config: { guard: { auth: { scheme: 'bearer', verify: (token: string, request) => ({ token, ip: request.guard.ip }) } } } }, async (request) => request.guard.principal)
  })
  t.assert.deepStrictEqual((await app.inject({ url: '/me', headers: bearer('x') })).json(), { token: 'x', ip: '127.0.0.1' })
})

test('auth: a scheme of its own', async (t: TestContext) => {
  const { app } = await buildRoute(t, { auth: { scheme: 'DPoP', verify: (proof: string) => proof === 'p' } })
  t.assert.strictEqual(await status(app, { url: '/guarded', headers: { authorization: 'dpop p' } }), 200)
  const response = await app.inject({ url: '/guarded', headers: bearer('p') })
  t.assert.strictEqual(response.statusCode, 401)
  t.assert.strictEqual(response.headers['www-authenticate'], 'DPoP')
})

test('auth: wrong values stop the start', async (t: TestContext) => {
  for (const [value, path] of [[{}, /auth\.scheme is missing[\s\S]*auth\.verify is missing/], [{ scheme: 'a b', verify () {} }, /auth\.scheme/], [{ scheme: 'bearer', verify: 'yes' }, /auth\.verify/], [true, /auth must be/]] as const) {
    t.assert.match((await startError({}, { auth: value })).message, path)
  }
})
