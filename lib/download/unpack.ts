import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'

const unzip = promisify(gunzip)
const BLOCK = 512

/** Bytes as they are, unpacked if they are gzip's. `maxBytes` holds for what comes out. */
export async function gunzipped (bytes: Buffer, maxBytes: number): Promise<Buffer> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  try {
    return await unzip(bytes, { maxOutputLength: maxBytes })
  } catch (error) {
    throw new Error((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? `unpacks to more than ${maxBytes} bytes` : `is no whole gzip file (${(error as Error).message})`)
  }
}

/**
 * The first regular file of a tar archive (POSIX ustar, as MaxMind packs them) whose name ends so. Nothing is written
 * anywhere, so names that lead out of a folder, and links, do no harm.
 */
export function fromTar (archive: Buffer, ending: string): Buffer {
  for (let at = 0; at + BLOCK <= archive.length;) {
    const header = archive.subarray(at, at + BLOCK)
    if (header[0] === 0) break
    const size = octal(header.subarray(124, 136))
    if (!Number.isSafeInteger(size)) throw new Error('is no tar archive')
    const start = at + BLOCK
    const kind = header[156]!
    if ((kind === 0 || kind === 0x30) && textOf(header.subarray(0, 100)).endsWith(ending)) {
      if (start + size > archive.length) throw new Error('is a tar archive that ends too early')
      return archive.subarray(start, start + size)
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK
  }
  throw new Error(`is no tar archive with a ${ending} file in it`)
}

function textOf (field: Buffer): string {
  const end = field.indexOf(0)
  return field.toString('latin1', 0, end === -1 ? field.length : end)
}

function octal (field: Buffer): number {
  const text = textOf(field).trim()
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : NaN
}
