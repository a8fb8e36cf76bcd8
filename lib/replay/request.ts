import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import { kGuard, type Guard } from '../guard.ts'
import { requestGuard } from '../request-guard.ts'
import type { LogEntry } from './entry.ts'

const silent = (): void => {}
const log = { level: 'silent', fatal: silent, error: silent, warn: silent, info: silent, debug: silent, trace: silent, silent, child: () => log } as unknown as FastifyBaseLogger

export { log as silentLog }

/** What checks read of a request, as far as a log tells it. */
export function requestOf (guard: Guard, entry: LogEntry, number: number): FastifyRequest {
  const { method, url, headers, ip, secure, body } = entry
  const host = headers['host'] ?? ''
  return {
    id: `line-${number}`,
    method,
    url,
    originalUrl: url,
    headers,
    body,
    ip,
    host,
    hostname: host.replace(/:\d+$/, ''),
    protocol: secure === true ? 'https' : 'http',
    get query () { return Object.fromEntries(new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '')) },
    get guard () { return requestGuard(guard, this as unknown as FastifyRequest) },
    params: {},
    log,
    server: serverOf(guard),
    raw: { method, url, headers, httpVersionMajor: 1, socket: { remoteAddress: ip === '' ? undefined : ip, encrypted: secure === true } }
  } as unknown as FastifyRequest
}

/** The answer that the log tells of; what is written to it is nobody's. */
export function replyOf (request: FastifyRequest, { status = 200 }: LogEntry): FastifyReply {
  const reply = { request, statusCode: status, sent: true, header: () => reply, headers: () => reply, getHeader: () => undefined, log, raw: { headersSent: true, statusCode: status } }
  return reply as unknown as FastifyReply
}

const servers = new WeakMap<Guard, object>()

/** The application, guarded by another guard. */
function serverOf (guard: Guard): object {
  let server = servers.get(guard)
  if (server === undefined) servers.set(guard, server = Object.create(guard.services.app, { [kGuard]: { value: guard } }) as object)
  return server
}
