// npm run soak: ten minutes of requests through limits in Redis, whose connection breaks again and again. Fails if memory
// grows, a rejection is handled by nobody, more than `max` of a client pass while Redis is there, or closing leaves
// something open. `--minutes 1` for a short one; `--mode strict|lease`.
import { parseArgs } from 'node:util'
import Fastify from 'fastify'
import guardPlugin from '../lib/index.ts'
import { faultProxy } from '../test/redis/proxy.ts'
import { clientOf, sleep, startServer } from '../test/redis/server.ts'

const { values: args } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, mode: { type: 'string', default: 'lease' } } })
const minutes = Number(args.minutes)
const MAX = 100
const PARALLEL = 50

let unhandled = 0
process.on('unhandledRejection', (error) => {
  unhandled++
  console.error('unhandled rejection:', error)
})

const server = await startServer()
const proxy = await faultProxy(server.port)
const direct = clientOf(server.port)
const app = Fastify()
await app.register(guardPlugin, {
  maxKeys: 20_000,
  rateLimit: [{ max: MAX, window: '1m', name: 'a' }, { max: 500, window: '5s', name: 'b', count: 'failures' }],
  store: { redis: `redis://127.0.0.1:${proxy.port}`, mode: args.mode, timeout: 50 }
})
app.get('/', async () => 'ok')
// With gcra every request asks Redis, also in lease mode.
app.get('/strict', { config: { guard: { rateLimit: [{ max: MAX, window: '1m' }, { max: 1000, window: '10s', algorithm: 'gcra' }] } } }, async () => 'ok')
await app.ready()

const faults = [
  () => proxy.cut().then(() => sleep(3000)).then(() => proxy.mend()),
  () => proxy.reset(),
  async () => { proxy.stall(true); await sleep(2000); proxy.stall(false) },
  async () => { proxy.latency = 200; await sleep(2000); proxy.latency = 0 },
  async () => { proxy.dropReplies = true; await sleep(1000); proxy.dropReplies = false; proxy.reset() },
  () => direct.call('SCRIPT', 'FLUSH'),
  async () => { await direct.call('REPLICAOF', '127.0.0.1', '1'); await sleep(2000); await direct.call('REPLICAOF', 'NO', 'ONE') },
  async () => { await direct.call('CONFIG', 'SET', 'maxmemory', '1'); await sleep(2000); await direct.call('CONFIG', 'SET', 'maxmemory', '0') }
]

const end = Date.now() + minutes * 60_000
const counts = { 200: 0, 429: 0, other: 0 }

async function requests () {
  while (Date.now() < end) {
    // A few busy clients, and ever new ones.
    const ip = Math.random() < 0.7 ? `203.0.113.${Math.floor(Math.random() * 50)}` : `10.${Math.floor(Math.random() * 256)}.${Math.floor(Math.random() * 256)}.${Math.floor(Math.random() * 256)}`
    const { statusCode } = await app.inject({ url: Math.random() < 0.8 ? '/' : '/strict', remoteAddress: ip })
    if (statusCode === 200 || statusCode === 429) counts[statusCode]++
    else counts.other++
    // Between requests, as in life, the loop is free.
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function breakThings () {
  for (let i = 0; Date.now() < end; i++) {
    await sleep(5000)
    await faults[i % faults.length]()
  }
}

/** Samples of the heap, in MiB, after the collector ran. */
const heaps = []
async function watch () {
  const pause = Math.min(30_000, minutes * 6000)
  while (Date.now() < end) {
    await sleep(pause)
    globalThis.gc?.()
    const { heapUsed, rss } = process.memoryUsage()
    heaps.push(heapUsed / 2 ** 20)
    const { state, failures, fallbacks, calls, leased } = app.guard.stats().store
    console.log(`${((minutes * 60_000 - end + Date.now()) / 60_000).toFixed(1)} min: heap ${heaps.at(-1).toFixed(1)} MiB, rss ${(rss / 2 ** 20).toFixed(0)} MiB, ${JSON.stringify({ ...counts, state, failures, fallbacks, calls, leased })}`)
  }
}

await Promise.all([...Array.from({ length: PARALLEL }, requests), breakThings(), watch()])
await app.close()
await proxy.close()
direct.disconnect()
await server.stop()

const problems = []
const half = heaps.length >> 1
const least = (values) => Math.min(...values)
// The lowest sample of each half: what is alive at the moment of a sample varies.
if (half > 1 && least(heaps.slice(half)) > least(heaps.slice(1, half + 1)) * 1.05 + 1) problems.push(`the heap grew: ${heaps.map((heap) => heap.toFixed(1)).join(', ')}`)
if (unhandled > 0) problems.push(`${unhandled} unhandled rejections`)
if (counts.other > 0) problems.push(`${counts.other} answers that are neither 200 nor 429`)
// Whoever still holds the process a second from now was forgotten.
setTimeout(() => {
  console.error(`still open after closing: ${process.getActiveResourcesInfo().join(', ')}`)
  process.exit(1)
}, 1000).unref()
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
else console.log('nothing grew, nothing was left')
