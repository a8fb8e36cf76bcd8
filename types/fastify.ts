import type { GuardApi, RequestGuard } from './api.ts'
import type { RouteGuard } from './options.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Rules of this route, merged over the plugin's; `false` switches the guard off here. Use `guard()` to have its names checked. */
    guard?: RouteGuard
  }
  interface FastifyInstance {
    guard: GuardApi
  }
  interface FastifyRequest {
    readonly guard: RequestGuard
  }
  interface FastifyReply {
    /** Nonces of this answer's Content-Security-Policy, where the route's has any. */
    cspNonce: { script: string, style: string }
  }
}
