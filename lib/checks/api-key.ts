import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Check, CheckModule, Refusal } from '../check.ts'
import { headerName } from '../headers/values.ts'
import { either, fn, list, rule, text } from '../options/shape.ts'
import type { ApiKeyRules, Verify } from '../../types/index.ts'
import { allOf, settle } from './auth.ts'
import { lacks } from './required.ts'

const refused: Refusal = { code: 'GUARD_API_KEY_REQUIRED', status: 401, reason: 'API key is missing or wrong', strike: 'apiKey' }

/** Lets requests pass that show a known key. Comparing takes the same time for every wrong key. */
export const apiKey: CheckModule<'apiKey'> = {
  key: 'apiKey',
  trustSkips: false,
  shape: rule({ header: headerName, keys: either(list(text, 1), fn) }),
  compile (rule, _services, target) {
    const { header = 'x-api-key', keys } = rule as ApiKeyRules
    if (lacks('apiKey', rule, target, 'keys')) return undefined
    const name = header.toLowerCase()
    const verify: Verify = typeof keys === 'function' ? keys : known(keys ?? [])
    const given = (request: FastifyRequest): string => {
      const values = allOf(request, name)
      // A doubled header can mean one thing here and another behind us.
      return values.length === 1 ? values[0]! : ''
    }
    const check: Check = (request, visit) => {
      const key = given(request)
      return key === '' ? refused : settle(verify(key, request), visit, refused)
    }
    const own = typeof keys === 'function'
    return { request: check, dry: { request: (request, visit, reply, run) => run || !own || given(request) === '' ? check(request, visit, reply) : 'not run' } }
  }
}

/** Looks at all keys, whichever matches, and at hashes, so that neither length nor first letters show in the time. */
export function known (keys: readonly string[]): (key: string) => object | null {
  const hashes = keys.map(hash)
  const names = hashes.map(nameOf)
  return (key) => {
    const given = hash(key)
    let found = -1
    for (let i = 0; i < hashes.length; i++) {
      if (timingSafeEqual(given, hashes[i]!)) found = i
    }
    return found === -1 ? null : { id: names[found]! }
  }
}

/** Of the key and not of its place in the list, which changes with every rotation: a ban would move to another customer. */
function nameOf (hash: Buffer): string {
  return `key-${hash.toString('base64url').slice(0, 12)}`
}

function hash (text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
