import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { bodyOf as refusalBody, refusalHeaders } from '../answer.ts'
import { principalName } from '../bans/target.ts'
import type { Refusal, Visit } from '../check.ts'
import { kOwn, visitOf, type Guard } from '../guard.ts'
import { report } from '../report.ts'
import type { DashboardOptions, GuardApi, GuardRules } from '../../types/index.ts'
import { access, kPage } from './access.ts'
import { actions, bodyOf } from './actions.ts'
import { findBans } from './ban-list.ts'
import { listenLocally } from './listening.ts'
import { PAGE_HEADERS, readAssets, sendAsset } from './page.ts'
import { policies } from './policy.ts'
import { watch, type Watch } from './watch.ts'

const BODY_LIMIT = 16 * 1024

/**
 * Of the application's rules those stay that say where a client may come from. Those that judge contents would refuse
 * to show an attack; those that count would count the page's own requests; and who may see it `auth` says.
 */
const OWN_RULES: GuardRules = {
  methods: false, rateLimit: false, concurrency: false, requireHeaders: false, referrer: false, fetchMetadata: false, contentType: false,
  honeypot: false, detection: false, apiKey: false, auth: false, behavior: false, maxBodyBytes: false, cors: false
}

/** `hide` keeps them out of documents that @fastify/swagger makes. */
const OWN_ROUTE = { config: { [kOwn]: true, guard: OWN_RULES } as object, schema: { hide: true } as object }

const PAGE = { [kPage]: true }

const EVENT_STREAM = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' }

/** Serves the dashboard, and counts what it shows. */
export async function addDashboard (guard: Guard, app: FastifyInstance, api: GuardApi, { path = '/guard', auth }: DashboardOptions): Promise<void> {
  if (auth === undefined) listenLocally(app.server)
  const watched = watch(guard, api)
  app.addHook('preClose', async () => watched.closePages())
  app.addHook('onClose', async () => watched.close())
  await app.register(async (own) => {
    own.removeAllContentTypeParsers()
    own.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit: BODY_LIMIT }, own.getDefaultJsonParser('error', 'error'))
    own.setErrorHandler(answerError)
    own.addHook('onRequest', gate(guard, auth))
    addPage(own, path)
    addApi(own, `${path}/api`, guard, api, watched)
  }, { logLevel: 'warn' })
}

function get (own: FastifyInstance, url: string, answer: (request: FastifyRequest, reply: FastifyReply) => FastifyReply | Promise<FastifyReply>, config: object = {}): void {
  own.route({ ...OWN_ROUTE, config: { ...OWN_ROUTE.config, ...config }, method: 'GET', url, exposeHeadRoute: false, handler: async (request, reply) => answer(request, reply) })
}

function addPage (own: FastifyInstance, path: string): void {
  const base = path.slice(path.lastIndexOf('/') + 1)
  const [html, ...files] = readAssets(base)
  get(own, path, (request, reply) => sendAsset(html!, request, reply), PAGE)
  if (!ignoresSlash(own)) get(own, `${path}/`, (_request, reply) => reply.redirect(`../${base}`, 308), PAGE)
  for (const file of files) get(own, `${path}/${file.name}`, (request, reply) => sendAsset(file, request, reply))
}

function addApi (own: FastifyInstance, path: string, guard: Guard, api: GuardApi, watched: Watch): void {
  get(own, `${path}/live`, (_request, reply) => {
    const stream = watched.open()
    return stream === undefined ? json(reply.code(503), { error: 'too many pages are open' }) : reply.headers({ ...PAGE_HEADERS, ...EVENT_STREAM }).send(stream)
  })
  get(own, `${path}/routes`, (_request, reply) => json(reply, policies(guard, api)))
  get(own, `${path}/bans`, async (request, reply) => json(reply, await findBans(guard, String((request.query as { q?: unknown }).q ?? ''))))

  for (const [name, act] of Object.entries(actions(guard, api))) {
    const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const outcome = await act(bodyOf(request), request)
      const { ip, principal } = request.guard
      guard.log.warn({ event: 'guard.dashboard', action: name, with: request.body, client: ip, principal: principalName(principal), reqId: request.id }, `guard: ${name} by the dashboard`)
      watched.touch()
      return json(reply, { ok: true, outcome: outcome ?? null })
    }
    own.route({ ...OWN_ROUTE, method: 'POST', url: `${path}/${name}`, bodyLimit: BODY_LIMIT, handler, onRequest: ownHeader })
  }
}

function ignoresSlash ({ initialConfig }: FastifyInstance): boolean {
  return initialConfig.ignoreTrailingSlash === true || (initialConfig as { routerOptions?: { ignoreTrailingSlash?: boolean } }).routerOptions?.ignoreTrailingSlash === true
}

function json (reply: FastifyReply, value: unknown): FastifyReply {
  return reply.headers({ ...PAGE_HEADERS, 'cache-control': 'no-store' }).type('application/json; charset=utf-8').send(JSON.stringify(value))
}

/** Stands before every route of the dashboard. */
function gate (guard: Guard, auth: DashboardOptions['auth']) {
  const allowed = access(auth, guard.services)
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const visit = visitOf(request)!
    const refusal = await allowed(request, visit) ?? banned(guard, visit)
    if (refusal === undefined) return undefined
    const refused = visit.refused = { refusal, verdict: report(guard, 'dashboard', refusal, false, request, visit) }
    refusalHeaders(reply, refused)
    const { type, body } = refusalBody(refused, guard.options)
    return reply.code(refusal.status).headers({ ...PAGE_HEADERS, 'cache-control': 'no-store' }).type(type).send(body)
  }
}

/** Who it is was not known when the guard's own checks looked at bans. */
function banned (guard: Guard, { principal }: Visit): Refusal | undefined {
  const ban = guard.services.bans.findPrincipal(principal)
  return ban && { code: 'GUARD_BANNED', status: 403, reason: `banned: ${ban.reason}`, rule: ban.client }
}

/** No form and no simple request of another site can send it (CSRF). */
async function ownHeader (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
  return request.headers['x-guard-dashboard'] === '1' ? undefined : json(reply.code(403), { error: 'the header x-guard-dashboard is missing' })
}

function answerError (error: Error & { statusCode?: number, code?: string }, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const status = error.code === 'GUARD_OPTION_INVALID' ? 400 : error.statusCode ?? 500
  if (status >= 500) request.log.error({ err: error }, 'guard: the dashboard failed')
  return json(reply.code(status), { error: status >= 500 ? 'the dashboard failed, see the log' : error.message.replace(/^guard: /, '') })
}
