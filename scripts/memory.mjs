// npm run memory: what a million distinct clients leave behind in limits, strikes and bans with the default caps. Fails above
// 64 MiB. `--v6` for clients of as many networks, `--escalate` to remember earlier bans too.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { bans } from '../lib/bans/bans.ts'
import { clientKey } from '../lib/limits/client-key.ts'
import { memoryStore } from '../lib/limits/memory.ts'
import { parseAddress } from '../lib/net/address.ts'

const { values: args } = parseArgs({ options: { v6: { type: 'boolean', default: false }, escalate: { type: 'boolean', default: false } } })
const CLIENTS = 1_000_000
const MOST = 64
const HOUR = 3_600_000
const MIB = 2 ** 20
/** Clients of one turn of the event loop. */
const TURN = 100

if (globalThis.gc === undefined) throw new Error('needs node --expose-gc')

function held () {
  globalThis.gc()
  globalThis.gc()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function clientOf (i) {
  const ip = args.v6 ? `2001:db8:${(i >> 16).toString(16)}:${(i & 0xffff).toString(16)}::1` : `10.${i >> 16}.${i >> 8 & 255}.${i & 255}`
  const address = parseAddress(ip)
  return { ip, key: clientKey(address, 64), hash: 0, address, viaProxy: false, loopback: false }
}

const limits = memoryStore()
const state = bans({ now: Date.now, maxKeys: 250_000 })
const counter = { id: 'limit', number: 0, algorithm: 'sliding-window', window: HOUR }
const policy = { threshold: 2, window: HOUR, duration: HOUR, maxDuration: 24 * HOUR, escalate: args.escalate ? 2 : 1, jitter: 0.2, on: new Set(['detection']), categories: new Map(), spares: () => false }

const before = held()
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
for (let i = 0; i < CLIENTS; i++) {
  const client = clientOf(i)
  state.find(client)
  for (let hit = 0; hit < 3; hit++) limits.take([{ counter, key: client.key, max: 100, burst: 100, cost: 1 }])
  // Half of them are banned, the others have one strike.
  for (let strike = 0; strike < 1 + i % 2; strike++) state.strike(client, 'detection', undefined, policy, 'reference')
  if (i % TURN === 0) await new Promise((resolve) => { setImmediate(resolve) })
}
delay.disable()

const mib = (held() - before) / MIB
const { active, strikeKeys, remembered } = state.stats()
console.log(`${mib.toFixed(1)} MiB for ${limits.stats().keys} keys of limits, ${strikeKeys} of strikes, ${active} bans and ${remembered} earlier ones`)
console.log(`event loop delay: p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms, at most ${(delay.max / 1e6).toFixed(1)} ms`)
if (mib > MOST) {
  console.error(`more than ${MOST} MiB`)
  process.exitCode = 1
}
