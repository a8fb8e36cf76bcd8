// Time of the detection engine alone, medians in microseconds. usage: node --import tsx benchmarks/detect.bench.ts
import { compileDetection } from '../lib/detect/index.ts'

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
  for (let i = 0; i < Math.min(20_000, rounds * batch); i++) run()
  return median(() => { for (let i = 0; i < batch; i++) run() }, rounds) / batch
}

export function bench (): Record<string, number> {
  const detector = compileDetection({}, { maxBytes: 1 << 24 })
  const results: Record<string, number> = {}
  const query = '/products?category=shoes&color=dark%20blue&page=2&sort=price&q=running+shoes+for+men&max=120&utm_source=news'
  // Header strings are new objects in every request, so the memory has to hash them anew.
  const fresh = (): Record<string, string> => Object.fromEntries(Object.entries(BROWSER).map(([name, value]) => [name, Buffer.from(value).toString('latin1')]))
  const pool = Array.from({ length: 2000 }, fresh)
  let at = 0
  results['GET, query of 100 bytes, browser headers'] = each(() => { detector.request(query, pool[at++ % 2000]!, false) }, 200, 50)
  for (const [name, length] of [['1 KB', 1000], ['10 KB', 10_000], ['100 KB', 100_000]] as const) {
    const body = json(length)
    results[`JSON ${name}`] = each(() => { detector.body(body, 'application/json') }, 100, length > 50_000 ? 2 : 20)
    const text = { text: prose(length) }
    results[`prose ${name}`] = each(() => { detector.body(text, 'application/json') }, 100, length > 50_000 ? 2 : 20)
  }
  return results
}

export function benchHostile (length: number): Array<[name: string, micros: number]> {
  const detector = compileDetection({}, { maxBytes: 1 << 24 })
  return hostile(length).map(([name, text]): [string, number] => [name, median(() => { detector.body({ text }, 'application/json') }, 9)]).sort((a, b) => b[1] - a[1])
}

if (process.argv[1]?.endsWith('detect.bench.ts') === true) {
  for (const [name, micros] of Object.entries(bench())) console.log(`${name.padEnd(44)}${micros.toFixed(2).padStart(10)}`)
  for (const length of [10_000, 40_000, 100_000]) {
    console.log(`hostile ${length}`)
    for (const [name, micros] of benchHostile(length).slice(0, 12)) console.log(`  ${JSON.stringify(name).padEnd(42)}${micros.toFixed(0).padStart(10)}`)
  }
}
