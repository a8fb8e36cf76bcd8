import { chmodSync, mkdtempSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { build } from '../helpers.ts'
import { ask, askHttp2, skip, startProxy, type Answer, type Kind, type Proxy } from './proxy.ts'
import type { GuardOptions } from '../../types/index.ts'

const CLIENT = '203.0.113.7'
const CLIENT6 = '2001:db8::7'
const VICTIM = '198.51.100.66'
const DENIED = '203.0.113.9'

const options: GuardOptions = {
  geo: { handler: { lookup: (ip) => ({ [CLIENT]: { country: 'DE' }, [CLIENT6]: { country: 'FR' }, [VICTIM]: { country: 'US' } })[ip] ?? null } },
  ip: { deny: [DENIED] }
}

function routes (app: FastifyInstance): void {
  app.get('/who', async ({ guard: { ip, country } }) => ({ ip, country }))
  app.get('/secure', { config: { guard: { https: true } } }, async () => 'secure')
  app.get('/german', { config: { guard: { country: { allow: ['DE'] } } } }, async () => 'german')
  app.get('/limited', { config: { guard: { rateLimit: { max: 3, window: '1h' } } } }, async () => 'within')
}

async function behind (t: TestContext, kind: Kind): Promise<Proxy> {
  const { app } = await build(t, { ...options, clientIp: { trustedProxies: '127.0.0.1', trustProto: true } }, routes)
  await app.listen({ host: '127.0.0.1', port: 0 })
  return startProxy(t, kind, (app.server.address() as AddressInfo).port)
}

/** What a client might send to be somebody else, or to seem to have come by https. */
const FORGED: ReadonlyArray<readonly string[]> = [
  [],
  [`X-Forwarded-For: ${VICTIM}`],
  ['X-Forwarded-For: 127.0.0.1'],
  [`X-Forwarded-For: ${VICTIM}, 127.0.0.1`],
  [`X-Forwarded-For: ${VICTIM}`, 'X-Forwarded-For: 127.0.0.1'],
  [`x-forwarded-for: ${' ,'.repeat(1000)}${VICTIM}`],
  ['X-Forwarded-For: "'],
  [`X_Forwarded_For: ${VICTIM}`],
  [`Forwarded: for=${VICTIM};proto=https`],
  [`X-Real-IP: ${VICTIM}`],
  [`CF-Connecting-IP: ${VICTIM}`, `True-Client-IP: ${VICTIM}`, `X-Client-IP: ${VICTIM}`, `X-Cluster-Client-IP: ${VICTIM}`],
  ['X-Forwarded-Proto: https'],
  ['X-Forwarded-Proto: https', 'X-Forwarded-Proto: https'],
  ['X-Forwarded-Ssl: on', 'Front-End-Https: on', 'X-Forwarded-Port: 443', 'X-Forwarded-Scheme: https']
]

for (const kind of ['nginx', 'haproxy'] as const) {
  test(`behind ${kind} address, country and https are right, and a forged header changes nothing`, { skip }, async (t: TestContext) => {
    const proxy = await behind(t, kind)
    for (const scheme of ['http', 'https'] as const) {
      for (const lines of FORGED) {
        const title = `${scheme} ${lines.join(' ').slice(0, 80)}`
        const from = async (client: string, path: string): Promise<Answer> => ask(proxy, { from: client, scheme, path, lines })
        t.assert.deepStrictEqual(JSON.parse((await from(CLIENT, '/who')).body), { ip: CLIENT, country: 'DE' }, title)
        t.assert.strictEqual((await from(CLIENT, '/secure')).status, scheme === 'https' ? 200 : 403, title)
        t.assert.strictEqual((await from(VICTIM, '/german')).status, 403, title)
        t.assert.strictEqual((await from(DENIED, '/who')).status, 403, title)
      }
      t.assert.deepStrictEqual(JSON.parse((await ask(proxy, { from: CLIENT6, scheme, path: '/who', lines: ['X-Forwarded-For: 2001:db8::1'] })).body), { ip: CLIENT6, country: 'FR' })
    }
  })

  test(`behind ${kind} a limit holds whatever header comes with each request, and harms nobody else`, { skip }, async (t: TestContext) => {
    const proxy = await behind(t, kind)
    const codes: number[] = []
    for (let i = 0; i < 6; i++) codes.push((await ask(proxy, { from: CLIENT, scheme: 'http', path: '/limited', lines: [`X-Forwarded-For: 198.51.100.${i}`, `Forwarded: for=198.51.100.${i}`] })).status)
    t.assert.deepStrictEqual(codes, [200, 200, 200, 429, 429, 429])
    t.assert.strictEqual((await ask(proxy, { from: '198.51.100.0', scheme: 'http', path: '/limited' })).status, 200)
  })

  test(`behind ${kind} HTTP/2 is judged as HTTP/1.1 is`, { skip }, async (t: TestContext) => {
    const proxy = await behind(t, kind)
    const forged = { 'x-forwarded-for': VICTIM, forwarded: `for=${VICTIM};proto=http`, 'x-forwarded-proto': 'http' }
    t.assert.deepStrictEqual(JSON.parse((await askHttp2(proxy, { from: CLIENT, scheme: 'https', path: '/who' }, forged)).body), { ip: CLIENT, country: 'DE' })
    t.assert.strictEqual((await askHttp2(proxy, { from: CLIENT, scheme: 'https', path: '/secure' }, forged)).status, 200)
    t.assert.strictEqual((await askHttp2(proxy, { from: DENIED, scheme: 'https', path: '/who' }, forged)).status, 403)
  })
}

test("behind nginx over a Unix socket, which is believed where trustedProxies has 'unix'", { skip }, async (t: TestContext) => {
  for (const [trustedProxies, expected] of [['unix', { ip: CLIENT, country: 'DE' }], ['127.0.0.1', { ip: '' }]] as const) {
    const path = join(mkdtempSync(join(tmpdir(), 'guard-unix-')), 'app.sock')
    const { app } = await build(t, { ...options, ip: { invalid: 'pass', deny: [DENIED] }, clientIp: { trustedProxies, trustProto: true } }, routes)
    await app.listen({ path })
    chmodSync(path, 0o777)
    chmodSync(join(path, '..'), 0o755)
    const proxy = await startProxy(t, 'nginx', path)
    const lines = [`X-Forwarded-For: ${VICTIM}`]
    t.assert.deepStrictEqual(JSON.parse((await ask(proxy, { from: CLIENT, scheme: 'https', path: '/who', lines })).body), expected)
    t.assert.strictEqual((await ask(proxy, { from: CLIENT, scheme: 'https', path: '/secure', lines })).status, trustedProxies === 'unix' ? 200 : 403)
    t.assert.strictEqual((await ask(proxy, { from: DENIED, scheme: 'http', path: '/who', lines })).status, trustedProxies === 'unix' ? 403 : 200)
  }
})
