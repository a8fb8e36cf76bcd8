import type { CheckModule, Refusal } from '../check.ts'
import { isObject, list, oneOf, rule, text, is } from '../options/shape.ts'
import type { HoneypotRules } from '../../types/index.ts'

const refused: Refusal = { code: 'GUARD_HONEYPOT', status: 403, reason: 'a honeypot was touched', strike: 'honeypot' }

const path = is('a path that starts with "/"', (value) => typeof value === 'string' && /^\/[^\s?#]+$/.test(value))

const DEEPEST = 32

/** Refuses who fills in a field that people do not see, or asks for a path that nobody links to. */
export const honeypot: CheckModule<'honeypot'> = {
  key: 'honeypot',
  trustSkips: true,
  shape: rule({ fields: list(text, 1), paths: list(path, 1), action: oneOf('refuse', 'ban') }),
  compile ({ fields = [], paths = [], action = 'refuse' }: HoneypotRules) {
    const names = new Set(fields)
    const traps = new Set(paths)
    const answer: Refusal = action === 'ban' ? { ...refused, bans: true } : refused
    return {
      request: traps.size === 0
        ? undefined
        : ({ raw }) => {
            const url = raw.url ?? ''
            const end = url.search(/[?#]/)
            const asked = end === -1 ? url : url.slice(0, end)
            return traps.has(asked) || traps.has(decoded(asked)) ? { ...answer, rule: 'path', evidence: asked } : undefined
          },
      body: names.size === 0
        ? undefined
        : ({ body }) => {
            const field = filled(body, names, 0)
            return field === undefined ? undefined : { ...answer, rule: field }
          }
    }
  }
}

/** The first trap field with a value, at any depth. A part of @fastify/multipart has its value inside. */
function filled (value: unknown, names: ReadonlySet<string>, depth: number): string | undefined {
  if (depth > DEEPEST) return undefined
  if (Array.isArray(value)) {
    for (const entry of value) {
      const found = filled(entry, names, depth + 1)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (!isObject(value) || value instanceof Uint8Array) return undefined
  const isPart = typeof value['fieldname'] === 'string' && (value['type'] === 'field' || value['type'] === 'file')
  if (isPart) return filled(value['value'], names, depth + 1)
  for (const name of Object.keys(value)) {
    const member = value[name]
    if (names.has(name) && !isEmpty(member)) return name
    const found = typeof member === 'object' ? filled(member, names, depth + 1) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

function isEmpty (value: unknown): boolean {
  if (value === '' || value === null || value === undefined || value === false) return true
  if (Array.isArray(value)) return value.every(isEmpty)
  return isObject(value) && 'fieldname' in value ? isEmpty(value['value']) : false
}

function decoded (path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
