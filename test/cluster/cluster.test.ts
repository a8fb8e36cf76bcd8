import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { CLIENT, startError } from '../helpers.ts'
import { until } from '../redis/server.ts'
import { guardCluster, type GuardOptions, type StoreStats } from '../../lib/index.ts'

const ATTACK = '/?q=<script>alert(1)</script>'
/** Far above what a busy machine needs. */
const STORE = { cluster: true, timeout: 5000 } as const

cluster.setupPrimary({ exec: join(import.meta.dirname, '../redis/bans-node.ts'), execArgv: ['--import', 'tsx'] })

interface Member { worker: Worker, tell: <T>(order: object) => Promise<T> }

async function member (t: TestContext, options: GuardOptions): Promise<Member> {
  const worker = cluster.fork()
  t.after(() => { worker.process.kill() })
  await once(worker, 'message')
  const answers = new Map<number, (answer: never) => void>()
  worker.on('message', ({ id, answer, tag }: { id: number, answer: never, tag?: string }) => {
    if (tag === undefined) answers.get(id)?.(answer)
  })
  let ids = 0
  const tell = <T>(order: object): Promise<T> => new Promise((resolve) => {
    answers.set(++ids, resolve as (answer: never) => void)
    worker.send({ id: ids, order })
  })
  await tell({ start: options })
  return { worker, tell }
}

const members = (t: TestContext, count: number, options: GuardOptions): Promise<Member[]> => Promise.all(Array.from({ length: count }, () => member(t, options)))

test('4 workers with 200 parallel requests each let exactly 50 of one client through', async (t: TestContext) => {
  t.after(guardCluster())
  const all = await members(t, 4, { rateLimit: { max: 50, window: '1m' }, store: STORE })
  const passed = await Promise.all(all.map(({ tell }) => tell<number>({ flood: 200, ip: CLIENT })))
  t.assert.strictEqual(passed.reduce((sum, some) => sum + some), 50)
  const { kind, state, calls, fallbacks } = await all[0]!.tell<StoreStats>({ stats: true })
  t.assert.deepStrictEqual({ kind, state, fallbacks }, { kind: 'cluster', state: 'up', fallbacks: 0 })
  t.assert.ok(calls! < 20, 'requests of one turn go together')
})

test('bans and unbans are everywhere, strikes add up, and later workers know all', async (t: TestContext) => {
  t.after(guardCluster())
  const all = await members(t, 2, { ban: { threshold: 2 }, store: STORE })
  const [one, other] = all as [Member, Member]
  await one.tell({ ban: CLIENT })
  await one.tell({ ban: '192.0.2.0/24' })
  await Promise.all([other.tell({ watch: CLIENT, banned: true }), other.tell({ watch: '192.0.2.0/24', banned: true })])
  t.assert.deepStrictEqual(await other.tell({ send: CLIENT }), [403])
  await other.tell({ unban: CLIENT })
  await one.tell({ watch: CLIENT, banned: false })
  t.assert.deepStrictEqual(await one.tell({ send: CLIENT }), [200])
  for (const { tell } of all) t.assert.deepStrictEqual(await tell({ send: CLIENT, url: ATTACK }), [400])
  await Promise.all(all.map(({ tell }) => tell({ watch: CLIENT, banned: true })))
  const late = await member(t, { store: STORE })
  t.assert.deepStrictEqual([await late.tell({ send: CLIENT }), await late.tell({ send: '192.0.2.9' })], [[403], [403]])
})

test('two apps of one worker, with one prefix, mix up nothing', async (t: TestContext) => {
  t.after(guardCluster())
  const { tell } = await member(t, { rateLimit: { max: 2, window: '1m' }, store: STORE })
  await tell({ beside: { rateLimit: { max: 1000, window: '1h' }, store: STORE } })
  const passed = await tell<number[]>({ both: 50 })
  t.assert.deepStrictEqual(passed, [2, 50])
  await tell({ ban: CLIENT })
  await tell({ watch: CLIENT, banned: true, beside: true })
  await tell({ closeBeside: true })
  const other = await member(t, { store: STORE })
  await other.tell({ ban: '198.51.100.1' })
  await tell({ watch: '198.51.100.1', banned: true })
})

test('a single v6 address stays one on its way, and lifted', async (t: TestContext) => {
  t.after(guardCluster())
  const options: GuardOptions = { ipv6Prefix: 128, store: STORE }
  const one = await member(t, options)
  await one.tell({ ban: '2001:db8::1' })
  const late = await member(t, options)
  t.assert.deepStrictEqual((await late.tell<Array<{ client: string }>>({ list: true })).map(({ client }) => client), ['2001:db8::1'])
  await late.tell({ unban: '2001:db8::1' })
  await one.tell({ watch: '2001:db8::1', banned: false })
  t.assert.deepStrictEqual(await (await member(t, options)).tell({ list: true }), [])
})

test('a later worker gets many bans in pieces, and messages that are none of ours end nobody', async (t: TestContext) => {
  t.after(guardCluster())
  const one = await member(t, { store: STORE })
  await one.tell({ banMany: 1200 })
  for (const message of [{}, { bans: [{ client: 'nonsense', until: Date.now() + 1e6 }, { client: 5 }, null] }, { id: 1, operations: 3 }, { id: 2, operations: [{ kind: 'take', asks: [{}] }] }]) {
    await one.tell({ say: { tag: 'fastify-api-guard', prefix: 'guard:', from: 'x', ...message } })
  }
  const late = await member(t, { store: STORE })
  t.assert.strictEqual((await late.tell<unknown[]>({ list: true })).length, 1200)
  t.assert.deepStrictEqual(await one.tell({ send: CLIENT }), [200])
})

test('apps with another prefix share nothing', async (t: TestContext) => {
  t.after(guardCluster())
  const limit: GuardOptions = { rateLimit: { max: 3, window: '1m' } }
  const [one, other] = [await member(t, { ...limit, store: STORE }), await member(t, { ...limit, store: { ...STORE, prefix: 'other:' } })]
  t.assert.deepStrictEqual([await one.tell({ flood: 9, ip: CLIENT }), await other.tell({ flood: 9, ip: CLIENT })], [3, 3])
})

test('without an answer of the primary onError decides, and it is found again', async (t: TestContext) => {
  const limit: GuardOptions = { rateLimit: { max: 3, window: '1m' } }
  const [local, refusing] = [await member(t, { ...limit, store: { ...STORE, timeout: 100 } }), await member(t, { ...limit, store: { ...STORE, timeout: 100, onError: 'refuse' } })]
  t.assert.deepStrictEqual([await local.tell({ flood: 9, ip: CLIENT }), await refusing.tell({ send: CLIENT, times: 2 })], [3, [503, 503]])
  await refusing.tell({ ban: '198.51.100.1' })
  const { state, reason } = await local.tell<StoreStats>({ stats: true })
  t.assert.strictEqual(state, 'down')
  t.assert.match(reason!, /is guardCluster\(\) called there\?/)
  t.after(guardCluster())
  await until(async () => (await refusing.tell<StoreStats>({ stats: true })).state === 'up' && (await local.tell<StoreStats>({ stats: true })).state === 'up')
  t.assert.strictEqual(await local.tell<number>({ flood: 9, ip: '203.0.113.8' }) + await refusing.tell<number>({ flood: 9, ip: '203.0.113.8' }), 3)
  await local.tell({ watch: '198.51.100.1', banned: true })
})

test('a worker that dies harms nobody, and one that is closed ends', async (t: TestContext) => {
  t.after(guardCluster())
  const [one, other] = await members(t, 2, { store: STORE }) as [Member, Member]
  one.worker.process.kill('SIGKILL')
  await once(one.worker, 'exit')
  await other.tell({ ban: CLIENT })
  t.assert.deepStrictEqual(await other.tell({ send: CLIENT }), [403])
  other.worker.send({ id: 0, order: { close: true } })
  const [code] = await once(other.worker, 'exit') as [number]
  t.assert.strictEqual(code, 0)
})

test('wrong places and options are named', { skip: process.send !== undefined && 'has a parent that it can send to' }, async (t: TestContext) => {
  for (const [store, problem] of [
    [{ cluster: true }, /store\.cluster is for workers/],
    [{ cluster: false }, /store\.cluster must be true/],
    [{ cluster: true, redis: true }, /store\.cluster stands without redis/],
    [{ cluster: true, mode: 'lease' }, /store\.mode is for redis/]
  ] as const) t.assert.match((await startError({ store })).message, problem)
})
