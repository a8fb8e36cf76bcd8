import type { FastifyRequest } from 'fastify'
import { essence, hasBody } from './checks/content-type.ts'
import type { Visit } from './check.ts'
import type { Guard } from './guard.ts'
import { printable } from './report.ts'

/** Fastify parses none of theirs, and shows none to a handler. */
const BODYLESS = new Set(['GET', 'HEAD', 'TRACE'])

/** Whether the body of a request that is about to be handled was left to the handler: a stream, parts of a form. */
export function isUnread (request: FastifyRequest): boolean {
  const { body, method } = request
  if (body !== undefined) return typeof (body as { pipe?: unknown } | null)?.pipe === 'function'
  return !BODYLESS.has(method) && hasBody(request)
}

/** Says, once for a route, that its handler got a body which neither a check nor `request.guard.inspect` has seen. */
export function tellUnread (guard: Guard, { method, headers }: FastifyRequest, { route, refused }: Visit): void {
  if (route === undefined || refused !== undefined || guard.unread.has(route)) return
  guard.unread.add(route)
  const type = printable(essence(headers['content-type'])) || 'no type'
  guard.emit({ type: 'warning', time: guard.services.now(), code: 'GUARD_BODY_UNREAD', message: `a body (${type}) of ${method} ${route} was read by no check: hand its parts to request.guard.inspect()` })
}
