import { is, isPlain, show, type Report, type Shape } from '../options/shape.ts'

/** Longest value of one header; past this, clients and proxies start to refuse the answer. */
const LONGEST = 8192

/** What RFC 9110 allows in a field name. */
export const headerName = is('a header name', (value) => typeof value === 'string' && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value), { type: 'string', pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" })

/**
 * A header's value: printable ASCII and blanks. A line break would start a header, or an answer, of its own
 * (response splitting); other control characters and letters beyond ASCII are not the same to all clients.
 */
export const headerValue: Shape = {
  expected: 'a header value',
  json: { type: 'string', minLength: 1 },
  kind: (value) => typeof value === 'string',
  inside (value, path, report) {
    const problem = valueProblem(value as string)
    if (problem !== undefined) report(path, `${problem}, got ${show(value)}`)
  }
}

function valueProblem (value: string): string | undefined {
  if (/[\r\n]/.test(value)) return 'must not contain a line break'
  if (/[^\t\x20-\x7e]/.test(value)) return 'must contain printable ASCII characters only'
  if (value.trim() === '') return 'must not be blank'
  if (value.trim() !== value) return 'must not begin or end with a blank'
  return value.length > LONGEST ? `must be at most ${LONGEST} characters long` : undefined
}

/** Headers that frame the answer, belong to one answer only, or have an option of their own. */
const TAKEN: Readonly<Record<string, string>> = {
  'strict-transport-security': 'is set by hsts, over https only',
  'set-cookie': 'belongs to a handler, not to every answer',
  'content-type': 'belongs to a handler, not to every answer',
  'content-encoding': 'belongs to a handler, not to every answer',
  location: 'belongs to a handler, not to every answer',
  date: 'is set by Node',
  'content-length': 'frames the answer and is set by Fastify',
  'transfer-encoding': 'frames the answer and is set by Node',
  trailer: 'frames the answer and is set by Fastify',
  connection: 'frames the answer and is set by Node',
  'keep-alive': 'frames the answer and is set by Node',
  upgrade: 'frames the answer and is set by Node',
  te: 'is a header of requests'
}

/** Headers by name: values, or `false` for those that are left out. */
export const customHeaders: Shape = {
  expected: 'an object',
  json: { type: 'object', propertyNames: headerName.json!, additionalProperties: { anyOf: [{ const: false }, headerValue.json!] } },
  kind: isPlain,
  inside (value, path, report) {
    const seen = new Set<string>()
    for (const [name, entry] of Object.entries(value as object)) {
      const at = `${path}[${JSON.stringify(name)}]`
      const lower = name.toLowerCase()
      if (seen.has(lower)) report(at, 'stands there twice, in different case')
      seen.add(lower)
      examineCustom(lower, entry, at, report)
    }
  }
}

function examineCustom (name: string, value: unknown, path: string, report: Report): void {
  if (!headerName.kind(name)) report(path, 'is no header name')
  const taken = Object.hasOwn(TAKEN, name) ? TAKEN[name] : undefined
  if (taken !== undefined) report(path, taken)
  else if (name.startsWith('access-control-')) report(path, 'is set by the option cors')
  if (value === false || value === undefined) return
  if (!headerValue.kind(value)) report(path, `must be a header value or false, got ${show(value)}`)
  else if (name.startsWith('content-security-policy') && /'nonce['-]/.test(value as string)) report(path, 'takes no nonce, use csp.directives')
  else headerValue.inside(value, path, report)
}
