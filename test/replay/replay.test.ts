import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import { main } from '../../lib/cli/main.ts'
import { guardOf } from '../../lib/guard.ts'
import type { ReplayResult } from '../../lib/replay/replay.ts'

const folder = mkdtempSync(join(tmpdir(), 'guard-replay-'))
const lib = new URL('../../lib/index.ts', import.meta.url).href
const corpus = new URL('../../../shared/corpora/elastic-apache-logs.jsonl.gz', import.meta.url)

let files = 0
function file (content: string | Buffer, extension = 'log'): string {
  const name = join(folder, `${++files}.${extension}`)
  writeFileSync(name, content)
  return name
}

/** A module with an application: `options` and `routes` are source text. */
function app (options: string, routes = ''): string {
  return file(`
import Fastify from ${JSON.stringify(import.meta.resolve('fastify'))}
import guardPlugin from ${JSON.stringify(lib)}
export default async () => {
  const app = Fastify()
  await app.register(guardPlugin, ${options})
  app.get('/', async () => 'home')
  app.get('/items/:id', async () => 'item')
  app.post('/login', async () => 'in')
  ${routes}
  globalThis.replayed = app
  return app
}`, 'mjs')
}

interface Ran { code: number, out: string, err: string, json: () => ReplayResult }

async function run (args: string[], stdin: string | Buffer = ''): Promise<Ran> {
  let out = ''
  let err = ''
  const code = await main(['replay', ...args], {
    out: (text) => { out += text }, err: (text) => { err += text }, stdin: Readable.from([Buffer.from(stdin)]), cwd: folder, env: {}, interactive: false
  })
  return { code, out, err, json: () => JSON.parse(out) as ReplayResult }
}

function combined (ip: string, second: number, request: string, { status = 200, referer = '-', agent = 'Mozilla/5.0' } = {}): string {
  const time = new Date(Date.UTC(2026, 0, 31, 23, 59, 0) + second * 1000).toISOString()
  const month = time.startsWith('2026-01') ? 'Jan' : 'Feb'
  return `${ip} - - [${time.slice(8, 10)}/${month}/2026:${time.slice(11, 19)} +0000] "${request}" ${status} 12 "${referer}" "${agent}"\n`
}

test('requests are judged at the log\'s own time', async (t: TestContext) => {
  const log = file([0, 1, 2, 61, 62, 63].map((second) => combined('192.0.2.1', second, 'GET / HTTP/1.1')).join(''))
  const { code, json } = await run([log, '--app', app('{ rateLimit: { max: 2, window: "1m" } }'), '--json'])
  const { requests, report, from, to } = json()
  t.assert.strictEqual(code, 0)
  t.assert.strictEqual(requests, 6)
  t.assert.strictEqual(report.refused, 2)
  t.assert.deepStrictEqual(report.byCheck, [{ name: 'rateLimit', refused: 2, reported: 0 }])
  t.assert.strictEqual(report.byRule[0]!.examples[0]!.line, 3)
  t.assert.deepStrictEqual(report.byClient, [{ name: '192.0.2.1', refused: 2, reported: 0 }])
  t.assert.strictEqual(to! - from!, 63_000)
})

test('a ban that the log brings about holds for its time, and only in the replay', async (t: TestContext) => {
  const attack = 'GET /items/1?q=1%27%20UNION%20SELECT%20password%20FROM%20users-- HTTP/1.1'
  const log = file([combined('192.0.2.7', 0, attack), combined('192.0.2.7', 1, attack), combined('192.0.2.7', 5, 'GET / HTTP/1.1'), combined('192.0.2.7', 700, 'GET / HTTP/1.1')].join(''))
  const { json } = await run([log, '--app', app('{ ban: { threshold: 2, window: "1m", duration: "10m" }, onEvent: (event) => { (globalThis.replayEvents ??= []).push(event) } }'), '--json'])
  const { report } = json()
  t.assert.deepStrictEqual(report.byCheck.map(({ name, refused }) => [name, refused]), [['detection', 2], ['ban', 1]])
  t.assert.deepStrictEqual(report.byRoute.map(({ name, refused }) => [name, refused]), [['/items/:id', 2], ['/', 1]])
  const seen = globalThis as { replayEvents?: unknown[], replayed?: { guard: { bans: () => unknown[], stats: () => { refused: number } } } }
  t.assert.strictEqual(seen.replayEvents, undefined)
  t.assert.deepStrictEqual(seen.replayed!.guard.bans(), [])
  t.assert.strictEqual(seen.replayed!.guard.stats().refused, 0)
})

test('passive rules are told apart', async (t: TestContext) => {
  const log = file(combined('192.0.2.1', 0, 'DELETE / HTTP/1.1') + combined('192.0.2.1', 0, 'GET / HTTP/1.1'))
  const { json } = await run([log, '--app', app('{ methods: ["GET"], mode: "passive" }'), '--json'])
  const { refused, reported } = json().report
  t.assert.deepStrictEqual({ refused, reported }, { refused: 0, reported: 1 })
})

test('what a log cannot tell is left out and named', async (t: TestContext) => {
  const rules = '{ auth: { scheme: "bearer", verify: () => null }, check: () => ({ status: 403, message: "no" }), requireHeaders: { "x-a": true }, https: true, hosts: ["example.com"], userAgent: { deny: ["sqlmap"], missing: "refuse" } }'
  const fields = combined('192.0.2.1', 0, 'GET / HTTP/1.1') + combined('192.0.2.1', 0, 'GET / HTTP/1.1', { agent: 'sqlmap/1.7' }) + combined('192.0.2.1', 0, 'GET / HTTP/1.1', { agent: '-' })
  const full = (await run([file(fields), '--app', app(rules), '--json'])).json()
  t.assert.deepStrictEqual(full.left.toSorted(), ['auth', 'check', 'hosts', 'https', 'requireHeaders'])
  t.assert.deepStrictEqual(full.report.byCheck, [{ name: 'userAgent', refused: 2, reported: 0 }])
  const common = (await run([file('192.0.2.1 - frank [10/Oct/2026:13:55:36 -0700] "GET / HTTP/1.0" 200 2326\n'), '--app', app(rules), '--json'])).json()
  t.assert.ok(common.left.includes('userAgent'))
  t.assert.strictEqual(common.report.refused, 0)
  t.assert.strictEqual(common.from, Date.UTC(2026, 9, 10, 20, 55, 36))
})

test('escapes of nginx and Apache, virtual hosts and v6 clients', async (t: TestContext) => {
  const lines = [
    String.raw`2001:db8::1 - - [01/Feb/2026:00:00:00 +0000] "GET /?q=\x22\x3Cscript\x3Ealert(1)\x3C/script\x3E HTTP/1.1" 200 1 "-" "a \"b\" \\ c"`,
    'example.com:443 2001:db8:0:1::2 - - [01/Feb/2026:00:00:01 +0000] "DELETE / HTTP/1.1" 200 1 "-" "-" "203.0.113.9" 0.002',
    'example.com 192.0.2.4 bad [01/Feb/2026:00:00:01 +0000] "GET / HTTP/1.1" 200 1 "-" "-"'
  ]
  const { report } = (await run([file(lines.join('\r\n')), '--app', app('{ methods: ["GET"] }'), '--json'])).json()
  t.assert.deepStrictEqual(report.byClient.map(({ name }) => name).toSorted(), ['2001:db8:0:1::2', '2001:db8::1'])
  t.assert.deepStrictEqual(report.byCheck.map(({ name }) => name).toSorted(), ['detection', 'methods'])
})

test('Caddy, pino, the guard\'s own log and HAR', async (t: TestContext) => {
  const module = app('{ methods: ["GET", "POST"], https: true, hosts: ["example.com"] }')
  const caddy = { ts: 1770000000.5, request: { client_ip: '192.0.2.1', method: 'DELETE', host: 'example.com', uri: '/', headers: { 'User-Agent': ['x'] }, tls: {} }, status: 200 }
  const plain = { ...caddy, request: { ...caddy.request, method: 'GET', tls: undefined } }
  const one = (await run([file(`${JSON.stringify(caddy)}\n${JSON.stringify(plain)}\n`), '--app', module, '--json'])).json()
  t.assert.deepStrictEqual(one.formats, ['caddy'])
  t.assert.strictEqual(one.from, 1770000000500)
  t.assert.deepStrictEqual(one.report.byCheck.map(({ name }) => name).toSorted(), ['https', 'methods'])

  const pino = [{ level: 30, time: 1770000000000, msg: 'Server listening' }, { level: 30, time: 1770000000000, reqId: 'req-1', req: { method: 'DELETE', url: '/', host: 'example.com', remoteAddress: '192.0.2.2' }, msg: 'incoming request' }, { level: 30, time: 1770000000000, reqId: 'req-1', res: { statusCode: 200 }, msg: 'request completed' }]
  const two = (await run([file(pino.map((line) => JSON.stringify(line)).join('\n')), '--app', module, '--json'])).json()
  t.assert.deepStrictEqual([two.formats, two.requests, two.others], [['pino'], 1, 2])
  t.assert.deepStrictEqual(two.report.byClient, [{ name: '192.0.2.2', refused: 1, reported: 0 }])

  const own = { level: 40, time: 1770000000000, outcome: 'passed', client: '192.0.2.3', status: 200, method: 'DELETE', url: '/', agent: 'x' }
  const three = (await run([file(JSON.stringify(own)), '--app', module, '--json'])).json()
  t.assert.deepStrictEqual([three.formats, three.report.refused], [['guard'], 1])

  const har = {
    log: {
      version: '1.2', entries: [
        { startedDateTime: '2026-02-01T00:00:00Z', request: { method: 'POST', url: 'https://example.com/login', headers: [{ name: 'Content-Type', value: 'application/json' }], postData: { mimeType: 'application/json', text: '{"name":"1\' OR 1=1 --"}' } }, response: { status: 200 } },
        { startedDateTime: '2026-02-01T00:00:01Z', request: { method: 'GET', url: 'https://example.com/?q=cats', headers: [{ name: ':authority', value: 'example.com' }] }, response: { status: 200 } },
        { startedDateTime: '2026-02-01T00:00:02Z', request: { method: 'GET', url: 'about:blank', headers: [] } }, null
      ]
    }
  }
  const four = (await run([file(JSON.stringify(har), 'har'), '--app', module, '--json'])).json()
  t.assert.deepStrictEqual([four.formats, four.requests, four.others, four.bad.count], [['har'], 2, 1, 1])
  t.assert.deepStrictEqual(four.report.byRule.map(({ name, refused }) => [name.split('/')[0], refused]), [['detection: sqli', 1]])
})

test('gzip, several files and standard input', async (t: TestContext) => {
  const module = app('{ methods: ["GET"] }')
  const line = combined('192.0.2.1', 0, 'DELETE / HTTP/1.1')
  const { requests, report } = (await run([file(gzipSync(line + line), 'gz'), file(line), '--app', module, '--json'])).json()
  t.assert.deepStrictEqual([requests, report.refused], [3, 3])
  const piped = (await run(['-', '--app', module, '--json'], gzipSync(line))).json()
  t.assert.strictEqual(piped.report.refused, 1)
})

test('lines that cannot be read are counted and shown, never fatal', async (t: TestContext) => {
  const log = file(`${combined('192.0.2.1', 0, 'GET / HTTP/1.1')}\u001b[31mnonsense\n\n192.0.2.1 - - [31/Foo/2026:00:00:00 +0000] "\\x16\\x03" 400 0 "-" "-"\n${'x'.repeat(3_000_000)}\n${combined('192.0.2.1', 0, 'GET / HTTP/1.1')}`)
  const { out, code } = await run([log, '--app', app('{}')])
  t.assert.strictEqual(code, 0)
  t.assert.match(out, /^6 lines, 2 requests \(combined\).*; 1 lines are no requests, 3 cannot be read/)
  t.assert.match(out, /line 2: \\u001b\[31mnonsense/)
  t.assert.doesNotMatch(out, /\u001b/)
})

test('the difference between two policies', async (t: TestContext) => {
  const log = file(['GET /', 'GET /', 'DELETE /', 'GET /items/1', 'PUT /'].map((request) => combined('192.0.2.1', 0, `${request} HTTP/1.1`)).join(''))
  const other = file('methods: [GET, DELETE]\nrateLimit: { max: 3, window: 1m }\n', 'yaml')
  const module = app('{ methods: ["GET"] }')
  const { code, json } = await run([log, '--app', module, '--against', other, '--json', '--strict'])
  const { report, against } = json()
  t.assert.strictEqual(code, 1)
  t.assert.deepStrictEqual([report.refused, against!.report.refused], [2, 2])
  t.assert.deepStrictEqual(against!.refusedMore.byRule.map(({ name, examples }) => [name.split(':')[0], examples.map(({ line }) => line)]), [['rateLimit', [4]]])
  t.assert.deepStrictEqual(against!.refusedLess.byRule.map(({ name, examples }) => [name.split(':')[0], examples.map(({ line }) => line)]), [['methods', [3]]])
  const same = file('{"methods":["GET"]}', 'json')
  t.assert.strictEqual((await run([log, '--app', module, '--against', same, '--strict'])).code, 0)
})

test('the live guard sees nothing of a replay: neither history, nor metrics, nor warnings', async (t: TestContext) => {
  const caddy = (url: string): string => JSON.stringify({ ts: 1770000000, request: { remote_ip: '10.0.0.1', method: 'GET', host: 'localhost', uri: url, headers: { 'User-Agent': ['x'], 'X-Forwarded-For': ['192.0.2.9'] } }, status: 200 })
  const log = file(Array.from({ length: 200 }, () => caddy('/.env')).join('\n'))
  const { json } = await run([log, '--app', app('{ metrics: { registry: { registerMetric () {}, getSingleMetric () {}, removeSingleMetric () {} } }, onEvent: (event) => { (globalThis.liveEvents ??= []).push(event) } }'), '--json'])
  t.assert.strictEqual(json().report.refused, 200)
  const seen = globalThis as unknown as { liveEvents?: unknown[], replayed: FastifyInstance }
  const guard = guardOf(seen.replayed)!
  t.assert.strictEqual(seen.liveEvents, undefined)
  t.assert.deepStrictEqual(guard.history.list(), [])
  t.assert.deepStrictEqual(guard.traffic!.times(), [])
})

test('no DNS server is asked about bots: those are taken at their word, and that is said', async (t: TestContext) => {
  const dns = createSocket('udp4')
  let asked = 0
  dns.on('message', () => { asked++ })
  dns.bind(0, '127.0.0.1')
  await once(dns, 'listening')
  t.after(() => { dns.close() })
  const google = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'
  const log = file(combined('192.0.2.1', 0, 'GET / HTTP/1.1', { agent: google }) + combined('192.0.2.2', 0, 'GET / HTTP/1.1', { agent: 'AhrefsBot/7.0' }))
  const module = app(`{ bots: { deny: "all", allow: ["googlebot"], verify: { servers: ["127.0.0.1:${dns.address().port}"], timeout: 200 } } }`)
  const { report, left } = (await run([log, '--app', module, '--json'])).json()
  t.assert.deepStrictEqual(report.byClient.map(({ name }) => name), ['192.0.2.2'])
  t.assert.deepStrictEqual(left, ['bots.verify'])
  t.assert.strictEqual(asked, 0)
})

test('logs are read in the order of their times, whatever order they are named in', async (t: TestContext) => {
  const hours = (from: number): string => [0, 1, 2, 3].map((hour) => combined('192.0.2.1', (from + hour) * 3600, 'GET / HTTP/1.1')).join('')
  const [old, recent] = [file(gzipSync(hours(0)), 'gz'), file(hours(4))]
  const { report, lines } = (await run([recent, old, '--app', app('{ rateLimit: { max: 1, window: "1m" } }'), '--json'])).json()
  t.assert.deepStrictEqual([lines, report.refused], [8, 0])
})

test('a preflight is judged by the rules that preflights have to pass', async (t: TestContext) => {
  const line = (method: string, headers: object): string => JSON.stringify({ ts: 1770000000, request: { remote_ip: '192.0.2.1', method, host: 'localhost', uri: '/items/1', headers }, status: 204 })
  const origin = { Origin: ['https://shop.example'] }
  const log = file([line('OPTIONS', { ...origin, 'Access-Control-Request-Method': ['GET'] }), line('OPTIONS', origin)].join('\n'))
  const { report } = (await run([log, '--app', app('{ cors: { origin: "https://shop.example" }, requireHeaders: { "x-a": true } }'), '--json'])).json()
  t.assert.deepStrictEqual(report.byRule.map(({ name, examples }) => [name.split(':')[0], examples.map(({ line }) => line)]), [['requireHeaders', [2]]])
})

test('functions of a limit find request.guard', async (t: TestContext) => {
  const log = file(['192.0.2.1', '192.0.2.1', '192.0.2.2'].map((ip) => combined(ip, 0, 'GET / HTTP/1.1')).join(''))
  const { report } = (await run([log, '--app', app('{ rateLimit: { max: 1, window: "1m", key: (request) => request.guard.principal?.id ?? request.guard.ip } }'), '--json'])).json()
  t.assert.deepStrictEqual(report.byCheck, [{ name: 'rateLimit', refused: 1, reported: 0 }])
})

test('what a HAR does not tell, the address, is not held against a request', async (t: TestContext) => {
  const har = { log: { entries: [{ startedDateTime: '2026-02-01T00:00:00Z', request: { method: 'GET', url: 'https://example.com/', headers: [] } }] } }
  const { report, left } = (await run([file(JSON.stringify(har), 'har'), '--app', app('{ ip: { allow: ["10.0.0.0/8"] }, asn: false }'), '--json'])).json()
  t.assert.strictEqual(report.refused, 0)
  t.assert.deepStrictEqual(left, ['ip'])
})

test('the HTML report shows what clients wrote as text', async (t: TestContext) => {
  const html = join(folder, 'report.html')
  const log = file(combined('192.0.2.1', 0, 'GET /<script>alert(1)</script>"\' HTTP/1.1') + combined('192.0.2.1', 1, 'GET /nothing HTTP/1.1'))
  await run([log, '--app', app('{}'), '--html', html])
  const page = readFileSync(html, 'utf8')
  t.assert.match(page, /GET \/&lt;script&gt;alert\(1\)&lt;\/script&gt;/)
  t.assert.strictEqual(page.match(/<script>/g)!.length, 2)
  t.assert.match(page, /script-src 'sha256-[^;]+; style-src/)
  t.assert.match(page, /data-series="\{&quot;step&quot;/)
})

test('wrong use says what is wrong', async (t: TestContext) => {
  const log = file(combined('192.0.2.1', 0, 'GET / HTTP/1.1'))
  const module = app('{}')
  const cases: Array<[string[], RegExp]> = [
    [[], /replay needs a log/],
    [[log], /--app FILE is needed/],
    [[log, '--app', 'nowhere.js'], /--app nowhere\.js: there is no such file/],
    [[log, '--ap', module], /--ap is unknown, did you mean --app\?/],
    [[log, '--app', module, '--rows', 'x'], /--rows must be a whole number from 1 on/],
    [[join(folder, 'no.log'), '--app', module], /no\.log: ENOENT/],
    [[log, join(folder, 'other.log'), '--app', module], /^\S*other\.log: ENOENT/m],
    [[log, '--app', module, '--html', join(folder, 'nowhere/report.html')], /--html .*report\.html: ENOENT/],
    [[file('hello\n'), '--app', module], /is of no known format/],
    [[file(Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3])), '--app', module], /log: /],
    [[log, '--app', module, '--against', file('{"methodz":["GET"]}', 'json')], /--against: .*methodz is unknown, did you mean methods\?/],
    [[log, '--app', module, '--against', file('a: [', 'yaml')], /--against .*yaml: /]
  ]
  for (const [args, message] of cases) {
    const { code, err, out } = await run(args)
    t.assert.match(err, message)
    t.assert.deepStrictEqual([code, out], [2, ''])
  }
})

test('a real access log of browsers and crawlers', { skip: !existsSync(corpus) }, async (t: TestContext) => {
  interface Case { request: { method: string, url: string, headers: Record<string, string> } }
  const cases = gunzipSync(readFileSync(corpus)).toString().trim().split('\n').map((line) => JSON.parse(line) as Case)
  const lines = cases.map(({ request: { method, url, headers } }, i) => combined(`192.0.2.${i % 250}`, i, `${method} ${url} HTTP/1.1`, { referer: headers['referer'], agent: headers['user-agent'] }))
  const { requests, bad, report } = (await run([file(gzipSync(lines.join(''))), '--app', app('{}', 'app.get("/*", async () => "page")'), '--json'])).json()
  t.assert.deepStrictEqual([requests, bad.count], [cases.length, 0])
  t.assert.ok(report.refused <= 1, `${report.refused} refused`)
})
