import { test, type TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { build, CLIENT, status } from '../helpers.ts'

// The original's test battery (reference/original.md, section 18), rebuilt from its description: what was curl is
// inject. Attacks are refused here also where the original let them pass.

async function server (t: TestContext): Promise<FastifyInstance> {
  const { app } = await build(t, {
    clientIp: { trustedProxies: ['127.0.0.1'] },
    ip: { trust: ['192.0.2.10'] },
    ban: { threshold: 5, duration: '1h' },
    geo: { handler: { lookup: (ip) => ({ '3.5.140.1': { asn: 16509 }, '34.64.0.1': { asn: 15169 }, '20.33.0.1': { asn: 8075 } })[ip] ?? null } },
    asn: { deny: [16509, 15169, 8075] }
  }, (app) => {
    for (const url of ['/basic', '/ping', '/items/:id']) app.get(url, async () => 'ok')
    app.post('/basic', async () => 'ok')
    app.get('/limited', { config: { guard: { rateLimit: { max: 3, window: '1m' } } } }, async () => 'ok')
  })
  return app
}

const xss = ['<script>alert(1)</script>', '<img src=x onerror=alert(1)>', 'javascript:alert(document.cookie)//']
const sqli = ["1' OR '1'='1", "' UNION SELECT username, password FROM users--", '1; DROP TABLE users--']
const traversal = ['../../../../etc/passwd', '..\\..\\..\\windows\\win.ini']
const command = [';ls;pwd;', '$(whoami)', '|cat /etc/passwd']

test('basic requests are answered', async (t: TestContext) => {
  const app = await server(t)
  for (const [method, url, expected] of [['GET', '/', 200], ['GET', '/basic', 200], ['GET', '/ping', 200], ['GET', '/items/1', 200], ['HEAD', '/basic', 200], ['POST', '/basic', 200], ['GET', '/basic?name=Ada&page=2', 200], ['GET', '/nothing', 404]] as const) {
    t.assert.strictEqual(await status(app, { method, url }), expected, `${method} ${url}`)
  }
})

test('rate limit: five requests, three are served', async (t: TestContext) => {
  const app = await server(t)
  const statuses: number[] = []
  for (let i = 0; i < 5; i++) statuses.push(await status(app, { url: '/limited' }))
  t.assert.deepStrictEqual(statuses, [200, 200, 200, 429, 429])
})

test('automatic ban: five attacks, then nothing is served', async (t: TestContext) => {
  const app = await server(t)
  for (let i = 0; i < 5; i++) t.assert.strictEqual(await status(app, { url: `/basic?q=${encodeURIComponent(xss[0]!)}` }), 400)
  t.assert.strictEqual(await status(app), 403)
  t.assert.strictEqual(await status(app, { ip: '198.51.100.9' }), 200)
})

test('a forwarded address is believed from a proxy only', async (t: TestContext) => {
  const app = await server(t)
  const limited = async (ip: string, forwarded: string): Promise<number[]> => {
    const statuses: number[] = []
    for (let i = 0; i < 5; i++) statuses.push(await status(app, { url: '/limited', ip, headers: { 'x-forwarded-for': forwarded } }))
    return statuses
  }
  t.assert.deepStrictEqual(await limited('127.0.0.1', '192.0.2.10'), [200, 200, 200, 200, 200], 'trusted, behind the proxy')
  t.assert.deepStrictEqual(await limited(CLIENT, '192.0.2.10'), [200, 200, 200, 429, 429], 'claims to be')
  t.assert.deepStrictEqual(await limited('127.0.0.1', '192.0.2.10, 198.51.100.3'), [200, 200, 200, 429, 429], 'claims to be, through the proxy')
})

for (const [kind, attacks] of Object.entries({ xss, sqli, traversal, command })) {
  for (const attack of attacks) {
    test(`${kind} is refused in query, path, JSON, form, header: ${attack}`, async (t: TestContext) => {
      const { default: formbody } = await import('@fastify/formbody')
      const { app } = await build(t, {}, async (app) => {
        await app.register(formbody)
        app.get('/items/:id', async () => 'ok')
        app.post('/basic', async () => 'ok')
      })
      const coded = encodeURIComponent(attack)
      t.assert.strictEqual(await status(app, { url: `/?q=${coded}` }), 400, 'query')
      t.assert.strictEqual(await status(app, { url: `/items/${coded}` }), 400, 'path')
      t.assert.strictEqual(await status(app, { method: 'POST', url: '/basic', payload: { q: attack } }), 400, 'JSON')
      t.assert.strictEqual(await status(app, { method: 'POST', url: '/basic', payload: `q=${coded}`, headers: { 'content-type': 'application/x-www-form-urlencoded' } }), 400, 'form')
    })
  }
}

test('addresses of clouds behind the proxy are refused', async (t: TestContext) => {
  const app = await server(t)
  for (const address of ['3.5.140.1', '34.64.0.1', '20.33.0.1']) t.assert.strictEqual(await status(app, { url: '/basic', ip: '127.0.0.1', headers: { 'x-forwarded-for': address } }), 403, address)
  t.assert.strictEqual(await status(app, { url: '/basic', ip: '127.0.0.1', headers: { 'x-forwarded-for': '198.51.100.1' } }), 200)
})
