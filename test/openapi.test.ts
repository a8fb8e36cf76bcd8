import { test, type TestContext } from 'node:test'
import swagger from '@fastify/swagger'
import { guardTransform } from '../lib/index.ts'
import { build, CLIENT } from './helpers.ts'

interface Operation { 'x-guard'?: Record<string, unknown>, responses: Record<string, { description: string, content?: Record<string, { schema: { properties: { code: { enum: string[] } } } }> }> }

async function documentOf (t: TestContext) {
  const { app } = await build(t, { ip: { deny: ['198.51.100.0/24'] } }, async (app) => {
    await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'Test', version: '1' } }, transform: guardTransform() })
    const login = { rateLimit: { max: 5, window: '1m', name: 'login' }, auth: { scheme: 'basic', verify: () => null }, maxBodyBytes: 100 }
    app.post('/login', { config: { guard: login }, schema: { summary: 'Log in', response: { 401: { description: 'Mine', type: 'null' } } } }, async () => 'ok')
    app.get('/open', { config: { guard: false } }, async () => 'ok')
    app.get('/passive', { config: { guard: { userAgent: { deny: ['curl'], mode: 'passive' } } } }, async () => 'ok')
  })
  await app.ready()
  const { paths } = app.swagger() as unknown as { paths: Record<string, Record<string, Operation>> }
  return { app, paths, text: JSON.stringify(paths) }
}

test('the document tells what the guard does on a route, and what it answers', async (t: TestContext) => {
  const { paths, text } = await documentOf(t)
  const login = paths['/login']!['post']!
  t.assert.deepStrictEqual(login['x-guard']!['rateLimit'], [{ name: 'login', max: 5, window: '1m' }])
  t.assert.deepStrictEqual(login['x-guard']!['auth'], { scheme: 'basic' })
  t.assert.strictEqual(login['x-guard']!['maxBodyBytes'], 100)
  t.assert.ok((login['x-guard']!['checks'] as string[]).includes('detection'))
  t.assert.deepStrictEqual(login.responses['429']!.content!['application/json']!.schema.properties.code.enum, ['GUARD_RATE_LIMITED'])
  t.assert.match(login.responses['413']!.description, /refused by the guard/)
  t.assert.strictEqual(login.responses['401']!.description, 'Mine')
  t.assert.ok(!text.includes('198.51.100'), 'lists are not told')
})

test('what does not refuse is not in the document', async (t: TestContext) => {
  const { paths } = await documentOf(t)
  t.assert.deepStrictEqual(paths['/open']!['get']!['x-guard'], { checks: [] })
  t.assert.deepStrictEqual(Object.keys(paths['/open']!['get']!.responses), ['200'])
  t.assert.ok(!(paths['/passive']!['get']!['x-guard']!['checks'] as string[]).includes('userAgent'))
})

test('answers are serialised as without a document, and a transform of the application runs too', async (t: TestContext) => {
  const { app } = await documentOf(t)
  const response = await app.inject({ method: 'POST', url: '/login?q=%3Cscript%3Ealert(1)%3C/script%3E', remoteAddress: CLIENT })
  t.assert.strictEqual((response.json() as { code: string }).code, 'GUARD_ATTACK_DETECTED')
  const both = guardTransform((({ schema, url }: { schema: object, url: string }) => ({ schema: { ...schema, tags: ['own'] }, url: `/v1${url}` })) as never)
  t.assert.deepStrictEqual(both({ schema: {}, url: '/a', route: {} }), { schema: { tags: ['own'] }, url: '/v1/a' })
})
