import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { build, CLIENT, status } from '../helpers.ts'
import { run } from '../cli/run.ts'

const OTHER = '198.51.100.1'

test('stats tell what passive rules would have refused, by rule, route and client', async (t: TestContext) => {
  const { app } = await build(t, { detection: { rules: [{ id: 'curl', pattern: 'curl' }, { id: 'wget', pattern: 'wget' }], mode: 'passive' }, methods: ['GET'] }, (app) => { app.get('/items/:id', async () => 'ok') })
  const send = (text: string, url: string, ip = CLIENT): Promise<number> => status(app, { url: `${url}?q=${text}`, ip })
  t.assert.deepStrictEqual([await send('curl', '/items/1'), await send('curl', '/items/2'), await send('curl', '/', OTHER), await send('wget', '/none'), await send('Mozilla', '/')], [200, 200, 200, 404, 200])
  t.assert.strictEqual(await status(app, { method: 'PUT' }), 405)
  t.assert.deepStrictEqual(app.guard.stats().passive, [
    { check: 'detection', rule: 'curl', count: 3, routes: [{ name: '/items/:id', count: 2 }, { name: '/', count: 1 }], clients: [{ name: CLIENT, count: 2 }, { name: OTHER, count: 1 }] },
    { check: 'detection', rule: 'wget', count: 1, routes: [{ name: '(none)', count: 1 }], clients: [{ name: CLIENT, count: 1 }] }
  ])
  app.guard.reset()
  t.assert.deepStrictEqual(app.guard.stats().passive, [])
})

test('these counts are bounded, however many rules and clients there are', async (t: TestContext) => {
  const names = Array.from({ length: 300 }, (_, i) => `name-${i}.`)
  const { app } = await build(t, { detection: { rules: names.map((name) => ({ id: name, pattern: name })), mode: 'passive' } })
  const send = (i: number, ip: string): Promise<number> => status(app, { ip, url: `/?q=${names[i]!}` })
  for (let i = 0; i < 300; i++) await send(i, `203.0.113.${i % 250}`)
  for (let i = 0; i < 100; i++) await send(0, `192.0.2.${i}`)
  for (let i = 0; i < 60; i++) await send(0, OTHER)
  const { passive } = app.guard.stats()
  t.assert.strictEqual(passive.length, 201)
  t.assert.deepStrictEqual([passive[0]!.rule, passive[0]!.count, passive[0]!.clients.length, passive[0]!.clients[0]!.name], ['name-0.', 161, 10, OTHER])
  t.assert.deepStrictEqual(passive.filter(({ rule }) => rule === '(others)').map(({ count }) => count), [100])
  t.assert.strictEqual(passive.reduce((sum, { count }) => sum + count, 0), 460)
})

test('routes --passive turns them into a report', async (t: TestContext) => {
  const folder = mkdtempSync(join(import.meta.dirname, '.app-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'app.mjs')
  writeFileSync(file, `import Fastify from 'fastify'
import guardPlugin from '../../../lib/index.ts'
export default async () => {
  const app = Fastify()
  await app.register(guardPlugin, { userAgent: { deny: ['curl'], mode: 'passive' } })
  app.get('/', async () => 'ok')
  app.get('/strict', { config: { guard: { rateLimit: { max: 1, window: '1m', mode: 'passive' } } } }, async () => 'ok')
  return app
}
`)
  const stats = JSON.stringify({ passive: [{ check: 'userAgent', rule: 'curl', count: 3, routes: [{ name: '/', count: 3 }], clients: [{ name: CLIENT, count: 2 }, { name: OTHER, count: 1 }] }] })
  const text = await run(['routes', '--app', file, '--passive', '-'], stats)
  t.assert.deepStrictEqual([text.code, text.out.split('\n')], [0, [
    "rateLimit (route) on 1 route: would have refused nothing; mode: 'enforce' changes nothing that was seen",
    'userAgent (plugin) on 3 routes: would have refused 3 requests',
    `  3 curl: routes / 3; clients ${CLIENT} 2, ${OTHER} 1`,
    ''
  ]])
  const json = await run(['routes', '--app', file, '--passive', '-', '--json', '--strict'], stats)
  t.assert.strictEqual(json.code, 1)
  t.assert.deepStrictEqual((JSON.parse(json.out) as Array<{ key: string, count: number }>).map(({ key, count }) => [key, count]), [['rateLimit', 0], ['userAgent', 3]])
  t.assert.strictEqual((await run(['routes', '--app', file, '--passive', '-', '--strict'], '{"passive":[]}')).code, 0)
  for (const input of ['{', '{}', '{"passive":[1]}', '{"passive":[{"check":"a","rule":"b","count":1,"routes":[{}],"clients":[]}]}']) {
    const { code, err } = await run(['routes', '--app', file, '--passive', '-'], input)
    t.assert.strictEqual(code, 2)
    t.assert.match(err, /^--passive -: /)
  }
  t.assert.match((await run(['routes', '--app', 'fixtures/app.mjs', '--passive', '-'], '[]')).out, /^no rule is passive/)
  t.assert.strictEqual((await run(['routes', '--app', file, '--passive', join(tmpdir(), 'none.json')])).code, 2)
})
