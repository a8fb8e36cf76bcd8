import { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Refusal } from '../check.ts'
import type { Guard } from '../guard.ts'
import type { Like } from './like.ts'

const kProbe = Symbol.for('fastify-api-guard.probe')

/** What the guard got of a request; `early`: what Fastify's router refused it for. */
export interface Seen { request: FastifyRequest, reply: FastifyReply, early: Refusal | undefined }

type Marked = IncomingMessage & { [kProbe]?: (seen: Seen) => void, _addHeaderLines: (headers: string[], count: number) => void }

/** Whether a request is only to be explained. Nobody outside the process can send one. */
export function isProbe ({ raw }: FastifyRequest): boolean {
  return (raw as Marked)[kProbe] !== undefined
}

/** Hands over a request that is only to be explained: then the hook goes no further. */
export function handOver (request: FastifyRequest, reply: FastifyReply, early?: Refusal): boolean {
  const seen = (request.raw as Marked)[kProbe]
  if (seen === undefined) return false
  // Nobody waits for an answer; Fastify's handlerTimeout would give one.
  reply.hijack()
  seen({ request, reply, early })
  return true
}

/**
 * Sends a request through Fastify's router and whatever hooks stand before the guard's, up to the guard's own, where
 * it stops: it is neither answered nor does any later hook or handler see it. Its target stays as it was written,
 * dots and all, as that of a client that is no browser does.
 *
 * @returns what the guard's hook got, or the status that somebody before it answered with
 */
export async function probe (guard: Guard, app: FastifyInstance, like: Like): Promise<Seen | number> {
  guard.explaining++
  try {
    return await route(app, like)
  } finally {
    guard.explaining--
  }
}

function route (app: FastifyInstance, { method, url, headers, payload, ip, secure }: Like): Promise<Seen | number> {
  return new Promise((resolve) => {
    const socket = Object.assign(new Nowhere(), { remoteAddress: ip, ...(secure && { encrypted: true }) }) as unknown as Socket
    const request = new IncomingMessage(socket) as Marked
    Object.assign(request, { method, url, httpVersion: '1.1', httpVersionMajor: 1, httpVersionMinor: 1, [kProbe]: resolve })
    // As its own parser tells it, so that headers that come twice are joined as Node joins them.
    request._addHeaderLines(headers.flat(), headers.length * 2)
    request.push(payload ?? null)
    if (payload !== undefined) request.push(null)
    const response = new ServerResponse(request)
    const { writeHead } = response
    // Whoever answers comes by here.
    response.writeHead = function (this: ServerResponse, ...args: [number]) {
      resolve(args[0])
      return writeHead.apply(this, args)
    } as typeof writeHead
    response.assignSocket(socket)
    app.routing(request, response)
  })
}

/** A connection whose other end nobody holds. */
class Nowhere extends Duplex {
  override _read (): void {}
  override _write (_chunk: unknown, _encoding: string, done: () => void): void { done() }
}
