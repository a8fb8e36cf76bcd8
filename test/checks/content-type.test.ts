import { connect } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import Fastify from 'fastify'
import guardPlugin from '../../lib/index.ts'
import { build, raw, startError, status } from '../helpers.ts'

const rule = { allow: ['application/json'] }

test('contentType: global, per route, off, passive', async (t: TestContext) => {
  const { app } = await build(t, { contentType: rule }, (app) => {
    app.post('/json', async () => 'ok')
    app.post('/text', { config: { guard: { contentType: { allow: ['text/*'] } } } }, async () => 'ok')
    app.post('/any', { config: { guard: { contentType: false } } }, async () => 'ok')
    app.post('/report', { config: { guard: { contentType: { mode: 'passive' } } } }, async () => 'ok')
  })
  const post = (url: string, type: string, payload = '{}'): Promise<number> => status(app, { method: 'POST', url, payload, headers: { 'content-type': type } })
  t.assert.strictEqual(await post('/json', 'application/json'), 200)
  t.assert.strictEqual(await post('/json', 'text/plain'), 415)
  t.assert.strictEqual(await post('/nowhere', 'text/plain'), 415)
  t.assert.strictEqual(await post('/text', 'text/plain'), 200)
  t.assert.strictEqual(await post('/text', 'application/json'), 415)
  t.assert.strictEqual(await post('/any', 'text/plain'), 200)
  t.assert.strictEqual(await post('/report', 'text/plain'), 200)
  t.assert.strictEqual(app.guard.stats().reported, 1)
})

test('contentType: a chunked body without a type is a body', async (t: TestContext) => {
  const { app } = await build(t, { contentType: rule }, (app) => { app.post('/json', async () => 'ok') })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const send = (lines: string): Promise<string> => raw(app, `POST /json HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n${lines}\r\n2\r\n{}\r\n0\r\n\r\n`)
  t.assert.match(await send(''), /^HTTP\/1\.1 415/)
  t.assert.match(await send('content-type: application/json\r\n'), /^HTTP\/1\.1 200/)
  t.assert.match(await send('content-type: application/json\r\ncontent-type: text/plain\r\n'), /^HTTP\/1\.1 (?:200|400|415)/)
})

test('contentType: an HTTP/2 body needs neither Content-Length nor Transfer-Encoding', async (t: TestContext) => {
  const app = Fastify({ http2: true })
  t.after(() => app.close())
  await app.register(guardPlugin as never, { contentType: rule })
  app.post('/json', async () => 'ok')
  await app.listen({ port: 0, host: '127.0.0.1' })
  const session = connect(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
  t.after(() => session.close())
  const ask = (type: string, body: string): Promise<number | undefined> => new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': '/json', ...(type !== '' && { 'content-type': type }) }, { endStream: body === '' })
    stream.on('response', (answer) => { resolve(answer[':status']); stream.close() }).on('error', reject)
    if (body !== '') stream.end(body)
  })
  t.assert.strictEqual(await ask('application/json', '{}'), 200)
  t.assert.strictEqual(await ask('text/plain', 'x'), 415)
  t.assert.strictEqual(await ask('', ''), 200)
  session.close()
})

test('contentType: wrong values stop the start', async (t: TestContext) => {
  for (const [value, path] of [[{}, /contentType\.allow is missing/], [{ allow: [] }, /contentType\.allow must have/], [{ allow: ['json'] }, /contentType\.allow\[0\]/], [{ allow: ['*/*'] }, /contentType\.allow\[0\]/], ['application/json', /contentType must be/]] as const) {
    t.assert.match((await startError({ contentType: value })).message, path)
  }
})
