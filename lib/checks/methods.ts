import { METHODS } from 'node:http'
import type { CheckModule, Refusal } from '../check.ts'
import { hint, list, show, type Shape } from '../options/shape.ts'

const method: Shape = {
  expected: 'an HTTP method in upper case',
  json: { enum: METHODS },
  kind: (value) => typeof value === 'string',
  inside (value, path, report) {
    if (!METHODS.includes(value as string)) report(path, `is no HTTP method in upper case: ${show(value)}${hint(value as string, METHODS)}`)
  }
}

/** Refuses other methods than the listed ones. `HEAD` is allowed where `GET` is. */
export const methods: CheckModule<'methods'> = {
  key: 'methods',
  trustSkips: false,
  shape: list(method, 1),
  compile (listed) {
    const allowed = new Set(listed)
    if (allowed.has('GET')) allowed.add('HEAD')
    const refused: Refusal = {
      code: 'GUARD_METHOD_REFUSED',
      status: 405,
      reason: 'method is not allowed',
      rule: 'methods',
      headers: { allow: [...allowed].join(', ') }
    }
    return {
      request: ({ method }) => allowed.has(method) ? undefined : { ...refused, evidence: method }
    }
  }
}
