import { createServer, type RequestListener } from 'node:http'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mock, test, type TestContext } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { parseAddress } from '../../lib/net/address.ts'
import { gateShape, listReader, listShape, trustShape, type LiveList } from '../../lib/net/list.ts'
import type { Dns } from '../../lib/net/list-loaders.ts'
import { examine, type Shape } from '../../lib/options/shape.ts'
import type { List } from '../../types/index.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function has (list: LiveList, text: string): boolean {
  return list.has(parseAddress(text)!)
}

function problems (value: unknown, shape: Shape = listShape): string[] {
  const found: string[] = []
  examine(shape, value, 'ip.deny', (path, message) => found.push(`${path} ${message}`))
  return found
}

const noDns: Dns = {
  resolve4: async () => { throw Object.assign(new Error('no'), { code: 'ENOTFOUND' }) },
  resolve6: async () => { throw Object.assign(new Error('no'), { code: 'ENOTFOUND' }) },
  lookup: async (host) => { throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' }) }
}

interface Line { message: string }

/** A reader that is closed after the test, and the warnings that it logged. */
function reader (t: TestContext, dns: Dns = noDns) {
  const warnings: Line[] = []
  const lists = listReader({ dns, log: { warn: (_fields, message) => warnings.push({ message }), info: () => {} } })
  t.after(() => lists.close())
  return { lists, warnings }
}

/** Lets what waits for promises, files and sockets go on until a condition holds. */
async function until (condition: () => boolean, ms = 10_000): Promise<void> {
  for (const end = performance.now() + ms; performance.now() < end && !condition();) await new Promise((resolve) => setImmediate(resolve))
}

test('all kinds of entries are fine, as an array or one alone', (t: TestContext) => {
  const list: List = [
    '192.0.2.1', '2001:db8::1', '::ffff:192.0.2.1', '10.0.0.0/8', '2001:db8::/32', '10.0.0.1-10.0.0.9', '2001:db8::1 - 2001:db8::9', '0.0.0.0/0', '::/0',
    'loopback', 'private', 'linklocal', 'uniquelocal', 'proxy.example.com', 'a_b.example', 'example.com.', 'xn--bcher-kva.example', { host: 'redis' }, { host: 'a.example' },
    { file: '/etc/deny.txt' }, { url: 'https://example.com/list' }, { url: 'https://example.com/list', refresh: '1h' }, { url: 'http://127.0.0.1:80/list' }, () => []
  ]
  t.assert.deepStrictEqual(problems(list), [])
  for (const entry of list) t.assert.deepStrictEqual(problems(entry), [])
  t.assert.deepStrictEqual(problems([]), [])
})

test('each bad entry is a problem with its own path', (t: TestContext) => {
  t.assert.deepStrictEqual(problems(['300.1.1.1', '10.0.0.0/8', '10.0.0.0/40', 5, '10.0.0.1/8']).map((line) => line.split(' ')[0]), ['ip.deny[0]', 'ip.deny[2]', 'ip.deny[3]', 'ip.deny[4]'])
  t.assert.match(problems('300.1.1.1')[0]!, /^ip\.deny is no address/)
})

for (const entry of ['0300.0.2.5', '3221225989', '0x7f.1', '127.1', '10.0.0', '1.2.3.0x4', 'example', 'a..b', '.example.com', 'exa mple.com', 'http://a.example', 'a.example:80', '*.example.com', 'unix', '', '10.0.0.0/8 ']) {
  test(`the entry ${JSON.stringify(entry)} is a problem`, (t: TestContext) => {
    t.assert.strictEqual(problems([entry]).length, 1)
  })
}

for (const entry of [null, undefined, NaN, 1, true, [], ['10.0.0.1'], {}, { hosts: 'a.example' }, { host: 'a b' }, { host: '' }, { file: '' }, { file: 5 }, { url: 'http://example.com/' }, { url: 'ftp://example.com/' },
  { url: 'https://user:secret@example.com/' }, { url: 'https://:secret@example.com/' }, { url: 'https://a.example/', refresh: '1ms' }, { url: 'https://a.example/', refresh: 'soon' }, { url: 'https://a.example/', every: '1h' }, { file: '/a', host: 'a.example' }]) {
  test(`the entry ${JSON.stringify(entry)} is a problem`, (t: TestContext) => {
    t.assert.strictEqual(problems([entry]).length, 1)
    t.assert.match(problems([entry])[0]!, /^ip\.deny\[0\]/)
  })
}

test('whom to believe is never everybody, and a gate never empty', (t: TestContext) => {
  for (const entry of ['0.0.0.0/0', '::/0', '::ffff:0:0/96', '0.0.0.0-255.255.255.255']) {
    t.assert.deepStrictEqual(problems([entry]), [])
    t.assert.match(problems([entry], trustShape)[0]!, /must not be every address/)
  }
  t.assert.match(problems([], gateShape)[0]!, /at least 1 entry/)
})

test('keywords hold both families', (t: TestContext) => {
  const { lists } = reader(t)
  for (const [keyword, inside, outside] of [
    ['loopback', ['127.0.0.1', '127.255.255.255', '::1', '::ffff:127.0.0.1'], ['128.0.0.0', '::2', '126.255.255.255']],
    ['private', ['10.1.2.3', '172.16.0.0', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fdff::'], ['172.32.0.0', '192.169.0.0', 'fe00::', '127.0.0.1']],
    ['uniquelocal', ['10.1.2.3', 'fd00::1'], ['2001:db8::1']],
    ['linklocal', ['169.254.169.254', 'fe80::1', 'febf::'], ['169.253.0.0', 'fec0::']]
  ] as const) {
    const list = lists.read(keyword)
    for (const text of inside) t.assert.ok(has(list, text), `${keyword} ${text}`)
    for (const text of outside) t.assert.ok(!has(list, text), `${keyword} ${text}`)
    t.assert.strictEqual(list.find(parseAddress(inside[0])!), keyword)
  }
})

test('find names the entry as it was written', (t: TestContext) => {
  const { lists } = reader(t)
  const list = lists.read(['10.0.0.0/8', '2001:DB8::/32', '192.0.2.1 - 192.0.2.9'])
  t.assert.strictEqual(list.find(parseAddress('10.1.1.1')!), '10.0.0.0/8')
  t.assert.strictEqual(list.find(parseAddress('2001:db8::1')!), '2001:DB8::/32')
  t.assert.strictEqual(list.find(parseAddress('192.0.2.5')!), '192.0.2.1 - 192.0.2.9')
  t.assert.strictEqual(list.find(parseAddress('192.0.2.10')!), undefined)
})

test('equal lists are compiled once, and never change', (t: TestContext) => {
  const { lists } = reader(t)
  const entries = ['10.0.0.0/8']
  const list = lists.read(entries)
  entries.push('0.0.0.0/0')
  t.assert.ok(!has(list, '192.0.2.1'))
  t.assert.strictEqual(lists.read(['10.0.0.0/8']), list)
})

test('a host name is resolved at the start, and again on its TTL; a failure keeps the last good addresses', async (t: TestContext) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  let answer: () => Promise<Array<{ address: string, ttl: number }>> = async () => [{ address: '192.0.2.1', ttl: 60 }]
  let calls = 0
  const { lists, warnings } = reader(t, {
    ...noDns,
    resolve4: async () => { calls++; return answer() },
    resolve6: async () => [{ address: '2001:db8::1', ttl: 300 }]
  })
  const list = lists.read(['10.0.0.0/8', 'app.example.com'])
  t.assert.ok(!has(list, '192.0.2.1'))
  await lists.ready()
  t.assert.ok(has(list, '192.0.2.1') && has(list, '2001:db8::1') && has(list, '10.0.0.1'))
  t.assert.strictEqual(list.find(parseAddress('192.0.2.1')!), 'app.example.com')
  t.assert.strictEqual(list.size, 3)

  answer = async () => [{ address: '192.0.2.2', ttl: 60 }]
  mock.timers.tick(59_999)
  t.assert.strictEqual(calls, 1)
  mock.timers.tick(1)
  await until(() => has(list, '192.0.2.2'))
  t.assert.ok(has(list, '192.0.2.2') && !has(list, '192.0.2.1'))

  answer = async () => { throw Object.assign(new Error('SERVFAIL'), { code: 'ESERVFAIL' }) }
  for (let i = 0; i < 3; i++) {
    mock.timers.tick(60_000)
    await until(() => calls > 2 + i)
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.assert.ok(has(list, '192.0.2.2'))
  t.assert.strictEqual(warnings.length, 1, 'a fault that lasts is logged once')
  t.assert.match(warnings[0]!.message, /app\.example\.com/)
})

for (const failing of [4, 6] as const) {
  test(`a host keeps the addresses of IPv${failing} while they cannot be asked anew, and follows those of the other family`, async (t: TestContext) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    t.after(() => mock.timers.reset())
    const texts = { 4: ['192.0.2.1', '192.0.2.2'], 6: ['2001:db8::1', '2001:db8::2'] }
    const other = failing === 4 ? 6 : 4
    let state: 'first' | 'failing' | 'none' = 'first'
    const answer = async (family: 4 | 6): Promise<Array<{ address: string, ttl: number }>> => {
      if (family === other) return [{ address: texts[other][state === 'first' ? 0 : 1]!, ttl: 60 }]
      if (state === 'first') return [{ address: texts[failing][0]!, ttl: 60 }]
      throw Object.assign(new Error(state), { code: state === 'failing' ? 'ESERVFAIL' : 'ENODATA' })
    }
    const { lists, warnings } = reader(t, { resolve4: async () => answer(4), resolve6: async () => answer(6), lookup: async () => [{ address: texts[other][1]! }] })
    const list = lists.read('app.example.com')
    await lists.ready()
    state = 'failing'
    mock.timers.tick(60_000)
    await until(() => has(list, texts[other][1]!) && warnings.length > 0)
    t.assert.ok(has(list, texts[other][1]!) && !has(list, texts[other][0]!))
    t.assert.ok(has(list, texts[failing][0]!), 'what could not be asked anew stays')
    t.assert.match(warnings[0]!.message, /app\.example\.com/)
    state = 'none'
    mock.timers.tick(60_000)
    await until(() => !has(list, texts[failing][0]!))
    t.assert.ok(!has(list, texts[failing][0]!), 'no record is an answer')
  })
}

test('stats tell entries, age and since when a list fails, without what is secret', async (t: TestContext) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  let answer: () => string[] = () => ['192.0.2.1', '192.0.2.9']
  let time = 1000
  const url = await serve(t, (_request, response) => { response.end('192.0.2.3\n') })
  const lists = listReader({ dns: noDns, now: () => time })
  t.after(() => lists.close())
  const list = lists.read([function own () { return answer() }, { url: `${url}?token=secret` }, { url: `${url}?token=other` }])
  await lists.ready()
  time = 4000
  t.assert.deepStrictEqual(lists.stats(), {
    'function own': { entries: 2, checked: 1000, age: 3000 },
    [`url ${url}`]: { entries: 1, checked: 1000, age: 3000 },
    [`url ${url} (2)`]: { entries: 1, checked: 1000, age: 3000 }
  })
  answer = () => { throw new Error('no database') }
  mock.timers.tick(60_000)
  await until(() => lists.stats()['function own']?.fault !== undefined)
  time = 5000
  t.assert.deepStrictEqual(lists.stats()['function own'], { entries: 2, checked: 1000, age: 4000, fault: 'no database', failingSince: 4000 })
  answer = () => ['192.0.2.1']
  mock.timers.tick(60_000)
  await until(() => lists.stats()['function own']?.checked === 5000)
  t.assert.deepStrictEqual(lists.stats()['function own'], { entries: 1, checked: 5000, age: 0 })
  t.assert.ok(has(list, '192.0.2.1') && !has(list, '192.0.2.9'))
})

test('a name in the hosts file is found without DNS', async (t: TestContext) => {
  const { lists } = reader(t, { ...noDns, lookup: async () => [{ address: '10.1.1.1' }] })
  const list = lists.read({ host: 'redis' })
  await lists.ready()
  t.assert.ok(has(list, '10.1.1.1'))
})

test('what cannot be resolved at the start stops it, all entries in one message', async (t: TestContext) => {
  const { lists } = reader(t)
  lists.read(['nowhere.example', { host: 'redis' }, { file: '/nowhere/deny.txt' }, function broken () { throw new Error('no database') }])
  await t.assert.rejects(lists.ready(), (error: Error & { code: string }) => {
    t.assert.strictEqual(error.code, 'GUARD_OPTION_INVALID')
    for (const part of ['host nowhere.example: getaddrinfo ENOTFOUND', 'host redis:', 'file /nowhere/deny.txt: ENOENT', 'function broken: no database']) t.assert.ok(error.message.includes(part), part)
    return true
  })
})

test('a file is read at the start and again when it has changed; a broken one changes nothing', async (t: TestContext) => {
  const directory = await mkdtemp(join(tmpdir(), 'guard-list-'))
  t.after(() => rm(directory, { recursive: true }))
  const file = join(directory, 'deny.txt')
  await writeFile(file, '\ufeff# comment\r\n10.0.0.0/8\r\n\r\n2001:db8::/32 ; SBL1\nloopback # us\n')
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const { lists, warnings } = reader(t)
  const list = lists.read({ file })
  await lists.ready()
  t.assert.ok(has(list, '10.1.1.1') && has(list, '2001:db8::1') && has(list, '::1'))
  t.assert.strictEqual(list.find(parseAddress('10.1.1.1')!), '10.0.0.0/8')

  const replace = async (text: string, done: () => boolean): Promise<void> => {
    await writeFile(`${file}.new`, text)
    await rename(`${file}.new`, file)
    for (const end = performance.now() + 10_000; performance.now() < end && !done();) {
      mock.timers.tick(2000)
      await until(done, 20)
    }
  }
  await replace('192.0.2.1\n10.0.', () => warnings.length > 0)
  t.assert.match(warnings[0]!.message, /deny\.txt: line 2 is no address/)
  t.assert.ok(has(list, '10.1.1.1') && !has(list, '192.0.2.1'))
  await replace('0.0.0.0/0\n', () => warnings.length > 1)
  t.assert.match(warnings[1]!.message, /line 1 is every address/)
  t.assert.ok(!has(list, '192.0.2.1'))
  await replace('192.0.2.1\n', () => has(list, '192.0.2.1'))
  t.assert.ok(has(list, '192.0.2.1') && !has(list, '10.1.1.1'))
})

async function serve (t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/list`
}

test('a url is loaded, asked again with its etag, and keeps its last good entries', async (t: TestContext) => {
  let body = '10.0.0.0/8\n'
  let status = 200
  const asked: Array<string | undefined> = []
  const url = await serve(t, (request, response) => {
    asked.push(request.headers['if-none-match'])
    const etag = `"${body.length}"`
    if (status === 200 && request.headers['if-none-match'] === etag) response.writeHead(304).end()
    else response.writeHead(status, { etag }).end(body)
  })
  const { lists, warnings } = reader(t)
  const list = lists.read({ url, refresh: 1000 })
  await lists.ready()
  t.assert.ok(has(list, '10.1.1.1'))

  const again = async (done: () => boolean): Promise<void> => {
    for (let i = 0; i < 40 && !done(); i++) await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await again(() => asked.length === 2)
  t.assert.deepStrictEqual(asked, [undefined, '"11"'])
  t.assert.ok(has(list, '10.1.1.1'))
  body = '192.0.2.0/24\n'
  await again(() => has(list, '192.0.2.1'))
  t.assert.ok(has(list, '192.0.2.1') && !has(list, '10.1.1.1'))
  body = '<html>not a list'
  await again(() => warnings.length > 0)
  t.assert.match(warnings[0]!.message, /line 1 is no address/)
  t.assert.ok(has(list, '192.0.2.1'))
  status = 500
})

for (const [name, listener, message] of [
  ['an error', (_request, response) => { response.writeHead(500).end() }, /answered 500/],
  ['nothing', (_request, response) => { response.end('# nothing\n') }, /lists nothing/],
  ['a page', (_request, response) => { response.end('<!doctype html>') }, /line 1 is no address/],
  ['a redirect', (_request, response) => { response.writeHead(302, { location: 'http://example.com/' }).end() }, /redirect/],
  ['every address', (_request, response) => { response.end('::/0\n') }, /line 1 is every address/]
] as ReadonlyArray<readonly [string, RequestListener, RegExp]>) {
  test(`a url that answers ${name} stops the start`, async (t: TestContext) => {
    const url = await serve(t, listener)
    const { lists } = reader(t)
    lists.read({ url })
    await t.assert.rejects(lists.ready(), message)
  })
}

test('a url is cut off at its size limit', async (t: TestContext) => {
  let sent = 0
  const url = await serve(t, (_request, response) => {
    const chunk = Buffer.alloc(2 ** 20, '\n')
    const more = (): void => {
      while (sent < 200 && !response.destroyed) {
        sent++
        if (!response.write(chunk)) return
      }
      response.end()
    }
    response.on('drain', more)
    more()
  })
  const { lists } = reader(t)
  lists.read({ url })
  await t.assert.rejects(lists.ready(), /larger than/)
  t.assert.ok(sent < 100)
})

test('functions give entries, now or later, and are asked again', async (t: TestContext) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  let value: unknown = ['10.0.0.0/8', 'loopback']
  const { lists, warnings } = reader(t)
  const list = lists.read([() => '192.0.2.1', async () => value as string[]])
  await lists.ready()
  t.assert.ok(has(list, '192.0.2.1') && has(list, '10.1.1.1') && has(list, '::1'))
  value = ['198.51.100.1']
  mock.timers.tick(60_000)
  await until(() => has(list, '198.51.100.1'))
  t.assert.ok(has(list, '198.51.100.1') && !has(list, '10.1.1.1'))
  value = ['198.51.100.2', 5]
  mock.timers.tick(60_000)
  await until(() => warnings.length > 0)
  t.assert.match(warnings[0]!.message, /entry 1 is no string: 5/)
  t.assert.ok(has(list, '198.51.100.1'))
})

test('a source that several lists name is loaded once', async (t: TestContext) => {
  let calls = 0
  const { lists } = reader(t, { ...noDns, resolve4: async () => { calls++; return [{ address: '192.0.2.1', ttl: 60 }] } })
  lists.read(['app.example.com'])
  lists.read(['10.0.0.1', { host: 'app.example.com' }])
  await lists.ready()
  t.assert.strictEqual(calls, 1)
})

test('a source that failed is asked again by who names it again', async (t: TestContext) => {
  let answer: () => string[] = () => { throw new Error('not yet') }
  const source = (): string[] => answer()
  const { lists } = reader(t)
  for (let i = 0; i < 2; i++) {
    lists.read(source)
    t.assert.ok(lists.pending(), 'nobody takes it for an empty list')
    await t.assert.rejects(lists.ready(), /not yet/)
  }
  answer = () => ['192.0.2.1']
  const list = lists.read(source)
  await lists.ready()
  t.assert.ok(has(list, '192.0.2.1'))
})

test('a source that no list uses any more is not loaded again, one that is in use is', async (t: TestContext) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const calls = { used: 0, unused: 0 }
  const { lists } = reader(t)
  const list = lists.read(() => { calls.used++; return ['192.0.2.1'] })
  lists.read(() => { calls.unused++; return ['192.0.2.2'] })
  await lists.ready()
  for (let i = 2; i < 5; i++) {
    // What was made in this turn is kept till its end.
    await new Promise((resolve) => setImmediate(resolve))
    collect()
    mock.timers.tick(60_000)
    await until(() => calls.used === i)
  }
  t.assert.deepStrictEqual(calls, { used: 4, unused: 1 })
  t.assert.ok(has(list, '192.0.2.1'))
})

test('lists that were replaced do not stay in memory', async (t: TestContext) => {
  const { lists } = reader(t)
  const sizes: number[] = []
  for (let i = 0; i < 60; i++) {
    lists.read(Array.from({ length: 2000 }, (_, k) => `${i + 1}.${k >> 8}.${k & 255}.0/24`))
    await new Promise((resolve) => setImmediate(resolve))
    if (i !== 9 && i !== 59) continue
    // Buffers are given back in the background.
    let least = Infinity
    for (let turn = 0; turn < 10; turn++) {
      collect()
      await new Promise((resolve) => setImmediate(resolve))
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      least = Math.min(least, heapUsed + arrayBuffers)
    }
    sizes.push(least)
  }
  // Each takes an index of 256 KiB.
  t.assert.ok(sizes[1]! - sizes[0]! < 4 * 1024 * 1024, `grew by ${sizes[1]! - sizes[0]!} bytes`)
})

test('a token in a url is in no message', async (t: TestContext) => {
  const url = await serve(t, (_request, response) => { response.writeHead(500).end() })
  const { lists, warnings } = reader(t)
  lists.read({ url: `${url}?token=secret` })
  await t.assert.rejects(lists.ready(), (error: Error) => error.message.includes(url) && !error.message.includes('secret'))
  t.assert.strictEqual(warnings.length, 1)
  t.assert.ok(!JSON.stringify(warnings).includes('secret'))
})

test('a source that does not answer is given up, naming it', async (t: TestContext) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const { lists } = reader(t)
  lists.read(async function slow () { return new Promise<string[]>(() => {}) })
  const ready = t.assert.rejects(lists.ready(), /function slow: no answer within 8000 ms/)
  mock.timers.tick(8000)
  await ready
})

test('closing ends what is under way, and no timer stays', async (t: TestContext) => {
  const lists = listReader({ dns: noDns })
  lists.read(async () => new Promise<string[]>(() => {}))
  lists.close()
  await t.assert.rejects(lists.ready(), /closed/)
})
