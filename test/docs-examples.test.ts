import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

const root = join(import.meta.dirname, '..')

interface Running { address: string, output: () => string, child: ChildProcess }

/** Starts an example on a free port, and waits until it has printed its address and then nothing more for a while. */
async function start (t: TestContext, file: string, ...args: string[]): Promise<Running> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, file), ...args], { cwd: root, env: { ...process.env, PORT: '0', LOG_LEVEL: 'silent' }, stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => { child.kill('SIGKILL') })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => { output += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { output += chunk.toString() })
  const address = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${file} printed no address: ${output}`)), 60_000)
    child.stdout.on('data', () => {
      const found = /^http:\/\/127\.0\.0\.1:\d+$/m.exec(output)
      if (found === null) return
      clearTimeout(timer)
      setTimeout(() => resolve(found[0]), 100)
    })
    child.on('exit', (code) => reject(new Error(`${file} ended with ${code}: ${output}`)))
  })
  return { address, output: () => output, child }
}

async function status (url: string, headers: Record<string, string> = {}, init: RequestInit = {}): Promise<number> {
  const response = await fetch(url, { ...init, headers, redirect: 'manual' })
  await response.arrayBuffer()
  return response.status
}

test('examples/demo.ts answers each line that it prints with the status that it prints', async (t: TestContext) => {
  if (spawnSync('curl', ['--version']).status !== 0) return t.skip('curl is not there')
  const { output } = await start(t, 'examples/demo.ts')
  const lines = [...output().matchAll(/^# (.+): ([\d ]+)\n(.+)$/gm)]
  t.assert.ok(lines.length >= 15, output())
  for (const [, title = '', expected = '', line = ''] of lines) {
    const { stdout } = spawnSync('bash', ['-c', line], { encoding: 'utf8', timeout: 20_000 })
    const statuses = [...stdout.matchAll(/^(?:HTTP\/1\.1 )?(\d{3})\b/gm)].map(([, code]) => code).join(' ')
    t.assert.strictEqual(statuses, expected, `${title}: ${line}\n${stdout}`)
  }
})

test('examples/demo.ts ends on SIGTERM and SIGINT', async (t: TestContext) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const { child } = await start(t, 'examples/demo.ts')
    const ended = new Promise<number | null>((resolve) => { child.once('exit', (code) => resolve(code)) })
    child.kill(signal)
    t.assert.strictEqual(await ended, 0)
  }
})

test('examples/demo.ts --open answers 200 to every method and path, and still refuses attacks in any body', async (t: TestContext) => {
  const { address } = await start(t, 'examples/demo.ts', '--open')
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD']) t.assert.strictEqual(await status(`${address}/a/b/c?d=e`, {}, { method }), 200, method)
  const body = 'comment=<script>alert(1)</script>'
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json', 'application/x-whatever']) {
    t.assert.strictEqual(await status(`${address}/x`, { 'content-type': type }, { method: 'POST', body }), 400, type)
    t.assert.strictEqual(await status(`${address}/x`, { 'content-type': type }, { method: 'POST', body: 'comment=fine' }), 200, type)
  }
})

test('examples/minimal.ts', async (t: TestContext) => {
  const { address } = await start(t, 'examples/minimal.ts')
  t.assert.strictEqual(await status(address), 200)
  t.assert.strictEqual(await status(`${address}/search?q=<script>alert(1)</script>`), 400)
})

test('examples/behind-a-proxy.ts', async (t: TestContext) => {
  const { address } = await start(t, 'examples/behind-a-proxy.ts')
  t.assert.strictEqual(await status(address), 301)
  t.assert.strictEqual(await status(`${address}/healthz`), 200)
  const response = await fetch(address, { headers: { 'x-forwarded-for': '10.0.0.1, 203.0.113.7', 'x-forwarded-proto': 'https' } })
  t.assert.deepStrictEqual(await response.json(), { you: '203.0.113.7' })
})

test('examples/policies.ts', async (t: TestContext) => {
  const { address, output } = await start(t, 'examples/policies.ts')
  t.assert.match(output(), /^GET \/metrics /m)
  t.assert.strictEqual(await status(`${address}/metrics`), 200)
  t.assert.strictEqual(await status(`${address}/report`, {}, { method: 'POST' }), 404)
  t.assert.strictEqual(await status(`${address}/login`, { 'content-type': 'text/plain' }, { method: 'POST', body: 'x' }), 415)
  t.assert.strictEqual(await status(`${address}/hooks/git`, {}, { method: 'POST' }), 401)
  t.assert.strictEqual(await status(`${address}/hooks/git`, { 'x-api-key': 'a-long-random-key', 'content-type': 'application/json' }, { method: 'POST', body: '{"diff":"<script>alert(1)</script>"}' }), 200)
  t.assert.strictEqual(await status(`${address}/healthz`), 200)
  const page = await fetch(`${address}/admin`)
  const nonce = /nonce="([^"]+)"/.exec(await page.text())?.[1]
  t.assert.ok(page.headers.get('content-security-policy')?.includes(`'nonce-${nonce}'`))
})

test('every example is tried here', async (t: TestContext) => {
  t.assert.deepStrictEqual(readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.ts')).sort(), ['behind-a-proxy.ts', 'demo.ts', 'minimal.ts', 'policies.ts'])
})
