import type { FastifyInstance } from 'fastify'
import { loadApp } from '../app.ts'
import { readArgs, wholeNumber } from '../args.ts'
import { UsageError, type ExitCode, type Io } from '../command.ts'
import { columns, json } from '../show.ts'

export const about = 'measures what the guard costs on a route of an application'

export const help = `fastify-api-guard bench --app FILE [options]

Sends a GET request to an application over and over, in this process and without a socket, in turns with the guard as it is
and with mode: 'off', and compares the times. The handler runs, so choose a route that does no harm.

  --app FILE     module whose default export is a Fastify instance or a function that returns one
  --url TARGET   path and query (/)
  --seconds N    how long, at least (4)
  --json         prints { url, requests, statuses, on, off, cost, ratio }, times in microseconds

  fastify-api-guard bench --app app.js --url /health
`

interface Result {
  url: string
  requests: number
  /** How often each status was answered while the guard was on. */
  statuses: Record<string, number>
  /** Median microseconds of a request. */
  on: number
  off: number
  cost: number
  /** Throughput with the guard to that without. */
  ratio: number
}

const ROUND = 200

export async function run (args: string[], io: Io): Promise<ExitCode> {
  const { values, positionals } = readArgs(args, { app: { type: 'string' }, url: { type: 'string' }, seconds: { type: 'string' }, json: { type: 'boolean' } })
  if (positionals.length > 0) throw new UsageError(`bench takes no '${positionals[0]}'; the application is --app FILE`)
  const seconds = wholeNumber(values.seconds, 'seconds', 4)
  const { app, guard, api } = await loadApp(values.app, io)
  try {
    const mode = guard.options.mode ?? 'enforce'
    if (mode === 'off') throw new UsageError(`--app ${values.app}: mode is 'off', there is nothing to compare`)
    const result = await measure(app, values.url ?? '/', seconds, (on) => api.update({ mode: on ? mode : 'off' }))
    io.out(values.json === true ? `${json(result)}\n` : text(result))
    return 0
  } finally {
    await app.close()
  }
}

/** Rounds in turns, so that what else the machine does meets both alike; the first ones only warm up. */
async function measure (app: FastifyInstance, url: string, seconds: number, turn: (on: boolean) => Promise<void>): Promise<Result> {
  const times = { on: [] as number[], off: [] as number[] }
  const statuses: Record<string, number> = {}
  const end = performance.now() + seconds * 1000
  let requests = 0
  for (let round = 0; performance.now() < end || round < 8; round++) {
    for (const side of ['on', 'off'] as const) {
      await turn(side === 'on')
      const start = performance.now()
      for (let i = 0; i < ROUND; i++) {
        const { statusCode } = await app.inject({ url, headers: { 'user-agent': 'Mozilla/5.0' } })
        if (side === 'on') statuses[statusCode] = (statuses[statusCode] ?? 0) + 1
      }
      requests += ROUND
      if (round >= 4) times[side].push((performance.now() - start) * 1000 / ROUND)
    }
  }
  const on = median(times.on)
  const off = median(times.off)
  return { url, requests, statuses, on, off, cost: round(on - off), ratio: round(off / on) }
}

function median (values: number[]): number {
  return round(values.sort((a, b) => a - b)[values.length >> 1]!)
}

function round (value: number): number {
  return Math.round(value * 100) / 100
}

function text ({ url, requests, statuses, on, off, cost, ratio }: Result): string {
  return `GET ${url}, ${requests} requests, answers ${Object.entries(statuses).map(([status, count]) => `${status} (${count})`).join(', ')}\n` +
    columns([['with the guard', `${on} us`], ['mode: off', `${off} us`], ['cost', `${cost} us`], ['throughput', `${ratio} of that without`]])
}
