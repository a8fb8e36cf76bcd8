import { randomFillSync } from 'node:crypto'
import type { CspTemplate } from './csp.ts'

/** What `reply.cspNonce` holds where the route's policy has nonces. */
export interface CspNonce {
  script: string
  style: string
}

/** 128 bits each, as CSP level 3 asks for. */
const BYTES = 16

/** Random bytes are drawn for 128 answers at once, since a call of its own for each answer costs twenty times as much. Each byte is used once. */
const pool = Buffer.alloc(2 * BYTES * 128)
let used = pool.length

export function newNonce (): CspNonce {
  return { script: token(), style: token() }
}

function token (): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += BYTES
  return pool.toString('base64url', used - BYTES, used)
}

/** The policy's value for one answer. */
export function withNonce ({ parts, nonces }: CspTemplate, nonce: CspNonce): string {
  let value = parts[0]!
  for (let i = 0; i < nonces.length; i++) value += nonce[nonces[i]!] + parts[i + 1]!
  return value
}
