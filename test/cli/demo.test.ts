import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { run } from './run.ts'

const cli = join(import.meta.dirname, '../../lib/cli/index.ts')

test('demo starts a server that does what it says, and ends on SIGTERM', async (t: TestContext) => {
  const child = spawn(process.execPath, ['--import', 'tsx', cli, 'demo'], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => { child.kill('SIGKILL') })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString() })
  while (!out.includes('Dashboard')) await once(child.stdout, 'data')
  const address = /^http:\/\/127\.0\.0\.1:\d+$/m.exec(out)![0]
  const status = async (path: string, headers: Record<string, string> = {}): Promise<number> => (await fetch(address + path, { headers: { 'user-agent': 'Mozilla/5.0', ...headers } })).status
  t.assert.strictEqual(await status('/'), 200)
  t.assert.strictEqual(await status('/?q=<script>alert(1)</script>'), 400)
  t.assert.strictEqual(await status('/', { 'user-agent': 'sqlmap' }), 403)
  t.assert.strictEqual(await status('/', { 'x-forwarded-for': '192.0.2.7' }), 403)
  t.assert.strictEqual(await status('/private'), 401)
  t.assert.strictEqual(await status('/private', { authorization: 'Bearer demo-token' }), 200)
  t.assert.deepStrictEqual([await status('/login'), await status('/login'), await status('/login')], [200, 200, 429])
  child.kill('SIGTERM')
  t.assert.deepStrictEqual(await once(child, 'exit'), [0, null])
})

test('demo tells wrong use', async (t: TestContext) => {
  t.assert.match((await run(['demo', '--port', '70000'])).err, /0 to 65535/)
  t.assert.strictEqual((await run(['demo', 'now'])).code, 2)
})

test('bench compares the application with and without the guard', async (t: TestContext) => {
  const { code, out } = await run(['bench', '--app', 'fixtures/clean.mjs', '--seconds', '1', '--json'])
  t.assert.strictEqual(code, 0)
  const { on, off, statuses, requests } = JSON.parse(out) as { on: number, off: number, statuses: Record<string, number>, requests: number }
  t.assert.ok(on > 0 && off > 0)
  t.assert.deepStrictEqual(Object.keys(statuses), ['200'])
  t.assert.strictEqual(statuses['200'], requests / 2)
  t.assert.match((await run(['bench'])).err, /--app FILE is needed/)
})
