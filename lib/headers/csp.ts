import { contentSecurityPolicy } from 'helmet'
import { headersOf } from './helmet.ts'
import { objectSchema, type JsonSchema } from '../options/json-schema.ts'
import { bool, hint, isObject, isPlain, object, show, type Report, type Shape } from '../options/shape.ts'
import type { SecurityHeaderRules } from '../../types/index.ts'

type CspRules = Exclude<SecurityHeaderRules['csp'], false | undefined>

/** Directives whose value is a list of sources, as CSP level 3 has them. */
const SOURCES = ['default-src', 'child-src', 'connect-src', 'fenced-frame-src', 'font-src', 'frame-src', 'img-src', 'manifest-src', 'media-src',
  'object-src', 'prefetch-src', 'script-src', 'script-src-elem', 'script-src-attr', 'style-src', 'style-src-elem', 'style-src-attr', 'worker-src',
  'base-uri', 'form-action', 'frame-ancestors']
const OTHERS = ['sandbox', 'report-uri', 'report-to', 'require-trusted-types-for', 'trusted-types', 'upgrade-insecure-requests', 'block-all-mixed-content']
const DIRECTIVES = [...SOURCES, ...OTHERS]

/** Directives that may, or must, stand without a value. */
const BARE = ['sandbox', 'trusted-types', 'upgrade-insecure-requests', 'block-all-mixed-content']
const VALUELESS = ['upgrade-insecure-requests', 'block-all-mixed-content']

/** Directives in which browsers look at nonces, and which of the answer's two nonces it is. */
const NONCES: Readonly<Record<string, Nonce>> = {
  'script-src': 'script', 'script-src-elem': 'script', 'style-src': 'style', 'style-src-elem': 'style'
}

const KEYWORDS = ['self', 'none', 'unsafe-inline', 'unsafe-eval', 'unsafe-hashes', 'strict-dynamic', 'report-sample', 'wasm-unsafe-eval',
  'inline-speculation-rules', 'script', 'allow-duplicates', 'trusted-types-eval', 'report-sha256', 'report-sha384', 'report-sha512']

const HASH = /^'sha(?:256|384|512)-[A-Za-z0-9+/_-]+={0,2}'$/
const SOURCE = /^(?:\*|[a-z][a-z0-9+.-]*:|(?:[a-z][a-z0-9+.-]*:\/\/)?(?:\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])(?::(?:\*|\d{1,5}))?(?:\/[^\s;,'"]*)?)$/i

export type Nonce = 'script' | 'style'

/** A policy with nonces, split where they go: `parts` has one entry more than `nonces`. */
export interface CspTemplate {
  name: string
  parts: readonly string[]
  nonces: readonly Nonce[]
}

const sourcesJson: JsonSchema = { type: 'array', items: { type: 'string' } }
const bareJson: JsonSchema = { anyOf: [{ const: true }, sourcesJson] }

const directives: Shape = {
  expected: 'an object of directives',
  json: objectSchema(Object.fromEntries(DIRECTIVES.map((name) => [name, { json: BARE.includes(name) ? bareJson : sourcesJson }])), []),
  kind: isPlain,
  inside (value, path, report) {
    for (const [name, sources] of Object.entries(value as object)) {
      const at = `${path}[${JSON.stringify(name)}]`
      if (!DIRECTIVES.includes(name)) report(at, `is no directive${hint(name, DIRECTIVES)}`)
      else if (sources !== undefined) examineSources(name, sources, at, report)
    }
  }
}

const shape = object({ directives, reportOnly: bool, useDefaults: bool })

export const cspShape: Shape = {
  ...shape,
  inside (value, path, report) {
    shape.inside(value, path, report)
    const { useDefaults = true, directives } = value as CspRules
    if (!useDefaults && isObject(directives) && directives['default-src'] === undefined) report(`${path}.directives["default-src"]`, 'is missing')
    if (!useDefaults && directives === undefined) report(`${path}.directives`, 'is missing')
  }
}

function examineSources (directive: string, sources: unknown, path: string, report: Report): void {
  if (sources === true) {
    if (!BARE.includes(directive)) report(path, "must be an array of sources, such as [\"'self'\"], got true")
    return
  }
  if (!Array.isArray(sources)) return report(path, `must be an array of texts${BARE.includes(directive) ? ' or true' : ''}, got ${show(sources)}`)
  if (VALUELESS.includes(directive)) return report(path, 'takes no value, use true')
  if (sources.length === 0) return report(path, BARE.includes(directive) ? 'must have at least 1 entry, or be true' : "must have at least 1 entry; to allow none, use [\"'none'\"]")
  for (let i = 0; i < sources.length; i++) {
    const problem = sourceProblem(directive, sources[i])
    if (problem !== undefined) report(`${path}[${i}]`, `${problem}, got ${show(sources[i])}`)
  }
  if (sources.length > 1 && sources.includes("'none'")) report(path, "'none' must stand alone")
}

function sourceProblem (directive: string, source: unknown): string | undefined {
  if (typeof source !== 'string' || source === '') return 'must be a non-empty string'
  if (/[^\x21-\x7e]/.test(source)) return 'must not contain blanks, line breaks or other control characters'
  if (/[;,]/.test(source)) return 'must not contain ";" or ","'
  if (isNonce(source)) return Object.hasOwn(NONCES, directive) ? undefined : `a nonce works in ${Object.keys(NONCES).join(', ')} only`
  if (/^'?nonce-/i.test(source)) return "must not be a fixed nonce, use 'nonce' for the answer's own"
  if (KEYWORDS.includes(source) && directive !== 'trusted-types') return `must be quoted: "'${source}'"`
  if (/^sha(256|384|512)-/i.test(source)) return 'must be quoted'
  if (source.startsWith("'")) return keywordProblem(source)
  return SOURCES.includes(directive) && !SOURCE.test(source) ? 'is no source' : undefined
}

function keywordProblem (source: string): string | undefined {
  if (HASH.test(source)) return undefined
  const word = source.slice(1, -1)
  return source.endsWith("'") && KEYWORDS.includes(word) ? undefined : `is no keyword${hint(word, KEYWORDS)}`
}

function isNonce (source: string): boolean {
  return source === 'nonce' || source === "'nonce'"
}

/**
 * The default policy: helmet's without `upgrade-insecure-requests`, which breaks pages that are served over plain
 * http. With `nonces`, inline scripts and styles need the answer's nonce.
 */
function defaults (nonces: boolean): Record<string, string[]> {
  const result: Record<string, string[]> = {}
  for (const [name, sources] of Object.entries(contentSecurityPolicy.getDefaultDirectives())) {
    if (name !== 'upgrade-insecure-requests') result[name] = [...sources].map(String)
  }
  if (nonces) {
    result['script-src'] = ["'self'", 'nonce']
    // With a nonce, browsers ignore 'unsafe-inline'.
    result['style-src'] = ["'self'", 'https:', 'nonce']
  }
  return result
}

const SPLIT = /\{(script|style)\}/

/** Builds the policy with helmet, once; where nonces go in, it is split. */
export function compileCsp ({ directives = {}, reportOnly = false, useDefaults = true }: CspRules, nonces: boolean): CspTemplate {
  const result: Record<string, string[]> = useDefaults ? defaults(nonces) : {}
  for (const [name, sources] of Object.entries(directives)) {
    if (sources !== undefined) result[name] = sources === true ? [] : [...sources]
  }
  for (const [name, sources] of Object.entries(result)) {
    result[name] = sources.map((source) => isNonce(source) ? `'nonce-{${NONCES[name]}}'` : source)
  }
  const headers = headersOf(contentSecurityPolicy({ useDefaults: false, directives: result, reportOnly }))
  const [name, value] = Object.entries(headers)[0]!
  const split = value.split(SPLIT)
  return { name, parts: split.filter((_, i) => i % 2 === 0), nonces: split.filter((_, i) => i % 2 === 1) as Nonce[] }
}
