import type { FastifyReply } from 'fastify'
import type { LimitAsk } from './ask.ts'
import type { CompiledLimit } from './compile.ts'
import type { StateText } from './state-text.ts'
import type { Left, Taken } from './store.ts'

/** Writes the headers of answers. */
export interface LimitHeaders {
  /** Sets them on a reply that goes on. `joins`: other limits of the route may have set theirs. */
  set: (reply: FastifyReply, asks: readonly LimitAsk[], taken: Taken, joins: boolean) => void
  /** Those of a refusal. */
  refusal: (reply: FastifyReply, asks: readonly LimitAsk[], taken: Taken, retryAfter: number) => Record<string, string>
}

/**
 * `RateLimit-Policy` and `RateLimit` as draft-ietf-httpapi-ratelimit-headers-11 has them: lists of strings with
 * parameters (RFC 9651), one for each limit: `"name";q=100;w=60` says what the limit is, `"name";r=50;t=30` that
 * 50 are left for the next 30 seconds, when more are free. And `X-RateLimit-*`, for the limit that has least left.
 */
export function limitHeaders (limits: readonly CompiledLimit[], textOf: StateText): LimitHeaders {
  const draft = limits.some(({ draft }) => draft)
  const legacy = limits.some(({ legacy }) => legacy)
  // Where nothing of it depends on the request, the policy is one string for all.
  const fixed = limits.every(({ max, byCountry, skip, costOf }) => max !== undefined && byCountry === undefined && skip === undefined && costOf === undefined)
    ? limits.filter(({ draft }) => draft).map((limit) => policy(limit, limit.max!)).join(', ')
    : undefined

  function policy (limit: CompiledLimit, max: number): string {
    return `${limit.quoted};q=${max};w=${seconds(limit.counter.window)}`
  }

  function policies (asks: readonly LimitAsk[]): string {
    if (fixed !== undefined) return fixed
    return asks.filter(({ limit }) => limit.draft).map(({ limit, max }) => policy(limit, max)).join(', ')
  }

  function states (asks: readonly LimitAsk[], { left }: Taken): string {
    let text = ''
    for (let i = 0; i < asks.length; i++) {
      const { limit } = asks[i]!
      if (!limit.draft) continue
      const { remaining, wait, next } = left[i]!
      const state = textOf(limit.quoted, limit.counter.number, remaining, seconds(wait > next ? wait : next))
      text = text === '' ? state : `${text}, ${state}`
    }
    return text
  }

  return {
    set (reply, asks, taken, joins) {
      const state = draft ? states(asks, taken) : ''
      if (state !== '') {
        const policy = policies(asks)
        reply.header('ratelimit-policy', joins ? joined(reply, 'ratelimit-policy', policy) : policy)
        reply.header('ratelimit', joins ? joined(reply, 'ratelimit', state) : state)
      }
      if (legacy) reply.headers(legacyHeaders(asks, taken.left))
    },

    refusal (reply, asks, taken, retryAfter) {
      const headers: Record<string, string> = { 'retry-after': String(seconds(retryAfter)) }
      const state = draft ? states(asks, taken) : ''
      if (state !== '') {
        headers['ratelimit-policy'] = joined(reply, 'ratelimit-policy', policies(asks))
        headers['ratelimit'] = joined(reply, 'ratelimit', state)
      }
      return legacy ? Object.assign(headers, legacyHeaders(asks, taken.left)) : headers
    }
  }
}

/** Rounded up: whoever waits that long has waited long enough. */
function seconds (ms: number): number {
  return Math.ceil(ms / 1000)
}

/** All limits of a route stand in one header, also those that were judged earlier. */
function joined (reply: FastifyReply, name: string, value: string): string {
  const before = reply.getHeader(name)
  return before === undefined ? value : `${String(before)}, ${value}`
}

function legacyHeaders (asks: readonly LimitAsk[], left: readonly Left[]): Record<string, string> {
  let tightest = -1
  for (let i = 0; i < asks.length; i++) {
    if (!asks[i]!.limit.legacy) continue
    if (tightest === -1 || left[i]!.wait > left[tightest]!.wait || (left[i]!.wait === left[tightest]!.wait && left[i]!.remaining < left[tightest]!.remaining)) tightest = i
  }
  if (tightest === -1) return {}
  const { remaining, wait, reset } = left[tightest]!
  return {
    'x-ratelimit-limit': String(asks[tightest]!.max),
    'x-ratelimit-remaining': String(remaining),
    'x-ratelimit-reset': String(seconds(Math.max(wait, reset)))
  }
}
