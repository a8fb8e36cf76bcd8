import type { Ban } from './bans.ts'

/** The first line, so that a later version can tell. */
export const HEAD = '{"format":"fastify-api-guard bans","version":1}'
/** Bytes of a line; no ban of ours has more. */
export const LINE = 4096

/** A line of the file. A lift is one too, of the kind `lift`: `since` is when it was, `until` for how long it is remembered. */
export type FileRow = [client: string, since: number, until: number, kind: Ban['kind'] | 'lift', reason: string, times: number, remembered: number]

/** Places of a row with a text; at the others are numbers. */
const TEXTS = new Set([0, 3, 4])

export function banLine ({ client, since, until, kind, reason, past }: Ban): string {
  return lineOf([client, since, until, kind, reason, past?.times ?? 0, past?.until ?? 0])
}

export function liftLine (client: string, since: number, until: number): string {
  return lineOf([client, since, until, 'lift', '', 0, 0])
}

function lineOf (row: FileRow): string {
  return `${JSON.stringify(row)}\n`
}

/** @returns `undefined` if the line is none of ours */
export function rowOf (line: string): FileRow | undefined {
  try {
    const row = JSON.parse(line) as unknown
    return isRow(row) ? row : undefined
  } catch {
    return undefined
  }
}

function isRow (value: unknown): value is FileRow {
  if (!Array.isArray(value) || value.length !== 7) return false
  return value.every((part: unknown, i) => TEXTS.has(i) ? typeof part === 'string' : Number.isFinite(part))
}

/** Lines of a text, cut at a length that none of ours has: a file of something else must not become one text. */
export async function * linesOf (chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!.slice(0, LINE)
    yield * lines
  }
  if (rest !== '') yield rest
}
