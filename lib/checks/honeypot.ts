import type { CheckModule, Refusal } from '../check.ts'
import { isObject, list, oneOf, rule, text, is } from '../options/shape.ts'
import type { HoneypotRules } from '../../types/index.ts'

const refused: Refusal = { code: 'GUARD_HONEYPOT', status: 403, reason: 'a honeypot was touched', strike: 'honeypot' }

const path = is('a path that starts with "/"', (value) => typeof value === 'string' && /^\/[^\s?#]+$/.test(value), { type: 'string', pattern: '^/[^\\s?#]+$' })

const DEEPEST = 32

/** Refuses who fills in a field that people do not see, or asks for a path that nobody links to. */
export const honeypot: CheckModule<'honeypot'> = {
  key: 'honeypot',
  trustSkips: true,
  shape: rule({ fields: list(text, 1), paths: list(path, 1), action: oneOf('refuse', 'ban') }),
  compile ({ fields = [], paths = [], action = 'refuse' }: HoneypotRules) {
    const names = new Set(fields)
    const traps = new Set(paths.map(pathOf))
    const answer: Refusal = action === 'ban' ? { ...refused, bans: true } : refused
    return {
      request: traps.size === 0
        ? undefined
        : ({ raw }) => {
            const asked = pathOf(raw.url ?? '')
            return traps.has(asked) ? { ...answer, rule: 'path', evidence: asked } : undefined
          },
      body: names.size === 0
        ? undefined
        : ({ body }) => {
            const field = filled(body, names)
            return field === undefined ? undefined : { ...answer, rule: field }
          }
    }
  }
}

/**
 * The first trap field with a value, at any depth. A list in place of a recursion: bodies nest as deep as they
 * like. Parts of @fastify/multipart lead back to the body itself, hence `seen`.
 */
function filled (body: unknown, names: ReadonlySet<string>): string | undefined {
  const seen = new Set<unknown>()
  const waiting: unknown[] = [body]
  while (waiting.length > 0) {
    const value = waiting.pop()
    if (typeof value !== 'object' || value === null || isBinary(value)) continue
    // Naming each entry of a long list would cost more than parsing it did.
    if (Array.isArray(value)) {
      for (const entry of value) if (typeof entry === 'object') waiting.push(entry)
      continue
    }
    if (seen.has(value)) continue
    seen.add(value)
    for (const [name, member] of Object.entries(value)) {
      if (names.has(name) && !isEmpty(member, body, 0)) return name
      if (typeof member === 'object') waiting.push(member)
    }
  }
  return undefined
}

function isBinary (value: object): boolean {
  return value instanceof Uint8Array || typeof (value as { pipe?: unknown }).pipe === 'function'
}

function isEmpty (value: unknown, body: unknown, depth: number): boolean {
  if (value === '' || value === null || value === undefined || value === false) return true
  if (Array.isArray(value)) return depth < DEEPEST && value.every((entry) => isEmpty(entry, body, depth + 1))
  // A part points to the whole body, which nothing that was parsed from JSON can do.
  if (!isObject(value) || value['fields'] !== body) return false
  return value['type'] === 'file' ? isEmpty(value['filename'], body, depth) : isEmpty(value['value'], body, depth)
}

/** A target's path as a router may read it: without origin and query, decoded, single slashes, none at the end. */
function pathOf (target: string): string {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '')
  return decoded(path).replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '')
}

function decoded (path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
