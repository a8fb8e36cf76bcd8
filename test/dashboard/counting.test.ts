import { test, type TestContext } from 'node:test'
import { feed } from '../../lib/dashboard/feed.ts'
import { live, message } from '../../lib/dashboard/live.ts'
import { COARSE, FINE, series } from '../../lib/dashboard/series.ts'
import { traffic } from '../../lib/dashboard/traffic.ts'
import type { RouteRecord } from '../../lib/routes.ts'
import type { GuardEvent } from '../../lib/index.ts'

test('series: what happens in a second stands in it, and leaves after five minutes, or an hour', (t: TestContext) => {
  const over = series(1_000_000)
  over.add('requests', 3)
  over.roll(1_000_999)
  over.add('requests', 1)
  over.roll(1_001_000)
  over.add('requests', 5)
  t.assert.deepStrictEqual(over.last(), { second: 1001, lanes: { requests: [4, 5, 0, 9] } })
  const { fine, coarse } = over.read().lanes['requests']!
  t.assert.deepStrictEqual([fine.length, coarse.length, fine.slice(-3), coarse.slice(-2)], [FINE, COARSE, [0, 4, 5], [0, 9]])
  over.roll(1_000_000 + (FINE - 1) * 1000)
  t.assert.strictEqual(over.read().lanes['requests']!.fine[0], 4)
  over.roll(1_000_000 + FINE * 1000)
  t.assert.strictEqual(over.read().lanes['requests']!.fine[0], 5)
  t.assert.strictEqual(over.read().lanes['requests']!.coarse.reduce((sum, value) => sum + value), 9)
  over.roll(1_000_000 + 3_600_000)
  t.assert.strictEqual(over.read().lanes['requests']!.coarse.reduce((sum, value) => sum + value), 0)
})

test('series: a clock that is set back, or far ahead, harms nothing', (t: TestContext) => {
  const over = series(10_000_000)
  over.add('a', 1)
  over.roll(5_000_000)
  over.add('a', 1)
  t.assert.deepStrictEqual(over.last().lanes['a'], [0, 2, 0, 2])
  over.roll(1e15)
  t.assert.deepStrictEqual([over.last().lanes, over.read().second], [{}, 1e12])
})

test('series: lanes are bounded', (t: TestContext) => {
  const over = series(0)
  for (let i = 0; i < 10_000; i++) over.add(`lane ${i}`, 1)
  t.assert.strictEqual(Object.keys(over.read().lanes).length, 200)
})

const refused = (i: number): GuardEvent => ({
  type: i % 2 === 0 ? 'refused' : 'reported', time: i, ip: `2001:db8::${i.toString(16)}`, method: 'GET', path: `/${i}`, reqId: `r${i}`, check: 'detection', code: 'GUARD_ATTACK_DETECTED', action: 'refuse', status: 400, reason: 'x', reference: `ref${i}`, rule: `rule ${i}`
})

test('feed: the newest events are kept, whatever their number', (t: TestContext) => {
  const news = feed({ series: series(0), countryOf: (ip) => ip.endsWith('0') ? 'SE' : undefined, most: 100 })
  for (let i = 0; i < 20_050; i++) news.take(refused(i))
  const events = news.events()
  t.assert.deepStrictEqual([events.length, events[0]!.id, events.at(-1)!.id], [100, 19_951, 20_050])
  t.assert.deepStrictEqual(news.since(20_048).map(({ id }) => id), [20_049, 20_050])
  t.assert.deepStrictEqual(news.since(20_050), [])
  t.assert.strictEqual(news.tops().clients.length, 10)
  t.assert.deepStrictEqual(news.tops().countries.map(({ name }) => name), ['SE'])
  t.assert.strictEqual(news.passive()[0]!.count, 10_025)
  news.take({ type: 'passed', time: 0, ip: '', method: 'GET', path: '/', reqId: '', status: 200 })
  t.assert.strictEqual(news.lastId, 20_050)
})

test('traffic: requests of the application are counted, one in 16 is timed', (t: TestContext) => {
  const counted = traffic()
  const record = { own: false, requests: 0 } as RouteRecord
  let due = 0
  for (let i = 0; i < 640; i++) {
    counted.count(record)
    if (counted.due()) due++
  }
  counted.count({ own: true, requests: 0 } as RouteRecord)
  t.assert.deepStrictEqual([counted.requests, record.requests, due], [640, 640, 40])
})

test('traffic: times of a check, their middle and their worst', (t: TestContext) => {
  const counted = traffic()
  for (let i = 0; i < 100; i++) counted.took('detection', i < 98 ? 0.01 : 4)
  const [{ p50, p99, samples } = { p50: 0, p99: 0, samples: 0 }] = counted.times()
  t.assert.ok(p50 > 7.5 && p50 < 12.5 && p99 > 3000 && p99 < 5000, `${p50} ${p99}`)
  t.assert.strictEqual(samples, 100)
  const drained: unknown[] = []
  counted.drain((...values) => drained.push(values.map((value) => typeof value === 'number' ? Math.round(value) : value)))
  counted.drain(() => t.assert.fail('drained twice'))
  t.assert.deepStrictEqual(drained, [['detection', 8980, 100]])
})

test('live: a page that does not read misses messages, keeps nothing waiting without bound, and has to ask anew', async (t: TestContext) => {
  const pages = live({ now: () => 0, waiting: 10_000 })
  const stream = pages.open(() => message('snapshot', {}))!
  for (let i = 0; i < 1000; i++) pages.send(message('tick', { text: 'x'.repeat(500) }))
  t.assert.ok(stream.readableLength <= 10_000)
  const closed = new Promise((resolve) => { stream.once('close', resolve) })
  stream.resume()
  for (; stream.readableLength > 0;) await new Promise(setImmediate)
  pages.send(message('tick', {}))
  await closed
  t.assert.strictEqual(pages.size, 0)
})

test('live: pages are bounded, and have to ask again after a while', async (t: TestContext) => {
  let time = 0
  const pages = live({ now: () => time, most: 2, longest: 1000 })
  const [one, two] = [pages.open(() => '')!, pages.open(() => '')!]
  t.assert.strictEqual(pages.open(() => ''), undefined)
  one.destroy()
  await new Promise((resolve) => { one.once('close', resolve) })
  t.assert.notStrictEqual(pages.open(() => ''), undefined)
  time = 1001
  two.resume()
  const ended = new Promise((resolve) => { two.once('end', resolve) })
  pages.send('x')
  await ended
  pages.close()
  t.assert.strictEqual(pages.size, 0)
})

test('live: a message is one event, whatever is in it', (t: TestContext) => {
  const text = message('tick', { path: '/\n\ndata: x\r\nevent: y\u2028</script>' })
  t.assert.strictEqual(text.split(/\r\n|\r|\n/).length, 4)
  t.assert.ok(text.endsWith('\n\n'))
})
