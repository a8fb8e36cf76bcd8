/**
 * What a decision of the limiter and a look at the bans cost, and what a key takes.
 * node --expose-gc --import tsx benchmarks/limits.bench.ts
 */
import { bench, run, summary } from 'mitata'
import { bans } from '../lib/bans/bans.ts'
import { memoryStore } from '../lib/limits/memory.ts'
import type { Algorithm, Counter } from '../lib/limits/store.ts'
import { parseAddress } from '../lib/net/address.ts'
import type { Client } from '../lib/net/client.ts'

const MANY = 1_000_000

/** Flat strings, as a parser makes them. */
function addressOf (i: number): string {
  const mixed = Math.imul(i + 1, 0x9e3779b1) >>> 0
  return Buffer.from(`${10 + (mixed >>> 28)}.${mixed >>> 20 & 255}.${mixed >>> 12 & 255}.${mixed >>> 4 & 255}`).toString('latin1')
}

const addresses = Array.from({ length: MANY }, (_, i) => addressOf(i))
const order = Uint32Array.from({ length: 1 << 20 }, () => Math.floor(Math.random() * MANY))

function occupied (): number {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function counterOf (algorithm: Algorithm, window = 60_000): Counter {
  return { id: algorithm, number: 0, algorithm, window }
}

function clientOf (ip: string): Client {
  return { ip, key: ip, hash: 0, address: parseAddress(ip), viaProxy: false, loopback: false }
}

const before = occupied()
const full = memoryStore({ maxKeys: MANY })
for (const key of addresses) full.take([{ counter: counterOf('sliding-window', 3_600_000), key, max: 100, burst: 100, cost: 1 }])
console.log(`${((occupied() - before) / MANY).toFixed(1)} bytes a key at ${MANY} keys`)

const beforeBans = occupied()
const state = bans({ now: Date.now, maxKeys: 250_000 })
for (let i = 0; i < 100_000; i++) state.add(addresses[i]!, { duration: 3_600_000, reason: 'benchmark' })
console.log(`${((occupied() - beforeBans) / 100_000).toFixed(1)} bytes a ban at 100000 bans`)

summary(() => {
  for (const algorithm of ['sliding-window', 'fixed-window', 'gcra'] as const) {
    const store = memoryStore()
    const counter = counterOf(algorithm)
    let i = 0
    bench(`take, ${algorithm}, 1000 keys`, () => store.take([{ counter, key: addresses[i++ % 1000]!, max: 1e9, burst: 1e9, cost: 1 }]))
  }
  const refusing = memoryStore()
  const counter = counterOf('sliding-window')
  let i = 0
  bench('take, refused, 1000 keys', () => refusing.take([{ counter, key: addresses[i++ % 1000]!, max: 1, burst: 1, cost: 1 }]))
  const both = memoryStore()
  const [minute, hour] = [counter, { ...counterOf('sliding-window', 3_600_000), number: 1 }]
  bench('take, two limits, 1000 keys', () => {
    const key = addresses[i++ % 1000]!
    return both.take([{ counter: minute, key, max: 1e9, burst: 1e9, cost: 1 }, { counter: hour, key, max: 1e9, burst: 1e9, cost: 1 }])
  })
  const hourly = counterOf('sliding-window', 3_600_000)
  bench(`take, ${MANY} keys at random`, () => full.take([{ counter: hourly, key: addresses[order[i++ & 0xfffff]!]!, max: 1e9, burst: 1e9, cost: 1 }]))
  const objects = new Map(addresses.map((key) => [key, { count: 0, at: 0 }]))
  bench(`for comparison: Map to object, ${MANY} keys at random`, () => {
    const found = objects.get(addresses[order[i++ & 0xfffff]!]!)!
    found.at = Date.now()
    return found.count++
  })
})

summary(() => {
  const none = bans({ now: Date.now, maxKeys: 1000 })
  const clients = Array.from({ length: 1000 }, (_, i) => clientOf(addresses[i + 200_000]!))
  let i = 0
  bench('find, no ban', () => none.find(clients[i++ % 1000]!))
  bench('find, 100000 bans', () => state.find(clients[i++ % 1000]!))
  const networks = bans({ now: Date.now, maxKeys: 100_000 })
  for (let n = 0; n < 10_000; n++) networks.add(`${100 + (n >> 12)}.${n >> 4 & 255}.${(n & 15) << 4}.0/${20 + n % 5}`, { duration: 3_600_000, reason: 'benchmark' })
  bench('find, 10000 networks', () => networks.find(clients[i++ % 1000]!))
})

await run()
