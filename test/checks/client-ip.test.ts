import { test, type TestContext } from 'node:test'
import { build, raw, startError, status } from '../helpers.ts'
import type { GuardOptions } from '../../types/index.ts'

const options: GuardOptions = { clientIp: { trustedProxies: ['10.0.0.0/8'] }, ip: { deny: ['203.0.113.9'] } }
const from = (header: string): { ip: string, headers: Record<string, string> } => ({ ip: '10.0.0.1', headers: { 'x-forwarded-for': header } })

test('request.guard.ip is the client that trusted proxies name', async (t: TestContext) => {
  const { app } = await build(t, options, (app) => { app.get('/ip', async (request) => request.guard.ip) })
  const ask = async (remoteAddress: string, headers: Record<string, string> = {}): Promise<string> => (await app.inject({ url: '/ip', remoteAddress, headers })).body
  t.assert.strictEqual(await ask('10.0.0.1', { 'x-forwarded-for': '127.0.0.1, 198.51.100.1:99' }), '198.51.100.1')
  t.assert.strictEqual(await ask('::ffff:10.0.0.1', { 'x-forwarded-for': '::ffff:198.51.100.1' }), '198.51.100.1')
  t.assert.strictEqual(await ask('192.0.2.1', { 'x-forwarded-for': '198.51.100.1' }), '192.0.2.1')
  t.assert.strictEqual(await ask('10.0.0.1'), '10.0.0.1')
})

test('a denied client is refused behind the proxy, whatever it forges', async (t: TestContext) => {
  const { app } = await build(t, options)
  for (const header of ['203.0.113.9', '127.0.0.1, 203.0.113.9', '10.0.0.5,203.0.113.9', '203.0.113.9, 10.0.0.2', '[::ffff:203.0.113.9]:80', '203.0.113.9:1']) {
    t.assert.strictEqual(await status(app, from(header)), 403, header)
  }
  t.assert.strictEqual(await status(app, from('203.0.113.9, 198.51.100.1')), 200, 'a forged victim')
  t.assert.strictEqual(await status(app, { ...from('198.51.100.1'), ip: '203.0.113.9' }), 403, 'a forged header without the proxy')
})

test('what cannot be read is refused, also under an allow list', async (t: TestContext) => {
  const { app } = await build(t, { ...options, ip: { allow: ['198.51.100.0/24'] } })
  t.assert.strictEqual(await status(app, from('198.51.100.1')), 200)
  for (const header of ['unknown', '198.51.100.1, unknown', '198.51.100.1, 0306.0.0.1', '198.51.100.1 127.0.0.1', '"198.51.100.1"']) t.assert.strictEqual(await status(app, from(header)), 400, header)
  for (const header of ['198.51.100.1, 203.0.113.1', ',', '203.0.113.1']) t.assert.strictEqual(await status(app, from(header)), 403, header)
})

test('all lines of a repeated header count, over a socket', async (t: TestContext) => {
  const { app } = await build(t, { ...options, clientIp: { trustedProxies: ['loopback'] } })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const ask = async (...lines: string[]): Promise<string> => {
    const headers = lines.map((line) => `x-forwarded-for: ${line}\r\n`).join('')
    return (await raw(app, `GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${headers}\r\n`)).slice(9, 12)
  }
  t.assert.strictEqual(await ask('198.51.100.1', '203.0.113.9'), '403')
  t.assert.strictEqual(await ask('203.0.113.9', '198.51.100.1'), '200')
  t.assert.strictEqual(await ask('203.0.113.9', '', ','), '403')
  t.assert.strictEqual(await ask(','.repeat(10_000) + '203.0.113.9'), '403')
})

test('a v6 client stays one client within its /64', async (t: TestContext) => {
  const { app } = await build(t, { rateLimit: { max: 2, window: '1m' } })
  const codes: number[] = []
  for (const ip of ['2001:db8::1', '2001:db8::ffff', '2001:DB8:0:0:1::', '2001:db8:0:1::1']) codes.push(await status(app, { ip }))
  t.assert.deepStrictEqual(codes, [200, 200, 429, 200])
})

test('port, zone, case and mapping make no new client', async (t: TestContext) => {
  const { app } = await build(t, { ...options, rateLimit: { max: 3, window: '1m' } })
  const codes: number[] = []
  for (const header of ['198.51.100.1', '198.51.100.1:1', '::ffff:198.51.100.1', '::FFFF:C633:6401', '[::ffff:198.51.100.1]:5']) codes.push(await status(app, from(header)))
  t.assert.deepStrictEqual(codes, [200, 200, 200, 429, 429])
})

test('Forwarded is read where it is named, and X-Forwarded-For then is not', async (t: TestContext) => {
  const { app } = await build(t, { ...options, clientIp: { trustedProxies: ['10.0.0.0/8'], header: 'forwarded' } })
  t.assert.strictEqual(await status(app, { ip: '10.0.0.1', headers: { forwarded: 'for=127.0.0.1, for="203.0.113.9:80";proto=https' } }), 403)
  t.assert.strictEqual(await status(app, { ip: '10.0.0.1', headers: { forwarded: 'for=198.51.100.1', 'x-forwarded-for': '203.0.113.9' } }), 200)
})

test('wrong values stop the start', async (t: TestContext) => {
  const { message } = await startError({ clientIp: { trustedProxies: ['10.0.0.0/40'], depth: 0, header: 'x y', trustProto: 'yes', trust: true } })
  for (const part of ['clientIp.trustedProxies[0]', 'clientIp.depth', 'clientIp.header', 'clientIp.trustProto', 'clientIp.trust is unknown']) t.assert.ok(message.includes(part), `${part} in ${message}`)
  t.assert.match((await startError({ clientIp: {} })).message, /clientIp\.trustedProxies is missing/)
})
