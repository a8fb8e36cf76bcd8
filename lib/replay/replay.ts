import type { Readable } from 'node:stream'
import { printable } from '../report.ts'
import { OWN, type LogEntry, type LogFormat } from './entry.ts'
import { formatOf, looksLikeHar } from './format.ts'
import { harEntries } from './har.ts'
import { eachBatch, LONGEST_LINE, openSource, whole } from './lines.ts'
import { inOrder } from './order.ts'
import type { Outcome, Sides } from './sides.ts'

/** HAR documents are read whole; a browser's are far below this. */
const LARGEST_HAR = 256 * 1024 * 1024
const MOST_BAD = 5
/** So many lines may come first that are of no known format, e.g. an application's greeting. */
const FIRST_LINES = 1000
const UNKNOWN = 'is of no known format: nginx and Apache combined, Caddy and pino JSON lines, HAR'

export interface ReplayResult extends Outcome {
  formats: string[]
  lines: number
  requests: number
  /** Empty lines, and messages that are no requests. */
  others: number
  bad: { count: number, first: Array<{ line: number, text: string }> }
  from: number | undefined
  to: number | undefined
}

export interface ReplayOptions {
  /** `-` is standard input. */
  files: readonly string[]
  stdin: Readable
  /** Makes the policies, once the first log's format is known. */
  open: (format: LogFormat) => Promise<Sides>
  /** @param progress of the file, 0 to 1; `undefined`: nobody knows */
  onProgress: (file: string, progress: number | undefined, lines: number) => void
}

/** Sends the requests of logs through a policy, or two. @throws {Error} if a file cannot be read, or is of no known format */
export async function replay ({ files, stdin, open, onProgress }: ReplayOptions): Promise<ReplayResult> {
  const seen = { formats: [] as string[], lines: 0, requests: 0, others: 0, bad: { count: 0, first: [] as Array<{ line: number, text: string }> }, from: undefined as number | undefined, to: undefined as number | undefined }
  let policies: Sides | undefined
  let format: LogFormat | undefined

  const use = async (found: LogFormat): Promise<void> => {
    format = found
    if (!seen.formats.includes(found.name)) seen.formats.push(found.name)
    policies ??= await open(found)
  }

  const judge = (entry: LogEntry): void | Promise<void> => {
    seen.requests++
    if (entry.time !== undefined) {
      seen.from = Math.min(seen.from ?? entry.time, entry.time)
      seen.to = Math.max(seen.to ?? entry.time, entry.time)
    }
    return policies!.judge(entry, seen.lines)
  }

  const spoilt = (text: string): void => {
    seen.bad.count++
    if (seen.bad.first.length < MOST_BAD) seen.bad.first.push({ line: seen.lines, text: printable(text.slice(0, 200)) })
  }

  const parse = (line: string): void | Promise<void> => {
    const entry = format!.parse(line)
    if (entry === undefined) return spoilt(line)
    if (entry !== null) return judge(entry)
    seen.others++
  }

  const readLine = (text: string): void | Promise<void> => {
    seen.lines++
    const line = text.endsWith('\r') ? text.slice(0, -1) : text
    if (line === '') seen.others++
    else if (line.length >= LONGEST_LINE) spoilt(line)
    else if (format !== undefined) return parse(line)
    else return sniff(line)
  }

  const sniff = (line: string): void | Promise<void> => {
    const found = formatOf(line)
    if (found !== undefined) return use(found).then(() => parse(line))
    if (line.startsWith('{"')) seen.others++
    else spoilt(line)
    if (seen.lines > FIRST_LINES && seen.requests === 0) throw new Error(UNKNOWN)
  }

  const readHar = async (text: string): Promise<void> => {
    await use({ name: 'har', tells: OWN, parse: () => undefined })
    for (const entry of harEntries(text)) {
      seen.lines++
      if (entry === undefined) spoilt('(an entry without a request)')
      else if (entry === null) seen.others++
      else await judge(entry)
    }
  }

  for (const file of await inOrder(files)) {
    format = undefined
    onProgress(file, 0, seen.lines)
    const { stream, start, progress } = await openSource(file, stdin)
    if (looksLikeHar(start)) {
      await readHar(await whole(stream, LARGEST_HAR))
    } else {
      await eachBatch(stream, async (lines) => {
        for (const line of lines) {
          const waits = readLine(line)
          if (waits !== undefined) await waits
        }
        onProgress(file, progress(), seen.lines)
      })
    }
  }
  if (policies === undefined) throw new Error(UNKNOWN)
  return { ...seen, ...policies.read() }
}
