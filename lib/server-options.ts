import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify'
import { bodyOf, refusalHeaders } from './answer.ts'
import type { Refusal } from './check.ts'
import { handOver } from './explain/probe.ts'
import { guardOf, setVisit, type Guard } from './guard.ts'
import { applyHeaders, headerRecord } from './headers/apply.ts'
import { visitFor } from './hooks.ts'
import { report } from './report.ts'
import { recordFor } from './routes.ts'
import { run, type Refused } from './run.ts'

type FrameworkErrors = NonNullable<FastifyServerOptions['frameworkErrors']>
type ClientError = Error & { code?: string }

/** What no hook of Fastify sees, by the router's own code. */
const FRAMEWORK: Readonly<Record<string, Refusal>> = {
  FST_ERR_BAD_URL: { code: 'GUARD_BAD_URL', status: 400, reason: 'URL is malformed', strike: 'malformed' },
  FST_ERR_MAX_PARAM_LENGTH: { code: 'GUARD_PARAM_TOO_LONG', status: 414, reason: 'URL parameter is longer than maxParamLength', strike: 'malformed' }
}

const OVERFLOW: Refusal = { code: 'GUARD_HEADERS_TOO_LARGE', status: 431, reason: 'headers are larger than the server takes', strike: 'malformed' }
const MALFORMED: Refusal = { code: 'GUARD_BAD_REQUEST', status: 400, reason: 'not a well-formed HTTP request', strike: 'malformed' }

/** The checks that apply to requests which the router or the parser refuses. */
const EARLY: ReadonlySet<string> = new Set(['emergency', 'ban', 'ip'])

export const isEarly = ({ key }: { key: string }): boolean => EARLY.has(key)

/**
 * Options for `Fastify()` that make malformed URLs, over-long parameters and HTTP parser errors visible to the
 * guard: counted, logged, answered, and able to lead to a ban. No hook runs for these. The application's own
 * `frameworkErrors` and `clientErrorHandler` are called after the guard.
 *
 * @param options what `Fastify()` is to get; returned with the two handlers set
 */
export function guardServerOptions<T extends object> (options: T = {} as T): T & GuardServerOptions {
  const own = options as FastifyServerOptions
  return {
    ...options,
    frameworkErrors: frameworkErrors(own.frameworkErrors) as GuardServerOptions['frameworkErrors'],
    clientErrorHandler: clientErrors(own.clientErrorHandler)
  }
}

/** For servers of every kind: http, https and HTTP/2 have other types of requests. */
export interface GuardServerOptions {
  frameworkErrors: <Request, Reply>(error: FastifyError, request: Request, reply: Reply) => void
  clientErrorHandler: (error: Error & { code: string, bytesParsed: number, rawPacket: { type: string, data: number[] } }, socket: Socket) => void
}

function frameworkErrors (own: FrameworkErrors | undefined): FrameworkErrors {
  return function guardFrameworkErrors (error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
    const guard = guardOf(request.server)
    const refusal = FRAMEWORK[error.code]
    const after = (): void => {
      if (own !== undefined) own(error, request as never, reply as never)
      else reply.code(error.statusCode ?? 500).send(error)
    }
    if (guard === undefined || refusal === undefined || guard.options.mode === 'off') return after()
    withAddress(request)
    if (guard.explaining > 0 && handOver(request, reply, refusal)) return
    guard.traffic?.count(recordFor(guard, request))
    const visit = visitFor(guard, request)
    setVisit(request, visit)
    const { headers } = visit.chain
    if (headers !== undefined) applyHeaders(reply, headers, guard.clients.secure(request))
    const steps = (visit.trusted ? visit.chain.trusted : visit.chain).request.filter(isEarly)
    const answer = (refused: Refused | undefined): void => {
      if (refused === undefined) {
        const verdict = report(guard, 'malformed', refusal, guard.options.mode === 'passive', request, visit)
        if (own !== undefined || verdict.action === 'report') return after()
        refused = { refusal, verdict }
      }
      refusalHeaders(reply, refused)
      const { type, body } = bodyOf(refused, guard.options)
      reply.code(refused.verdict.status).header('content-type', type)
      // Nothing above us would catch what it throws: the process would end.
      try {
        const waits: unknown = guard.options.response?.modify?.(reply, refused.verdict)
        if (waits instanceof Promise) waits.then(() => reply.send(body), (failure: Error) => reply.send(failure))
        else reply.send(body)
      } catch (failure) {
        reply.send(failure)
      }
    }
    const outcome = run(guard, steps, request, reply, visit)
    if (outcome instanceof Promise) outcome.then(answer, after)
    else answer(outcome)
  } as FrameworkErrors
}

/**
 * For a malformed URL Fastify makes a request of its plain class, whose `ip` knows nothing of `trustProxy`: it
 * would take a proxy for the client. The instance's own class knows.
 */
function withAddress (request: FastifyRequest): void {
  const symbol = Object.getOwnPropertySymbols(request.server).find(({ description }) => description === 'fastify.Request')
  const own = symbol === undefined ? undefined : (request.server as unknown as Record<symbol, { prototype: object }>)[symbol]
  if (own === undefined) return
  for (const name of ['ip', 'ips', 'protocol']) {
    const property = find(own.prototype, name)
    if (property !== undefined) Object.defineProperty(request, name, property)
  }
}

function find (prototype: object | null, name: string): PropertyDescriptor | undefined {
  for (let at = prototype; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const property = Object.getOwnPropertyDescriptor(at, name)
    if (property !== undefined) return property
  }
  return undefined
}

function clientErrors (own: FastifyServerOptions['clientErrorHandler']): NonNullable<FastifyServerOptions['clientErrorHandler']> {
  return function guardClientErrors (this: FastifyInstance, error: ClientError, socket: Socket) {
    if (error.code === 'ECONNRESET' || socket.destroyed) return
    const guard = guardOf(this)
    // A client that is slow, or whose connection breaks, is not malformed.
    if (guard === undefined || guard.options.mode === 'off' || error.code?.startsWith('HPE_') !== true) return own === undefined ? close(socket, statusOf(error)) : own.call(this, error as never, socket)
    judgeSocket(guard, this, error, socket).then((refused) => {
      const mine = refused.refusal !== MALFORMED && refused.refusal !== OVERFLOW
      if (own !== undefined && !mine) return own.call(this, error as never, socket)
      close(socket, refused.verdict.status, refused, guard)
    }).catch(() => socket.destroy())
  }
}

/** As Node answers by itself. */
function statusOf ({ code }: ClientError): number {
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : code === 'HPE_HEADER_OVERFLOW' ? 431 : 400
}

type Answer = Refused & { headers: Readonly<Record<string, string>> | undefined }

async function judgeSocket (guard: Guard, instance: FastifyInstance, error: ClientError, socket: Socket): Promise<Answer> {
  const request = socketRequest(instance, socket)
  guard.traffic?.count(recordFor(guard, request))
  const visit = visitFor(guard, request)
  const headers = visit.chain.headers === undefined ? undefined : headerRecord(visit.chain.headers, guard.clients.secure(request))
  const steps = (visit.trusted ? visit.chain.trusted : visit.chain).request.filter(isEarly)
  const early = await run(guard, steps, request, undefined as never, visit)
  if (early !== undefined) return { ...early, headers }
  const refusal = error.code === 'HPE_HEADER_OVERFLOW' ? OVERFLOW : MALFORMED
  // What a proxy sends on behalf of many is nobody's strike.
  const counted = guard.clients.trustsPeer(socket.remoteAddress ?? '') ? { ...refusal, strike: undefined } as unknown as Refusal : refusal
  return { refusal, headers, verdict: report(guard, 'malformed', counted, guard.options.mode === 'passive', request, visit) }
}

/** All that is known of a request that could not be parsed: where it came from. */
function socketRequest (instance: FastifyInstance, socket: Socket): FastifyRequest {
  const raw = { socket, headers: {}, url: '', method: '' }
  const protocol = (socket as { encrypted?: boolean }).encrypted === true ? 'https' : 'http'
  return { raw, socket, headers: raw.headers, ip: socket.remoteAddress, protocol, method: '', id: '', log: instance.log, server: instance, is404: true, routeOptions: { config: undefined } } as unknown as FastifyRequest
}

function close (socket: Socket, status: number, refused?: Answer, guard?: Guard): void {
  // An answer that is under way must not get ours into its body.
  const sent = (socket as { _httpMessage?: { headersSent?: boolean } })._httpMessage?.headersSent === true
  if (socket.writable && !sent) {
    const label = STATUS_CODES[status] ?? ''
    const { type, body } = refused === undefined || guard === undefined
      ? { type: 'application/json; charset=utf-8', body: JSON.stringify({ statusCode: status, error: label, message: label }) }
      : bodyOf(refused, guard.options)
    const headers: Record<string, string> = {
      ...refused?.headers,
      'content-type': type,
      'content-length': String(Buffer.byteLength(body)),
      connection: 'close',
      ...(refused !== undefined && { 'x-guard-reference': refused.verdict.reference, ...refused.refusal.headers })
    }
    socket.write(`HTTP/1.1 ${status} ${label}\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`)
  }
  socket.destroySoon()
}
