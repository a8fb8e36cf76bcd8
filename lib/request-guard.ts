import type { FastifyRequest } from 'fastify'
import type { Visit } from './check.ts'
import { setVisit, visitOf, type Guard } from './guard.ts'
import { visitFor } from './hooks.ts'
import { report } from './report.ts'
import type { RequestGuard } from '../types/index.ts'

/** `request.guard`, made when it is first asked for. */
export function requestGuard (guard: Guard, request: FastifyRequest): RequestGuard {
  let visit = visitOf(request)
  if (visit === null) setVisit(request, visit = visitFor(guard, request))
  visit.view ??= viewOf(guard, request, visit)
  return visit.view
}

function viewOf (guard: Guard, request: FastifyRequest, visit: Visit): RequestGuard {
  const view = { ip: visit.client.ip, ...guard.services.geo?.place(visit.client), trusted: visit.trusted, verdicts: visit.verdicts, ...(visit.principal !== undefined && { principal: visit.principal }) }
  // The methods are no data: a log line or a template that spreads the object must not meet them.
  Object.defineProperty(view, 'inspect', {
    value (value: unknown, where: string) {
      const { inspect } = visit.chain
      if (inspect === undefined || visit.trusted) return undefined
      const refusal = inspect.judge(value, where)
      return refusal === undefined ? undefined : report(guard, 'detection', refusal, inspect.passive, request, visit)
    }
  })
  Object.defineProperty(view, 'strike', {
    value (reason: string) {
      const { ban } = visit.chain
      if (ban !== undefined && !visit.trusted) guard.services.bans.strike(visit.client, 'custom', undefined, ban, reason)
    }
  })
  return view as unknown as RequestGuard
}
