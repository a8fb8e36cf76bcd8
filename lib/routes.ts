import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import { compile, type Chain } from './compile.ts'
import { kOwn, kRecord, scopeOf, type Guard } from './guard.ts'
import { routeTable } from './headers/targets.ts'
import { merge, type EffectiveRules } from './merge.ts'
import { isBelow } from './options/path-prefix.ts'
import { examineGuard, snapshot } from './options/plugin.ts'
import type { Problem } from './options/shape.ts'
import { routeLayers, type Scope } from './scope.ts'
import type { Mode, RouteGuard } from '../types/index.ts'

/** What the guard knows of one route, or of all requests of a scope that match none. */
export interface RouteRecord {
  methods: readonly string[]
  /** Undefined: no route. */
  url: string | undefined
  /** `constraints.host`. */
  host: unknown
  instance: FastifyInstance
  /** `config.guard` as it was declared. */
  value: unknown
  bodyLimit: number
  /** As it was declared. */
  schema: unknown
  /** Declared where `onRoute` could not see it: its rules count from its first request on. */
  late: boolean
  /** Of the guard itself: emergency mode must leave open where it can be ended. */
  own: boolean
  /** Since the start, where somebody counts them. */
  requests: number
  rules: EffectiveRules
  chain: Chain | undefined
}

type Config = Record<PropertyKey, unknown> & { [kRecord]?: RouteRecord, [kOwn]?: boolean }

export function recordOf (instance: FastifyInstance, route: RouteOptions): RouteRecord {
  const methods = (Array.isArray(route.method) ? route.method : [route.method]) as string[]
  return {
    methods,
    url: route.url,
    host: route.constraints?.['host'],
    instance,
    value: snapshot(route.config?.guard),
    bodyLimit: route.bodyLimit ?? instance.initialConfig.bodyLimit ?? 1048576,
    schema: route.schema,
    late: false,
    own: (route.config as Config | undefined)?.[kOwn] === true,
    requests: 0,
    rules: new Map(),
    chain: undefined
  }
}

/** Validates and merges a record's own rules over its scope's; problems carry the route's method and URL. */
function resolve (record: RouteRecord, problems: Problem[]): EffectiveRules {
  const scope = scopeOf(record.instance)!
  const own: Problem[] = []
  if (record.value !== undefined) examineGuard(record.value, (path, message) => own.push({ path, message }))
  const layers = own.length === 0 ? routeLayers(scope, record.value as RouteGuard | undefined, record.url ?? '', own) : []
  problems.push(...own.map(({ path, message }) => ({ path: `${record.methods.join(',')} ${record.url} ${path}`, message })))
  if (layers.length === 0) return scope.rules
  const rules = merge(layers, scope.rules)
  if (record.own) rules.delete('emergency')
  return rules
}

/** Rules and checks of a record, as its scope's layers stand now. */
export function compiled (guard: Guard, record: RouteRecord, problems: Problem[]): { rules: EffectiveRules, chain: Chain } {
  const rules = resolve(record, problems)
  const mode: Mode = excluded(guard, record.url) || rules.size === 0 ? 'off' : guard.options.mode ?? 'enforce'
  const scope = scopeOf(record.instance)!
  const problem = (path: string, message: string): void => {
    const own = rules.get(path.split(/[.[]/)[0]!)?.origin === 'route'
    problems.push({ path: own ? `${record.methods.join(',')} ${record.url} config.guard.${path}` : path, message })
  }
  // Headers stand on every answer, of unguarded and excluded routes too.
  const headers = scope.rules.get('securityHeaders')
  const withHeaders = rules.has('securityHeaders') || headers === undefined ? rules : new Map([...rules, ['securityHeaders', headers]])
  return { rules, chain: compile(withHeaders, mode, guard.services, { url: record.url, bodyLimit: record.bodyLimit, schema: record.schema, problem }, guard.memo) }
}

/** Makes a record ready to serve. */
export function compileRecord (guard: Guard, record: RouteRecord, problems: Problem[]): Chain {
  const { rules, chain } = compiled(guard, record, problems)
  record.rules = rules
  record.chain = chain
  return chain
}

function excluded (guard: Guard, url: string | undefined): boolean {
  return url !== undefined && guard.options.exclude?.some((prefix) => isBelow(url, prefix)) === true
}

/** The record of the route that a request matched, compiled. */
export function recordFor (guard: Guard, request: FastifyRequest): RouteRecord {
  const config = request.routeOptions.config as unknown as Config | undefined
  const record = config?.[kRecord] ?? findRecord(guard, request, config)
  if (record.chain === undefined) compileRecord(guard, record, [])
  return record
}

/** A request whose route has no record: a 404, or a route that `onRoute` never saw. */
function findRecord (guard: Guard, request: FastifyRequest, config: Config | undefined): RouteRecord {
  if (request.is404 || config === undefined) return unmatchedRecord(request.server)
  const known = guard.late.get(config)
  if (known !== undefined) return known
  const { method, url, bodyLimit } = request.routeOptions
  const record = recordOf(request.server, { method: method ?? request.method, url: url ?? '', config, bodyLimit } as unknown as RouteOptions)
  record.late = true
  guard.late.set(config, record)
  const problems: Problem[] = []
  const chain = compileRecord(guard, record, problems)
  if (problems.length > 0) record.chain = refuseAll(chain, problems)
  return record
}

export function unmatchedRecord (instance: FastifyInstance): RouteRecord {
  const scope = scopeOf(instance) as Scope
  scope.unmatched ??= { methods: [], url: undefined, host: undefined, instance, value: undefined, bodyLimit: instance.initialConfig.bodyLimit ?? 1048576, schema: undefined, late: false, own: false, requests: 0, rules: scope.rules, chain: undefined }
  return scope.unmatched
}

/** Preflights are answered for the route that they ask for, so where a route has CORS all have to be found by their URL. */
export function findPreflights (app: FastifyInstance, guard: Guard): void {
  const records = [...guard.routes, unmatchedRecord(app)]
  if (guard.targets !== undefined || records.every(({ chain }) => chain?.cors === undefined)) return
  guard.targets = routeTable(app.initialConfig)
  for (const record of guard.routes) guard.targets.add(record.methods, record.url!, record.host, record)
}

/** A route whose rules cannot be read serves nobody. */
function refuseAll (chain: Chain, problems: Problem[]): Chain {
  const reason = problems.map(({ path, message }) => `${path} ${message}`).join('; ')
  const step = { key: 'config', passive: false, below: 2 ** 32, dry: undefined, check: () => ({ code: 'GUARD_OPTION_INVALID' as const, status: 500, reason }) }
  return { ...chain, request: [step], trusted: { request: [step], body: [] }, body: [] }
}
