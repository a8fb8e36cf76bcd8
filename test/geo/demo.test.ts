import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { demoDatabase } from '../../scripts/demo-database.ts'
import { build, status } from '../helpers.ts'

const path = join(import.meta.dirname, '../../examples/demo.mmdb')

test('the demo\'s database is what its script writes', (t: TestContext) => {
  t.assert.ok(readFileSync(path).equals(demoDatabase()), 'run node --import tsx scripts/demo-database.ts')
})

test('with it country, network and cloud rules can be tried by X-Forwarded-For', async (t: TestContext) => {
  const { app, events } = await build(t, {
    clientIp: { trustedProxies: 'loopback' },
    geo: { database: path },
    country: { deny: ['AQ'] },
    asn: { deny: [64500] },
    cloud: { deny: ['hetzner'] }
  }, (app) => { app.get('/me', async ({ guard: { ip, country, continent, asn, network } }) => ({ ip, country, continent, asn, network })) })
  for (const [client, expected] of [
    ['192.0.2.1', 200], ['198.51.100.1', 200], ['198.51.100.200', 403], ['203.0.113.9', 200], ['203.0.113.140', 403], ['203.0.113.200', 403], ['2001:db8::1', 200], ['2001:db8:8000::1', 403], ['8.8.8.8', 200]
  ] as const) t.assert.strictEqual(await status(app, { ip: '127.0.0.1', headers: { 'x-forwarded-for': client } }), expected, client)
  t.assert.deepStrictEqual(events.flatMap((event) => event.type === 'refused' ? event.code : []), ['GUARD_COUNTRY_REFUSED', 'GUARD_ASN_REFUSED', 'GUARD_CLOUD_REFUSED', 'GUARD_COUNTRY_REFUSED'])
  const me = await app.inject({ url: '/me', remoteAddress: '127.0.0.1', headers: { 'x-forwarded-for': '2001:db8::1' } })
  t.assert.deepStrictEqual(me.json(), { ip: '2001:db8::1', country: 'SE', continent: 'EU', asn: 64501, network: 'Example Stockholm' })
  t.assert.deepStrictEqual(events.filter(({ type }) => type === 'warning'), [])
})
