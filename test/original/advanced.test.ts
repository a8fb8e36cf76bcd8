import { test, type TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { advanced } from '../../examples/advanced/app.ts'
import { CLIENT, status, type Sent } from '../helpers.ts'

async function start (t: TestContext): Promise<FastifyInstance> {
  const app = await advanced()
  t.after(() => app.close())
  return app
}

const json = { 'content-type': 'application/json' }
const basic = (text: string): Record<string, string> => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
const script = encodeURIComponent('<script>alert(1)</script>')
const union = encodeURIComponent("' UNION SELECT password FROM users--")
const key = { 'x-api-key': 'admin-key' }

// For each route: a request that is served, one that is refused, and how. Where a route lets all pass, the same request is refused on another.
const routes: ReadonlyArray<[string, Sent, Sent, number]> = [
  ['/access/office', { ip: '10.1.1.1' }, {}, 403],
  ['/access/no-spammers', {}, { ip: '198.51.100.9' }, 403],
  ['/access/ordered', { ip: '10.0.0.65' }, { ip: '10.0.0.66' }, 403],
  ['/access/country-only', { ip: '203.0.113.1' }, { ip: '203.0.113.2' }, 403],
  ['/access/country-not', { ip: '203.0.113.1' }, { ip: '203.0.113.2' }, 403],
  ['/access/network', { ip: '203.0.113.1' }, { ip: '203.0.113.2' }, 403],
  ['/access/unguarded', { url: `/access/unguarded?q=${script}` }, { url: `/access/office?q=${script}`, ip: '10.1.1.1' }, 400],
  ['/access/no-cloud', { ip: '203.0.113.1' }, { ip: '203.0.113.3' }, 403],
  ['/auth/bearer', { headers: { authorization: 'bearer s3cr3t' } }, { headers: { authorization: 'Bearer ' } }, 401],
  ['/auth/basic', { headers: basic('ada:lovelace') }, { headers: basic('ada:wrong') }, 401],
  ['/auth/api-key', { headers: { 'x-api-key': 'the-old-key' } }, { headers: { 'x-api-key': 'anything' } }, 401],
  ['/auth/headers', { headers: { 'x-tenant': 'a', 'x-version': '2' } }, { headers: { 'x-tenant': 'a', 'x-version': '1' } }, 400],
  ['/content/no-bots', { headers: { 'user-agent': 'Mozilla/5.0' } }, { headers: { 'user-agent': 'EvilBot/1.0' } }, 403],
  ['/content/json-only', { method: 'POST', headers: json, payload: '{}' }, { method: 'POST', headers: { 'content-type': 'text/plain' }, payload: 'x' }, 415],
  ['/content/small', { method: 'POST', headers: json, payload: '{}' }, { method: 'POST', headers: json, payload: JSON.stringify('x'.repeat(100)) }, 413],
  ['/content/from-us', { headers: { referer: 'https://www.example.com/a' } }, { headers: { referer: 'https://evil.test/example.com' } }, 403],
  ['/content/same-site', { method: 'POST', headers: { 'sec-fetch-site': 'same-origin' } }, { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } }, 403],
  ['/content/custom', { headers: { 'x-vip': 'yes' } }, {}, 402],
  ['/content/form', { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload: 'name=a&website=' }, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload: 'name=a&website=x' }, 403],
  ['/content/methods', {}, { method: 'POST' }, 405],
  ['/content/hosts', { headers: { host: 'api.example.com' } }, { headers: { host: 'evil.test' } }, 421],
  ['/content/no-ai', { headers: { 'user-agent': 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)' } }, { headers: { 'user-agent': 'Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)' } }, 403],
  ['/attacks/search', { url: '/attacks/search?q=select%20a%20plan' }, { url: `/attacks/search?q=${script}` }, 400],
  ['/attacks/comment', { method: 'POST', payload: { text: 'hello' } }, { method: 'POST', payload: { a: [{ text: decodeURIComponent(script) }] } }, 400],
  ['/attacks/items/:id', { url: '/attacks/items/12' }, { url: `/attacks/items/${union}` }, 400],
  ['/attacks/raw', { url: `/attacks/raw?q=${script}` }, { url: `/attacks/search?q=${script}` }, 400],
  ['/attacks/article', { method: 'POST', payload: { html: decodeURIComponent(script) } }, { method: 'POST', payload: { title: decodeURIComponent(script) } }, 400],
  ['/attacks/no-sql-here', { url: `/attacks/no-sql-here?q=${union}` }, { url: `/attacks/no-sql-here?q=${script}` }, 400],
  ['/attacks/own-rule', { url: '/attacks/own-rule?c=NONE' }, { url: '/attacks/own-rule?c=FREE-1234' }, 400],
  ['/attacks/watched', { url: `/attacks/watched?q=${script}` }, { url: `/attacks/own-rule?q=${script}` }, 400],
  ['/admin/stats', { headers: key }, {}, 401],
  ['/admin/bans', { headers: key }, {}, 401],
  ['/admin/ban/:ip', { method: 'POST', url: '/admin/ban/192.0.2.1', headers: key }, { method: 'POST', url: '/admin/ban/192.0.2.1' }, 401],
  ['/admin/unban/:ip', { method: 'POST', url: '/admin/unban/192.0.2.1', headers: key }, { method: 'POST', url: '/admin/unban/192.0.2.1' }, 401],
  ['/', {}, { url: `/?q=${script}` }, 400]
]

for (const [url, served, refused, code] of routes) {
  test(`${url} serves and refuses`, async (t: TestContext) => {
    const app = await start(t)
    t.assert.strictEqual(await status(app, { url, ...served }), 200)
    t.assert.strictEqual(await status(app, { url, ...refused }), code)
  })
}

// For these the same request is served some times and then refused.
for (const [url, expected, send] of [
  ['/limits/limited', [200, 200, 429], {}], ['/limits/by-country', [200, 429], {}], ['/limits/by-country', [200, 200, 200, 429], { ip: '203.0.113.1' }],
  ['/limits/by-user', [200, 429], { headers: { 'x-api-key': 'ada' } }], ['/limits/usage', [200, 200, 403, 403], {}], ['/limits/frequency', [200, 200, 200, 403], {}],
  ['/limits/rare', [200, 200, 403], {}], ['/limits/missing', [404, 404, 403], {}], ['/limits/errors', [200, 200, 403], {}], ['/attacks/abuse', [...Array<number>(10).fill(200), 403], { method: 'POST' }]
] as const) {
  test(`${url} serves ${expected.length - 1} times`, async (t: TestContext) => {
    const app = await start(t)
    const statuses: number[] = []
    for (let i = 0; i < expected.length; i++) statuses.push(await status(app, { url, ...send }))
    t.assert.deepStrictEqual(statuses, expected)
  })
}

test('/content/office-hours serves on a Wednesday at noon, and refuses at night and on a Sunday', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2027-01-13T11:00:00Z') })
  const app = await start(t)
  for (const [time, expected] of [['2027-01-13T11:00:00Z', 200], ['2027-01-13T06:59:00Z', 403], ['2027-01-13T07:00:00Z', 200], ['2027-01-13T17:00:00Z', 403], ['2027-01-17T11:00:00Z', 403]] as const) {
    t.mock.timers.setTime(Date.parse(time))
    t.assert.strictEqual(await status(app, { url: '/content/office-hours' }), expected, time)
  }
})

test('/attacks/watched tells what it would have refused', async (t: TestContext) => {
  const app = await start(t)
  const found = async (text: string): Promise<unknown> => (await app.inject({ url: `/attacks/watched?q=${text}`, remoteAddress: CLIENT })).json()
  t.assert.deepStrictEqual([await found(script), await found('hello')], [{ found: 1 }, { found: 0 }])
})

test('/limits/limited/:id counts all of its URLs together', async (t: TestContext) => {
  const app = await start(t)
  t.assert.deepStrictEqual([await status(app, { url: '/limits/limited/1' }), await status(app, { url: '/limits/limited/2' }), await status(app, { url: '/limits/limited/3' })], [200, 200, 429])
})

test('/limits/one-at-a-time', async (t: TestContext) => {
  const app = await start(t)
  t.assert.deepStrictEqual((await Promise.all([status(app, { url: '/limits/one-at-a-time' }), status(app, { url: '/limits/one-at-a-time' })])).sort(), [200, 429])
})

test('/auth/https-only and /auth/everything need an encrypted connection', async (t: TestContext) => {
  const plain = await start(t)
  for (const url of ['/auth/https-only', '/auth/everything']) t.assert.strictEqual(await status(plain, { url }), 403, url)
  const app = await advanced({ trustProxy: '127.0.0.1' })
  t.after(() => app.close())
  const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-for': CLIENT, 'x-api-key': 'k', 'x-tenant': 'a' }
  for (const url of ['/auth/https-only', '/auth/everything']) t.assert.strictEqual(await status(app, { url, ip: '127.0.0.1', headers }), 200, url)
})

test('/admin steers the guard', async (t: TestContext) => {
  const app = await start(t)
  const post = (url: string, ip = '10.0.0.1'): Promise<number> => status(app, { method: 'POST', url, headers: key, ip })
  await post(`/admin/ban/${CLIENT}`)
  t.assert.deepStrictEqual([await status(app), await status(app, { url: '/access/no-ban' })], [403, 200])
  await post(`/admin/unban/${CLIENT}`)
  t.assert.strictEqual(await status(app), 200)
  await post('/admin/emergency/on')
  t.assert.deepStrictEqual([await status(app), await status(app, { ip: '10.0.0.1' })], [503, 200])
  await post('/admin/emergency/off')
  t.assert.deepStrictEqual([await status(app), await status(app, { url: `/?q=${script}` })], [200, 400])
  t.assert.strictEqual(await post('/admin/mode/passive'), 200)
  t.assert.strictEqual(await status(app, { url: `/?q=${script}` }), 200)
})
