import { once } from 'node:events'
import { createReadStream, statSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'

/** Longer lines are no log's; what comes after this many characters of one is dropped. */
export const LONGEST_LINE = 1024 * 1024

export interface Source {
  stream: Readable
  /** Its first bytes, still to be read. */
  start: string
  /** How much of it was read, 0 to 1; `undefined`: nobody knows. */
  progress: () => number | undefined
}

/** A file, or what comes on standard input (`-`), unpacked where it is gzip. Rejects if the file cannot be opened. */
export async function openSource (file: string, stdin: Readable): Promise<Source> {
  const size = file === '-' ? undefined : statSync(file).size
  const stored = file === '-' ? stdin : createReadStream(file, { highWaterMark: 256 * 1024 })
  const first = await peek(stored)
  // What goes wrong while unpacking is thrown to whoever reads.
  const stream = first[0] === 0x1f && first[1] === 0x8b ? pipeline(stored, createGunzip(), () => {}) : stored
  const start = stream === stored ? first : await peek(stream)
  const bytes = stored as Readable & { bytesRead?: number }
  return { stream, start: start.toString('utf8', 0, 64 * 1024), progress: () => size === undefined ? undefined : (bytes.bytesRead ?? 0) / Math.max(1, size) }
}

/** What a stream has at first, without taking it. */
async function peek (stream: Readable): Promise<Buffer> {
  if (!stream.readableEnded && stream.readableLength === 0) await Promise.race([once(stream, 'readable'), once(stream, 'end')])
  const first = stream.read() as Buffer | null
  if (first !== null) stream.unshift(first)
  return first ?? Buffer.alloc(0)
}

/** Calls back for each batch of whole lines, without their ends. */
export async function eachBatch (stream: Readable, see: (lines: string[]) => void | Promise<void>): Promise<void> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + decoder.write(chunk as Buffer)).split('\n')
    rest = lines.pop()!.slice(0, LONGEST_LINE)
    await see(lines)
  }
  rest += decoder.end()
  if (rest !== '') await see([rest])
}

/** All of a stream as text. @throws {RangeError} past `most` bytes */
export async function whole (stream: Readable, most: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream) {
    size += (chunk as Buffer).length
    if (size > most) throw new RangeError(`is larger than ${most} bytes`)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}
