/** Attack classes. */
export type Category = 'xss' | 'sqli' | 'nosql' | 'command' | 'traversal' | 'file-inclusion' | 'ldap' | 'xml' | 'ssrf' | 'template' | 'code' |
  'deserialization' | 'prototype-pollution' | 'crlf' | 'jndi' | 'upload' | 'probe'

export const CATEGORIES: readonly Category[] = ['xss', 'sqli', 'nosql', 'command', 'traversal', 'file-inclusion', 'ldap', 'xml', 'ssrf', 'template', 'code',
  'deserialization', 'prototype-pollution', 'crlf', 'jndi', 'upload', 'probe']

export type Level = 1 | 2 | 3 | 4

/** A rule of the application's own. Strings match literally, in any case; expressions and functions see each decoded value. */
export interface OwnRule {
  id: string
  category?: Category
  pattern: string | RegExp | ((value: string) => boolean)
  /** Default: enough to refuse alone. */
  score?: number
}

/** The `detection` option without `mode`, `sample` and `inherit`. */
export interface DetectionRules {
  categories?: readonly Category[] | Partial<Record<Category, boolean>>
  level?: Level
  threshold?: number
  exclude?: {
    paths?: readonly string[]
    params?: readonly string[]
    headers?: readonly string[]
    fields?: readonly string[]
    rules?: readonly string[]
    categories?: readonly Category[]
  }
  rules?: readonly OwnRule[]
  maxBytes?: number
  overflow?: 'refuse' | 'pass'
  /** Microseconds for the URL with the headers, and again for the body; what is left then counts as an overflow. */
  budget?: number
  maxDepth?: number
  maxKeys?: number
  scan?: { query?: boolean, path?: boolean, headers?: boolean, cookies?: boolean, body?: boolean }
}

/** One sign of an attack. */
export interface Match {
  rule: string
  category: Category
  /** e.g. `query.q`, `query name`, `body.user.name`, `header.referer`, `cookie.sid`, `path`. */
  location: string
  /** At most 60 characters around the sign, control characters escaped. */
  evidence: string
  score: number
}

export interface Finding {
  score: number
  matches: Match[]
}

/** A bound was passed and `overflow` is `refuse`. */
export interface Overflow {
  overflow: 'bytes' | 'depth' | 'keys' | 'budget'
}

/** A rule as the catalogue shows it. */
export interface Rule {
  id: string
  category: Category
  level: Level
  score: number
  about: string
  /** An example that it sees, as a query value unless `about` says otherwise. */
  match: string
  /** A harmless neighbour. */
  pass: string
}
