import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync, mkdtempSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { BOT_CATEGORIES } from '../../lib/checks/bots.ts'
import { build, buildRoute, CLIENT, startError, status } from '../helpers.ts'
import { PEOPLE } from '../bots/agents.ts'

const GOOGLE = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'
const BING = 'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36'
const GPT = 'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)'
const by = (agent: string, ip = CLIENT): { ip: string, headers: Record<string, string> } => ({ ip, headers: { 'user-agent': agent } })

/** One agent for each category, as the real ones are. */
const EXAMPLES: Record<(typeof BOT_CATEGORIES)[number], string> = {
  'search-engine': GOOGLE,
  'ai-crawler': GPT,
  seo: 'Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)',
  monitor: 'Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)',
  scanner: 'sqlmap/1.8.4#stable (https://sqlmap.org)',
  scraper: 'Scrapy/2.11.2 (+https://scrapy.org)',
  'http-library': 'python-requests/2.32.3',
  'headless-browser': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36',
  'social-preview': 'facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)',
  'feed-reader': 'Feedly/1.0 (+http://www.feedly.com/fetcher.html; 12 subscribers; like FeedFetcher-Google)',
  advertising: 'Mozilla/5.0 (compatible; proximic; +https://www.comscore.com/Web-Crawler)',
  archiver: 'Mozilla/5.0 (compatible; archive.org_bot +http://archive.org/details/archive.org_bot)',
  academic: 'SemanticScholarBot/1.0 (+http://s2.allenai.org/bot.html)',
  unknown: 'Mozilla/5.0 (compatible; NobodyKnowsBot/0.1; +https://example.org/bot)'
}

for (const category of BOT_CATEGORIES) {
  test(`bots.deny ${category} refuses ${EXAMPLES[category].slice(0, 60)}, and no browser`, async (t: TestContext) => {
    const { app, events } = await build(t, { bots: { deny: [category] } })
    const response = await app.inject({ url: '/', headers: { 'user-agent': EXAMPLES[category] } })
    t.assert.strictEqual(response.statusCode, 403)
    t.assert.strictEqual(response.json().code, 'GUARD_BOT_REFUSED')
    t.assert.ok('rule' in events[0]! && events[0].rule === `bots.deny ${category}`, JSON.stringify(events[0]))
    for (const agent of PEOPLE) t.assert.strictEqual(await status(app, by(agent)), 200, agent)
    for (const [other, agent] of Object.entries(EXAMPLES)) {
      if (other !== category) t.assert.strictEqual(await status(app, by(agent)), 200, `${other}: ${agent}`)
    }
  })
}

test("bots.deny 'all' refuses every bot and no browser or app, twice over", async (t: TestContext) => {
  const { app } = await build(t, { bots: { deny: 'all' } })
  for (let round = 0; round < 2; round++) {
    for (const agent of [...Object.values(EXAMPLES), 'curl/8.5.0', 'Wget/1.21.4', 'Go-http-client/2.0', 'node', 'axios/1.7.7', 'okhttp/4.12.0', 'Java/17.0.9', 'nikto/2.5.0']) t.assert.strictEqual(await status(app, by(agent)), 403, agent)
    for (const agent of PEOPLE) t.assert.strictEqual(await status(app, by(agent)), 200, agent)
    // There is no agent to judge: that is what userAgent.missing is for.
    t.assert.strictEqual((await app.inject({ url: '/', headers: { 'user-agent': '' } })).statusCode, 200)
  }
})

test('allow exempts names with their variants, categories, and texts that the data does not know', async (t: TestContext) => {
  const { app } = await build(t, { bots: { deny: 'all', allow: ['GoogleBot', 'monitor', 'acme-probe'] } })
  for (const agent of [GOOGLE, 'Googlebot-Image/1.0', EXAMPLES.monitor, 'Acme-Probe/2.0 bot']) t.assert.strictEqual(await status(app, by(agent)), 200, agent)
  for (const agent of [BING, 'curl/8.5.0', EXAMPLES.unknown]) t.assert.strictEqual(await status(app, by(agent)), 403, agent)
})

test('a route has its own rule, or none, or reports only', async (t: TestContext) => {
  const off = await buildRoute(t, { bots: false }, { bots: { deny: 'all' } })
  t.assert.strictEqual(await status(off.app, { url: '/guarded', ...by('curl/8.5.0') }), 200)
  t.assert.strictEqual(await status(off.app, by('curl/8.5.0')), 403)
  const own = await buildRoute(t, { bots: { deny: ['http-library'] } })
  t.assert.strictEqual(await status(own.app, { url: '/guarded', ...by('curl/8.5.0') }), 403)
  t.assert.strictEqual(await status(own.app, by('curl/8.5.0')), 200)
  const passive = await buildRoute(t, { bots: { deny: 'all', mode: 'passive' } })
  t.assert.strictEqual(await status(passive.app, { url: '/guarded', ...by('curl/8.5.0') }), 200)
  t.assert.deepStrictEqual(passive.events.map((event) => [event.type, 'code' in event && event.code]), [['reported', 'GUARD_BOT_REFUSED']])
})

test('a trusted client is passed by, and a refusal can count towards a ban', async (t: TestContext) => {
  const { app } = await build(t, { ip: { trust: ['203.0.113.8'] }, bots: { deny: 'all' }, ban: { threshold: 2, on: ['bots'], duration: '1h' } })
  t.assert.strictEqual(await status(app, by('curl/8.5.0', '203.0.113.8')), 200)
  t.assert.strictEqual(await status(app, by('curl/8.5.0')), 403)
  t.assert.strictEqual(await status(app, by('curl/8.5.0')), 403)
  t.assert.strictEqual((await app.inject({ url: '/', remoteAddress: CLIENT, headers: { 'user-agent': PEOPLE[0]! } })).json().code, 'GUARD_BANNED')
})

test('request.guard.bot tells whose agent it is, where some rule is for bots', async (t: TestContext) => {
  const routes = (app: Parameters<NonNullable<Parameters<typeof build>[2]>>[0]): void => { app.get('/bot', async (request) => ({ has: 'bot' in request.guard, bot: request.guard.bot })) }
  const { app } = await build(t, { bots: {} }, routes)
  const ask = async (agent: string): Promise<object> => (await app.inject({ url: '/bot', headers: { 'user-agent': agent } })).json<object>()
  t.assert.deepStrictEqual(await ask(GOOGLE), { has: true, bot: { name: 'googlebot', categories: ['search-engine'] } })
  t.assert.deepStrictEqual(await ask('curl/8.5.0'), { has: true, bot: { name: 'curl', categories: ['http-library'] } })
  t.assert.deepStrictEqual(await ask(EXAMPLES.unknown), { has: true, bot: { name: 'unknown', categories: ['unknown'] } })
  t.assert.deepStrictEqual(await ask(PEOPLE[0]!), { has: true })
  const without = await build(t, {}, routes)
  t.assert.deepStrictEqual((await without.app.inject({ url: '/bot', headers: { 'user-agent': GOOGLE } })).json(), { has: false })
})

test('agents without end, and long ones, are judged in time and kept nowhere', async (t: TestContext) => {
  const { app } = await build(t, { bots: { deny: 'all' } })
  for (const part of ['Goo', 'Spider', '@a', 'Mozilla/5.0 (', 'a', '; x']) t.assert.ok(await status(app, by(part.repeat(Math.ceil(8000 / part.length)))) < 500, part)
  for (let i = 0; i < 2000; i++) await status(app, by(`${PEOPLE[0]} X/${i}`))
  t.assert.strictEqual(await status(app, by('sqlmap/1.8')), 403)
})

test('wrong values stop the start, with the nearest name', async (t: TestContext) => {
  const { message } = await startError({ bots: { deny: ['crawlers', 'ai-crawlr'], allow: [5], verify: { timeot: 1, servers: [] }, denny: [] } })
  for (const part of ['bots.deny[0]', 'did you mean ai-crawler?', 'bots.allow[0]', 'bots.verify.timeot is unknown, did you mean timeout?', 'bots.verify.servers', 'bots.denny is unknown, did you mean deny?']) t.assert.ok(message.includes(part), `${part} in ${message}`)
  t.assert.match((await startError({ bots: { verify: { servers: ['dns.example', '1.1.1.1:53:53'], timeout: '60d', ranges: { gptbot: [], x: 'nowhere' } } } })).message, /servers\[0\] must be an address[\s\S]*servers\[1\][\s\S]*timeout must be/)
  t.assert.match((await startError({ bots: { verify: { ranges: { gptbott: '192.0.2.0/24' } } } })).message, /bots\.verify\.ranges\["gptbott"\] is no known bot, did you mean gptbot\?/)
  t.assert.match((await startError({ bots: { deny: 'all', allow: ['gogglebot', ' '] } })).message, /bots\.allow\[0\] is no known bot, did you mean googlebot\?[\s\S]*bots\.allow\[1\] must not be blank/)
})

/** A DNS server with these records; counts what it is asked, and leaves names in `silent` unanswered. */
async function dns (t: TestContext, records: Record<string, string>, silent: Set<string> = new Set()): Promise<{ server: string, asked: string[] }> {
  const socket: Socket = createSocket('udp4')
  const asked: string[] = []
  t.after(() => { socket.close() })
  socket.on('message', (query: Buffer, { address, port }: RemoteInfo) => {
    let at = 12
    const labels: string[] = []
    while (query[at] !== 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + query[at]!))
      at += 1 + query[at]!
    }
    const name = labels.join('.')
    asked.push(name)
    if (silent.has(name)) return
    const type = query.readUInt16BE(at + 1)
    const question = query.subarray(12, at + 5)
    const value = records[name]
    const head = Buffer.alloc(12)
    query.copy(head, 0, 0, 2)
    head.writeUInt16BE(value === undefined ? 0x8183 : 0x8180, 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(value === undefined ? 0 : 1, 6)
    const data = type === 12
      ? Buffer.concat([...(value ?? '').split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.from([0])])
      : Buffer.from((value ?? '').split('.').map(Number))
    const answer = Buffer.alloc(12)
    answer.writeUInt16BE(0xc00c, 0)
    answer.writeUInt16BE(type, 2)
    answer.writeUInt16BE(1, 4)
    answer.writeUInt32BE(60, 6)
    answer.writeUInt16BE(data.length, 10)
    socket.send(value === undefined ? Buffer.concat([head, question]) : Buffer.concat([head, question, answer, data]), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { server: `127.0.0.1:${(socket.address() as AddressInfo).port}`, asked }
}

const REAL = '192.0.2.66'
const records = {
  '66.2.0.192.in-addr.arpa': 'crawl-192-0-2-66.googlebot.com',
  'crawl-192-0-2-66.googlebot.com': REAL,
  // Whoever owns an address can write any name here; only Google can make it lead back.
  '9.113.0.203.in-addr.arpa': 'crawl-203-0-113-9.googlebot.com',
  '10.113.0.203.in-addr.arpa': 'crawl.googlebot.com.evil.test',
  'crawl.googlebot.com.evil.test': '203.0.113.10',
  '11.113.0.203.in-addr.arpa': 'evilgooglebot.com',
  'evilgooglebot.com': '203.0.113.11',
  // Google's translator: the agent is that of whoever asked it.
  '12.113.0.203.in-addr.arpa': 'google-proxy-203-0-113-12.google.com',
  'google-proxy-203-0-113-12.google.com': '203.0.113.12',
  '67.2.0.192.in-addr.arpa': 'rate-limited-proxy-192-0-2-67.google.com',
  'rate-limited-proxy-192-0-2-67.google.com': '192.0.2.67'
}

test('verify: only who has the name both ways is the bot; others are refused, flagged, and asked about once', async (t: TestContext) => {
  const { server, asked } = await dns(t, records)
  const { app, events } = await build(t, { bots: { deny: ['search-engine'], allow: ['googlebot'], verify: { servers: [server], timeout: 5000 } } }, (app) => { app.get('/bot', async (request) => request.guard.bot) })
  t.assert.strictEqual(await status(app, by(GOOGLE, REAL)), 200)
  t.assert.deepStrictEqual((await app.inject({ url: '/bot', remoteAddress: REAL, headers: { 'user-agent': GOOGLE } })).json(), { name: 'googlebot', categories: ['search-engine'], verified: true })
  t.assert.strictEqual(asked.length, 2)
  t.assert.strictEqual(await status(app, by(GOOGLE, '192.0.2.67')), 200)
  for (const ip of ['203.0.113.9', '203.0.113.10', '203.0.113.11', '203.0.113.12', CLIENT, CLIENT]) t.assert.strictEqual(await status(app, by(GOOGLE, ip)), 403, ip)
  t.assert.deepStrictEqual(events.map((event) => 'rule' in event && event.rule), Array(6).fill('bots.verify'))
  const before = asked.length
  t.assert.strictEqual(await status(app, by(GOOGLE, CLIENT)), 403)
  t.assert.strictEqual(asked.length, before)
  // Nobody is asked about who names no such bot.
  t.assert.strictEqual(await status(app, by(PEOPLE[0]!, CLIENT)), 200)
  t.assert.strictEqual(await status(app, by('curl/8.5.0', CLIENT)), 200)
  t.assert.strictEqual(asked.length, before)
})

test('verify alone refuses who lies, whatever is denied; passive only flags', async (t: TestContext) => {
  const { server } = await dns(t, records)
  const { app } = await build(t, { bots: { verify: { servers: [server], timeout: 5000 } } })
  t.assert.deepStrictEqual([await status(app, by(GOOGLE, REAL)), await status(app, by(GOOGLE, CLIENT)), await status(app, by(GPT, CLIENT))], [200, 403, 200])
  const passive = await build(t, { bots: { verify: { servers: [server], timeout: 5000 }, mode: 'passive' } }, (app) => { app.get('/bot', async (request) => request.guard.bot) })
  t.assert.deepStrictEqual((await passive.app.inject({ url: '/bot', remoteAddress: CLIENT, headers: { 'user-agent': GOOGLE } })).json(), { name: 'googlebot', categories: ['search-engine'], verified: false })
})

test('without an answer in time a claim is neither proved nor disproved: what is denied stays denied', async (t: TestContext) => {
  const { server, asked } = await dns(t, records, new Set(['66.2.0.192.in-addr.arpa']))
  const verify = { servers: [server], timeout: 50 }
  const denied = await build(t, { bots: { deny: ['search-engine'], allow: ['googlebot'], verify } })
  t.assert.strictEqual(await status(denied.app, by(GOOGLE, REAL)), 403)
  const open = await build(t, { bots: { verify } }, (app) => { app.get('/bot', async (request) => request.guard.bot) })
  t.assert.deepStrictEqual((await open.app.inject({ url: '/bot', remoteAddress: REAL, headers: { 'user-agent': GOOGLE } })).json(), { name: 'googlebot', categories: ['search-engine'] })
  t.assert.ok(asked.length > 0)
})

test('a flood of false claims asks DNS about few at once', async (t: TestContext) => {
  const silent = new Set(Array.from({ length: 250 }, (_, i) => `${i}.100.51.198.in-addr.arpa`))
  const { server, asked } = await dns(t, {}, silent)
  const { app } = await build(t, { bots: { verify: { servers: [server], timeout: 100 } } })
  await Promise.all(Array.from({ length: 250 }, async (_, i) => status(app, by(GOOGLE, `198.51.100.${i}`))))
  t.assert.ok(new Set(asked).size <= 64, `${new Set(asked).size} names`)
})

test('a network full of addresses whose DNS server is slow keeps nobody else from being verified', async (t: TestContext) => {
  const nameOf = (i: number): string => `${[...`20010db800000001${i.toString(16).padStart(16, '0')}`].reverse().join('.')}.ip6.arpa`
  const { server, asked } = await dns(t, records, new Set(Array.from({ length: 64 }, (_, i) => nameOf(i))))
  const { app } = await build(t, { bots: { deny: ['search-engine'], allow: ['googlebot'], verify: { servers: [server], timeout: 400 } } })
  const flood = Promise.all(Array.from({ length: 64 }, async (_, i) => status(app, by(GOOGLE, `2001:db8:0:1::${i.toString(16)}`))))
  for (let i = 0; i < 1000 && asked.length < 4; i++) await new Promise((resolve) => { setImmediate(resolve) })
  t.assert.strictEqual(await status(app, by(GOOGLE, REAL)), 200)
  t.assert.deepStrictEqual([...new Set(await flood)], [403])
})

test('allow exempts the name that was verified, not another one beside it', async (t: TestContext) => {
  const { server } = await dns(t, records)
  const verify = { servers: [server], timeout: 5000 }
  const mixed = `${GOOGLE} python-requests/2.32.3`
  for (const [allow, expected] of [['python-requests', 403], ['http-library', 403], ['googlebot', 200]] as const) {
    const { app } = await build(t, { bots: { deny: 'all', allow: [allow], verify } })
    t.assert.strictEqual(await status(app, by(mixed, REAL)), expected, allow)
  }
})

test('published ranges tell in place of DNS, as they are published', async (t: TestContext) => {
  const file = join(mkdtempSync(join(tmpdir(), 'guard-bots-')), 'gptbot.json')
  writeFileSync(file, JSON.stringify({ creationTime: '2026-11-01T00:00:00', prefixes: [{ ipv4Prefix: '192.0.2.0/28' }, { ipv6Prefix: '2001:db8:1::/48' }] }))
  const { app } = await build(t, { bots: { deny: ['ai-crawler'], allow: ['gptbot'], verify: { ranges: { GPTBot: { file } } } } })
  t.assert.deepStrictEqual([await status(app, by(GPT, '192.0.2.3')), await status(app, by(GPT, '2001:db8:1::5')), await status(app, by(GPT, '192.0.2.33'))], [200, 200, 403])
})
