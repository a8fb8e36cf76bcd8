import Router, { type HTTPMethod } from 'find-my-way'
import type { FastifyInstance } from 'fastify'

/** Finds what belongs to the route that a method and a URL lead to. */
export interface RouteTable<T> {
  /** `host` is the route's `constraints.host`. */
  add: (methods: readonly string[], url: string, host: unknown, value: T) => void
  find: (method: string, url: string, host: string | undefined) => T | undefined
}

interface Entry<T> { methods: readonly string[], url: string, host: unknown, value: T }

const ignore = (): void => {}

/**
 * A table for preflights, whose own route says nothing of the route that they ask for. Fastify tells nobody which
 * route a URL would lead to, so its router is used a second time, with its settings; it is built when the first
 * preflight comes. Of routes that differ by version or by a constraint of the application only, the first counts:
 * a preflight has none of the headers that would tell them apart.
 */
export function routeTable<T> (config: FastifyInstance['initialConfig']): RouteTable<T> {
  const entries: Array<Entry<T>> = []
  let router: ReturnType<typeof build<T>> | undefined
  return {
    add (methods, url, host, value) {
      entries.push({ methods, url, host, value })
      router = undefined
    },
    find (method, url, host) {
      router ??= build(entries, config)
      return router.find(method as HTTPMethod, url, host === undefined ? {} : { host })?.store as T | undefined
    }
  }
}

function build<T> (entries: ReadonlyArray<Entry<T>>, config: FastifyInstance['initialConfig']): ReturnType<typeof Router> {
  const router = Router(settings(config))
  for (const { methods, url, host, value } of entries) {
    const options = host === undefined ? {} : { constraints: { host } }
    for (const method of methods as HTTPMethod[]) {
      if (!router.hasRoute(method, url, options.constraints)) router.on(method, url, options, ignore, value)
    }
  }
  return router
}

/** Fastify takes each setting in two places. */
function settings (config: FastifyInstance['initialConfig']): Parameters<typeof Router>[0] {
  const { routerOptions = {} } = config as { routerOptions?: typeof config }
  return {
    caseSensitive: config.caseSensitive !== false && routerOptions.caseSensitive !== false,
    ignoreTrailingSlash: config.ignoreTrailingSlash === true || routerOptions.ignoreTrailingSlash === true,
    ignoreDuplicateSlashes: config.ignoreDuplicateSlashes === true || routerOptions.ignoreDuplicateSlashes === true,
    allowUnsafeRegex: true,
    maxParamLength: Math.max(config.maxParamLength ?? 100, routerOptions.maxParamLength ?? 100)
  }
}
