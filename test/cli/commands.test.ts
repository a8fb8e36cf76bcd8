import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { build, CLIENT } from '../helpers.ts'
import { ensureBuilt } from '../built.ts'
import { slowText } from '../../lib/cli/lint/expressions.ts'
import type { Explanation } from '../../lib/index.ts'
import { run } from './run.ts'

const app = ['--app', 'fixtures/app.mjs']
const attack = ['--method', 'post', '--url', '/login?x=%3Cscript%3Ealert(1)%3C/script%3E', '--ip', '203.0.113.9', '--header', 'user-agent: Mozilla/5.0']

interface Finding { lint: string, path: string, message: string }

test('explain tells the verdict, the client, the rules and their origins', async (t: TestContext) => {
  const { code, out, err } = await run(['explain', ...app, ...attack])
  t.assert.strictEqual(code, 0)
  t.assert.strictEqual(err, '')
  t.assert.match(out, /^POST \/login\?x=/)
  t.assert.match(out, /client +203\.0\.113\.9 from connection/)
  t.assert.match(out, /rateLimit +route/)
  t.assert.match(out, /ip\.deny +plugin/)
  t.assert.match(out, /detection +request +refuse +[\d.]+ us +400 GUARD_ATTACK_DETECTED/)
  t.assert.match(out, /Verdict: refused by detection/)
  t.assert.match(out, /exclude: \{"params":\["x"\]\}/)
})

test('explain --json prints the explanation alone, and --strict tells a refusal by the exit code', async (t: TestContext) => {
  const { code, out } = await run(['explain', ...app, ...attack, '--json', '--strict'])
  t.assert.strictEqual(code, 1)
  const explained = JSON.parse(out) as Explanation
  t.assert.strictEqual(explained.verdict, 'refuse')
  t.assert.strictEqual(explained.client.ip, '203.0.113.9')
  t.assert.strictEqual((await run(['explain', ...app, '--url', '/login', '--method', 'POST', '--strict', '--header', 'user-agent: x'])).code, 0)
  const body = await run(['explain', ...app, '--url', '/login', '--method', 'POST', '--header', 'user-agent: x', '--header', 'content-type: application/json', '--body', '{"a":"<script>alert(1)</script>"}', '--json'])
  t.assert.strictEqual((JSON.parse(body.out) as Explanation).refusal?.phase, 'body')
  const proxied = await run(['explain', ...app, '--ip', '10.0.0.1', '--header', 'X-Forwarded-For: 198.51.100.7', '--json'])
  t.assert.strictEqual((JSON.parse(proxied.out) as Explanation).refusal?.rule, 'ip.deny 198.51.100.0/24')
  const https = await run(['explain', ...app, '--url', '/secure', '--https', '--header', 'x-slow: a', '--header', 'user-agent: x', '--json'])
  t.assert.strictEqual((JSON.parse(https.out) as Explanation).verdict, 'pass')
})

test('explain takes --headers for --header, in the order given, and tells each step to the client', async (t: TestContext) => {
  const { code, out } = await run(['explain', ...app, '--ip', '10.0.0.1', '--headers', 'x-forwarded-for: 203.0.113.5', '--header', 'x-forwarded-for: 192.0.2.44', '--headers=X-Forwarded-For: 10.0.0.2'])
  t.assert.strictEqual(code, 0)
  t.assert.match(out, /client +1\. 10\.0\.0\.1 from connection: a proxy that is believed\n +2\. 10\.0\.0\.2 from x-forwarded-for, hop 1: a proxy that is believed\n +3\. 192\.0\.2\.44 from x-forwarded-for, hop 2: the client\n/)
  t.assert.doesNotMatch(out, /203\.0\.113\.5/)
  const direct = await run(['explain', ...app, '--ip', '203.0.113.9', '--headers', 'x-forwarded-for: 192.0.2.44'])
  t.assert.match(direct.out, /client +203\.0\.113\.9 from connection: the client\n/)
  t.assert.match((await run(['explain', ...app, '--ip', '10.0.0.1', '--headers', 'x-forwarded-for: 10.0.0.2'])).out, /2\. 10\.0\.0\.2 from x-forwarded-for, hop 1: a proxy that is believed, the client since no other is named\n/)
  t.assert.match((await run(['explain', ...app, '--headerss', 'a: b'])).err, /did you mean --header\?/)
})

test('explain finds a reference in a log', async (t: TestContext) => {
  const { app: server, lines } = await build(t)
  const response = await server.inject({ url: '/.env', remoteAddress: CLIENT })
  const reference = String(response.headers['x-guard-reference'])
  const log = lines.map((line) => JSON.stringify(line)).join('\n')
  const file = join(mkdtempSync(join(tmpdir(), 'guard-log-')), 'app.log')
  writeFileSync(file, `not JSON\n${log}\n2026-01-01T00:00:00.000Z WARN  192.0.2.1 refused 403 "GET /" "" 0123456789abcdef\n`)
  const { code, out } = await run(['explain', reference, '--log', file])
  t.assert.strictEqual(code, 0)
  t.assert.match(out, /code +GUARD_ATTACK_DETECTED/)
  t.assert.match(out, new RegExp(`client +${CLIENT}`))
  t.assert.strictEqual((JSON.parse((await run(['explain', reference, '--log', '-', '--json'], log)).out) as { reference: string }).reference, reference)
  t.assert.match((await run(['explain', '0123456789abcdef', '--log', file])).out, /192\.0\.2\.1 refused/)
  const missing = await run(['explain', 'aaaaaaaaaaaaaaaa', '--log', file, '--strict'])
  t.assert.strictEqual(missing.code, 1)
  t.assert.match(missing.err, /is not in/)
})

test('routes lists rules and origins, marks uncovered routes, and exits with 1 for them with --strict', async (t: TestContext) => {
  const { code, out } = await run(['routes', ...app])
  t.assert.strictEqual(code, 0)
  t.assert.match(out, /^! GET,HEAD \/health: no check \(exclude\)$/m)
  t.assert.match(out, /^! GET,HEAD \/early: no check \(declared before the guard\)$/m)
  t.assert.match(out, /^ {2}POST \/login: .*rateLimit/m)
  t.assert.match(out, /^ {6}rateLimit +route +\[\{"max":5/m)
  t.assert.match(out, /^ {6}ip\.deny +plugin/m)
  t.assert.strictEqual((await run(['routes', ...app, '--strict'])).code, 1)
  t.assert.strictEqual((await run(['routes', ...app, '--strict', '--allow', '/health', '--allow', '/early', '--short'])).code, 0)
  const rows = JSON.parse((await run(['routes', ...app, '--json'])).out) as Array<{ url: string, uncovered?: string }>
  t.assert.deepStrictEqual(rows.filter(({ uncovered }) => uncovered !== undefined).map(({ url }) => url), ['/health', '/early'])
})

test('lint finds what a policy cannot mean', async (t: TestContext) => {
  const { code, out } = await run(['lint', ...app, '--json'])
  t.assert.strictEqual(code, 0)
  const found = JSON.parse(out) as Finding[]
  const has = (lint: string, path: string, message: RegExp): void => t.assert.ok(found.some((finding) => finding.lint === lint && finding.path === path && message.test(finding.message)), `${lint} ${path} ${message}\n${out}`)
  has('shadowed', 'ip.deny', /198\.51\.100\.7 is within 198\.51\.100\.0\/24/)
  has('unreachable', 'ip.rules', /allow 192\.0\.2\.1 is never reached/)
  has('unreachable', 'POST /login config.guard.rateLimit', /limit loose .* never refuses/)
  has('unreachable', 'GET /get config.guard.methods', /refuses every request/)
  has('unreachable', 'GET /get config.guard.contentType', /looks at bodies/)
  has('unreachable', 'exclude', /no route is below \/nothing-here/)
  has('unreachable', 'policies.unused', /no route names/)
  has('slow-expression', 'GET /secure config.guard.requireHeaders.x-slow', /takes more than/)
  has('proxy', 'clientIp.trustProto', /https rule refuses every request/)
  has('uncovered', 'GET /early', /declared before the guard/)
  t.assert.strictEqual(found.length, 10, out)
  t.assert.strictEqual((await run(['lint', ...app, '--strict'])).code, 1)
  const clean = await run(['lint', '--app', 'fixtures/clean.mjs', '--strict'])
  t.assert.strictEqual(clean.code, 0, clean.out)
  t.assert.match((await run(['lint', '--app', 'fixtures/open.mjs'])).out, /proxy: trustProxy: believes the forwarding header of any address/)
})

test('expressions that are linear are not called slow', (t: TestContext) => {
  for (const expression of [/^curl\//i, /bot|crawler|spider/, /^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/, /\bmozilla\b.*\bfirefox\b/]) t.assert.strictEqual(slowText(expression), undefined, String(expression))
  for (const expression of [/^(a|a)*$/, /(\d+)+x/, /^(\w+\s?)*$/]) t.assert.notStrictEqual(slowText(expression), undefined, String(expression))
})

test('wrong use is told in one line and exits with 2', async (t: TestContext) => {
  for (const [args, message] of [
    [['explain'], /--app FILE is needed/],
    [['explain', '--app', 'nothing.js'], /no such file/],
    [['explain', ...app, '--header', 'novalue'], /is no header/],
    [['explain', ...app, '--metod', 'GET'], /did you mean --method/],
    [['explain', 'short'], /is no reference/],
    [['explain', 'aaaaaaaaaaaaaaaa'], /--log FILE is needed/],
    [['explain', 'aaaaaaaaaaaaaaaa', '--log', 'nothing.log'], /nothing\.log/],
    [['explain', ...app, '--url', '/early'], /declared before the guard/],
    [['routes', 'x'], /takes no 'x'/],
    [['lint', 'x'], /takes no 'x'/],
    [['explain', ...app, '--url', ''], /url must be a path/],
    [['explain', ...app, '--method', 'A B'], /method must be a method of HTTP/],
    [['explain', ...app, '--ip', '203.0.113.999'], /--ip must be an address, not '203\.0\.113\.999'/],
    [['explain', '--app', 'fixtures/child.mjs'], /the guard is not registered on it: a guard of a child scope sees nothing outside that/],
    [['nope'], /'nope' is no command; see fastify-api-guard --help/],
    [['lnt'], /did you mean 'lint'/]
  ] as Array<[string[], RegExp]>) {
    const { code, out, err } = await run(args)
    t.assert.strictEqual(code, 2, args.join(' '))
    t.assert.strictEqual(out, '')
    t.assert.match(err, message)
    t.assert.strictEqual(err.trim().split('\n').length, 1)
  }
})

test('each command has its help', async (t: TestContext) => {
  const { code, out } = await run(['--help'])
  t.assert.strictEqual(code, 0)
  for (const command of ['explain', 'routes', 'lint']) {
    t.assert.match(out, new RegExp(`^  ${command} `, 'm'))
    t.assert.match((await run([command, '--help'])).out, /--app FILE/)
  }
})

test('each command is listed, and has a row in docs/cli.md', async (t: TestContext) => {
  const { out } = await run(['--help'])
  const rows = readFileSync(join(import.meta.dirname, '../../docs/cli.md'), 'utf8').split('\n').filter((line) => line.startsWith('| `'))
  for (const file of readdirSync(join(import.meta.dirname, '../../lib/cli/commands'))) {
    const name = file.replace(/\.ts$/, '')
    t.assert.match(out, new RegExp(`^  ${name} `, 'm'))
    t.assert.ok(rows.some((row) => row.split('|')[1]!.includes(`\`${name}\``)), `${name} is not in docs/cli.md`)
  }
})

test('the built command prints JSON alone on standard output, whatever the application writes', (t: TestContext) => {
  ensureBuilt()
  const root = join(import.meta.dirname, '..', '..')
  const env = { ...process.env, GUARD_TEST_LOG: '1', GUARD_TEST_ENTRY: join(root, 'dist/lib/index.js') }
  const ran = spawnSync(process.execPath, [join(root, 'dist/lib/cli/index.js'), 'explain', '--app', join(import.meta.dirname, 'fixtures/app.mjs'), ...attack, '--json', '--strict'], { env, encoding: 'utf8', timeout: 60_000 })
  t.assert.strictEqual(ran.status, 1, ran.stderr)
  t.assert.strictEqual((JSON.parse(ran.stdout) as Explanation).refusal?.code, 'GUARD_ATTACK_DETECTED')
  t.assert.match(ran.stderr, /noise of the application/)
})

/** The built command on an application of these lines. */
function built (lines: string, args: string[], file = 'app.mjs'): { status: number | null, stdout: string, stderr: string } {
  ensureBuilt()
  const root = join(import.meta.dirname, '..', '..')
  const folder = mkdtempSync(join(tmpdir(), 'guard-cli-'))
  mkdirSync(join(folder, 'node_modules'))
  for (const [name, target] of [['fastify-api-guard', root], ['fastify', join(root, 'node_modules/fastify')]] as const) symlinkSync(target, join(folder, 'node_modules', name))
  writeFileSync(join(folder, file), `import Fastify from 'fastify'\nimport guardPlugin from 'fastify-api-guard'\n${lines}`)
  const loader = file.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : []
  return spawnSync(process.execPath, [...loader, join(root, 'dist/lib/cli/index.js'), ...args, '--app', file], { cwd: folder, encoding: 'utf8', timeout: 60_000 })
}

test('an application that ends the process, or never starts, is no success and no finding', (t: TestContext) => {
  for (const [lines, message] of [
    ['process.exit(0)', /ended the process.*exit code 0/],
    ['process.exit(1)', /ended the process.*exit code 1/],
    ['setTimeout(() => { throw new Error("late") }, 1)\nexport default () => new Promise((resolve) => setTimeout(resolve, 10_000))', /late[^]*ended the process/],
    ['export default () => new Promise(() => {})', /ended the process.*waits for what never comes/]
  ] as const) {
    const { status, stdout, stderr } = built(lines, ['routes', '--strict'])
    t.assert.match(stderr, message)
    t.assert.deepStrictEqual([status, stdout], [2, ''], lines)
  }
  const fine = 'export default async () => { const app = Fastify(); await app.register(guardPlugin); app.get("/", async () => "ok"); app.get("/off", { config: { guard: false } }, async () => "ok"); return app }'
  t.assert.strictEqual(built(fine, ['routes', '--strict', '--allow', '/off']).status, 0)
  t.assert.strictEqual(built(fine, ['routes', '--strict']).status, 1)
})

test('an application in TypeScript that is compiled to CommonJS has a copy of the guard, which is known', (t: TestContext) => {
  const typed = 'export default async function make (): Promise<unknown> { const app = Fastify(); await app.register(guardPlugin, { userAgent: { deny: ["curl"] } }); return app }'
  const { status, stdout, stderr } = built(typed, ['explain', '--header', 'user-agent: curl', '--strict', '--json'], 'app.ts')
  t.assert.strictEqual(status, 1, stderr)
  t.assert.strictEqual((JSON.parse(stdout) as Explanation).refusal?.code, 'GUARD_USER_AGENT_REFUSED')
  t.assert.strictEqual(built(typed, ['lint', '--strict'], 'app.ts').status, 0)
})
