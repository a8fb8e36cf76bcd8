// What limits in Redis cost: CPU of the server's process for each request, and requests per second, as ratios to bare
// Fastify in the same round. `node --import tsx benchmarks/redis.bench.ts [--rounds 5] [--requests 40000]`
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from './servers/build.ts'
import { openLoad } from './servers/load.ts'
import { limiters, type LimiterName } from './servers/redis.ts'
import { startServer } from '../test/redis/server.ts'

const { values: args } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    requests: { type: 'string', default: '40000' },
    connections: { type: 'string', default: '64' },
    pipelined: { type: 'string', default: '10' }
  }
})
const requests = Number(args.requests)
const pressure = { connections: Number(args.connections), pipelined: Number(args.pipelined) }
const names = Object.keys(limiters) as LimiterName[]

interface Usage { cpu: number, calls: number, leased: number, fallbacks: number }
interface Sample { cpu: number, rate: number, calls: number, leased: number, fallbacks: number }

async function ask<T> (server: ChildProcess, question?: string): Promise<T> {
  const answer = once(server, 'message')
  if (question !== undefined) server.send(question)
  const [message] = await answer as [T]
  return message
}

async function measure (name: LimiterName, built: string, redis: number): Promise<Sample> {
  const server = fork(join(built, 'benchmarks/servers/redis.js'), [name, String(redis)], { execArgv: ['--expose-gc'] })
  try {
    const { port } = await ask<{ port: number }>(server)
    const load = await openLoad(port, 'GET', pressure)
    await load.run(requests / 2)
    const before = await ask<Usage>(server, 'usage')
    const start = performance.now()
    await load.run(requests)
    const seconds = (performance.now() - start) / 1000
    const after = await ask<Usage>(server, 'usage')
    load.close()
    return { cpu: (after.cpu - before.cpu) / requests, rate: requests / seconds, calls: (after.calls - before.calls) / requests, leased: (after.leased - before.leased) / requests, fallbacks: after.fallbacks }
  } finally {
    server.disconnect()
    await once(server, 'exit')
  }
}

function spread (values: number[], digits: number): string {
  const sorted = values.toSorted((a, b) => a - b)
  return `${sorted[sorted.length >> 1]!.toFixed(digits)} (${sorted[0]!.toFixed(digits)}-${sorted.at(-1)!.toFixed(digits)})`
}

const built = build()
const server = await startServer()
const rounds: Array<Record<LimiterName, Sample>> = []
try {
  for (let round = 0; round < Number(args.rounds); round++) {
    const samples: Partial<Record<LimiterName, Sample>> = {}
    // The other way round every second time: what warms the machine favours nobody.
    for (const name of round % 2 === 0 ? names : names.toReversed()) samples[name] = await measure(name, built, server.port)
    rounds.push(samples as Record<LimiterName, Sample>)
    console.error(`round ${round + 1}: ${names.map((name) => `${name} ${samples[name]!.cpu.toFixed(1)} us`).join(', ')}`)
  }
} finally {
  await server.stop()
}
console.log('| limiter | CPU per request, us | CPU, ratio to bare | requests/s, ratio to bare | Redis calls per request | by lease | fallbacks |')
console.log('|---|---|---|---|---|---|---|')
for (const name of names) {
  const of = (value: (sample: Sample, bare: Sample) => number): number[] => rounds.map((samples) => value(samples[name], samples.bare))
  console.log(`| ${limiters[name]} | ${spread(of(({ cpu }) => cpu), 1)} | ${spread(of(({ cpu }, bare) => bare.cpu / cpu), 2)} | ${spread(of(({ rate }, bare) => rate / bare.rate), 2)} | ${spread(of(({ calls }) => calls), 3)} | ${spread(of(({ leased }) => leased), 3)} | ${spread(of(({ fallbacks }) => fallbacks), 0)} |`)
}
