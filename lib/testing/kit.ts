import { isIP } from 'node:net'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import { guardOf, type Guard } from '../guard.ts'
import { show } from '../options/shape.ts'
import { clockOf, type FakeClock } from './clock.ts'
import { placesOf } from './places.ts'
import { remember } from './matchers.ts'
import type { GuardApi } from '../../types/index.ts'

export type { FakeClock } from './clock.ts'

export interface AsOptions {
  /** Address of the connection; what is none is a `GUARD_OPTION_INVALID`. Default: one that no other client of this kit has. */
  ip?: string
  /** Default `Mozilla/5.0 (test)`. */
  userAgent?: string
  /** What the geo database says of the address, two letters. Needs the option `geo`. */
  country?: string
  /** Sent with every request. */
  headers?: Record<string, string>
}

/** Somebody who sends requests. */
export interface TestClient {
  readonly ip: string
  /** As Fastify's `inject`, from this client's address and with its headers. */
  inject: (request: string | InjectOptions) => Promise<LightMyRequestResponse>
  get: (url: string) => Promise<LightMyRequestResponse>
  post: (url: string, payload?: InjectOptions['payload']) => Promise<LightMyRequestResponse>
}

export interface GuardTestKit {
  /** Stands still until it is moved. Rules of time, limits and bans go by it; a Redis store by its server's clock. */
  clock: FakeClock
  /** A client; without `ip` a new one. */
  as: (options?: AsOptions) => TestClient
  /**
   * Sends a request again and again until a limit refuses it with 429.
   *
   * @param options.as default: a new client
   * @param options.most default 10,000
   * @returns how many passed, and the refusal
   * @throws {Error} if none is refused
   */
  exhaust: (route: string | InjectOptions, options?: { as?: TestClient, most?: number }) => Promise<{ passed: number, refused: LightMyRequestResponse, client: TestClient }>
  /** Forgets counters, bans and statistics, and sets the clock to the real time. */
  reset: () => Promise<void>
  /** Gives the guard its own clock and database back. */
  restore: () => void
}

const AGENT = 'Mozilla/5.0 (test)'

/**
 * Helps to test an application that has the guard.
 *
 * @example
 * const { as, clock, exhaust } = guardTestKit(app)
 * const { passed } = await exhaust('/login')
 * @throws {GUARD_OPTION_INVALID} if no guard is registered on it
 */
export function guardTestKit (app: FastifyInstance): GuardTestKit {
  const guard = guardOf(app)
  if (guard === undefined) throw new GUARD_OPTION_INVALID('guard: guardTestKit needs an instance on which the guard is registered; await the register()')
  const api = (app as unknown as Record<string, GuardApi>)[guard.options.decorator ?? 'guard']!
  const clock = clockOf(guard)
  const places = placesOf(guard)
  const nextIp = addresses()

  const as: GuardTestKit['as'] = ({ ip = nextIp(), userAgent = AGENT, country, headers } = {}) => {
    if (isIP(ip) === 0) throw new GUARD_OPTION_INVALID(`guard: as({ ip }) takes an address, got ${show(ip)}`)
    if (country !== undefined) places.set(ip, country)
    return clientOf(app, guard, ip, { 'user-agent': userAgent, ...headers })
  }

  return {
    clock,
    as,
    async exhaust (route, { as: client = as(), most = 10_000 } = {}) {
      for (let passed = 0; passed < most; passed++) {
        const response = await client.inject(route)
        if (response.statusCode === 429) return { passed, refused: response, client }
      }
      throw new Error(`no limit refused ${most} requests to ${typeof route === 'string' ? route : `${route.method ?? 'GET'} ${String(route.url ?? route.path)}`}`)
    },
    async reset () {
      clock.reset()
      places.clear()
      await api.reset()
    },
    restore () {
      clock.restore()
      places.restore()
    }
  }
}

function clientOf (app: FastifyInstance, guard: Guard, ip: string, headers: Record<string, string>): TestClient {
  const inject: TestClient['inject'] = async (request) => {
    const options = typeof request === 'string' ? { url: request } : request
    const response = await app.inject({ ...options, remoteAddress: ip, headers: { ...headers, ...options.headers } })
    const reference = response.headers['x-guard-reference']
    if (reference !== undefined) remember(response, guard.history.find(String(reference)))
    return response
  }
  return { ip, inject, get: (url) => inject({ method: 'GET', url }), post: (url, payload) => inject({ method: 'POST', url, ...(payload !== undefined && { payload }) }) }
}

/** 198.18.0.0/15 is set aside for tests (RFC 2544). */
function addresses (): () => string {
  let last = 0
  return () => {
    last = last % 0x1fffe + 1
    return `198.${18 + (last >>> 16)}.${last >>> 8 & 255}.${last & 255}`
  }
}
