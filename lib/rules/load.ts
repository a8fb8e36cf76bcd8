import { readFile, stat } from 'node:fs/promises'
import type { RulesSource } from '../../types/index.ts'

/** The text of a source, or `undefined` if it is the one that was loaded last. */
export type LoadText = (signal: AbortSignal) => Promise<string | undefined>

const MAX_BYTES = 4 * 1024 * 1024

export function textLoader (source: RulesSource): LoadText {
  return 'file' in source ? fileLoader(source.file) : urlLoader(source.url)
}

function fileLoader (path: string): LoadText {
  let seen = ''
  return async (signal) => {
    const found = await stat(path)
    // A pipe or device may never end, and holds the reader for good.
    if (!found.isFile()) throw new Error('is no file')
    const { mtimeMs, size, ino } = found
    const version = `${mtimeMs} ${size} ${ino}`
    if (version === seen) return undefined
    if (size > MAX_BYTES) throw new Error(`is larger than ${MAX_BYTES} bytes`)
    const text = await readFile(path, { encoding: 'utf8', signal })
    // Not before: a file that may not be read yet has the same times once it may.
    seen = version
    return text
  }
}

function urlLoader (url: string): LoadText {
  let etag: string | undefined
  return async (signal) => {
    const response = await fetch(url, { redirect: 'error', signal, headers: etag === undefined ? {} : { 'if-none-match': etag } })
    if (response.status === 304 && etag !== undefined) return undefined
    if (!response.ok) throw new Error(`answered ${response.status}`)
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk as Uint8Array)
      bytes += (chunk as Uint8Array).length
      if (bytes > MAX_BYTES) throw new Error(`is larger than ${MAX_BYTES} bytes`)
    }
    etag = response.headers.get('etag') ?? undefined
    return Buffer.concat(chunks).toString('utf8')
  }
}
