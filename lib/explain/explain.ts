import type { FastifyInstance } from 'fastify'
import type { Refusal } from '../check.ts'
import { declaredTooLarge } from '../checks/max-body-bytes.ts'
import { unseenRoutes } from '../coverage.ts'
import { GUARD_NOT_COVERED } from '../errors.ts'
import type { Guard } from '../guard.ts'
import { routeTable, type RouteTable } from '../headers/targets.ts'
import { isPreflight } from '../headers/cors.ts'
import { preflightSteps, preflightVisit, visitFor } from '../hooks.ts'
import { redactor } from '../log/redact.ts'
import { recordFor, type RouteRecord } from '../routes.ts'
import { isEarly } from '../server-options.ts'
import { rulesOfRecord } from './rules.ts'
import { parsedBody } from './body.ts'
import { clientPart } from './client.ts'
import { judgeAll, outcomeOf, type Trial } from './judge.ts'
import { readLike, type Like } from './like.ts'
import { probe } from './probe.ts'
import type { ExplainOptions, Explanation, RequestLike } from '../../types/index.ts'

/**
 * Says what the guard would answer to a request now, and why. Counts nothing and takes nothing; hooks of the
 * application that stand before the guard's run as they do for every request.
 *
 * @throws {GUARD_OPTION_INVALID} if it is no request
 * @throws {GUARD_NOT_COVERED} for a route that the guard does not know
 */
export async function explain (guard: Guard, app: FastifyInstance, like: RequestLike, { run = false }: ExplainOptions = {}): Promise<Explanation> {
  const asks = readLike(like)
  // Compiled when the application got ready; `ready()` of a child instance would fail then.
  if (guard.scopes[0]?.unmatched?.chain === undefined) await app.ready()
  mustBeCovered(guard, app, asks)
  const redact = redactor(guard.options.log?.redact)
  const { method, url } = asks
  const seen = await probe(guard, app, asks)
  if (typeof seen === 'number') {
    return {
      method, url: redact(url), route: undefined, preflight: false, client: { ip: '', key: '', found: [], trusted: false }, mode: guard.options.mode ?? 'enforce',
      rules: {}, origins: {}, checks: [], verdict: 'not seen', passive: [], micros: 0,
      notes: [`answered with ${seen} before the guard saw it: by Fastify itself, or by a hook that was registered earlier`]
    }
  }
  const { request, reply, early } = seen
  const asked = early === undefined && guard.targets !== undefined && isPreflight(request) ? preflightVisit(guard, guard.targets, request) : undefined
  const visit = asked ?? visitFor(guard, request)
  const trial: Trial = { request, reply, visit, run, answers: [], over: false }
  const notes: string[] = []
  if (early !== undefined) await judgeEarly(trial, early)
  else if (asked === undefined) await judgeRequest(trial, like.body, notes)
  else await judgeAll(trial, visit.chain.preflight, preflightSteps(visit), 'request')
  const record = guard.routes.find(({ chain }) => chain === visit.chain) ?? recordFor(guard, request)
  return {
    method: request.method,
    url: redact(url),
    route: visit.route,
    preflight: asked !== undefined,
    client: clientPart(guard, request, visit),
    mode: guard.options.mode ?? 'enforce',
    ...rulesOfRecord(record),
    ...conclusion(trial),
    notes
  }
}

/** What Fastify's router refuses gets as far as the checks that need no route. */
async function judgeEarly (trial: Trial, early: Refusal): Promise<void> {
  const { visit: { chain, trusted }, answers } = trial
  await judgeAll(trial, chain.request.filter(isEarly), trusted ? chain.trusted.request : chain.request, 'request')
  const common = { check: 'malformed', phase: 'request', mode: chain.passive ? 'passive' : 'enforce' } as const
  answers.push({ ...common, ...(trial.over ? { outcome: 'not reached' } : outcomeOf(early, chain.passive)) })
}

/** In the order of the hooks: what the request's head tells, the declared length, the body. */
async function judgeRequest (trial: Trial, given: unknown, notes: string[]): Promise<void> {
  const { visit: { chain, trusted }, request } = trial
  await judgeAll(trial, chain.request, trusted ? chain.trusted.request : chain.request, 'request')
  trial.over = judgeLength(trial)
  const { body, note } = parsedBody(request, given)
  if (note !== undefined && chain.body.length > 0) notes.push(note)
  request.body = body
  await judgeAll(trial, chain.body, trusted ? chain.trusted.body : chain.body, 'body')
}

/** An injected body always has its length declared. */
function judgeLength ({ visit: { chain }, request, answers, over }: Trial): boolean {
  const max = chain.maxBodyBytes
  if (max === undefined) return over
  const common = { check: 'maxBodyBytes', phase: 'body', mode: chain.passive ? 'passive' : 'enforce' } as const
  const found = over ? undefined : declaredTooLarge(request, max)
  answers.push({ ...common, ...(found === undefined ? { outcome: over ? 'not reached' : 'pass' } : outcomeOf(found, chain.passive)) })
  return over || (found !== undefined && !chain.passive)
}

function conclusion ({ answers }: Trial): Pick<Explanation, 'checks' | 'verdict' | 'refusal' | 'passive' | 'micros'> {
  const refusal = answers.find(({ outcome }) => outcome === 'refuse')
  const depends = answers.some(({ outcome }) => outcome === 'not run')
  return {
    checks: answers,
    verdict: refusal !== undefined ? 'refuse' : depends ? 'depends' : 'pass',
    ...(refusal !== undefined && { refusal }),
    passive: answers.filter(({ outcome }) => outcome === 'report'),
    micros: Math.round(answers.reduce((sum, { micros = 0 }) => sum + micros, 0) * 10) / 10
  }
}

type Table = RouteTable<RouteRecord | string>

const tables = new WeakMap<Guard, Table>()

/**
 * A request of a route that does not have the guard's hook would get as far as its handler. Routes that `onRoute`
 * showed have the hook, as have those of others that a request came to.
 */
function mustBeCovered (guard: Guard, app: FastifyInstance, { method, url, headers }: Like): void {
  let table = tables.get(guard)
  if (table === undefined) tables.set(guard, table = tableOf(guard, app))
  const found = table.find(method, url, headers.find(([name]) => name === 'host')?.[1])
  const met = typeof found === 'string' && [...guard.late.values()].some(({ methods, url }) => methods.some((method) => `${method} ${url}` === found))
  if (typeof found === 'string' && !met) throw new GUARD_NOT_COVERED(`guard: ${found} was declared before the guard, or beside a register() that was not awaited, so that it cannot be explained`)
  if (found === undefined && Object.getPrototypeOf(app) !== Object.prototype) throw new GUARD_NOT_COVERED('guard: no route of the scope that the guard is registered in; it does not see what matches none')
}

function tableOf (guard: Guard, app: FastifyInstance): Table {
  const table: Table = routeTable(app.initialConfig)
  for (const record of guard.routes) table.add(record.methods, record.url!, record.host, record)
  for (const name of unseenRoutes(guard, app)) {
    const [method = '', url = ''] = name.split(' ')
    table.add([method], url, undefined, name)
  }
  return table
}
