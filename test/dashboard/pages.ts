import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { FeedEvent } from '../../lib/dashboard/feed.ts'
import type { SeriesSnapshot } from '../../lib/dashboard/series.ts'
import type { State } from '../../lib/dashboard/state.ts'

export interface Snapshot { time: number, series: SeriesSnapshot, events: FeedEvent[], state: State }

/** Listens on this machine. */
export async function listen (app: FastifyInstance): Promise<string> {
  await app.listen({ host: '127.0.0.1', port: 0 })
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
}

export interface Message { event: string, data: unknown }

/** Messages of a stream of events, until the caller has enough. */
export async function * messages (url: string, headers: Record<string, string> = {}): AsyncGenerator<Message> {
  // A connection of its own: fetch would open another when this one ends, and a server that closes waits for it.
  const request = get(url, { headers, agent: false })
  const [response] = await once(request, 'response') as [IncomingMessage]
  let text = ''
  try {
    if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode}`)
    for await (const chunk of response.setEncoding('utf8')) {
      text += chunk as string
      const parts = text.split('\n\n')
      text = parts.pop()!
      for (const part of parts) {
        const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(part) ?? []
        if (event !== undefined) yield { event, data: JSON.parse(data!) as unknown }
      }
    }
  } finally {
    request.destroy()
  }
}

/** What a page gets when it opens. */
export async function snapshot (at: string, path = '/guard'): Promise<Snapshot> {
  for await (const { event, data } of messages(`${at}${path}/api/live`)) if (event === 'snapshot') return data as Snapshot
  throw new Error('no snapshot')
}

/** Headers of a page's own request that changes something. */
export const OWN = { 'x-guard-dashboard': '1', 'sec-fetch-site': 'same-origin' }

export const basic = (username: string, password: string): Record<string, string> => ({ authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` })
