import { connect, type AddressInfo } from 'node:net'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import multipart from '@fastify/multipart'
import Fastify, { type FastifyRequest } from 'fastify'
import { guardOf } from '../lib/guard.ts'
import guardPlugin, { guardServerOptions } from '../lib/index.ts'
import { build, CLIENT, raw, startError, status } from './helpers.ts'

// Faults that a review of the plugin found by running it.

const chunked = (size: number, method = 'GET', path = '/', headers = ''): string => `${method} ${path} HTTP/1.1\r\nhost: a\r\n${headers}transfer-encoding: chunked\r\n\r\n${size.toString(16)}\r\n${'a'.repeat(size)}\r\n0\r\n\r\n`
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

test('maxBodyBytes: a body that nobody reads neither ends the process nor stalls', async (t: TestContext) => {
  const { app } = await build(t, { maxBodyBytes: 1000 }, (app) => {
    app.addContentTypeParser('application/x', (_request, _payload, done) => done(null, null))
    app.post('/ignored', async () => 'ok')
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.assert.match(await raw(app, chunked(20)), /^HTTP\/1\.1 200/)
  t.assert.match(await raw(app, chunked(5000)), /^HTTP\/1\.1 413/)
  t.assert.match(await raw(app, chunked(5000, 'POST', '/ignored', 'content-type: application/x\r\n')), /^HTTP\/1\.1 413/)
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1', () => {
    socket.write('GET / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n14\r\n0123')
    setTimeout(() => socket.destroy(), 50)
  })
  await pause(150)
  t.assert.strictEqual(await status(app), 200, 'the process is alive')
})

test('maxBodyBytes: multipart is counted, and a cut body reaches no handler', async (t: TestContext) => {
  let handled = 0
  const { app } = await build(t, { maxBodyBytes: 2000 }, async (app) => {
    await app.register(multipart)
    app.post('/upload', async (request) => {
      const part = await request.file()
      const bytes = await part!.toBuffer()
      handled++
      return bytes.length
    })
    app.post('/json', async () => { handled++; return 'ok' })
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const upload = (size: number): Promise<string> => {
    const body = `--b\r\ncontent-disposition: form-data; name="f"; filename="f.txt"\r\ncontent-type: text/plain\r\n\r\n${'a'.repeat(size)}\r\n--b--\r\n`
    return raw(app, `POST /upload HTTP/1.1\r\nhost: a\r\ncontent-type: multipart/form-data; boundary=b\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`, 800)
  }
  t.assert.match(await upload(500), /^HTTP\/1\.1 200/)
  t.assert.match(await upload(60_000), /^HTTP\/1\.1 413/)
  t.assert.match(await raw(app, chunked(60_000, 'POST', '/json', 'content-type: application/json\r\n'), 800), /^HTTP\/1\.1 413/)
  t.assert.strictEqual(handled, 1)
})

test('maxBodyBytes holds for routes declared before the guard, after update(), and in a late child', async (t: TestContext) => {
  const app = Fastify()
  t.after(() => app.close())
  app.post('/early', async () => 'ok')
  await app.register(guardPlugin, { detection: false })
  await app.register(async (child) => {
    child.post('/child', async () => 'ok')
    child.register(guardPlugin, { maxBodyBytes: 10 })
  })
  const post = (url: string): Promise<number> => status(app, { method: 'POST', url, payload: { text: 'x'.repeat(100) } })
  t.assert.strictEqual(await post('/child'), 413)
  t.assert.strictEqual(await post('/early'), 200)
  await app.guard.update({ maxBodyBytes: 10 })
  t.assert.strictEqual(await post('/early'), 413)
})

test('functions of the application that reject end nothing', async (t: TestContext) => {
  const { app } = await build(t, {
    ip: { deny: [CLIENT] },
    rateLimit: { max: 100, window: '1m', count: (async () => { throw new Error('count') }) as never },
    onEvent: (async () => { throw new Error('event') }) as never,
    response: { modify: (async () => { throw new Error('modify') }) as never }
  })
  t.assert.ok([403, 500].includes(await status(app)))
  t.assert.strictEqual(await status(app, { ip: '192.0.2.1' }), 200)
  await pause(20)
})

test('response.modify that throws or rejects ends nothing, on a malformed URL either', async (t: TestContext) => {
  for (const modify of [() => { throw new Error('modify') }, (async () => { throw new Error('modify') }) as never]) {
    const { app } = await build(t, { ip: { deny: [CLIENT] }, response: { modify } })
    t.assert.deepStrictEqual([await status(app), await status(app, { url: '/%zz' }), await status(app, { url: '/%zz', ip: '192.0.2.1' })], [403, 403, 400])
    await pause(5)
  }
})

test('a body that nothing has judged is told of, once for a route', async (t: TestContext) => {
  const { app, events } = await build(t, { ip: { trust: ['192.0.2.1'] } }, async (app) => {
    await app.register(multipart)
    app.addContentTypeParser('text/csv', (_request, payload, done) => done(null, payload))
    const read = async (request: FastifyRequest): Promise<string[]> => {
      const values: string[] = []
      for await (const part of request.parts()) if (part.type === 'field') values.push(String(part.value))
      return values
    }
    app.post('/blind', async (request) => read(request))
    app.post('/careful', async (request) => { for (const value of await read(request)) request.guard.inspect(value, 'part') })
    app.post('/off', { config: { guard: { detection: false } } }, async (request) => read(request))
    app.post('/csv', async (request) => { (request.body as Readable).resume() })
    app.post('/json', async () => 'ok')
    app.post('/none', async () => 'ok')
  })
  const form = { headers: { 'content-type': 'multipart/form-data; boundary=b' }, payload: '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\nx\r\n--b--\r\n' }
  const told = (): unknown[] => events.flatMap((event) => event.type === 'warning' && event.code === 'GUARD_BODY_UNREAD' ? [event.message.split(' was ')[0]] : [])
  await status(app, { method: 'POST', url: '/blind', ip: '192.0.2.1', ...form })
  for (const url of ['/careful', '/off', '/nowhere']) await status(app, { method: 'POST', url, ...form })
  await status(app, { method: 'POST', url: '/json', payload: { a: 1 } })
  await status(app, { method: 'POST', url: '/json', headers: { 'content-type': 'application/json' }, payload: '{' })
  await status(app, { method: 'POST', url: '/none' })
  t.assert.deepStrictEqual(told(), [])
  for (let i = 0; i < 2; i++) {
    t.assert.strictEqual(await status(app, { method: 'POST', url: '/blind', ...form }), 200)
    await status(app, { method: 'POST', url: '/csv', headers: { 'content-type': 'text/csv' }, payload: 'a,b' })
  }
  t.assert.deepStrictEqual(told(), ['a body (multipart/form-data) of POST /blind', 'a body (text/csv) of POST /csv'])
})

test('a place among concurrent requests is given back when the client leaves while a check waits', async (t: TestContext) => {
  const { app } = await build(t, { concurrency: { max: 1 } }, (app) => {
    app.get('/hangs', { config: { guard: { auth: { scheme: 'bearer', verify: () => new Promise(() => {}) } } } }, async () => 'ok')
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  await raw(app, 'GET /hangs HTTP/1.1\r\nhost: a\r\nauthorization: Bearer x\r\n\r\n', 80)
  await pause(60)
  t.assert.strictEqual(await status(app, { ip: '127.0.0.1' }), 200)
})

test("a preflight to a child scope is answered, and a child's unmatched requests are compiled at start", async (t: TestContext) => {
  const { app } = await build(t, { cors: { origin: ['https://a.test'] } }, async (app) => {
    await app.register(async (child) => {
      await child.register(guardPlugin, { ip: { deny: [CLIENT] } })
      child.options('/own', async () => 'own')
      child.setNotFoundHandler((_request, reply) => { reply.code(404).send('none') })
    }, { prefix: '/child' })
  })
  const headers = { origin: 'https://a.test', 'access-control-request-method': 'GET' }
  t.assert.ok([204, 403, 200].includes(await status(app, { method: 'OPTIONS', url: '/child/none', headers })))
  const other = Fastify()
  t.after(() => other.close())
  await other.register(guardPlugin, {})
  other.register(async (child) => {
    await child.register(guardPlugin, { country: { deny: ['DE'] } })
    child.setNotFoundHandler((_request, reply) => { reply.code(404).send('none') })
  }, { prefix: '/child' })
  await t.assert.rejects(async () => other.ready(), /country needs a database/)
})

test('emergency mode for longer than a timer can hold stays on', async (t: TestContext) => {
  const { app } = await build(t)
  app.guard.emergency({ for: '30d' })
  await pause(20)
  t.assert.strictEqual(await status(app), 503)
})

test('update: undefined changes nothing, a new source is waited for, a failed one changes nothing', async (t: TestContext) => {
  const { app } = await build(t, { ip: { deny: [CLIENT] } })
  await app.guard.update({ ip: undefined } as never)
  t.assert.strictEqual(await status(app), 403)
  const file = join(mkdtempSync(join(tmpdir(), 'guard-')), 'list.txt')
  writeFileSync(file, '192.0.2.1\n')
  const done = app.guard.update({ ip: { deny: [{ file }] } })
  t.assert.strictEqual(await status(app), 403, 'the old rules stay until the new ones are complete')
  await done
  t.assert.strictEqual(await status(app), 200)
  t.assert.strictEqual(await status(app, { ip: '192.0.2.1' }), 403)
  await t.assert.rejects(app.guard.update({ ip: { deny: [{ file: `${file}.none` }] } }), /list\.txt\.none/)
  t.assert.strictEqual(await status(app, { ip: '192.0.2.1' }), 403)
})

test('an explicit mode on one entry of a list changes no other', async (t: TestContext) => {
  const always = { start: '00:00', end: '24:00' } as const
  const { app } = await build(t, { timeWindow: [{ start: '00:00', end: '00:01', mode: 'enforce' }, always] })
  t.assert.strictEqual(await status(app), 200)
  const limits = await build(t, { rateLimit: [{ name: 'wide', max: 10, window: '1m' }, { name: 'tight', max: 1, window: '1m', mode: 'enforce' }] })
  for (let i = 0; i < 4; i++) await status(limits.app)
  const states = await limits.app.guard.limits.peek(CLIENT)
  t.assert.strictEqual(states.find(({ limit }) => limit === 'wide')?.remaining, 9, 'a refused request consumes from none')
})

test('policies of one name in two children are two buckets', async (t: TestContext) => {
  const { app } = await build(t, {}, async (app) => {
    for (const [name, max] of [['a', 2], ['b', 5]] as const) {
      await app.register(async (child) => {
        await child.register(guardPlugin, { policies: { limited: { rateLimit: { max, window: '1m' } } } })
        child.get('/', { config: { guard: 'limited' } }, async () => 'ok')
      }, { prefix: `/${name}` })
    }
  })
  for (let i = 0; i < 4; i++) t.assert.strictEqual(await status(app, { url: '/b' }), 200)
  t.assert.strictEqual(await status(app, { url: '/a' }), 200)
})

test('off is off and passive changes nothing, for malformed requests too', async (t: TestContext) => {
  const off = await build(t, { mode: 'off', ban: { threshold: 1 } }, (app) => { app.get('/strike', async (request) => { request.guard.strike('x'); return 'ok' }) })
  const answer = await off.app.inject('/%zz')
  t.assert.strictEqual(answer.json().code, 'FST_ERR_BAD_URL')
  t.assert.strictEqual(answer.headers['x-guard-reference'], undefined)
  await status(off.app, { url: '/strike' })
  t.assert.deepStrictEqual(off.app.guard.bans(), [])
  const passive = await build(t, { mode: 'passive' })
  t.assert.strictEqual((await passive.app.inject('/%zz')).json().code, 'FST_ERR_BAD_URL')
  t.assert.strictEqual(passive.app.guard.stats().reported, 1)
})

test('guardServerOptions without the plugin answers as Node does', async (t: TestContext) => {
  const app = Fastify(guardServerOptions())
  t.after(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.assert.match(await raw(app as never, 'NONSENSE\r\n\r\n'), /^HTTP\/1\.1 400/)
})

test('a malformed URL is answered in the chosen format', async (t: TestContext) => {
  const { app } = await build(t, { response: { format: 'problem', modify: (reply) => { reply.header('x-modified', '1') } } })
  const response = await app.inject('/%zz')
  t.assert.match(String(response.headers['content-type']), /^application\/problem\+json/)
  t.assert.strictEqual(response.headers['x-modified'], '1')
  t.assert.strictEqual(response.json().code, 'GUARD_BAD_URL')
})

test('exclusions that take in everything, and prefixes that match nothing, are start errors', async (t: TestContext) => {
  t.assert.match((await startError({ detection: { exclude: { paths: ['/'] } } })).message, /detection\.exclude\.paths\[0\] would take in every route/)
  t.assert.match((await startError({ exclude: ['/api/*'] })).message, /exclude\[0\] takes in what is below it without/)
})

test('a geo handler that fails breaks no handler, one that answers promises lets nobody pass', async (t: TestContext) => {
  const failing = await build(t, { geo: { handler: { lookup: () => { throw new Error('down') } } } }, (app) => { app.get('/me', async (request) => request.guard.ip) })
  t.assert.strictEqual((await failing.app.inject({ url: '/me', remoteAddress: CLIENT })).body, CLIENT)
  const later = await build(t, { geo: { handler: { lookup: (async () => ({ country: 'US' })) as never } }, country: { deny: ['DE'] } })
  t.assert.strictEqual(await status(later.app), 500)
})

test('verify that answers nobody in another form lets nobody in', async (t: TestContext) => {
  for (const answer of ['', 0, NaN, false, undefined, null, new Error('no')]) {
    const { app } = await build(t, { auth: { scheme: 'bearer', verify: () => answer } })
    t.assert.strictEqual(await status(app, { headers: { authorization: 'Bearer x' } }), 401, String(answer))
  }
})

test('requireHeaders looks at headers only, not at what every object has', async (t: TestContext) => {
  const { app } = await build(t, { requireHeaders: { constructor: true } as never })
  t.assert.strictEqual(await status(app), 400)
})

test('routes() shows no key', async (t: TestContext) => {
  const { app } = await build(t, { apiKey: { keys: ['very-secret'] } })
  await app.ready()
  t.assert.ok(!JSON.stringify(app.guard.routes()).includes('very-secret'))
})

test('concurrency of a policy is one budget for all its routes', async (t: TestContext) => {
  const { app } = await build(t, { policies: { one: { concurrency: { max: 1 } } } }, (app) => {
    app.get('/slow', { config: { guard: 'one' } }, async () => { await pause(80); return 'ok' })
    app.get('/other', { config: { guard: 'one' } }, async () => 'ok')
  })
  const slow = status(app, { url: '/slow' })
  await pause(20)
  t.assert.strictEqual(await status(app, { url: '/other' }), 429)
  t.assert.strictEqual(await slow, 200)
})

test('the window of a group changes at run time, and old limits are forgotten', async (t: TestContext) => {
  const { app } = await build(t, { rateLimit: { max: 5, window: '1m', group: 'g', name: 'x' } })
  await status(app)
  await app.guard.update({ rateLimit: { max: 5, window: '2m', group: 'g', name: 'y' } })
  await status(app)
  t.assert.deepStrictEqual((await app.guard.limits.peek(CLIENT)).map(({ limit }) => limit), ['y'])
})

test('what fails to close keeps nothing else open, and close() says so', async (t: TestContext) => {
  const app = Fastify()
  await app.register(guardPlugin)
  await app.ready()
  const { services } = guardOf(app)!
  const closed: string[] = []
  services.lists.close = () => { throw new Error('first') }
  services.bots.close = () => { closed.push('bots') }
  services.clouds.close = async () => { closed.push('clouds'); throw new Error('second') }
  await t.assert.rejects(app.close(), { message: 'first' })
  t.assert.deepStrictEqual(closed, ['bots', 'clouds'])
})
