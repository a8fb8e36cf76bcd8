import { combined } from './combined.ts'
import type { LogFormat } from './entry.ts'
import { jsonFormat } from './json-lines.ts'

/** The format of a log, by one of its lines; `undefined`: of none that is known. */
export function formatOf (line: string): LogFormat | undefined {
  return line.startsWith('{') ? jsonFormat(line) : combined(line)
}

/** Whether a document's first lines are those of a HAR: it is one JSON value over many lines. */
export function looksLikeHar (start: string): boolean {
  return /^\ufeff?\s*\{\s*"log"\s*:/.test(start)
}
