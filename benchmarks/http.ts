import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from './servers/build.ts'
import { openLoad } from './servers/load.ts'
import { titles, variants, type Variant } from './servers/variants.ts'
import type { Workload } from './servers/workloads.ts'

const ROOT = join(import.meta.dirname, '..')

/** Requests of a round, about a second of the server's time each. */
const REQUESTS: Readonly<Record<Workload, number>> = { 'GET hello world': 50_000, GET: 40_000, 'POST 1 KB': 25_000, 'POST 10 KB': 10_000 }

const { values: args } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    variants: { type: 'string', default: variants.join() },
    workloads: { type: 'string', default: Object.keys(REQUESTS).join() },
    connections: { type: 'string', default: '64' },
    pipelined: { type: 'string', default: '10' },
    scale: { type: 'string', default: '1' },
    built: { type: 'string' },
    flags: { type: 'string', default: '' },
    write: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false }
  }
})

/** What one fresh start of a server measured. */
interface Sample { variant: Variant, workload: Workload, cpu: number, rate: number }

/** Median, lowest and highest of the ratios to bare Fastify of the same round. */
interface Spread { median: number, low: number, high: number }

interface Row { variant: Variant, workload: Workload, cpu: Spread, cpuRatio: Spread, rate: Spread, rateRatio: Spread }

async function ask<Answer> (server: ChildProcess, question?: string): Promise<Answer> {
  const answer = once(server, 'message')
  const exit = once(server, 'exit').then(([code]) => { throw new Error(`the server ended with ${code}`) })
  if (question !== undefined) server.send(question)
  const [message] = await Promise.race([answer, exit]) as [Answer]
  exit.catch(() => {})
  return message
}

/** One fresh start: warms the server up, then measures. */
async function measure (variant: Variant, workloads: readonly Workload[]): Promise<Sample[]> {
  const server = fork(join(built, 'benchmarks/servers/main.js'), [variant], { execArgv: ['--expose-gc', ...args.flags.split(' ').filter(Boolean)] })
  const samples: Sample[] = []
  try {
    const { port } = await ask<{ port: number }>(server)
    for (const workload of workloads) samples.push(await drive(server, port, variant, workload))
  } finally {
    if (server.connected) server.disconnect()
    if (server.exitCode === null) await once(server, 'exit')
  }
  return samples
}

async function drive (server: ChildProcess, port: number, variant: Variant, workload: Workload): Promise<Sample> {
  const requests = args.smoke ? 40 : Math.ceil(REQUESTS[workload] * Number(args.scale))
  const load = await openLoad(port, workload, { connections: args.smoke ? 4 : Number(args.connections), pipelined: Number(args.pipelined) })
  await load.run(Math.ceil(requests / 2))
  const before = await ask<{ cpu: number }>(server, 'cpu')
  const start = performance.now()
  await load.run(requests)
  const seconds = (performance.now() - start) / 1000
  const after = await ask<{ cpu: number }>(server, 'cpu')
  load.close()
  return { variant, workload, cpu: (after.cpu - before.cpu) / requests, rate: requests / seconds }
}

async function measureAll (rounds: number): Promise<Sample[][]> {
  const chosen = args.variants.split(',') as Variant[]
  const workloads = args.workloads.split(',') as Workload[]
  // A smoke test asks whether they answer, not how fast.
  if (args.smoke) return [(await Promise.all(chosen.map((variant) => measure(variant, workloads)))).flat()]
  const found: Sample[][] = []
  for (let round = 0; round < rounds; round++) {
    const samples: Sample[] = []
    for (const workload of workloads) {
      // The other way round every second time: what warms the machine or its cache favours nobody.
      for (const variant of round % 2 === 0 ? chosen : chosen.toReversed()) samples.push(...await measure(variant, [workload]))
    }
    found.push(samples)
    process.stderr.write(`round ${round + 1} of ${rounds}: ${samples.map(({ variant, cpu }) => `${variant} ${cpu.toFixed(1)}`).join(', ')}\n`)
  }
  return found
}

function spread (values: number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return { median: sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2, low: sorted[0]!, high: sorted.at(-1)! }
}

/** Ratios are taken within a round, where the machine was in the same mood. */
function rowOf (rounds: Sample[][], variant: Variant, workload: Workload): Row {
  const mine = rounds.map((round) => round.find((sample) => sample.variant === variant && sample.workload === workload)!)
  const bare = rounds.map((round, i) => round.find((sample) => sample.variant === 'bare' && sample.workload === workload) ?? mine[i]!)
  return {
    variant,
    workload,
    cpu: spread(mine.map(({ cpu }) => cpu)),
    cpuRatio: spread(mine.map(({ cpu }, i) => bare[i]!.cpu / cpu)),
    rate: spread(mine.map(({ rate }) => rate)),
    rateRatio: spread(mine.map(({ rate }, i) => rate / bare[i]!.rate))
  }
}

function table (rows: Row[]): string {
  const ratio = ({ median, low, high }: Spread): string => `${median.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`
  const lines = rows.map(({ variant, workload, cpu, cpuRatio, rate, rateRatio }) =>
    `| ${workload} | ${titles[variant]} | ${cpu.median.toFixed(1)} (${cpu.low.toFixed(1)}-${cpu.high.toFixed(1)}) | ${ratio(cpuRatio)} | ${Math.round(rate.median)} | ${ratio(rateRatio)} |`)
  return ['| request | server | CPU per request, us | CPU, ratio to bare | requests/s | requests/s, ratio to bare |', '|---|---|---|---|---|---|', ...lines].join('\n')
}

function versions (): Record<string, string> {
  const require = createRequire(import.meta.url)
  const names = ['fastify', '@fastify/helmet', '@fastify/cors', '@fastify/rate-limit', '@fastify/under-pressure']
  const own = require(join(ROOT, 'package.json')) as { version: string }
  return { node: process.version, 'fastify-api-guard': own.version, ...Object.fromEntries(names.map((name) => [name, (require(join(ROOT, 'node_modules', name, 'package.json')) as { version: string }).version])) }
}

function document (rows: Row[], rounds: number): string {
  const machine = `${availableParallelism()} x ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${process.platform} ${process.arch}`
  return `# Benchmarks

Written by \`npm run bench -- --write\`; how it measures is in [benchmarks/README.md](../benchmarks/README.md).

- Date: ${new Date().toISOString().slice(0, 10)}
- Machine: ${machine}
- Versions: ${Object.entries(versions()).map(([name, version]) => `${name} ${version}`).join(', ')}
- ${rounds} rounds, each a fresh start of every server; ${args.connections} connections, ${args.pipelined} request(s) in flight on each

Median over the rounds, lowest and highest in parentheses. Ratios: 1 is as fast as Fastify alone, higher is better.

${table(rows)}

"Everything on": detection, securityHeaders, rateLimit, ban, ip (1000 networks denied, one trusted), userAgent, hosts, methods and cors.
`
}

const built = args.built ?? build()
const rounds = args.smoke ? 1 : Number(args.rounds)
const samples = await measureAll(rounds)
const rows = (args.workloads.split(',') as Workload[]).flatMap((workload) => (args.variants.split(',') as Variant[]).map((variant) => rowOf(samples, variant, workload)))
process.stdout.write(args.smoke ? `${rows.length} pairs of server and request: every answer was 200\n` : `${table(rows)}\n`)
if (args.write && !args.smoke) {
  writeFileSync(join(ROOT, 'docs/benchmarks.md'), document(rows, rounds))
  writeFileSync(join(import.meta.dirname, 'results.json'), `${JSON.stringify({ date: new Date().toISOString(), versions: versions(), rounds, rows }, null, 2)}\n`)
}
