import { finished } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { errorMaker, problem, refusalHeaders, type MakeError } from './answer.ts'
import { count, declaredTooLarge } from './checks/max-body-bytes.ts'
import type { Refusal, Visit } from './check.ts'
import type { Step } from './compile.ts'
import { handOver } from './explain/probe.ts'
import { setVisit, visitOf, type Guard, type Hook } from './guard.ts'
import { applyHeaders, ensureHeaders } from './headers/apply.ts'
import { ensureVary, isPreflight } from './headers/cors.ts'
import type { RouteTable } from './headers/targets.ts'
import { report } from './report.ts'
import { recordFor, unmatchedRecord, type RouteRecord } from './routes.ts'
import { run, type Refused } from './run.ts'
import { isUnread, tellUnread } from './unread-body.ts'

type Done = (error?: Error) => void
type SendHook = (request: FastifyRequest, reply: FastifyReply, payload: unknown, done: (error?: Error | null, payload?: unknown) => void) => void

/** The instance's hooks. They run on every request, so what a route does not need costs it one test. */
export interface Hooks {
  onRequest: Hook
  preValidation: Hook
  preHandler: Hook
  onSend: SendHook
}

export function hooks (guard: Guard): Hooks {
  const makeError = errorMaker(guard.options.response?.messages)
  const bodyChecks = (request: FastifyRequest, reply: FastifyReply, visit: Visit, done: Done): void => {
    const steps = visit.trusted ? visit.chain.trusted.body : visit.chain.body
    if (steps.length === 0 || visit.refused !== undefined) return done()
    settle(run(guard, steps, request, reply, visit), request, reply, visit, makeError, done)
  }

  const limitBody = (max: number, request: FastifyRequest, reply: FastifyReply, visit: Visit, done: Done): void => {
    const error = (refusal: Refusal): Error | undefined => {
      const verdict = report(guard, 'maxBodyBytes', refusal, visit.chain.passive, request, visit)
      return visit.chain.passive ? undefined : refusalError({ refusal, verdict }, reply, visit, makeError)
    }
    const declared = declaredTooLarge(request, max)
    if (declared !== undefined) return done(error(declared))
    if (request.headers['content-length'] === undefined) {
      count(request, max, (refusal) => {
        const refused = error(refusal)
        if (refused === undefined) return false
        if (request.raw.httpVersionMajor === 1) reply.header('connection', 'close')
        if (!reply.sent) reply.send(refused)
        // Whoever still waits for the body learns that there will be no more of it.
        finished(reply.raw, () => { request.raw.destroy() })
        return true
      })
    }
    done()
  }

  const limited = (max: number, request: FastifyRequest, reply: FastifyReply, visit: Visit, done: Done): Done => {
    return (error) => { if (error === undefined) limitBody(max, request, reply, visit, done); else done(error) }
  }

  // A function that makes closures pays for what they close over at each call, also where it makes none of them:
  // what every request runs through makes none.
  const judge = (request: FastifyRequest, reply: FastifyReply, done: Done): void => {
    const record = recordFor(guard, request)
    const visit = visitFor(guard, request, record)
    setVisit(request, visit)
    guard.traffic?.count(record)
    const { chain } = visit
    if (chain.headers !== undefined) applyHeaders(reply, chain.headers, guard.clients.secure(request))
    const steps = visit.trusted ? chain.trusted.request : chain.request
    const next = chain.maxBodyBytes === undefined ? done : limited(chain.maxBodyBytes, request, reply, visit, done)
    const waits = chain.cors?.headers(request, reply)
    if (waits !== undefined) runAfter(waits, steps, request, reply, visit, next)
    else if (steps.length === 0) next()
    else settle(run(guard, steps, request, reply, visit), request, reply, visit, makeError, next)
  }

  const runAfter = (waits: Promise<void>, steps: readonly Step[], request: FastifyRequest, reply: FastifyReply, visit: Visit, done: Done): void => {
    waits.then(() => settle(run(guard, steps, request, reply, visit), request, reply, visit, makeError, done), done)
  }

  const finish = (reply: FastifyReply, payload: unknown, refused: Refused | undefined, done: Parameters<SendHook>[3]): void => {
    if (refused === undefined) done()
    else finishRefusal(reply, payload, refused, done)
  }

  const finishRefusal = (reply: FastifyReply, payload: unknown, refused: Refused, done: Parameters<SendHook>[3]): void => {
    const answer = guard.options.response?.format === 'problem' ? problem(reply, payload, refused, guard.options) : payload
    const waits: unknown = guard.options.response?.modify?.(reply, refused.verdict)
    if (waits instanceof Promise) waits.then(() => done(null, answer), (error: Error) => done(error))
    else done(null, answer)
  }

  const toPreflight = (targets: RouteTable<RouteRecord>, request: FastifyRequest, reply: FastifyReply, done: Done): void => {
    preflight(guard, targets, request, reply, makeError, done, () => judge(request, reply, done))
  }

  const finishAfter = (seen: Promise<unknown>, reply: FastifyReply, payload: unknown, refused: Refused | undefined, done: Parameters<SendHook>[3]): void => {
    seen.then(() => finish(reply, payload, refused, done)).catch(done)
  }

  return {
    onRequest (request, reply, done) {
      if (guard.explaining > 0 && handOver(request, reply)) return
      if (guard.targets === undefined || !isPreflight(request)) judge(request, reply, done)
      else toPreflight(guard.targets, request, reply, done)
    },

    preValidation (request, reply, done) {
      const visit = visitOf(request)
      if (visit === null || visit.chain.body.length === 0) return done()
      if (request.body === undefined || request.body === null) return done()
      visit.bodySeen = true
      visit.unread = !visit.trusted && isUnread(request)
      bodyChecks(request, reply, visit, done)
    },

    // A multipart body may be attached by a preValidation hook that runs after ours.
    preHandler (request, reply, done) {
      const visit = visitOf(request)
      if (visit === null || visit.bodySeen || visit.chain.body.length === 0) return done()
      if (request.body === undefined || request.body === null) {
        visit.unread = !visit.trusted && isUnread(request)
        return done()
      }
      visit.bodySeen = true
      bodyChecks(request, reply, visit, done)
    },

    onSend (request, reply, payload, done) {
      // An answer given before our onRequest hook ran, e.g. by a plugin registered earlier.
      const known = visitOf(request)
      const { chain, refused } = known ?? visitFor(guard, request)
      if (known?.unread === true) tellUnread(guard, request, known)
      if (chain.cors?.varies === true) ensureVary(reply)
      if (chain.headers !== undefined) ensureHeaders(reply, chain.headers, guard.clients.secure(request), known !== null)
      if (known !== null && chain.send.length > 0) {
        const seen = seeAnswer(known, request, reply, payload)
        if (seen !== undefined) return finishAfter(seen, reply, payload, refused, done)
      }
      finish(reply, payload, refused, done)
    }
  }
}

export function visitFor (guard: Guard, request: FastifyRequest, { chain, url } = recordFor(guard, request)): Visit {
  const client = guard.clients.client(request)
  return {
    chain: chain!,
    client,
    trusted: chain!.trust !== undefined && client.address !== undefined && chain!.trust.has(client.address),
    route: url,
    verdicts: [],
    refused: undefined,
    bodySeen: false,
    unread: false,
    verifiedBot: undefined,
    principal: undefined,
    after: undefined,
    view: undefined
  }
}

/**
 * A preflight passes the checks of the route that it asks for, and is answered for it. Where that route has no CORS,
 * or leaves preflights to the application, it is an ordinary request of the route it matches: `otherwise`.
 */
function preflight (guard: Guard, targets: RouteTable<RouteRecord>, request: FastifyRequest, reply: FastifyReply, makeError: MakeError, done: Done, otherwise: () => void): void {
  const visit = preflightVisit(guard, targets, request)
  if (visit === undefined) return otherwise()
  const { headers } = visit.chain
  const cors = visit.chain.cors!
  setVisit(request, visit)
  // Where the application answers, the headers of the route that the request matches are set over them.
  const secure = guard.clients.secure(request)
  if (headers !== undefined) applyHeaders(reply, headers, secure)
  const answer = (answered: boolean): void => { if (!answered) otherwise() }
  const passed = (error?: Error): void => {
    if (error !== undefined) return done(error)
    const outcome = cors.preflight(request, reply)
    if (outcome instanceof Promise) outcome.then(answer, done)
    else answer(outcome)
  }
  settle(run(guard, preflightSteps(visit), request, reply, visit), request, reply, visit, makeError, passed)
}

/** The visit of a preflight to the route that it asks for; `undefined` where it is an ordinary request. */
export function preflightVisit (guard: Guard, targets: RouteTable<RouteRecord>, request: FastifyRequest): Visit | undefined {
  const method = String(request.headers['access-control-request-method'])
  const target = targets.find(method, request.raw.url ?? '', request.headers.host ?? request.headers[':authority'] as string | undefined) ?? unmatchedRecord(request.server)
  return preflightTo(guard, request, target, recordFor(guard, request))
}

/** @param own what the request itself matches */
export function preflightTo (guard: Guard, request: FastifyRequest, target: RouteRecord, own: RouteRecord): Visit | undefined {
  const visit = visitFor(guard, request, target)
  // A route for OPTIONS that has no CORS of ours answers preflights itself.
  return visit.chain.cors === undefined || (own.url !== undefined && own.chain?.cors === undefined) ? undefined : visit
}

/** The checks that a preflight has to pass. */
export function preflightSteps ({ trusted, chain }: Visit): readonly Step[] {
  return trusted ? chain.preflight.filter((step) => chain.trusted.request.some(({ check }) => check === step.check)) : chain.preflight
}

/** Shows an answer to what watches answers; a promise only where one of them has to wait. Nothing of it harms the answer. */
function seeAnswer (visit: Visit, request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> | undefined {
  const failed = (error: unknown): void => request.log.error({ event: 'guard.check_failed', err: error }, 'guard: an answer could not be looked at')
  const waits: Array<Promise<void>> = []
  for (const { see, below, trustSkips } of visit.chain.send) {
    if (visit.client.hash >= below || (trustSkips && visit.trusted)) continue
    try {
      const seen = see(request, visit, reply, payload)
      if (seen !== undefined) waits.push(seen.catch(failed))
    } catch (error) {
      failed(error)
    }
  }
  return waits.length === 0 ? undefined : Promise.all(waits)
}

/** Goes on, answers, or waits for a check that has to. */
function settle (outcome: Refused | undefined | Promise<Refused | undefined>, request: FastifyRequest, reply: FastifyReply, visit: Visit, makeError: MakeError, done: Done): void {
  // The client may go away while a check waits, and the check may never end: what waits for the end is told now.
  if (visit.after !== undefined) callAfter(visit, request, reply)
  if (outcome === undefined) done()
  else if (outcome instanceof Promise) settleLater(outcome, request, reply, visit, makeError, done)
  else refuse(outcome, reply, visit, makeError, done)
}

function settleLater (outcome: Promise<Refused | undefined>, request: FastifyRequest, reply: FastifyReply, visit: Visit, makeError: MakeError, done: Done): void {
  outcome.then((refused) => settle(refused, request, reply, visit, makeError, done), done)
}

function refuse (refused: Refused, reply: FastifyReply, visit: Visit, makeError: MakeError, done: Done): void {
  const error = refusalError(refused, reply, visit, makeError)
  if (refused.refusal.redirect === undefined) done(error)
  else reply.redirect(refused.refusal.redirect, refused.refusal.status)
}

/** Has what waits for the request's end be called then: once, whatever the end is, and also when the client goes away. */
function callAfter (visit: Visit, request: FastifyRequest, reply: FastifyReply): void {
  const after = visit.after!
  visit.after = undefined
  finished(reply.raw, () => { for (const call of after) call(request, reply) })
}

function refusalError (refused: Refused, reply: FastifyReply, visit: Visit, makeError: MakeError): Error {
  visit.refused = refused
  const { raw } = reply.request
  // Node hands over the socket of an upgrade; @fastify/websocket ends it only if its own hook saw the request.
  if (raw.headers.upgrade !== undefined && raw.httpVersionMajor === 1) reply.raw.once('finish', () => raw.socket.destroySoon())
  refusalHeaders(reply, refused)
  const { code, status, reference: id } = refused.verdict
  return makeError(code, status, id, refused.refusal.message)
}
