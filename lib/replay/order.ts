import type { Readable } from 'node:stream'
import { formatOf } from './format.ts'
import { openSource } from './lines.ts'

/**
 * Rotated logs are seldom named in the order of their times, and limits would take hours for an instant. Files whose
 * first time cannot be read, standard input among them, leave all as it was.
 */
export async function inOrder (files: readonly string[]): Promise<readonly string[]> {
  if (files.length < 2 || files.includes('-')) return files
  const times = await Promise.all(files.map(firstTime))
  if (times.includes(undefined)) return files
  return files.map((file, i) => ({ file, time: times[i]! })).sort((one, other) => one.time - other.time).map(({ file }) => file)
}

/** `undefined`: none, or the file cannot be read; whoever reads it whole will say so. */
async function firstTime (file: string): Promise<number | undefined> {
  let stream: Readable | undefined
  try {
    const source = await openSource(file, process.stdin)
    stream = source.stream
    for (const line of source.start.split(/\r?\n/)) {
      const time = line === '' ? undefined : formatOf(line)?.parse(line)?.time
      if (time !== undefined) return time
    }
    return undefined
  } catch {
    return undefined
  } finally {
    stream?.on('error', () => {}).destroy()
  }
}
