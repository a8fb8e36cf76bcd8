import type { FastifyReply } from 'fastify'
import type { CompiledLimit } from './compile.ts'
import type { Ask, Left, Taken } from './store.ts'

export interface LimitAsk extends Ask { limit: CompiledLimit }

/** Writes the headers of answers. */
export interface LimitHeaders {
  /** Sets them on a reply that goes on. */
  set: (reply: FastifyReply, asks: readonly LimitAsk[], taken: Taken) => void
  /** Those of a refusal. */
  refusal: (reply: FastifyReply, asks: readonly LimitAsk[], taken: Taken, retryAfter: number) => Record<string, string>
}

/**
 * `RateLimit-Policy` and `RateLimit` as draft-ietf-httpapi-ratelimit-headers-11 has them: lists of strings with
 * parameters (RFC 9651), one for each limit: `"name";q=100;w=60` says what the limit is, `"name";r=50;t=30` that
 * 50 are left for the next 30 seconds, when more are free. And `X-RateLimit-*`, for the limit that has least left.
 */
export function limitHeaders (limits: readonly CompiledLimit[]): LimitHeaders {
  const draft = limits.some(({ draft }) => draft)
  const legacy = limits.some(({ legacy }) => legacy)
  const names = new Map(limits.map((limit) => [limit, sfString(limit.name)]))
  // Where nothing of it depends on the request, the policy is one string for all.
  const fixed = limits.every(({ max, byCountry, skip, costOf }) => max !== undefined && byCountry === undefined && skip === undefined && costOf === undefined)
    ? limits.filter(({ draft }) => draft).map((limit) => policy(limit, limit.max!)).join(', ')
    : undefined

  function policy (limit: CompiledLimit, max: number): string {
    return `${names.get(limit)};q=${max};w=${seconds(limit.counter.window)}`
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
      text += `${text === '' ? '' : ', '}${names.get(limit)};r=${remaining};t=${seconds(Math.max(wait, next))}`
    }
    return text
  }

  return {
    set (reply, asks, taken) {
      const state = draft ? states(asks, taken) : ''
      if (state !== '') {
        reply.header('ratelimit-policy', joined(reply, 'ratelimit-policy', policies(asks)))
        reply.header('ratelimit', joined(reply, 'ratelimit', state))
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

/** A string of structured fields; names are checked for other characters at start. */
function sfString (text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

/** Limits that were judged earlier, before authentication, have their part in the header already. */
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
