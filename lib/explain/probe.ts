import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Guard } from '../guard.ts'
import type { RequestLike } from '../../types/index.ts'

const kProbe = Symbol('fastify-api-guard.probe')

type Seen = (request: FastifyRequest, reply: FastifyReply) => void

/**
 * Whether a request is only to be explained: then the hook hands it over and goes no further. Nobody outside the
 * process can send one, since the mark stands on the prototype of the request that `inject` makes.
 */
export function handOver (request: FastifyRequest, reply: FastifyReply): boolean {
  const seen = (request.raw as unknown as { [kProbe]?: Seen })[kProbe]
  seen?.(request, reply)
  return seen !== undefined
}

/**
 * Sends a request through Fastify's router and whatever hooks stand before the guard's, up to the guard's own, where
 * it stops: it is neither answered nor does any later hook or handler see it.
 *
 * @returns what the guard's hook got, or the status that somebody before it answered with
 */
export async function probe (guard: Guard, app: FastifyInstance, { method = 'GET', url = '/', ip, headers = {}, body, protocol }: RequestLike): Promise<{ request: FastifyRequest, reply: FastifyReply } | number> {
  guard.explaining++
  try {
    return await new Promise((resolve, reject) => {
      class Probe extends Readable {}
      Object.defineProperty(Probe.prototype, kProbe, {
        value (request: FastifyRequest, reply: FastifyReply) {
          if (protocol === 'https') Object.assign(request.raw.socket, { encrypted: true })
          dropEmpty(request)
          // Nobody waits for an answer; Fastify's handlerTimeout would give one.
          reply.hijack()
          resolve({ request, reply })
        }
      })
      app.inject({
        method: method as 'GET',
        url,
        Request: Probe,
        ...(ip !== undefined && { remoteAddress: ip }),
        // light-my-request names itself where a request has no user agent.
        headers: { 'user-agent': undefined, ...lowerCased(headers) } as unknown as Record<string, string>,
        ...(body !== undefined && body !== null && { payload: body })
      }, (error, response) => {
        if (error !== undefined && error !== null) reject(error)
        else resolve(response!.statusCode)
      })
    })
  } finally {
    guard.explaining--
  }
}

/** A header that was not sent is not there at all. */
function dropEmpty ({ raw }: FastifyRequest): void {
  if (raw.headers['user-agent'] !== undefined) return
  delete raw.headers['user-agent']
  const at = raw.rawHeaders.indexOf('user-agent')
  if (at !== -1) raw.rawHeaders.splice(at, 2)
}

function lowerCased (headers: NonNullable<RequestLike['headers']>): Record<string, string | readonly string[]> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
