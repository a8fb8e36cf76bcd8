import fastifyCors, { type FastifyCorsOptions } from '@fastify/cors'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { CorsRules } from '../../types/index.ts'

export { corsConflict, corsShape } from './cors-shape.ts'

/** The CORS of one route, compiled. */
export interface Cors {
  /**
   * Sets the headers of an ordinary answer. Run before the checks, so that a page's script can read refusals too.
   * A promise only where `origin` is a function.
   */
  headers: (request: FastifyRequest, reply: FastifyReply) => void | Promise<void>
  /** Answers a preflight for this route: `true`. `false`: it is the application's. */
  preflight: (request: FastifyRequest, reply: FastifyReply) => boolean | Promise<boolean>
  /** The answer depends on `Origin`, for which `Vary` has to say so. */
  varies: boolean
}

/**
 * Checks that a preflight has to pass before it is answered: those that look at the client and the connection.
 * The others look at what a browser leaves out of a preflight, or count requests; the request itself has to pass them.
 */
export const PREFLIGHT_CHECKS: ReadonlySet<string> = new Set(['emergency', 'ban', 'ip', 'country', 'asn', 'cloud', 'https', 'hosts'])

/** What @fastify/cors reads of a request, and where it notes that a preflight may be answered. */
interface View {
  headers: FastifyRequest['headers']
  raw: FastifyRequest['raw']
  routeOptions: { config: undefined }
  corsPreflightEnabled: boolean
}

type Handler = (view: View, reply: FastifyReply, next: (error?: Error | null) => void) => void

/** A browser asks whether it may send a request: OPTIONS with both headers (Fetch standard, 4.8). Other OPTIONS are the application's. */
export function isPreflight ({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined
}

/**
 * Makes the CORS of a route out of @fastify/cors. It is not registered: that works once only, its preflights know
 * nothing of the route asked for, and its hook either runs before our checks (then a banned client gets its preflight)
 * or after them (then no script can read a refusal). So its hook is taken out of it, once for each set of options,
 * in which `corsConflict` has found nothing.
 */
export function compileCors (app: FastifyInstance, { inherit, ...rules }: CorsRules): Cors {
  const origin = originOf(rules.origin)
  const options = { ...rules, origin }
  const headers = hookOf(app, { ...options, preflight: false })
  const preflight = hookOf(app, { ...options, preflightContinue: true, strictPreflight: false })
  const asks = typeof origin === 'function'
  const varies = origin !== '*' && origin !== false && !(Array.isArray(origin) && origin.includes('*'))
  return {
    varies,
    headers (request, reply) {
      // No browser asks about another site: only caches have to know that the answer could be another one.
      if (varies && !asks && request.headers.origin === undefined) ensureVary(reply)
      else return call(headers, viewOf(request), reply, asks)
    },
    preflight (request, reply) {
      const view = viewOf(request)
      const answer = (): boolean => {
        if (!view.corsPreflightEnabled || rules.preflightContinue === true) return false
        reply.code(rules.optionsSuccessStatus ?? 204).send()
        return true
      }
      const waits = call(preflight, view, reply, asks)
      return waits === undefined ? answer() : waits.then(answer)
    }
  }
}

/** One origin is treated as a list of one: @fastify/cors would name it in answers to every other origin. */
function originOf (origin: CorsRules['origin'] = '*'): Exclude<CorsRules['origin'], undefined> {
  return typeof origin === 'string' && origin !== '*' ? [origin] : origin
}

/** The hook that @fastify/cors adds to an instance, without adding it. */
function hookOf (app: FastifyInstance, options: FastifyCorsOptions): Handler {
  let hook: Handler | undefined
  const recorder = Object.create(app, {
    addHook: { value: (_name: string, added: Handler) => { hook = added } },
    decorateRequest: { value: () => {} },
    options: { value: () => {} }
  }) as FastifyInstance
  fastifyCors(recorder, options, (error) => { if (error !== undefined) throw error })
  return hook!
}

function viewOf ({ headers, raw }: FastifyRequest): View {
  return { headers, raw, routeOptions: NO_CONFIG, corsPreflightEnabled: false }
}

/** `config.cors` is an option of @fastify/cors registered by the application, not ours: it would get round our checks of options. */
const NO_CONFIG = { config: undefined }

function call (hook: Handler, view: View, reply: FastifyReply, asks: boolean): void | Promise<void> {
  if (!asks) return hook(view, reply, throwIfError)
  return new Promise((resolve, reject) => {
    hook(view, reply, (error) => { if (error == null) resolve(); else reject(error) })
  })
}

function throwIfError (error?: Error | null): void {
  if (error != null) throw error
}

/** `onSend`: puts `Origin` back into a `Vary` that a handler has set after us. Without it a cache gives one site's answer to another. */
export function ensureVary (reply: FastifyReply): void {
  const vary = String(reply.getHeader('vary') ?? '')
  if (vary === 'Origin') return
  const names = vary.toLowerCase().split(',').map((name) => name.trim())
  if (!names.includes('origin') && !names.includes('*')) reply.header('vary', vary === '' ? 'Origin' : `${vary}, Origin`)
}
