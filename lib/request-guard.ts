import type { FastifyRequest } from 'fastify'
import type { Visit } from './check.ts'
import { setVisit, visitOf, type Guard } from './guard.ts'
import { visitFor } from './hooks.ts'
import { printable, report } from './report.ts'
import type { Bot, CloudProvider, Place, RequestGuard } from '../types/index.ts'

/** `request.guard`, made when it is first asked for. */
export function requestGuard (guard: Guard, request: FastifyRequest): RequestGuard {
  let visit = visitOf(request)
  if (visit === null) setVisit(request, visit = visitFor(guard, request))
  visit.view ??= viewOf(guard, request, visit)
  // An earlier check or the gate's own `verify` may have asked for the view before there was a principal.
  if (visit.principal !== undefined && visit.view.principal === undefined) visit.view.principal = visit.principal
  return visit.view
}

function viewOf (guard: Guard, request: FastifyRequest, visit: Visit): RequestGuard {
  const view = { ip: visit.client.ip, ...placeOf(guard, visit), trusted: visit.trusted, verdicts: visit.verdicts, ...(visit.principal !== undefined && { principal: visit.principal }) }
  if (guard.services.bots.used()) Object.defineProperty(view, 'bot', { enumerable: true, get: () => botOf(guard, request, visit) })
  // The methods are no data: a log line or a template that spreads the object must not meet them.
  Object.defineProperty(view, 'inspect', {
    value (value: unknown, where: string) {
      visit.unread = false
      const { inspect } = visit.chain
      if (inspect === undefined || visit.trusted || visit.client.hash >= inspect.below) return undefined
      const refusal = inspect.judge(value, where)
      return refusal === undefined ? undefined : report(guard, 'detection', refusal, inspect.passive, request, visit)
    }
  })
  Object.defineProperty(view, 'strike', {
    value (reason: string) {
      const { ban } = visit.chain
      if (ban !== undefined && !visit.trusted) guard.services.bans.strike(visit.client, 'custom', undefined, ban, printable(reason))
    }
  })
  return view as unknown as RequestGuard
}

/** Made anew only where there is something to add to what is known of the agent. */
function botOf (guard: Guard, request: FastifyRequest, { verifiedBot }: Visit): Bot | undefined {
  const bot = guard.services.bots.of(request.headers['user-agent'])
  if (bot === undefined) return undefined
  const { name, categories } = bot
  return verifiedBot === undefined ? { name, categories } : { name, categories, verified: verifiedBot }
}

/** A handler of the application may fail; whoever reads `request.guard` is not the one to hear of it. */
function placeOf ({ services, log }: Guard, { client }: Visit): Place & { cloud?: CloudProvider } | undefined {
  try {
    const cloud = services.clouds.providerOf(client)
    return { ...services.geo?.place(client), ...(cloud !== undefined && { cloud }) }
  } catch (error) {
    log.error({ event: 'guard.geo_failed', err: error }, 'guard: geo lookup failed')
    return undefined
  }
}
