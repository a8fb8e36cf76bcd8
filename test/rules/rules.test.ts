import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { GuardEvent } from '../../lib/index.ts'
import { build, CLIENT, startError, status } from '../helpers.ts'

function fileOf (t: TestContext): { path: string, write: (value: unknown) => void } {
  const folder = mkdtempSync(join(tmpdir(), 'guard-rules-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'rules.json')
  return {
    path,
    write (value) {
      writeFileSync(`${path}.new`, typeof value === 'string' ? value : JSON.stringify(value))
      renameSync(`${path}.new`, path)
    }
  }
}

async function until (found: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !found(); i++) await new Promise((resolve) => setTimeout(resolve, 10))
}

const ofRules = (events: GuardEvent[]): string[] => events.flatMap((event) => event.type === 'rules' ? [event.state] : [])

test('rules of a file are there from the start, and swapped in when it changes', async (t: TestContext) => {
  const { path, write } = fileOf(t)
  write({ methods: ['POST'], policies: { office: { ip: { deny: [CLIENT] } } } })
  const { app, events } = await build(t, { rules: { file: path, refresh: 20 }, methods: ['GET'], policies: { office: {} }, hosts: ['localhost'] }, (app) => { app.post('/office', { config: { guard: 'office' } }, async () => 'ok') })
  t.assert.deepStrictEqual([await status(app, { headers: { host: 'localhost' } }), await status(app, { method: 'POST', url: '/office', headers: { host: 'localhost' } })], [405, 403])
  write({ ip: { deny: ['198.51.100.1'] } })
  await until(() => ofRules(events).length === 2)
  t.assert.deepStrictEqual([await status(app, { headers: { host: 'localhost' } }), await status(app, { ip: '198.51.100.1' })], [200, 403], 'what is not named any more is as the program has it')
  t.assert.strictEqual(await status(app, { headers: { host: 'evil.test' } }), 421)
})

test('a version that is faulty changes nothing, and is told once', async (t: TestContext) => {
  const { path, write } = fileOf(t)
  write({ ip: { deny: [CLIENT] } })
  const { app, events } = await build(t, { rules: { file: path, refresh: 10 } })
  t.assert.strictEqual(await status(app), 403)
  let seen = 1
  for (const wrong of ['{', '[]', { ip: { deny: ['x'] } }, { mode: 'off' }, { auth: false }, { policies: { a: { apiKey: false } } }, { exclude: ['/x'] }, '{"__proto__":{"ip":false}}', { store: 'memory' }]) {
    write(wrong)
    seen++
    await until(() => ofRules(events).length === seen)
    t.assert.strictEqual(ofRules(events).at(-1), 'refused', JSON.stringify(wrong))
    t.assert.strictEqual(await status(app), 403, JSON.stringify(wrong))
  }
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.assert.strictEqual(ofRules(events).length, seen)
  write({})
  await until(() => ofRules(events).at(-1) === 'applied')
  t.assert.strictEqual(await status(app), 200)
})

test('a file that is a pipe or a device is refused, and read once it is a file', { skip: process.platform === 'win32' && 'no pipes' }, async (t: TestContext) => {
  const { path, write } = fileOf(t)
  write({})
  const { app, events } = await build(t, { rules: { file: path, refresh: 10 } })
  t.assert.strictEqual(await status(app), 200)
  rmSync(path)
  execFileSync('mkfifo', [path])
  await until(() => events.some((event) => event.type === 'rules' && event.reason === 'is no file'))
  write({ ip: { deny: [CLIENT] } })
  await until(() => ofRules(events).at(-1) === 'applied')
  t.assert.strictEqual(await status(app), 403)
})

test('rules whose list is not there yet are taken once it is', async (t: TestContext) => {
  const { path, write } = fileOf(t)
  write({})
  const { app, events } = await build(t, { rules: { file: path, refresh: 10 } })
  t.assert.strictEqual(await status(app), 200)
  write({ ip: { deny: [{ file: `${path}.list` }] } })
  await until(() => ofRules(events).at(-1) === 'refused')
  t.assert.deepStrictEqual(ofRules(events), ['applied', 'refused'])
  writeFileSync(`${path}.list`, `${CLIENT}\n`)
  await until(() => ofRules(events).at(-1) === 'applied')
  t.assert.strictEqual(await status(app), 403)
})

test('rules of a URL: etag, errors, digest', async (t: TestContext) => {
  let answer = (response: ServerResponse): void => { response.setHeader('etag', '"1"').end('{"methods":["POST"]}') }
  const asked: Array<string | undefined> = []
  const server = createServer((request, response) => { asked.push(request.headers['if-none-match']); answer(response) })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/rules.json`
  const digest = `sha256-${createHash('sha256').update('{"methods":["POST"]}').digest('hex')}`
  const { app, events } = await build(t, { rules: { url, refresh: 20, digest } })
  t.assert.strictEqual(await status(app), 405)
  await until(() => asked.includes('"1"'))
  answer = (response) => { response.end('{"methods":["GET"]}') }
  await until(() => ofRules(events).includes('refused'))
  t.assert.strictEqual(await status(app), 405, 'another digest')
  answer = (response) => { response.statusCode = 500; response.end() }
  await until(() => ofRules(events).length === 3)
  t.assert.strictEqual(await status(app), 405)
})

test('rules that cannot be had at start, and wrong values, stop it', async (t: TestContext) => {
  const { path, write } = fileOf(t)
  t.assert.match((await startError({ rules: { file: path } })).message, /option rules cannot be loaded: .*ENOENT/)
  write({ methods: 'GET' })
  t.assert.match((await startError({ rules: { file: path } })).message, /option rules cannot be loaded: [\s\S]*methods must be an array/)
  for (const [rules, message] of [[{}, /rules needs either file or url/], [{ file: 'a', url: 'https://a.test/' }, /rules needs either/], [{ url: 'http://a.test/' }, /rules\.url must be an https URL/], [{ file: path, digest: 'md5-1' }, /rules\.digest/], [{ file: path, refresh: -1 }, /rules\.refresh/]] as const) {
    t.assert.match((await startError({ rules })).message, message)
  }
})
