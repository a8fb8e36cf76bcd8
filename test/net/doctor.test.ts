import { mkdtempSync } from 'node:fs'
import { request as requestHttp } from 'node:http'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import Fastify from 'fastify'
import guardPlugin, { type GuardEvent } from '../../lib/index.ts'
import { build, status } from '../helpers.ts'

const PROXY = '10.0.0.1'
const forwarded = { 'x-forwarded-for': '203.0.113.7' }

function warnings (events: readonly GuardEvent[]): string[] {
  return events.flatMap((event) => event.type === 'warning' && event.code === 'GUARD_CLIENT_ADDRESS' ? [event.message] : [])
}

for (const [trustProxy, expected] of [[true, /^trustProxy: true lets every client choose/], [1, /^trustProxy: 1 is switched off/], ['10.0.0.0/8', undefined], [false, undefined]] as const) {
  test(`trustProxy: ${trustProxy} ${expected === undefined ? 'is fine' : 'is warned about, and stops a strict start'}`, async (t: TestContext) => {
    const { app, events, lines } = await build(t, {}, () => {}, { trustProxy: trustProxy as boolean })
    await app.ready()
    for (let i = 0; i < 3; i++) await status(app)
    t.assert.strictEqual(warnings(events).length, expected === undefined ? 0 : 1)
    if (expected !== undefined) t.assert.match(warnings(events)[0]!, expected)
    t.assert.strictEqual(lines.filter(({ code }) => code === 'GUARD_CLIENT_ADDRESS').length, expected === undefined ? 0 : 1)
    const own = await build(t, { clientIp: { trustedProxies: [PROXY] } }, () => {}, { trustProxy: trustProxy as boolean })
    await own.app.ready()
    t.assert.deepStrictEqual(warnings(own.events), [])
    const strict = Fastify({ trustProxy: trustProxy as boolean })
    t.after(() => strict.close())
    await strict.register(guardPlugin, { strict: true })
    if (expected === undefined) await strict.ready()
    else await t.assert.rejects(async () => strict.ready(), { code: 'GUARD_NOT_COVERED' })
  })
}

test('X-Forwarded-For while no proxy is trusted is warned about once', async (t: TestContext) => {
  for (const headers of [forwarded, { forwarded: 'for=203.0.113.7' }]) {
    const { app, events } = await build(t)
    await status(app, { ip: PROXY })
    t.assert.deepStrictEqual(warnings(events), [])
    for (let i = 0; i < 5; i++) await status(app, { ip: PROXY, headers: headers as Record<string, string> })
    t.assert.strictEqual(warnings(events).length, 1)
    t.assert.match(warnings(events)[0]!, /forwarded(-for)? came from 10\.0\.0\.1, and no proxy is trusted/)
  }
})

test('a private peer that is not among the trusted proxies is named; a forged header from outside is not', async (t: TestContext) => {
  const { app, events } = await build(t, { clientIp: { trustedProxies: [PROXY] } })
  await status(app, { ip: PROXY, headers: forwarded })
  await status(app, { ip: '203.0.113.9', headers: forwarded })
  t.assert.deepStrictEqual(warnings(events), [])
  for (let i = 0; i < 5; i++) await status(app, { ip: '10.0.0.2', headers: forwarded })
  t.assert.strictEqual(warnings(events).length, 1)
  t.assert.match(warnings(events)[0]!, /came from 10\.0\.0\.2, which is not among the trusted proxies/)
})

test('all traffic from one address is warned about once; two addresses and loopback are fine', async (t: TestContext) => {
  const one = await build(t)
  for (let i = 0; i < 999; i++) await status(one.app, { ip: '10.0.0.9' })
  t.assert.deepStrictEqual(warnings(one.events), [])
  for (let i = 0; i < 5; i++) await status(one.app, { ip: '10.0.0.9' })
  t.assert.strictEqual(warnings(one.events).length, 1)
  t.assert.match(warnings(one.events)[0]!, /^each of the first 1000 requests came from 10\.0\.0\.9/)
  const two = await build(t)
  const loopback = await build(t)
  for (let i = 0; i < 1001; i++) {
    await status(two.app, { ip: i === 500 ? '10.0.0.8' : '10.0.0.9' })
    await status(loopback.app, { ip: '127.0.0.1' })
  }
  t.assert.deepStrictEqual([warnings(two.events), warnings(loopback.events)], [[], []])
})

test('after the first requests the reader of clients is itself again', async (t: TestContext) => {
  const { app, events } = await build(t)
  for (let i = 0; i < 1000; i++) await status(app, { ip: i % 2 === 0 ? '10.0.0.8' : '10.0.0.9' })
  for (let i = 0; i < 3; i++) await status(app, { ip: PROXY, headers: forwarded })
  t.assert.deepStrictEqual(warnings(events), [])
})

test('a header over a Unix socket that is not believed is warned about', async (t: TestContext) => {
  const { app, events } = await build(t, { ip: { invalid: 'pass' } })
  const socketPath = join(mkdtempSync(join(tmpdir(), 'guard-doctor-')), 'app.sock')
  await app.listen({ path: socketPath })
  const request = requestHttp({ socketPath, headers: forwarded }).end()
  const [response] = await once(request, 'response') as [NodeJS.ReadableStream]
  response.resume()
  t.assert.match(warnings(events)[0]!, /add 'unix' to clientIp\.trustedProxies/)
})
