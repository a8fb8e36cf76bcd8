import type { CheckModule, Refusal } from '../check.ts'
import { headerName } from '../headers/values.ts'
import { bool, either, examine, num, oneOf, record, regexp, text, yes } from '../options/shape.ts'

const refused: Refusal = { code: 'GUARD_HEADER_REQUIRED', status: 400, reason: 'a required header is missing or wrong' }

/** `mode`, `sample` and `inherit` are those of every rule; no header is called so. */
const common = { mode: oneOf('enforce', 'passive', 'off'), sample: num(0, 1), inherit: bool }
const headers = record(either(yes, text, regexp), headerName)

/** Refuses requests without certain headers, or with other values. */
export const requireHeaders: CheckModule<'requireHeaders'> = {
  key: 'requireHeaders',
  trustSkips: false,
  shape: {
    ...headers,
    json: { ...headers.json, properties: { mode: common.mode.json!, sample: common.sample.json!, inherit: common.inherit.json! } },
    inside (value, path, report) {
      const { mode, sample, inherit, ...named } = value as Record<string, unknown>
      headers.inside(named, path, report)
      for (const [key, shape] of Object.entries(common)) {
        const member = (value as Record<string, unknown>)[key]
        if (member !== undefined) examine(shape, member, `${path}.${key}`, report)
      }
    }
  },
  compile (value) {
    const { mode, sample, inherit, ...named } = value as Record<string, unknown>
    const wanted = Object.entries(named).map(([header, expected]) => ({ header: header.toLowerCase(), expected: expected as true | string | RegExp }))
    if (wanted.length === 0) return undefined
    return {
      request ({ headers }) {
        for (const { header, expected } of wanted) {
          if (!matches(Object.hasOwn(headers, header) ? headers[header] : undefined, expected)) return { ...refused, rule: header }
        }
        return undefined
      }
    }
  }
}

function matches (value: string | string[] | undefined, expected: true | string | RegExp): boolean {
  if (value === undefined || value === '') return false
  const one = Array.isArray(value) ? value.join(', ') : value
  if (expected === true) return true
  return typeof expected === 'string' ? one === expected : one.search(expected) !== -1
}
