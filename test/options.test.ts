import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import Fastify from 'fastify'
import guardPlugin, { type GuardOptions } from '../lib/index.ts'
import { optionsShape } from '../lib/options/plugin.ts'
import { nearest } from '../lib/options/nearest.ts'
import { milliseconds, type Shape } from '../lib/options/shape.ts'
import { startError } from './helpers.ts'

const NL = '\r\n'

test('all problems stand in one message, each with its path and the nearest name', async (t: TestContext) => {
  const error = await startError({
    rateLimt: {},
    rateLimit: { maxx: 3, window: '1m' },
    ip: { deny: ['300.1.1.1', '10.0.0.0/40'] },
    userAgent: { deny: [''] },
    cors: { origin: '*', credentials: true },
    securityHeaders: { custom: { 'x-a': `a${NL}set-cookie: b` } },
    exclude: ['/', ''],
    mode: 'passiv',
    maxKeys: '3',
    ipv6Prefix: 129
  })
  t.assert.strictEqual(error.code, 'GUARD_OPTION_INVALID')
  for (const part of [/rateLimt is unknown, did you mean rateLimit\?/, /rateLimit\.maxx is unknown, did you mean max\?/, /rateLimit\.max is missing/,
    /ip\.deny\[0\]/, /ip\.deny\[1\]/, /userAgent\.deny\[0\]/, /cors/, /securityHeaders\.custom/, /exclude\[0\]/, /exclude\[1\]/, /mode must be one of .* did you mean passive\?/,
    /maxKeys must be a whole number/, /ipv6Prefix/]) t.assert.match(error.message, part)
  t.assert.ok(!error.message.includes('\r'))
})

test("a route's problems carry its method and URL", async (t: TestContext) => {
  const error = await startError({}, { rateLimit: { maxx: 3 }, emergency: true })
  t.assert.match(error.message, /GET(,HEAD)? \/route config\.guard\.rateLimit\.maxx is unknown, did you mean max\?/)
  t.assert.match(error.message, /\/route config\.guard\.emergency must be left to the guard's root registration/)
})

test('values are never coerced', async (t: TestContext) => {
  for (const [options, path] of [
    [{ rateLimit: { max: '3', window: '1m' } }, /rateLimit\.max/],
    [{ rateLimit: { max: 3, window: '' } }, /rateLimit\.window/],
    [{ rateLimit: { max: 3, window: -1 } }, /rateLimit\.window/],
    [{ rateLimit: { max: 3 } }, /rateLimit\.window is missing/],
    [{ rateLimit: [] }, /rateLimit/],
    [{ https: { redirect: true } }, /https/],
    [{ methods: ['get'] }, /methods\[0\]/],
    [{ hosts: [] }, /hosts/],
    [{ userAgent: { deny: [/a/g] } }, /userAgent\.deny\[0\]/],
    [{ detection: { level: 5 } }, /detection\.level/],
    [{ detection: { categories: ['sql'] } }, /detection\.categories\[0\].*sqli/],
    [{ ip: { deny: ['0300.0.2.5'] } }, /ip\.deny\[0\]/],
    [{ ip: { deny: ['3221225989'] } }, /ip\.deny\[0\]/],
    [{ ban: { threshold: 0 } }, /ban\.threshold/],
    [{ ban: { on: ['detektion'] } }, /ban\.on\[0\].*detection/],
    [{ clientIp: {} }, /clientIp\.trustedProxies is missing/],
    [{ onEvent: true }, /onEvent/],
    [{ response: { messages: { GUARD_NONE: 'x' } } }, /response\.messages/],
    [JSON.parse('{"__proto__": {"mode": "off"}}'), /__proto__/]
  ] as Array<[object, RegExp]>) {
    const error = await startError(options).catch(() => { throw new Error(`started with ${JSON.stringify(options)}`) })
    t.assert.strictEqual(error.code, 'GUARD_OPTION_INVALID', JSON.stringify(options))
    t.assert.match(error.message, path)
  }
})

test('names are guessed only when they are near', (t: TestContext) => {
  t.assert.strictEqual(nearest('rateLimt', ['rateLimit', 'ip']), 'rateLimit')
  t.assert.strictEqual(nearest('RATELIMIT', ['rateLimit']), 'rateLimit')
  t.assert.strictEqual(nearest('x', ['rateLimit', 'ip']), undefined)
  t.assert.strictEqual(nearest('colour', ['ip', 'ban']), undefined)
})

test('durations are milliseconds or a text with a unit', (t: TestContext) => {
  t.assert.deepStrictEqual(['1s', '1m', '2h', '1d', '1 minute', 250].map(milliseconds), [1000, 60000, 7200000, 86400000, 60000, 250])
  for (const value of ['', 'm', '-1m', 0, -5, NaN, Infinity, 1e308, null, {}, '1 lightyear']) t.assert.strictEqual(milliseconds(value), undefined, String(value))
})

/** Every option path of the schema. */
function paths (shape: Shape, path: string[] = []): string[][] {
  return Object.entries(shape.keys ?? {}).flatMap(([name, member]) => [[...path, name], ...paths(member, [...path, name])])
}

test('whatever stands at an option, the start succeeds or names the path', async (t: TestContext) => {
  const odd = fc.oneof(fc.constantFrom(null, NaN, Infinity, -1, 1e308, '', 'x', 0, true, [], {}, [null], [''], () => 1, /x/, 'a'.repeat(5000), Symbol.iterator, 10n), fc.object({ maxDepth: 1 }))
  await fc.assert(fc.asyncProperty(fc.constantFrom(...paths(optionsShape)), odd, async (path, value) => {
    const options = path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value)
    const app = Fastify()
    try {
      await app.register(guardPlugin, options as GuardOptions)
      app.get('/', async () => 'ok')
      const response = await app.inject('/')
      t.assert.ok(response.statusCode < 600)
    } catch (error) {
      t.assert.strictEqual((error as { code?: string }).code, 'GUARD_OPTION_INVALID', String(error))
      // What a function in a list gives is read when the list is, and the error names the function.
      t.assert.ok((error as Error).message.includes(path[0]!) || /entries of lists cannot be read:\n- function/.test((error as Error).message), (error as Error).message)
    } finally {
      await app.close()
    }
  }), { numRuns: Number(process.env['FUZZ_RUNS'] ?? 400) })
})
