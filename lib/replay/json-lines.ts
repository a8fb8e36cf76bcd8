import { isObject } from '../options/shape.ts'
import { ALL, isMethod, type LogEntry, type LogFormat } from './entry.ts'

type Json = Record<string, unknown>

/** Caddy's access log: https://caddyserver.com/docs/caddyfile/directives/log */
const caddy: LogFormat = {
  name: 'caddy',
  tells: ALL,
  parse: jsonLine((line) => {
    const request = line['request']
    if (!isObject(request)) return null
    const headers = headersOf(request['headers'])
    if (typeof request['host'] === 'string') headers['host'] = request['host']
    return entry(request, { ip: request['client_ip'] ?? request['remote_ip'], url: request['uri'], headers, status: line['status'], time: seconds(line['ts']), secure: request['tls'] !== undefined })
  })
}

/** Fastify's own request log and pino-http's. */
const pino: LogFormat = {
  name: 'pino',
  tells: new Set(['address', 'host']),
  parse: jsonLine((line) => {
    const request = line['req']
    if (!isObject(request)) return null
    const headers = headersOf(request['headers'])
    const host = request['host'] ?? request['hostname']
    if (typeof host === 'string') headers['host'] ??= host
    const status = isObject(line['res']) ? line['res']['statusCode'] : undefined
    return entry(request, { ip: request['remoteAddress'], url: request['url'], headers, status, time: instant(line['time']), secure: false })
  })
}

/** The guard's own access log, where it is JSON. */
const guardLog: LogFormat = {
  name: 'guard',
  tells: new Set(['address', 'user-agent']),
  parse: jsonLine((line) => typeof line['client'] !== 'string'
    ? null
    : entry(line, { ip: line['client'], url: line['url'], headers: headersOf({ 'user-agent': line['agent'] === '' ? undefined : line['agent'] }), status: line['status'], time: instant(line['time']), secure: false }))
}

/** Which of the three a line is of; `undefined`: none, or a message that is no request. */
export function jsonFormat (line: string): LogFormat | undefined {
  const value = parsed(line)
  if (value === undefined) return undefined
  if (isObject(value['request'])) return caddy
  if (typeof value['client'] === 'string' && typeof value['outcome'] === 'string') return guardLog
  if (isObject(value['req']) && isObject(value['req']['headers'])) return { ...pino, tells: new Set(['address', 'headers', 'user-agent', 'referer', 'host']) }
  return isObject(value['req']) ? pino : undefined
}

interface Fields { ip: unknown, url: unknown, headers: Record<string, string>, status: unknown, time: number | undefined, secure: boolean }

export function entry ({ method }: Json, { ip, url, headers, status, time, secure }: Fields): LogEntry | undefined {
  if (!isMethod(method) || typeof url !== 'string' || url === '') return undefined
  return { time, ip: typeof ip === 'string' ? ip : '', method, url, headers, status: typeof status === 'number' ? status : undefined, secure }
}

function jsonLine (read: (line: Json) => LogEntry | null | undefined): LogFormat['parse'] {
  return (line) => {
    const value = parsed(line)
    return value === undefined ? undefined : read(value)
  }
}

function parsed (line: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Names in lower case; several lines of one header are joined as Node joins them. */
export function headersOf (value: unknown): Record<string, string> {
  const headers: Record<string, string> = {}
  if (!isObject(value)) return headers
  for (const [name, header] of Object.entries(value)) {
    const text: unknown = Array.isArray(header) ? header.join(name.toLowerCase() === 'cookie' ? '; ' : ', ') : header
    if (typeof text === 'string' && name !== '__proto__') headers[name.toLowerCase()] = text
  }
  return headers
}

/** Caddy writes seconds with a fraction, or what it was told to. */
function seconds (value: unknown): number | undefined {
  return typeof value === 'number' ? (value > 1e11 ? value : value * 1000) : instant(value)
}

export function instant (value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  const time = typeof value === 'string' ? Date.parse(value) : NaN
  return Number.isNaN(time) ? undefined : time
}
