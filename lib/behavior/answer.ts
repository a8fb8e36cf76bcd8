/**
 * What rules may see of an answer: strings and Buffers, never streams, which would have to be held back. Text is
 * cut at `maxBytes`; JSON that is longer is not read, since half of it is none.
 */
export function answerReader (payload: unknown): { text: (maxBytes: number) => string | undefined, json: (maxBytes: number) => unknown } {
  let parsed: unknown
  let tried = false
  const bytes = typeof payload === 'string' || payload instanceof Uint8Array ? payload : undefined
  return {
    text (maxBytes) {
      if (bytes === undefined) return undefined
      // A character takes up to 4 bytes; cutting a string by its length first spares copying all of it.
      if (typeof bytes === 'string') return bytes.length * 3 <= maxBytes ? bytes : Buffer.from(bytes.slice(0, maxBytes)).subarray(0, maxBytes).toString()
      return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, maxBytes)).toString()
    },
    json (maxBytes) {
      if (tried || bytes === undefined) return parsed
      if ((typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.byteLength) > maxBytes) return undefined
      tried = true
      try {
        parsed = JSON.parse(typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString())
      } catch {
        // An answer that is no JSON matches no path.
      }
      return parsed
    }
  }
}
