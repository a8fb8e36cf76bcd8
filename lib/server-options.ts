import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify'
import { errorMaker, refusalHeaders } from './answer.ts'
import { MESSAGES } from './codes.ts'
import type { Refusal } from './check.ts'
import { guardOf, setVisit, type Guard } from './guard.ts'
import { applyHeaders, headerRecord } from './headers/apply.ts'
import { visitFor } from './hooks.ts'
import { report } from './report.ts'
import { run, type Refused } from './run.ts'
import type { GuardCode } from '../types/index.ts'

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
const EARLY = new Set(['emergency', 'ban', 'ip'])

/**
 * Options for `Fastify()` that make malformed URLs, over-long parameters and HTTP parser errors visible to the
 * guard: counted, logged, answered, and able to lead to a ban. No hook runs for these. The application's own
 * `frameworkErrors` and `clientErrorHandler` are called after the guard.
 *
 * @param options what `Fastify()` is to get; returned with the two handlers set
 */
export function guardServerOptions<T extends object> (options: T = {} as T): T & Pick<FastifyServerOptions, 'frameworkErrors' | 'clientErrorHandler'> {
  const own = options as FastifyServerOptions
  return {
    ...options,
    frameworkErrors: frameworkErrors(own.frameworkErrors),
    clientErrorHandler: clientErrors(own.clientErrorHandler)
  }
}

function frameworkErrors (own: FrameworkErrors | undefined): FrameworkErrors {
  const makeError = errorMaker()
  return function guardFrameworkErrors (error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
    const guard = guardOf(request.server)
    const refusal = FRAMEWORK[error.code]
    const after = (): void => {
      if (own !== undefined) own(error, request as never, reply as never)
      else reply.code(error.statusCode ?? 500).send(error)
    }
    if (guard === undefined || refusal === undefined) return after()
    withAddress(request)
    const visit = visitFor(guard, request)
    setVisit(request, visit)
    const { headers } = visit.chain
    if (headers !== undefined) applyHeaders(reply, headers, guard.clients.secure(request))
    const steps = (visit.trusted ? visit.chain.trusted : visit.chain).request.filter(({ key }) => EARLY.has(key))
    const answer = (refused: Refused | undefined): void => {
      if (refused === undefined) {
        const verdict = report(guard, 'malformed', refusal, guard.options.mode === 'passive', request, visit)
        if (own !== undefined) return after()
        refused = { refusal, verdict }
      }
      refusalHeaders(reply, refused)
      const { verdict: { code, status, reference } } = refused
      const { message } = makeError(code, status, reference)
      reply.code(status).send({ statusCode: status, code, error: STATUS_CODES[status], message: guard.options.response?.messages?.[code] ?? message })
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
    // A client that is slow is not malformed; it gets Node's 408.
    if (guard === undefined || error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return own === undefined ? close(socket, 408) : own.call(this, error as never, socket)
    judgeSocket(guard, this, error, socket).then((refused) => {
      const mine = refused.refusal !== MALFORMED && refused.refusal !== OVERFLOW
      if (own !== undefined && !mine) return own.call(this, error as never, socket)
      close(socket, refused.verdict.status, refused, guard)
    }).catch(() => socket.destroy())
  }
}

type Answer = Refused & { headers: Readonly<Record<string, string>> | undefined }

async function judgeSocket (guard: Guard, instance: FastifyInstance, error: ClientError, socket: Socket): Promise<Answer> {
  const request = socketRequest(instance, socket)
  const visit = visitFor(guard, request)
  const headers = visit.chain.headers === undefined ? undefined : headerRecord(visit.chain.headers, guard.clients.secure(request))
  const steps = (visit.trusted ? visit.chain.trusted : visit.chain).request.filter(({ key }) => EARLY.has(key))
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
  return { raw, socket, headers: raw.headers, ip: socket.remoteAddress, protocol: 'http', method: '', id: '', log: instance.log, server: instance, is404: true, routeOptions: { config: undefined } } as unknown as FastifyRequest
}

function close (socket: Socket, status: number, refused?: Answer, guard?: Guard): void {
  if (socket.writable) {
    const code: GuardCode | undefined = refused?.verdict.code
    const label = STATUS_CODES[status] ?? ''
    const message = code === undefined ? 'Client Timeout' : guard?.options.response?.messages?.[code] ?? MESSAGES[code]
    const body = JSON.stringify({ statusCode: status, ...(code !== undefined && { code }), error: label, message })
    const headers: Record<string, string> = {
      ...refused?.headers,
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(Buffer.byteLength(body)),
      connection: 'close',
      ...(refused !== undefined && { 'x-guard-reference': refused.verdict.reference, ...refused.refusal.headers })
    }
    socket.write(`HTTP/1.1 ${status} ${label}\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`)
  }
  socket.destroySoon()
}
