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

/**
 * Calls `refuse` once, at the first byte past `max`, whoever reads the body: a parser, @fastify/multipart (which
 * reads the request itself) or nobody. What comes after it is dropped unless `refuse` lets the body go on.
 */
export function count ({ raw }: FastifyRequest, max: number, refuse: (refusal: Refusal) => boolean): void {
  // What came while the checks before the body waited is buffered already.
  let bytes = raw.readableLength
  let refused = bytes > max && refuse(tooLarge)
  const { push } = raw
  raw.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
    // Not even the end is passed on after a refusal: a body that was cut must not be taken for a whole one.
    if (refused) return true
    if (chunk === null) return push.call(raw, chunk)
    const before = bytes
    bytes += chunk.length
    if (before <= max && bytes > max) refused = refuse(tooLarge)
    return refused || push.call(raw, chunk, encoding)
  }
}
