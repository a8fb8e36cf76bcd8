import { test, type TestContext } from 'node:test'
import { build, buildRoute, raw, startError, status } from '../helpers.ts'
import type { GuardOptions } from '../../types/index.ts'

/** A proxy on loopback, where `inject` comes from, is believed about the scheme. */
const clientIp = { trustedProxies: ['loopback'], trustProto: true }
const secure = { ip: '127.0.0.1', headers: { 'x-forwarded-proto': 'https' } }
const redirect: GuardOptions = { https: { redirect: true, host: 'example.com' } }

test('true refuses what did not come by https', async (t: TestContext) => {
  const { app } = await build(t, { clientIp, https: true })
  const response = await app.inject({ url: '/' })
  t.assert.strictEqual(response.statusCode, 403)
  t.assert.strictEqual(response.json<{ code: string }>().code, 'GUARD_HTTPS_REQUIRED')
  t.assert.strictEqual(await status(app, secure), 200)
  t.assert.strictEqual(await status(app, { url: '/none' }), 403)
})

test('the scheme is only believed of a trusted peer', async (t: TestContext) => {
  for (const options of [{}, { clientIp: { trustedProxies: ['loopback'] } }, { clientIp: { trustedProxies: ['10.0.0.0/8'], trustProto: true } }]) {
    const { app } = await build(t, { ...options, https: true })
    t.assert.strictEqual(await status(app, secure), 403, JSON.stringify(options))
  }
  const { app } = await build(t, { https: true }, () => {}, { trustProxy: 'loopback' })
  t.assert.strictEqual(await status(app, secure), 200)
  t.assert.strictEqual(await status(app, { ...secure, ip: '203.0.113.7' }), 403)
})

test('a redirect keeps method and path, and its host comes from the options', async (t: TestContext) => {
  const { app } = await build(t, redirect)
  for (const [method, code] of [['GET', 301], ['HEAD', 301], ['POST', 308], ['DELETE', 308], ['OPTIONS', 308]] as const) {
    const response = await app.inject({ method, url: '/a/b?c=d&e=%20', headers: { host: 'evil.test', 'x-forwarded-host': 'evil.test' } })
    t.assert.strictEqual(response.statusCode, code)
    t.assert.strictEqual(response.headers.location, 'https://example.com/a/b?c=d&e=%20')
    t.assert.ok(response.headers['x-guard-reference'] !== undefined || response.headers['x-content-type-options'] === 'nosniff')
  }
})

test('no request target changes the host of a redirect', async (t: TestContext) => {
  const { app } = await build(t, redirect)
  await app.listen({ port: 0, host: '127.0.0.1' })
  for (const [target, location] of [
    ['http://evil.test/a?b', 'https://example.com/a?b'], ['//evil.test/a', 'https://example.com//evil.test/a'], ['/\\evil.test', 'https://example.com/\\evil.test'], ['http://evil.test', 'https://example.com/'],
    ['/%0d%0aset-cookie:%20a=b', 'https://example.com/%0d%0aset-cookie:%20a=b'], ['*', 'https://example.com/']
  ] as const) {
    const text = await raw(app, `${target === '*' ? 'OPTIONS' : 'GET'} ${target} HTTP/1.1\r\nhost: evil.test\r\nconnection: close\r\n\r\n`)
    t.assert.match(text, /^HTTP\/1\.1 30[18] /, target)
    t.assert.strictEqual(/^location: (.*)\r$/mi.exec(text)?.[1], location, target)
    t.assert.doesNotMatch(text, /^set-cookie/mi)
  }
})

test('a redirect starts from what the client sent, not from what rewriteUrl made of it', async (t: TestContext) => {
  const { app } = await build(t, redirect, () => {}, { rewriteUrl: () => '/' })
  t.assert.strictEqual((await app.inject({ url: '/api/x' })).headers.location, 'https://example.com/api/x')
})

test('the host may have a port or be an IPv6 address', async (t: TestContext) => {
  for (const host of ['example.com:8443', '[2001:db8::1]:8443']) {
    const { app } = await build(t, { https: { redirect: true, host } })
    t.assert.strictEqual((await app.inject({ url: '/x' })).headers.location, `https://${host}/x`)
  }
})

test('a route has its own rule, and trust does not skip it', async (t: TestContext) => {
  const { app } = await buildRoute(t, { https: true }, { clientIp, ip: { trust: ['loopback'] } })
  t.assert.strictEqual(await status(app, { ip: '127.0.0.1' }), 200)
  t.assert.strictEqual(await status(app, { url: '/guarded', ip: '127.0.0.1' }), 403)
  t.assert.strictEqual(await status(app, { url: '/guarded', ...secure }), 200)
  const off = await buildRoute(t, { https: false }, { https: true })
  t.assert.strictEqual(await status(off.app, { url: '/guarded' }), 200)
})

test('a passive rule reports and passes', async (t: TestContext) => {
  const { app } = await build(t, { https: { mode: 'passive' } })
  t.assert.strictEqual(await status(app), 200)
  t.assert.strictEqual(app.guard.stats().reported, 1)
})

for (const [https, message] of [
  [{ redirect: true }, /https\.redirect needs https\.host/],
  [{ redirect: true, host: 'https://example.com' }, /https\.host must be a host/],
  [{ redirect: true, host: 'example.com/path' }, /https\.host/],
  [{ redirect: true, host: 'user@example.com' }, /https\.host/],
  [{ redirect: true, host: 'example.com\r\nx: y' }, /https\.host/],
  [{ redirect: true, host: '' }, /https\.host/],
  [{ redirect: 'yes', host: 'example.com' }, /https\.redirect must be true or false/],
  [{ redirct: true }, /https\.redirct is unknown, did you mean redirect/],
  ['true', /https must be/]
] as const) {
  test(`https: ${JSON.stringify(https)} stops the start`, async (t: TestContext) => {
    t.assert.match((await startError({ https })).message, message)
  })
}
