/** What clients send, in the table's order. */
export type Workload = 'GET hello world' | 'GET' | 'POST 1 KB' | 'POST 10 KB'

/** The requests of one client, sent in turn. */
export const workloads: Readonly<Record<Workload, (client: number, port: number) => Buffer[]>> = {
  'GET hello world': (_client, port) => [request('GET', '/hello', { host: `127.0.0.1:${port}` })],
  GET: (client, port) => variations((i) => request('GET', `/hello?name=${NAMES[i % NAMES.length]}&page=${i + 1}&sort=-created`, headersOf(client, port))),
  'POST 1 KB': (client, port) => posts(client, port, 1024),
  'POST 10 KB': (client, port) => posts(client, port, 10_240)
}

const NAMES = ['anna', 'bo%20derek', 'Chloe', 'd.wright', 'Eve%2BAdam', 'frank', 'Gul', 'hello+world']
const AGENTS = [
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'
]

const VARIATIONS = 16

function variations (make: (i: number) => Buffer): Buffer[] {
  return Array.from({ length: VARIATIONS }, (_, i) => make(i))
}

/** What a browser sends beside the request line; about 700 bytes. */
function headersOf (client: number, port: number): Record<string, string> {
  return {
    host: `127.0.0.1:${port}`,
    connection: 'keep-alive',
    'sec-ch-ua': '"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"',
    'sec-ch-ua-mobile': '?0',
    'sec-ch-ua-platform': '"Linux"',
    'user-agent': AGENTS[client % AGENTS.length]!,
    accept: 'application/json, text/plain, */*',
    'sec-fetch-site': 'same-origin',
    'sec-fetch-mode': 'cors',
    'sec-fetch-dest': 'empty',
    referer: 'https://app.example.com/items?page=2',
    'accept-encoding': 'gzip, deflate, br, zstd',
    'accept-language': 'en-GB,en;q=0.9,de;q=0.8',
    cookie: `session=${token(client)}; theme=dark; consent=1`
  }
}

function token (seed: number): string {
  return Array.from({ length: 32 }, (_, i) => ((seed * 7919 + i * 104_729) % 16).toString(16)).join('')
}

function request (method: string, path: string, headers: Record<string, string>, body = ''): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`)
}

function posts (client: number, port: number, bytes: number): Buffer[] {
  return variations((i) => {
    const body = jsonOf(bytes, client * VARIATIONS + i)
    return request('POST', '/items', { ...headersOf(client, port), origin: 'https://app.example.com', 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }, body)
  })
}

/** Orders as an application sends them: names, prose, numbers, dates, nested lists. */
function jsonOf (bytes: number, seed: number): string {
  const items: object[] = []
  const document = { order: `2026-${10_000 + seed}`, customer: { name: "Maeve O'Connor", email: `maeve${seed}@example.com`, since: '2019-04-01T08:30:00Z' }, note: '', items }
  const size = (): number => Buffer.byteLength(JSON.stringify(document))
  for (let i = 0; size() + 150 < bytes; i++) {
    items.push({ id: seed * 100 + i, title: PROSE[(seed + i) % PROSE.length], price: 9.99 + i, tags: ['new', 'in stock'], gift: i % 3 === 0 })
  }
  document.note = 'Please ring twice; the bell is quiet. '.repeat(bytes).slice(0, bytes - size())
  return JSON.stringify(document)
}

const PROSE = ['Select comfort pillow, 2 for 1', 'Drop-in kit & cable (3 m)', 'Union jack mug - "large"', 'Script font specimen book', 'Desk lamp, warm white <2700 K>']
