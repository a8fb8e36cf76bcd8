import Fastify, { type FastifyInstance, type FastifyPluginAsync, type FastifyReply, type FastifyRequest } from 'fastify'
import cors from '@fastify/cors'
import formbody from '@fastify/formbody'
import helmet from '@fastify/helmet'
import multipart from '@fastify/multipart'
import rateLimit from '@fastify/rate-limit'
import underPressure from '@fastify/under-pressure'
import { describe, expect, test } from 'tstyche'
import guardPlugin, { detect, guard, guardPlugin as named, guardServerOptions } from '../lib/index.ts'
import type { BanInfo, Category, Explanation, GuardApi, GuardCode, GuardEvent, GuardOptions, GuardRules, GuardStats, LimitState, PastVerdict, RequestGuard, RouteInfo, Verdict } from '../lib/index.ts'

const app = Fastify()
const handler = async (): Promise<string> => 'ok'

describe('the plugin', () => {
  test('registers with its options', () => {
    expect(app.register).type.toBeCallableWith(guardPlugin)
    expect(app.register).type.toBeCallableWith(guardPlugin, { userAgent: { deny: ['sqlmap', /^curl/] }, mode: 'passive' as const })
    expect(app.register).type.toBeCallableWith(guardPlugin, { bots: { deny: ['scanner'] as const, allow: ['googlebot'], verify: { timeout: '1s' } } })
    expect(app.register).type.not.toBeCallableWith(guardPlugin, { bots: { deny: ['crawler'] as const } })
    expect(guardPlugin).type.toBeAssignableTo<FastifyPluginAsync<GuardOptions>>()
    expect(named).type.toBe<typeof guardPlugin>()
  })

  test('has the other exports as properties, for require()', () => {
    expect(guardPlugin.guard).type.toBe<typeof guard>()
    expect(guardPlugin.detect).type.toBe<typeof detect>()
    expect(guardPlugin.guardServerOptions).type.toBe<typeof guardServerOptions>()
  })

  test('refuses unknown options and wrong values', () => {
    // @ts-expect-error 'rateLimt' does not exist in type
    app.register(guardPlugin, { rateLimt: { max: 1, window: '1m' } })
    // @ts-expect-error Type 'string' is not assignable to type 'number
    app.register(guardPlugin, { maxBodyBytes: '3' })
    expect<{ mode: 'passiv' }>().type.not.toBeAssignableTo<GuardOptions>()
    expect<{ rateLimit: { max: 1 } }>().type.not.toBeAssignableTo<GuardOptions>()
    expect<{ detection: { level: 5 } }>().type.not.toBeAssignableTo<GuardOptions>()
    expect<{ detection: { categories: ['sql'] } }>().type.not.toBeAssignableTo<GuardOptions>()
    expect<{ ban: { on: ['nothing'] } }>().type.not.toBeAssignableTo<GuardOptions>()
    expect<{ store: 'disk' }>().type.not.toBeAssignableTo<GuardOptions>()
    expect<{ store: { cluster: true, onError: 'pass' } }>().type.toBeAssignableTo<GuardOptions>()
    expect<{ store: { file: string } }>().type.toBeAssignableTo<GuardOptions>()
    expect<{ response: { messages: { GUARD_NONE: 'x' } } }>().type.not.toBeAssignableTo<GuardOptions>()
  })

  test('keeps the types of the options that it completes', () => {
    const options = guardServerOptions({ logger: true, bodyLimit: 1000 } as const)
    expect(options.bodyLimit).type.toBe<1000>()
    expect(options.logger).type.toBe<true>()
    expect(options).type.toHaveProperty('frameworkErrors')
    expect(options).type.toHaveProperty('clientErrorHandler')
    expect(Fastify(guardServerOptions({ logger: true }))).type.toBeAssignableTo<FastifyInstance>()
  })
})

describe('rules of a route', () => {
  test('a bare literal inside config is not checked for unknown names: TypeScript cannot, guard() can', () => {
    app.get('/bare', { config: { guard: { nope: 1 } } }, handler)
    app.get('/bare-text', { config: { guard: 'a policy' } }, handler)
    // @ts-expect-error Type '{ userAgent: { deny: number; }; }' is not assignable
    app.get('/wrong-value', { config: { guard: { userAgent: { deny: 5 } } } }, handler)
  })

  test('guard() refuses unknown names and wrong values', () => {
    guard({ https: true, ip: { allow: ['10.0.0.0/8'] }, rateLimit: { max: 5, window: '1h' } })
    // @ts-expect-error 'nope' does not exist in type 'GuardRules & {}'
    guard({ nope: 1 })
    // @ts-expect-error Type 'string' is not assignable to type 'number
    guard({ maxBodyBytes: '1' })
    // @ts-expect-error Type 'number' is not assignable to type 'Mode
    guard({ https: { mode: 1 } })
    app.get('/ok', { config: { guard: guard({ methods: ['GET'] }) } }, handler)
  })

  test('satisfies works as well', () => {
    app.get('/satisfies', { config: { guard: { rateLimit: { max: 5, window: '1h' } } satisfies GuardRules } }, handler)
    // @ts-expect-error 'nope' does not exist in type 'GuardRules'
    app.get('/satisfies-not', { config: { guard: { nope: 1 } satisfies GuardRules } }, handler)
  })

  test('false, a policy, or an array of these', () => {
    app.get('/off', { config: { guard: false } }, handler)
    app.get('/policy', { config: { guard: 'internal' } }, handler)
    app.get('/several', { config: { guard: ['internal', { https: true }] } }, handler)
  })

  test('verify gets the credential of its scheme', () => {
    guard({ auth: { scheme: 'basic', verify: ({ username, password }: { username: string, password: string }) => username === password ? { username } : null } })
    guard({ auth: { scheme: 'bearer', verify: async (token: string) => token === 'x' ? { token } : null } })
    // @ts-expect-error Property 'verify' is missing
    guard({ auth: { scheme: 'bearer' } })
  })

  test('functions get the request', () => {
    guard({
      rateLimit: [{ max: (request) => expect(request).type.toBe<FastifyRequest>() as unknown as number, window: 1000 }],
      check: (request, reply) => {
        expect(request).type.toBe<FastifyRequest>()
        expect(reply).type.toBe<FastifyReply>()
        return { status: 418, message: 'no' }
      }
    })
  })
})

describe('what Fastify gets', () => {
  test('decorators', () => {
    expect(app.guard).type.toBe<GuardApi>()
    app.get('/decorated', async (request, reply) => {
      expect(request.guard).type.toBe<RequestGuard>()
      expect(request.guard.ip).type.toBe<string>()
      expect(request.guard.country).type.toBe<string | undefined>()
      expect(request.guard.verdicts).type.toBe<readonly Verdict[]>()
      expect(request.guard.inspect('x', 'part')).type.toBe<Verdict | undefined>()
      expect(request.guard.strike).type.not.toBeCallableWith()
      expect(reply.cspNonce).type.toBe<{ script: string, style: string }>()
    })
  })

  test('app.guard', () => {
    expect(app.guard.ban('203.0.113.7', { duration: '1h', reason: 'x' })).type.toBe<BanInfo>()
    expect(app.guard.unban('203.0.113.7')).type.toBe<boolean>()
    expect(app.guard.ban({ asn: 64_496 })).type.toBe<BanInfo>()
    expect(app.guard.unban({ principal: {} as unknown })).type.toBe<boolean>()
    expect(app.guard.ban).type.not.toBeCallableWith({ continent: 'EU' })
    expect(app.guard.bans()).type.toBe<BanInfo[]>()
    expect(app.guard.limits.peek('203.0.113.7')).type.toBe<LimitState[] | Promise<LimitState[]>>()
    expect(app.guard.emergency).type.toBeCallableWith({ for: '10m' })
    expect(app.guard.emergency).type.not.toBeCallableWith()
    expect(app.guard.routes()).type.toBe<RouteInfo[]>()
    expect(app.guard.stats()).type.toBe<GuardStats>()
    expect(app.guard.ready()).type.toBe<Promise<void>>()
  })

  test('events are told apart by their type', () => {
    const options: GuardOptions = {
      onEvent (event) {
        expect(event).type.toBe<GuardEvent>()
        if (event.type === 'refused') expect(event.code).type.toBe<GuardCode>()
        if (event.type === 'banned') expect(event.until).type.toBe<number>()
      }
    }
    expect(options).type.toBeAssignableTo<GuardOptions>()
  })
})

describe('cloud', () => {
  test('takes known providers, in usual spellings, with selectors', () => {
    expect(guard).type.toBeCallableWith({ cloud: { deny: ['aws', 'AWS:eu-west-1', 'Hetzner', 'azure:Storage.WestEurope'] } })
    expect(guard).type.toBeCallableWith({ cloud: { deny: 'all' } })
    expect(guard).type.not.toBeCallableWith({ cloud: { deny: ['awss'] } })
    expect(guard).type.not.toBeCallableWith({ cloud: { allow: ['aws'] } })
  })
})

describe('explain', () => {
  test('takes a request or a reference', () => {
    expect(app.guard.explain({ url: '/' })).type.toBe<Promise<Explanation>>()
    expect(app.guard.explain({ method: 'POST', headers: { a: ['1', '2'] }, body: { a: 1 } }, { run: true })).type.toBe<Promise<Explanation>>()
    expect(app.guard.explain('7k2m0q9d3f5h8j1n')).type.toBe<PastVerdict | undefined>()
    expect(app.guard.explain).type.not.toBeCallableWith({ uri: '/' })
  })
})

describe('dashboard', () => {
  test('takes a credential or a function of the request', () => {
    const app = Fastify()
    expect(app.register).type.toBeCallableWith(guardPlugin, { dashboard: { path: '/watch', auth: { scheme: 'basic', verify: ({ password }: { username: string, password: string }) => password === 'x' } } })
    expect(app.register).type.toBeCallableWith(guardPlugin, { dashboard: { auth: async ({ headers }: FastifyRequest) => headers.cookie ?? null } })
    expect(app.register).type.not.toBeCallableWith(guardPlugin, { dashboard: true })
    expect(app.register).type.not.toBeCallableWith(guardPlugin, { dashboard: { auth: { scheme: 'basic' } } })
  })
})

describe('detect', () => {
  test('takes a text or parts of a request', () => {
    expect(detect('x').attack).type.toBe<boolean>()
    expect(detect({ query: { q: 'x' }, headers: { 'user-agent': 'y' }, body: [1], path: '/' }, { level: 2 }).matches[0]?.category).type.toBe<Category | undefined>()
    expect(detect).type.not.toBeCallableWith(1)
    expect(detect).type.not.toBeCallableWith('x', { level: 5 })
  })
})

test('the plugins that an application is likely to have beside it do not clash', async () => {
  const app = Fastify()
  await app.register(cors, { origin: false })
  await app.register(helmet, { enableCSPNonces: true })
  await app.register(rateLimit, { max: 10 })
  await app.register(underPressure, {})
  await app.register(formbody)
  await app.register(multipart, { attachFieldsToBody: true })
  await app.register(guardPlugin, {})
  app.get('/', { config: { guard: { https: true }, rateLimit: { max: 1 } }, helmet: { frameguard: false } }, async (request, reply) => {
    expect(request.guard.trusted).type.toBe<boolean>()
    expect(reply.cspNonce.script).type.toBe<string>()
  })
})
