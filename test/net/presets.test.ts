import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import type { FastifyRequest } from 'fastify'
import { clientReader, traceClient, type ClientReader } from '../../lib/net/client.ts'
import { listReader } from '../../lib/net/list.ts'
import { PRESET_NAMES } from '../../lib/net/presets.ts'
import { build, startError, status } from '../helpers.ts'
import type { ClientIpOptions } from '../../types/index.ts'

/** Addresses from which each provider reaches origins, and ones next to its networks. */
const NETWORKS: Record<string, { inside: string[], outside: string[] }> = {
  cloudflare: { inside: ['173.245.48.1', '104.16.0.1', '104.27.255.255', '172.71.255.255', '2606:4700::1', '2a06:98c7:ffff::1'], outside: ['104.28.0.1', '172.72.0.1', '2606:4701::1'] },
  fastly: { inside: ['151.101.1.1', '23.235.47.255', '199.232.0.1', '2a04:4e42::1'], outside: ['151.102.0.1', '23.235.48.0', '2a04:4e41::1'] },
  'google-lb': { inside: ['35.191.0.1', '130.211.3.255', '2600:2d00:1:1::9'], outside: ['35.192.0.1', '130.211.4.0', '2600:2d00:1:2::9'] }
}
const CLOUDFLARE = '104.16.0.1'
const VICTIM = '198.51.100.66'

for (const name of PRESET_NAMES.filter((name) => name !== 'unix')) {
  test(`the preset ${name} believes the provider's networks and nobody beside them`, async (t: TestContext) => {
    const { app } = await build(t, { clientIp: { trustedProxies: [name] }, ip: { deny: ['203.0.113.9'] } })
    const headers = { 'x-forwarded-for': '203.0.113.9' }
    for (const ip of NETWORKS[name]!.inside) t.assert.strictEqual(await status(app, { ip, headers }), 403, ip)
    for (const ip of NETWORKS[name]!.outside) t.assert.strictEqual(await status(app, { ip, headers }), 200, ip)
  })
}

test('presets stand beside other entries, and chains through both are walked', async (t: TestContext) => {
  const { app } = await build(t, { clientIp: { trustedProxies: ['10.0.0.0/8', 'cloudflare', 'fastly'] } }, (app) => { app.get('/ip', async (request) => request.guard.ip) })
  const ask = async (remoteAddress: string, header: string): Promise<string> => (await app.inject({ url: '/ip', remoteAddress, headers: { 'x-forwarded-for': header } })).body
  t.assert.strictEqual(await ask('10.0.0.1', `${VICTIM}, 203.0.113.7, ${CLOUDFLARE}`), '203.0.113.7')
  t.assert.strictEqual(await ask('10.0.0.1', `${VICTIM}, 203.0.113.7, ${CLOUDFLARE}, 151.101.1.1`), '203.0.113.7')
  t.assert.strictEqual(await ask('10.0.0.1', `${CLOUDFLARE}, 203.0.113.7`), '203.0.113.7')
})

test("a provider's header counts only where the request came through the provider", async (t: TestContext) => {
  for (const header of ['cf-connecting-ip', 'True-Client-IP']) {
    const { app } = await build(t, { clientIp: { trustedProxies: ['10.0.0.1', 'cloudflare'], header } }, (app) => { app.get('/ip', async (request) => request.guard.ip) })
    const ask = async (remoteAddress: string, own: string | undefined, forwarded?: string): Promise<string> => (await app.inject({ url: '/ip', remoteAddress, headers: { ...(own !== undefined && { [header.toLowerCase()]: own }), ...(forwarded !== undefined && { 'x-forwarded-for': forwarded }) } })).body
    t.assert.strictEqual(await ask(CLOUDFLARE, '203.0.113.7'), '203.0.113.7')
    t.assert.strictEqual(await ask(CLOUDFLARE, '203.0.113.7', `${VICTIM}, 203.0.113.8`), '203.0.113.7')
    t.assert.strictEqual(await ask('10.0.0.1', '203.0.113.7', `${VICTIM}, 203.0.113.7, ${CLOUDFLARE}`), '203.0.113.7', 'nginx behind Cloudflare')
    // Somebody who goes round Cloudflare, to nginx or to the server itself, forges its header.
    t.assert.strictEqual(await ask('10.0.0.1', VICTIM, `${VICTIM}, 203.0.113.9`), '203.0.113.9')
    t.assert.strictEqual(await ask('10.0.0.1', VICTIM, '203.0.113.9'), '203.0.113.9')
    t.assert.strictEqual(await ask('203.0.113.9', VICTIM, `${VICTIM}, ${CLOUDFLARE}`), '203.0.113.9')
    t.assert.strictEqual(await ask('203.0.113.9', VICTIM), '203.0.113.9')
    // What it is set to twice, or is no address, names nobody.
    t.assert.strictEqual(await ask(CLOUDFLARE, `${VICTIM}, 203.0.113.7`), '')
    t.assert.strictEqual(await ask(CLOUDFLARE, 'unknown'), '')
  }
})

test('an unknown preset stops the start, with the nearest name', async (t: TestContext) => {
  for (const [name, message] of [['cloudfare', /trustedProxies\[0\] is neither an entry of a list nor a preset: "cloudfare", did you mean cloudflare\?; presets are cloudflare, fastly, google-lb, unix/], ['Fastly', /did you mean fastly\?/], ['akamai', /is neither/], ['', /trustedProxies\[0\]/], ['0.0.0.0/0', /must not be every address/]] as const) {
    t.assert.match((await startError({ clientIp: { trustedProxies: [name] } })).message, message)
  }
  for (const trustedProxies of ['cloudfare', 5, null, [5], {}, [['cloudflare']]]) t.assert.match((await startError({ clientIp: { trustedProxies } })).message, /clientIp\.trustedProxies/, JSON.stringify(trustedProxies))
  t.assert.match((await startError({ ip: { trust: ['cloudflare'] } })).message, /ip\.trust\[0\]/)
})

interface Sent { peer: string, headers?: Record<string, string> }

function requestOf ({ peer, headers = {} }: Sent): FastifyRequest {
  return { ip: peer, protocol: 'http', raw: { socket: { remoteAddress: peer }, headers } } as unknown as FastifyRequest
}

function reader (clientIp?: ClientIpOptions): ClientReader {
  return clientReader({ clientIp, ipv6Prefix: 64, lists: listReader() })
}

test('traceClient tells the way from the connection to the client', (t: TestContext) => {
  const own = reader({ trustedProxies: ['10.0.0.0/8', 'cloudflare'] })
  t.assert.deepStrictEqual(traceClient(own, requestOf({ peer: '10.0.0.1', headers: { 'x-forwarded-for': `${VICTIM}, 203.0.113.7, ${CLOUDFLARE}` } })), [
    { address: '10.0.0.1', from: 'connection', trusted: true },
    { address: CLOUDFLARE, from: 'x-forwarded-for, hop 1', trusted: true },
    { address: '203.0.113.7', from: 'x-forwarded-for, hop 2', trusted: false }
  ])
  t.assert.deepStrictEqual(traceClient(own, requestOf({ peer: '203.0.113.7', headers: { 'x-forwarded-for': VICTIM } })), [{ address: '203.0.113.7', from: 'connection', trusted: false }])
  t.assert.deepStrictEqual(traceClient(own, requestOf({ peer: '10.0.0.1', headers: { 'x-forwarded-for': 'junk' } })), [{ address: '10.0.0.1', from: 'connection', trusted: true }, { address: '', from: 'x-forwarded-for, hop 1', trusted: false }])
  const edge = reader({ trustedProxies: ['cloudflare'], header: 'cf-connecting-ip' })
  t.assert.deepStrictEqual(traceClient(edge, requestOf({ peer: CLOUDFLARE, headers: { 'cf-connecting-ip': '203.0.113.7' } })), [{ address: CLOUDFLARE, from: 'connection', trusted: true }, { address: '203.0.113.7', from: 'cf-connecting-ip', trusted: false }])
  t.assert.deepStrictEqual(traceClient(reader(), requestOf({ peer: '203.0.113.7' })), [{ address: '203.0.113.7', from: 'connection', trusted: false }])
})

test('the last step of a trace is the client, whatever is sent', (t: TestContext) => {
  const part = fc.constantFrom('10.0.0.1', '203.0.113.7', CLOUDFLARE, VICTIM, '', 'unknown', '2001:db8::1', '::ffff:10.0.0.2', 'for=10.0.0.3', 'for="[2001:db8::2]:80";proto=https')
  const line = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(', '))
  const header = fc.constantFrom('x-forwarded-for', 'forwarded', 'cf-connecting-ip', 'x-real-ip')
  fc.assert(fc.property(part, line, line, header, fc.constantFrom(1, 2, 50), (peer, one, other, name, depth) => {
    const made = reader({ trustedProxies: ['10.0.0.0/8', 'cloudflare'], header: name, depth })
    const request = requestOf({ peer, headers: { [name]: one, 'x-forwarded-for': other } })
    t.assert.strictEqual(traceClient(made, request).at(-1)!.address, made.client(request).ip)
  }), { numRuns: 500 })
})
