import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { redactor } from '../../lib/log/redact.ts'
import type { GuardOptions } from '../../lib/index.ts'
import { build, CLIENT, startError, status } from '../helpers.ts'

function folderOf (t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'guard-log-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Lines of all files, once the app has closed. */
function linesIn (folder: string): string[] {
  return readdirSync(folder).sort().flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').filter((line) => line !== ''))
}

const rules: GuardOptions = { ip: { deny: ['203.0.113.66'] } }

test('JSON: a line for each request, flushed on close', async (t: TestContext) => {
  const folder = folderOf(t)
  const { app } = await build(t, { ...rules, log: { file: join(folder, 'access.log') } })
  await status(app, { url: '/?a=1&token=s3cr3t', headers: { 'user-agent': 'curl/8', authorization: 'Bearer hidden', cookie: 'sid=hidden' } })
  const refused = await app.inject({ url: '/', remoteAddress: '203.0.113.66' })
  await status(app, { url: '/none' })
  await app.close()
  const lines = linesIn(folder).map((line) => JSON.parse(line) as Record<string, unknown>)
  t.assert.deepStrictEqual(readdirSync(folder), ['access.1.log'])
  t.assert.deepStrictEqual(lines.map(({ level, outcome, client, by, status, method, url, agent }) => [level, outcome, client, by, status, method, url, agent]), [
    [30, 'passed', CLIENT, undefined, 200, 'GET', '/?a=1&token=***', 'curl/8'],
    [40, 'refused', '203.0.113.66', 'ip.deny 203.0.113.66', 403, 'GET', '/', 'lightMyRequest'],
    [30, 'passed', CLIENT, undefined, 404, 'GET', '/none', 'lightMyRequest']
  ])
  t.assert.strictEqual(lines[1]?.['reference'], refused.headers['x-guard-reference'])
  t.assert.ok(!JSON.stringify(lines).includes('hidden'), 'secrets')
})

test('text: one line for a request, whatever it is made of', async (t: TestContext) => {
  const folder = folderOf(t)
  const { app } = await build(t, { ...rules, detection: false, log: { file: { path: join(folder, 'sub', 'access.log') }, format: 'text' } })
  await status(app, { url: '/a%0d%0aInjected?x=%0a"\u0000', headers: { 'user-agent': 'a"\\ \u001b[31m b' } })
  await status(app, { ip: '203.0.113.66' })
  await app.close()
  const lines = linesIn(join(folder, 'sub'))
  t.assert.strictEqual(lines.length, 2)
  t.assert.match(lines[0]!, /^\d{4}-\d\d-\d\dT[\d:.]+Z INFO {2}203\.0\.113\.7 passed 404 "GET \/a%0d%0aInjected\?x=.*" "a\\"\\\\ \\\\u001b\[31m b"$/)
  t.assert.match(lines[1]!, /Z WARN {2}203\.0\.113\.66 refused by "ip\.deny 203\.0\.113\.66" 403 "GET \/" "lightMyRequest" [0-9a-v]{16}$/)
  for (const line of lines) t.assert.doesNotMatch(line, /[\u0000-\u001f\u007f]/)
})

test('levels, and outcomes that are not wanted', async (t: TestContext) => {
  const folder = folderOf(t)
  const { app, lines } = await build(t, { ...rules, log: { file: join(folder, 'a.log'), refused: 'error', passed: false } })
  await status(app)
  await status(app, { ip: '203.0.113.66' })
  await app.close()
  t.assert.deepStrictEqual(linesIn(folder).map((line) => (JSON.parse(line) as { level: number }).level), [50])
  t.assert.strictEqual(lines.filter(({ event }) => event === 'guard.passed').length, 0)
})

test('passed: a line and an event in the application\'s log, without a file', async (t: TestContext) => {
  const { app, events, lines } = await build(t, { ...rules, log: { passed: 'info' } })
  await status(app, { url: '/?token=x' })
  await status(app, { ip: '203.0.113.66' })
  await app.close()
  t.assert.deepStrictEqual(events.filter(({ type }) => type === 'passed').map((event) => event.type === 'passed' && [event.ip, event.route, event.path, event.status]), [[CLIENT, '/', '/', 200]])
  t.assert.strictEqual(lines.filter(({ event }) => event === 'guard.passed').length, 1)
})

test('passive: the line says which rule would have refused', async (t: TestContext) => {
  const folder = folderOf(t)
  const { app } = await build(t, { ...rules, mode: 'passive', log: { file: join(folder, 'a.log') } })
  await status(app, { ip: '203.0.113.66' })
  await app.close()
  t.assert.deepStrictEqual(linesIn(folder).map((line) => { const { outcome, by } = JSON.parse(line) as Record<string, string>; return [outcome, by] }), [['passed', 'not ip.deny 203.0.113.66']])
})

test('a full file is followed by the next, and the oldest go', async (t: TestContext) => {
  const folder = folderOf(t)
  const { app } = await build(t, { log: { file: { path: join(folder, 'access.log'), maxBytes: 2048, keep: 2 } } })
  for (let i = 0; i < 120; i++) {
    await status(app, { url: `/${i}` })
    if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await new Promise((resolve) => setTimeout(resolve, 50))
  await app.close()
  const names = readdirSync(folder)
  t.assert.ok(names.length >= 2 && names.length <= 3, names.join(' '))
  t.assert.ok(!names.includes('access.1.log'), names.join(' '))
  t.assert.match(linesIn(folder).join('\n'), /"url":"\/119"/)
})

test('a file that cannot be opened, and wrong values, stop the start', async (t: TestContext) => {
  t.assert.match((await startError({ log: { file: '/dev/null/access.log' } })).message, /option log\.file cannot be opened/)
  for (const [log, path] of [[{ file: {} }, /log\.file\.path is missing/], [{ file: { path: 'a', maxBytes: 5 } }, /log\.file\.maxBytes/], [{ file: { path: 'a', keep: -1 } }, /log\.file\.keep/], [{ format: 'xml' }, /log\.format/], [{ redact: [5] }, /log\.redact\[0\]/], [{ passed: 'loud' }, /log\.passed/]] as const) {
    t.assert.match((await startError({ log })).message, path)
  }
})

test('redaction by name: any case, spelling, nesting, own names; the rest stays', (t: TestContext) => {
  const redact = redactor(['Customer-No'])
  for (const [target, expected] of [
    ['/a?b=c&d', '/a?b=c&d'], ['/a?TOKEN=x&access_token=y&api-key=z', '/a?TOKEN=***&access_token=***&api-key=***'],
    ['/a?user[password]=x&a.secret=y', '/a?user[password]=***&a.secret=***'], ['/a?p%61ssword=x', '/a?p%61ssword=***'], ['/a?customer_no=7', '/a?customer_no=***'],
    ['/a?tokens=1', '/a?tokens=1'], ['/a?token', '/a?token'], ['/a?%=x&token=y', '/a?%=x&token=***'], ['http://me:pw@h.test/a?key=1', '/a?key=***'], ['/a#token=1', '/a'], [undefined, '']
  ] as const) t.assert.strictEqual(redact(target), expected, target)
})

test('redaction within encoded values and path parameters', (t: TestContext) => {
  const redact = redactor(['Customer-No'])
  for (const [target, expected] of [
    ['/a?redirect=%2Fx%3Ftoken%3Dabc&b=1', '/a?redirect=%2Fx%3Ftoken%3D***&b=1'], ['/a?u=%252Fx%253Fa%253D1%2526Access_Token%253Dabc%2526c%253D2', '/a?u=%252Fx%253Fa%253D1%2526Access_Token%253D***'],
    ['/a?r=/x?token=abc', '/a?r=/x?token=***'], ['/a?r=%2Fx%23access_token%3dabc', '/a?r=%2Fx%23access_token%3d***'], ['/a?b=1;token=abc;c=2', '/a?b=1;token=***'], ['/a?r=%2Fx%3Fto%256ben%3Dabc', '/a?r=%2Fx%3Fto%256ben%3D***'],
    ['/a?token=a%26b=c;d', '/a?token=***'], ['/a?j=%7B%22password%22%3A%22abc%22%7D', '/a?j=%7B%22password%22%3A***'], ['/a?r=%3Fcustomer_no%3D7', '/a?r=%3Fcustomer_no%3D***'], ['/a?r=%3Fto%6ben%%3D7', '/a?r=%3Fto%6ben%%3D***'],
    ['/a;token=abc/b;x=1', '/a;token=***/b;x=1'], ['/a%3Btoken%3Dabc/b?c=d', '/a%3Btoken%3D***/b?c=d'], ['/a;v=1;JSESSIONID=abc', '/a;v=1;JSESSIONID=***'], ['/a%3Ftoken%3Dabc', '/a%3Ftoken%3D***'],
    ['/a?redirect=%2Fx%3Fpage%3D2%26q%3Dtoken', '/a?redirect=%2Fx%3Fpage%3D2%26q%3Dtoken'], ['/a;v=1/token/b?t=12:30', '/a;v=1/token/b?t=12:30'], ['/a?q=a%20token%20b', '/a?q=a%20token%20b']
  ] as const) t.assert.strictEqual(redact(target), expected, target)
})

test('redaction looks at each character a bounded number of times', (t: TestContext) => {
  const redact = redactor()
  for (const part of ['%', '%25', '%2525', ';', '?', '=', '%3D', '"', '%22', 'token', '/', ';a', '%3Ba%', '&%', '[']) {
    for (const target of [`/a?b=${part.repeat(100_000)}`, `/${part.repeat(100_000)}`]) t.assert.ok(redact(target).length <= target.length + 16, part)
  }
})
