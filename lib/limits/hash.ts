import { randomBytes } from 'node:crypto'

/** Writes 64 bits of hash of a counter's number and a key into `out`. */
export interface KeyedHash { (number: number, key: string): void, readonly out: Int32Array }

/**
 * HalfSipHash-1-3 (Aumasson and Bernstein, https://github.com/veorq/SipHash) with four bytes of the key to a
 * word, or two UTF-16 units where there are others than Latin-1. Both halves of the output are taken after the
 * same rounds: it places records, and nobody gets to see it. Keys come from clients: without the secret nobody
 * can find two that share a counter, or many that share a place in the table.
 */
export function keyedHash (secret: Uint8Array = randomBytes(8)): KeyedHash {
  const view = new DataView(secret.buffer, secret.byteOffset, 8)
  const k0 = view.getInt32(0)
  const k1 = view.getInt32(4)
  const out = new Int32Array(2)
  let v0 = 0
  let v1 = 0
  let v2 = 0
  let v3 = 0

  function wide (key: string): void {
    for (let i = 0; i < key.length; i += 2) {
      const word = key.charCodeAt(i) | (i + 1 < key.length ? key.charCodeAt(i + 1) << 16 : 0)
      v3 ^= word
      v0 = (v0 + v1) | 0; v1 = (v1 << 5 | v1 >>> 27) ^ v0; v0 = v0 << 16 | v0 >>> 16
      v2 = (v2 + v3) | 0; v3 = (v3 << 8 | v3 >>> 24) ^ v2
      v0 = (v0 + v3) | 0; v3 = (v3 << 7 | v3 >>> 25) ^ v0
      v2 = (v2 + v1) | 0; v1 = (v1 << 13 | v1 >>> 19) ^ v2; v2 = v2 << 16 | v2 >>> 16
      v0 ^= word
    }
  }

  function hash (number: number, key: string): void {
    let a = k0 ^ number
    let b = k1 ^ 0xee
    let c = 0x6c796765 ^ k0
    let d = 0x74656462 ^ k1
    const { length } = key
    let seen = 0
    for (let i = 0; i < length; i += 4) {
      const c0 = key.charCodeAt(i)
      const c1 = i + 1 < length ? key.charCodeAt(i + 1) : 0
      const c2 = i + 2 < length ? key.charCodeAt(i + 2) : 0
      const c3 = i + 3 < length ? key.charCodeAt(i + 3) : 0
      seen |= c0 | c1 | c2 | c3
      const word = c0 | c1 << 8 | c2 << 16 | c3 << 24
      d ^= word
      a = (a + b) | 0; b = (b << 5 | b >>> 27) ^ a; a = a << 16 | a >>> 16
      c = (c + d) | 0; d = (d << 8 | d >>> 24) ^ c
      a = (a + d) | 0; d = (d << 7 | d >>> 25) ^ a
      c = (c + b) | 0; b = (b << 13 | b >>> 19) ^ c; c = c << 16 | c >>> 16
      a ^= word
    }
    if (seen > 255) {
      v0 = a; v1 = b; v2 = c; v3 = d
      wide(key)
      a = v0; b = v1; c = v2; d = v3
    }
    // The length tells a key from one that ends in NUL.
    d ^= length
    c ^= 0xee
    for (let round = 0; round < 4; round++) {
      a = (a + b) | 0; b = (b << 5 | b >>> 27) ^ a; a = a << 16 | a >>> 16
      c = (c + d) | 0; d = (d << 8 | d >>> 24) ^ c
      a = (a + d) | 0; d = (d << 7 | d >>> 25) ^ a
      c = (c + b) | 0; b = (b << 13 | b >>> 19) ^ c; c = c << 16 | c >>> 16
    }
    out[0] = b ^ d
    out[1] = a ^ c
  }

  return Object.assign(hash, { out })
}
