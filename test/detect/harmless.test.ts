import assert from 'node:assert'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { compileDetection, type Finding, type Overflow } from '../../lib/detect/index.ts'

const detector = compileDetection({}, { maxBytes: 1 << 20 })

function read (name: string): string {
  return readFileSync(join(import.meta.dirname, 'harmless', name), 'utf8').replaceAll('\r\n', '\n')
}

/** What was found, in words; empty if nothing was. */
function why (found: Finding | Overflow | undefined): string {
  if (found === undefined) return ''
  return 'matches' in found ? found.matches.map(({ rule, location, evidence }) => `${rule} in ${location}: ${evidence}`).join('; ') : found.overflow
}

/** What people type into fields and applications put into parameters, by kind: a value a line. */
for (const part of read('values.txt').split(/^# /m).slice(1)) {
  const [kind, ...values] = part.split('\n').filter((line) => line !== '')
  test(`${values.length} harmless values pass: ${kind}`, () => {
    assert.ok(values.length > 20)
    for (const value of values) {
      const encoded = encodeURIComponent(value)
      assert.strictEqual(why(detector.request(`/search?q=${encoded}&page=1`, { host: 'example.com' }, false)), '', `query ${value}`)
      assert.strictEqual(why(detector.body({ field: value }, 'application/json')), '', `JSON ${value}`)
      assert.strictEqual(why(detector.body(`field=${encoded}&page=1`, 'application/x-www-form-urlencoded')), '', `form ${value}`)
    }
  })
}

const texts = read('texts.txt').split('\n=====\n').map((text) => text.trimEnd().replace(/\\u([0-9a-f]{4})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16))))

test(`${texts.length} harmless texts pass: mail, Markdown, code, configuration, chats`, () => {
  assert.ok(texts.length > 80)
  for (const text of texts) {
    assert.strictEqual(why(detector.body({ title: 'A question', text }, 'application/json')), '', `JSON ${text}`)
    assert.strictEqual(why(detector.body({ messages: [{ role: 'user', content: text.replaceAll('\n', '\r\n') }] }, 'application/json')), '', `JSON with CRLF ${text}`)
    assert.strictEqual(why(detector.body(`title=A+question&text=${encodeURIComponent(text.replaceAll('\n', '\r\n'))}`, 'application/x-www-form-urlencoded')), '', `form ${text}`)
  }
})

/** Headers as browsers, clients of APIs and proxies send them. */
const HEADERS: ReadonlyArray<readonly [name: string, value: string]> = [
  ['user-agent', 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36'],
  ['user-agent', 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1'],
  ['user-agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'],
  ['user-agent', 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'],
  ['user-agent', 'PostmanRuntime/7.39.0'],
  ['user-agent', 'curl/8.5.0'],
  ['user-agent', 'python-requests/2.32.3'],
  ['user-agent', 'okhttp/4.12.0 (Android 14; Pixel 8)'],
  ['user-agent', 'MyApp/2.3.1 (com.example.app; build:42; iOS 17.5.1) Alamofire/5.9.1'],
  ['referer', 'https://www.google.com/search?q=how+to+select+from+a+list&oq=select&sourceid=chrome&ie=UTF-8'],
  ['referer', 'https://shop.example.com/list?filter=price%3E10%20and%20price%3C20&sort=-created&utm_source=news&utm_medium=email&utm_campaign=spring_sale#top'],
  ['referer', 'https://login.example.com/oauth2/authorize?client_id=a&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb%3Fnext%3D%252Fhome&scope=openid%20email&state=x.y_z-1'],
  ['cookie', '_ga=GA1.2.1234567890.1704110400; _gid=GA1.2.987.1704110400; _fbp=fb.1.1704110400000.1234567890'],
  ['cookie', 'OptanonConsent=isGpcEnabled=0&datestamp=Mon+Jan+01+2024+12%3A00%3A00+GMT%2B0100&version=202401.1.0&groups=C0001%3A1%2CC0002%3A0'],
  ['cookie', 'session=s%3Aabc.def%2Bghi; theme=dark; cart=%7B%22items%22%3A%5B%7B%22id%22%3A1%7D%5D%7D'],
  ['cookie', 'token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_123; euconsent-v2=CPzHq4APzHq4AAHABBENCxCsAP_AAH_AAAAAJNNf_X__b2_r'],
  ['accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'],
  ['accept-language', 'de-CH,de;q=0.9,en-US;q=0.8,en;q=0.7,fr;q=0.6'],
  ['sec-ch-ua', '"Chromium";v="131", "Not_A Brand";v="24", "Google Chrome";v="131"'],
  ['if-none-match', 'W/"33a64df551425fcc55e4d42a148795d9f25f89d4", "abc"'],
  ['x-forwarded-for', '203.0.113.7, 198.51.100.2'],
  ['forwarded', 'for="[2001:db8::1]:4711";proto=https;by=203.0.113.43'],
  ['traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
  ['content-disposition', 'attachment; filename="O\'Brien (final).pdf"'],
  ['prefer', 'return=representation; respond-async, wait=10']
]

test('headers of browsers, clients and proxies pass', () => {
  for (const [name, value] of HEADERS) assert.strictEqual(why(detector.request('/', { host: 'example.com', [name]: value }, false)), '', `${name}: ${value}`)
})

/** Targets with the queries of APIs, OAuth, trackers and pages of results. */
const TARGETS: readonly string[] = [
  '/api/items?filter[status]=open&page[size]=10&sort=-created&include=author,comments.author',
  '/odata/Products?$filter=Price%20lt%2010.00%20and%20startswith(Name,%27A%27)&$orderby=Name%20desc&$top=10',
  '/cb?code=4/0AX4XfWh&state=%7B%22next%22%3A%22%2Fhome%22%7D&scope=openid%20https://www.googleapis.com/auth/userinfo.email',
  '/?utm_source=newsletter&utm_medium=email&utm_campaign=summer_sale%20(eu)&gclid=Cj0KCQiA-_123',
  '/search?q=%22red+shoes%22+OR+%22blue+shoes%22&hl=en&start=20',
  '/login?next=/account/orders?page=2',
  '/map?bbox=2.2,48.8,2.4,48.9&zoom=12.5&center=48.8566,2.3522',
  '/graphql?query=%7Buser(id:1)%7Bname,friends(first:10)%7Bid%7D%7D%7D',
  '/items?price[gte]=10&price[lte]=20&color[]=red&color[]=blue',
  '/report?from=2024-01-01T00:00:00%2B01:00&to=2024-02-01&tz=Europe/Berlin',
  '/static/js/main.3f2a1b.chunk.js?v=1.2.3',
  '/users/o%27brien/photos',
  '/wiki/C%2B%2B_(programming_language)',
  '/t/how-to-select-from-union-and-drop-shipping/123'
]

test('targets of APIs, OAuth and trackers pass', () => {
  for (const target of TARGETS) assert.strictEqual(why(detector.request(target, { host: 'example.com' }, false)), '', target)
})

/** Bodies of search and of calls by name. */
const BODIES: readonly unknown[] = [
  { query: { bool: { must: [{ match: { title: 'fastify' } }], filter: [{ range: { price: { gte: 10, lte: 20 } } }] } }, sort: [{ created: 'desc' }], size: 10 },
  { jsonrpc: '2.0', method: 'user.get', params: { id: 1, fields: ['name', 'e-mail'] }, id: 1 },
  { operationName: 'Hero', query: 'query Hero($id: ID!) { hero(id: $id) { name friends { name } } }', variables: { id: '1' } },
  { $schema: 'https://json-schema.org/draft/2020-12/schema', $id: 'https://example.com/a.json', type: 'object', properties: { a: { $ref: '#/$defs/b' } } },
  { event: 'page_view', properties: { url: 'https://example.com/?a=1&b=2', referrer: '', $browser: 'Chrome', $os: 'Linux', $screen_width: 1920 } },
  [{ op: 'replace', path: '/name', value: "O'Brien" }, { op: 'remove', path: '/tags/0' }],
  { model: 'x', messages: [{ role: 'user', content: 'Write a query that selects all users from the table users and orders them by name.' }] }
]

test('bodies of searches, GraphQL, JSON-RPC, patches and events pass', () => {
  for (const body of BODIES) assert.strictEqual(why(detector.body(body, 'application/json')), '', JSON.stringify(body))
})
