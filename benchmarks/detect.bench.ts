// Time of the detection engine alone beside Datadog's native WAF on the same inputs, medians in microseconds. usage: npm run bench:micro -- detect
import { compileDetection } from '../lib/detect/index.ts'
import { nativeWaf } from './native-waf.ts'

const BROWSER: Record<string, string> = {
  host: 'shop.example.com',
  connection: 'keep-alive',
  'sec-ch-ua': '"Chromium";v="130", "Google Chrome";v="130", "Not?A_Brand";v="99"',
  'sec-ch-ua-mobile': '?0',
  'sec-ch-ua-platform': '"Linux"',
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'sec-fetch-site': 'same-origin',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  referer: 'https://shop.example.com/products?page=2&sort=price',
  'accept-encoding': 'gzip, deflate, br, zstd',
  'accept-language': 'en-GB,en;q=0.9,de;q=0.8',
  cookie: 'sid=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ.c2lnbmF0dXJl; theme=dark; consent=analytics%3Dno%26ads%3Dno'
}

const WORDS = 'the quick brown fox jumps over lazy dog and then writes a long letter to its old friend in the city about prices of apples, pears or plums'.split(' ')

function prose (length: number): string {
  let text = ''
  for (let i = 0; text.length < length; i++) text += `${WORDS[(i * 7) % WORDS.length]}${i % 11 === 0 ? '. ' : ' '}`
  return text.slice(0, length)
}

function json (length: number): unknown[] {
  const items: unknown[] = []
  for (let i = 0, size = 0; size < length; i++) {
    const item = { id: i, name: `Item number ${i}`, email: `user${i}@example.com`, tags: ['new', 'sale'], url: `https://shop.example.com/items/${i}`, description: prose(80), price: 12.5, created: '2026-01-02T03:04:05Z', active: true }
    items.push(item)
    size += JSON.stringify(item).length
  }
  return items
}

const TOKENS = ["'", '"', '`', '<', '<a ', '<script', '${', '$(', '{{', '{%', '<%', '../', '..', '/*', '--', '#', ';', '|', '&', '(', ')', '[', '=', ' or ', "' or ", 'union ', 'select ', ' onx=', 'javascript:', ':', '\\', '%25', '&#', '$', '${jndi:', '\r\n', '  ', 'a', 'http://', '//', '@', '<!--', '<!DOCTYPE ', '`id', '|cat ', '{', '}', '*)(', 'O:8:', '__proto__', 'sleep(', '/etc/', '%', '\\u', '+ADw']

/** Hostile texts of one size: long runs of every token, and all of them interleaved. */
export function hostile (length: number): Array<[name: string, text: string]> {
  const all: Array<[string, string]> = TOKENS.map((token) => [token, token.repeat(Math.ceil(length / token.length)).slice(0, length)])
  const mixed = TOKENS.join('')
  all.push(['all', mixed.repeat(Math.ceil(length / mixed.length)).slice(0, length)])
  all.push(['words', TOKENS.map((token) => `x ${token} `).join('').repeat(Math.ceil(length / 300)).slice(0, length)])
  return all
}

function median (run: () => void, rounds: number): number {
  const times: number[] = []
  for (let i = 0; i < rounds; i++) {
    const start = performance.now()
    run()
    times.push((performance.now() - start) * 1000)
  }
  return times.sort((a, b) => a - b)[times.length >> 1] ?? 0
}

/** A few dozen calls at a time, so that the clock's grain does not count. */
function each (run: () => void, rounds: number, batch: number): number {
  // Enough calls for the compiler, or a second of them.
  const end = performance.now() + 1000
  for (let i = 0; i < Math.min(20_000, rounds * batch) && performance.now() < end; i++) run()
  return median(() => { for (let i = 0; i < batch; i++) run() }, rounds) / batch
}

const ACCENTS = 'der schnelle braune Fuchs springt \u00fcber tr\u00e4ge Hunde, un gar\u00e7on na\u00eff mange des cr\u00eapes \u00e0 No\u00ebl. \u654f\u6377\u7684\u68d5\u8272\u72d0\u72f8\u8df3\u8fc7\u4e86\u61d2\u72d7\u3002 '

const SIZES = [['1 KB', 1000], ['10 KB', 10_000], ['100 KB', 100_000], ['1 MB', 1_000_000]] as const

/** What `bench` answers for each input; a ratio is to clean JSON of the same size. */
export const columns = ['us', 'to clean', 'native-appsec us', 'native-appsec to clean']

export function bench (): Record<string, Array<number | string>> {
  const detector = compileDetection({}, { maxBytes: 1 << 24 })
  const native = nativeWaf()
  const results: Record<string, Array<number | string>> = {}
  const query = '/products?category=shoes&color=dark%20blue&page=2&sort=price&q=running+shoes+for+men&max=120&utm_source=news'
  // Header strings are new objects in every request, so the memory has to hash them anew.
  const fresh = (): Record<string, string> => Object.fromEntries(Object.entries(BROWSER).map(([name, value]) => [name, Buffer.from(value).toString('latin1')]))
  const pool = Array.from({ length: 2000 }, fresh)
  let at = 0
  const get = each(() => { detector.request(query, pool[at++ % 2000]!, false) }, 200, 50)
  results['GET, query of 100 bytes, browser headers'] = [get, '', each(() => { native.request(query, pool[at++ % 2000]!) }, 100, 10), '']
  for (const [size, length] of SIZES) {
    const clean: number[] = []
    const measure = (name: string, body: unknown): void => {
      const batch = length > 50_000 ? 1 : 20
      const rounds = length > 500_000 ? 9 : length > 50_000 ? 15 : 60
      const times = [each(() => { detector.body(body, 'application/json') }, rounds, batch), each(() => { native.body(body) }, rounds, batch)]
      if (clean.length === 0) clean.push(...times)
      results[name] = times.flatMap((micros, i) => [micros, micros / clean[i]!])
    }
    measure(`clean JSON ${size}`, json(length))
    measure(`prose ${size}`, { text: prose(length) })
    measure(`prose with accents and CJK ${size}`, { text: ACCENTS.repeat(Math.ceil(length / ACCENTS.length)).slice(0, length) })
    const worst = (kind: string, texts: Array<[name: string, body: unknown]>): void => {
      const times = texts.map(([name, body]): [string, unknown, number] => [name, body, quick(() => { detector.body(body, 'application/json') })])
      const [name, body] = times.sort((a, b) => b[2] - a[2])[0]!
      measure(`${kind} ${size}, worst: \`${JSON.stringify(name).slice(1, -1).replaceAll('|', '\\|')}\``, body)
    }
    worst('hostile runs', hostile(length).map(([name, text]) => [name, { text }]))
    worst('hostile, no two parts alike', varied(length))
  }
  return results
}

/** Hostile texts that repeat nothing: each token with a number, on one line, on lines, among words and as values of an array. */
function varied (length: number): Array<[name: string, body: unknown]> {
  return TOKENS.flatMap((token): Array<[string, unknown]> => {
    const text = (part: (i: string) => string): { text: string } => {
      const parts: string[] = []
      for (let i = 0, size = 0; size < length; i++) size += parts[parts.push(part(i.toString(36))) - 1]!.length
      return { text: parts.join('').slice(0, length) }
    }
    const values: string[] = []
    for (let i = 0, size = 0; size < length; i++) size += values[values.push(`${i.toString(36)}${token} x${i.toString(36)} ${token}`) - 1]!.length
    return [
      [`${token}, spaces`, text((i) => `${token} ${i} `)], [`${token}, lines`, text((i) => `${token}x${i}\n`)],
      [`${token}, words`, text((i) => `the quick ${i} brown ${token} fox${i} `)], [`${token}, values`, { values }]
    ]
  })
}

/** The best of a few calls: enough to find the worst of many inputs. */
function quick (run: () => void): number {
  let best = Infinity
  for (let i = 0; i < 3; i++) best = Math.min(best, median(run, 1))
  return best
}
