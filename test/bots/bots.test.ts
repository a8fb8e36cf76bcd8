import { createRequire } from 'node:module'
import { test, type TestContext } from 'node:test'
import { isbot } from 'isbot'
import { bots } from '../../lib/bots/bots.ts'
import { readCatalogue } from '../../lib/bots/catalogue.ts'
import { domainsOf } from '../../lib/bots/known.ts'
import { listReader } from '../../lib/net/list.ts'
import { PEOPLE } from './agents.ts'

interface Crawler { pattern: string, instances?: string[] }
const crawlers = createRequire(import.meta.url)('crawler-user-agents') as Crawler[]
const instances = crawlers.flatMap(({ instances = [] }) => instances)
const open = (): ReturnType<typeof bots> => bots({ now: Date.now, lists: listReader() })

test('every agent that the data has as an example is found, but those of programs for people', (t: TestContext) => {
  const known = open()
  const missed = crawlers.filter(({ instances = [] }) => instances.some((agent) => known.of(agent) === undefined)).map(({ pattern }) => pattern)
  t.assert.ok(instances.length > 1500, `${instances.length} examples`)
  t.assert.ok(missed.every((pattern) => ['Code\\/1\\.', 'Trae\\/', 'Notion\\/', 'Fluid'].includes(pattern)), missed.join(' '))
})

test('no browser and no app is taken for a bot', (t: TestContext) => {
  const known = open()
  for (const agent of PEOPLE) t.assert.strictEqual(known.of(agent), undefined, agent)
})

test('what no list names is a bot where isbot says so', (t: TestContext) => {
  const known = open()
  const made = instances.map((agent) => agent.replace(/[A-Z][a-z]+/g, (word) => [...word].reverse().join('')))
  let unknown = 0
  for (const agent of [...made, ...PEOPLE.map((agent) => `${agent} crawler`), 'foo', 'foo/1.0', 'x@example.org', '() { :;}', 'Mozilla/5.0']) {
    const bot = known.of(agent)
    if (bot !== undefined && bot.name !== 'unknown') continue
    unknown++
    if (bot === undefined && isbot(agent.slice(0, 1024))) t.assert.match(agent, /CFNetwork|Darwin|Dalvik|okhttp|Cronet|Android|iOS|iPhone|iPad/, agent)
    if (bot !== undefined) t.assert.ok(isbot(agent.slice(0, 1024)), agent)
  }
  t.assert.ok(unknown > 100, `${unknown} agents`)
})

test('names are short and plain, and the bots that people name have the names that they use', (t: TestContext) => {
  const names = new Set(readCatalogue().map(({ name }) => name))
  for (const name of ['googlebot', 'googlebot-image', 'bingbot', 'applebot', 'yandexbot', 'baiduspider', 'duckduckbot', 'gptbot', 'claudebot', 'perplexitybot', 'ccbot', 'bytespider', 'ahrefs', 'semrushbot', 'curl', 'wget', 'python-requests', 'go-http-client', 'axios', 'okhttp', 'scrapy', 'headlesschrome', 'playwright', 'sqlmap', 'nikto', 'uptimerobot', 'facebookexternalhit']) t.assert.ok(names.has(name), name)
  for (const name of names) {
    t.assert.ok(name.length > 1 && name === name.toLowerCase() && !/[\\^$*?]/.test(name), name)
  }
})

test('every bot that can be verified by DNS is one that the data has', (t: TestContext) => {
  const names = readCatalogue().map(({ name }) => name)
  t.assert.ok(names.filter((name) => domainsOf(name) !== undefined).length > 25)
  for (const name of ['googlebot', 'googlebot-image', 'bingbot', 'applebot', 'yandexbot', 'baiduspider', 'yahoo-slurp', 'petalbot', 'seznambot', 'amazonbot', 'naver-yeti', 'mojeekbot', 'ccbot']) t.assert.ok(names.includes(name) && domainsOf(name) !== undefined, name)
  // Anybody can rent a machine with a name below this one.
  for (const name of names) t.assert.ok(!(domainsOf(name) ?? []).some((domain) => /googleusercontent|amazonaws|cloudapp/.test(domain)), name)
})

test('an agent seen again gives the same object, and two apps share none', (t: TestContext) => {
  const [one, other] = [open(), open()]
  const agent = 'Googlebot/2.1 (+http://www.google.com/bot.html)'
  t.assert.strictEqual(one.of(agent), one.of(Buffer.from(agent).toString()))
  t.assert.notStrictEqual(one.of(agent), other.of(agent))
  t.assert.strictEqual(one.of(''), undefined)
  t.assert.strictEqual(one.of(undefined), undefined)
})
