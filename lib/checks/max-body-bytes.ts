import { Transform } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import type { Refusal } from '../check.ts'
import { either, int, no } from '../options/shape.ts'

export const maxBodyBytesShape = either(int(1), no)

const tooLarge: Refusal = { code: 'GUARD_BODY_TOO_LARGE', status: 413, reason: 'body is larger than maxBodyBytes', rule: 'maxBodyBytes' }

/** What `Content-Length` alone tells; a body without one is counted while it streams. */
export function declaredTooLarge (request: FastifyRequest, max: number): Refusal | undefined {
  const length = request.headers['content-length']
  return length !== undefined && Number(length) > max ? tooLarge : undefined
}

/** Passes a body on and asks `refuse` once at the first byte past `max`; without an error the body goes on. */
export function counted (payload: NodeJS.ReadableStream, max: number, refuse: (refusal: Refusal) => Error | undefined): Transform {
  let bytes = 0
  const meter = new Transform({
    transform (chunk: Buffer, _encoding, done) {
      const before = bytes
      bytes += chunk.length
      const error = before <= max && bytes > max ? refuse(tooLarge) : undefined
      if (error !== undefined) done(error)
      else done(null, chunk)
    }
  })
  payload.on('error', (error) => meter.destroy(error))
  return payload.pipe(meter)
}
