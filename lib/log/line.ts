import type { LogLevel } from '../../types/index.ts'

/** One request, as the access log tells of it. All texts are printable. */
export interface Entry {
  time: number
  level: LogLevel
  outcome: 'passed' | 'refused'
  client: string
  /** The check and the entry that matched. */
  by?: string
  status: number
  method: string
  url: string
  agent: string
  reference?: string
}

/** pino's numbers. */
const LEVELS: Readonly<Record<LogLevel, number>> = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 }

/** In the form of pino's own lines, so that its tools can read them. */
export function jsonLine ({ time, level, outcome, client, by, status, method, url, agent, reference }: Entry): string {
  return `${JSON.stringify({ level: LEVELS[level], time, outcome, client, by, status, method, url, agent, reference })}\n`
}

/** Blanks part the fields; what a client chose stands in quotes. */
export function textLine ({ time, level, outcome, client, by, status, method, url, agent, reference }: Entry): string {
  const rule = by === undefined ? '' : ` by ${quoted(by)}`
  const id = reference === undefined ? '' : ` ${reference}`
  return `${new Date(time).toISOString()} ${level.toUpperCase().padEnd(5)} ${client === '' ? '-' : client} ${outcome}${rule} ${status} ${quoted(`${method} ${url}`)} ${quoted(agent)}${id}\n`
}

function quoted (text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
