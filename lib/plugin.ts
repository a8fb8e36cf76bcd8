import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import { guardApi } from './api.ts'
import { roomOf } from './checks/behavior.ts'
import { unseenRoutes } from './coverage.ts'
import { emergencySwitch } from './emergency.ts'
import { addDashboard } from './dashboard/index.ts'
import { GUARD_ALREADY_REGISTERED, GUARD_DECORATOR_TAKEN, GUARD_NOT_COVERED } from './errors.ts'
import { isProbe } from './explain/probe.ts'
import { openGeo } from './geo/geo.ts'
import { guardOf, kGuard, kRecord, kScope, kVisit, scopeOf, visitOf, type Guard, type GuardedInstance } from './guard.ts'
import { hooks } from './hooks.ts'
import { openAccessLog, tellPassed } from './log/access.ts'
import { closeAll, makeGuard } from './make-guard.ts'
import { addMetrics } from './metrics/metrics.ts'
import { addressFaults, watchClients } from './net/doctor.ts'
import { readChildOptions, readOptions, rulesOf, throwIfAny } from './options/plugin.ts'
import type { Problem } from './options/shape.ts'
import { requestGuard } from './request-guard.ts'
import { compileRecord, findPreflights, recordOf, unmatchedRecord } from './routes.ts'
import { rulesKeeper } from './rules/keeper.ts'
import { steering } from './rules/steer.ts'
import { childScope, rootScope } from './scope.ts'
import type { GuardEvent, GuardOptions } from '../types/index.ts'

/** Registers the guard, or in a child scope of a guarded instance further rules for that scope. */
export const plugin: FastifyPluginAsync<GuardOptions> = async (fastify, options) => {
  if (Object.hasOwn(fastify, kScope)) throw new GUARD_ALREADY_REGISTERED()
  const parent = scopeOf(fastify)
  const instance = fastify as GuardedInstance
  if (parent !== undefined) {
    const { policies, ...rules } = readChildOptions(options)
    const guard = guardOf(fastify)!
    const scope = instance[kScope] = childScope(parent, fastify, guard.scopes.length, rules, policies)
    guard.scopes.push(scope)
    return
  }

  // A client that is a plain object must stay itself.
  const read = { ...readOptions(options), ...(options.store !== undefined && { store: options.store }) }
  const name = read.decorator ?? 'guard'
  if (fastify.hasDecorator(name)) throw new GUARD_DECORATOR_TAKEN('instance', name, '; choose another name with the option "decorator"')
  if (fastify.hasRequestDecorator('guard')) throw new GUARD_DECORATOR_TAKEN('request', 'guard', '')
  // Databases are opened before there is anybody to tell.
  const early: GuardEvent[] = []
  let tell = (event: GuardEvent): void => { early.push(event) }
  const geo = await openGeo(read.geo, { log: fastify.log, now: Date.now, emit: (event) => tell(event) })
  const guard = makeGuard(fastify, read, geo, await openAccessLog(read.log, fastify.log, Date.now))
  tell = guard.emit
  early.forEach(tell)
  instance[kGuard] = guard
  watchClients(guard.clients, fastify, read.clientIp, {
    skip: isProbe,
    warn: (message) => guard.emit({ type: 'warning', time: guard.services.now(), code: 'GUARD_CLIENT_ADDRESS', message })
  })
  const scope = instance[kScope] = rootScope(fastify, rulesOf(read), read.policies)
  guard.scopes.push(scope)
  const controls = { emergencySwitch: emergencySwitch(guard), steering: steering(guard, fastify) }
  const api = guardApi(guard, fastify, controls)
  fastify.decorate(name, api)
  fastify.decorateRequest(kVisit as unknown as string, null)
  fastify.decorateRequest('guard', { getter () { return requestGuard(guard, this) } })
  addHooks(fastify, guard)
  fastify.addHook('onReady', async () => { for (const control of Object.values(controls)) await control.started() })
  fastify.addHook('onClose', async () => { for (const control of Object.values(controls)) control.close() })
  if (read.metrics !== undefined && read.metrics !== false) await addMetrics(guard, fastify, api, read.metrics === true ? {} : read.metrics)
  if (read.dashboard !== undefined && read.dashboard !== false) await addDashboard(guard, fastify, api, read.dashboard)
}

function addHooks (fastify: FastifyInstance, guard: Guard): void {
  const { onRequest, preValidation, preHandler, onSend } = hooks(guard)
  fastify.addHook('onRoute', function (route) {
    const record = recordOf(this, route)
    guard.routes.push(record)
    // The raw `guard` stays as it is: a child's onRoute would take anything else for the route's own rules.
    route.config = { ...route.config, [kRecord]: record } as typeof route.config & object
  })
  fastify.addHook('onRequest', onRequest)
  fastify.addHook('preValidation', preValidation)
  fastify.addHook('preHandler', preHandler)
  fastify.addHook('onSend', onSend)
  const { log, rules: source } = guard.options
  const rules = source === undefined ? undefined : rulesKeeper(source, guard, fastify)
  if (guard.access !== undefined || (log?.passed ?? false) !== false) {
    fastify.addHook('onResponse', (request, reply, done) => {
      const visit = visitOf(request)
      if (visit !== null && visit.refused === undefined) tellPassed(guard, request, reply, visit)
      done()
    })
  }
  fastify.addHook('onReady', async () => {
    compileAll(fastify, guard)
    warn(fastify, guard)
    await rules?.start()
    await Promise.all([guard.services.lists.ready(), guard.services.geo?.ready(), guard.services.clouds.ready(), guard.redis?.started(), guard.keptBans?.started()])
  })
  // Requests that are held back would hold the server open.
  fastify.addHook('preClose', async () => roomOf(guard.services).release())
  fastify.addHook('onClose', async () => await closeAll(guard, rules))
}

/** @throws {GUARD_OPTION_INVALID} with the problems of all routes */
function compileAll (fastify: FastifyInstance, guard: Guard): void {
  const problems: Problem[] = []
  for (const record of guard.routes) compileRecord(guard, record, problems)
  for (const { instance } of guard.scopes) compileRecord(guard, unmatchedRecord(instance), problems)
  findPreflights(fastify, guard)
  // Fastify declares a HEAD route beside each GET: one mistake, one problem.
  const known = new Set(problems.map(({ path, message }) => `${path} ${message}`))
  throwIfAny(problems.filter(({ path, message }) => !path.startsWith('HEAD ') || !known.has(`GET ${path.slice(5)} ${message}`)))
}

function warn (fastify: FastifyInstance, guard: Guard): void {
  const warnings: string[] = []
  const unseen = unseenRoutes(guard, fastify)
  if (unseen.length > 0) {
    warnings.push(`routes declared before the guard, or beside a register() that was not awaited, get the plugin's rules at once but their own only from their first request on: ${unseen.join(', ')}`)
  }
  if (Object.getPrototypeOf(fastify) !== Object.prototype) {
    warnings.push('the guard is registered in a child scope: it sees neither routes nor 404s outside it')
  }
  const faults = addressFaults(fastify, guard.options.clientIp)
  for (const message of warnings) guard.emit({ type: 'warning', time: guard.services.now(), code: 'GUARD_NOT_COVERED', message })
  for (const message of faults) guard.emit({ type: 'warning', time: guard.services.now(), code: 'GUARD_CLIENT_ADDRESS', message })
  if (guard.options.strict === true && warnings.length + faults.length > 0) throw new GUARD_NOT_COVERED(`guard: ${[...warnings, ...faults].join('; ')}`)
}
