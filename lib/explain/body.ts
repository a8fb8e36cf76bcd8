import { parse } from 'node:querystring'
import type { FastifyRequest } from 'fastify'
import { essence } from '../checks/content-type.ts'

/** What the body checks would see; `note` says why they see nothing. */
export interface ParsedBody { body?: unknown, note?: string }

/** Fastify parses no bodies of these. */
const BODYLESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'TRACE'])

/** Gives what the parser of a route would give of a body; anything but a text or bytes counts as parsed already. */
export function parsedBody (request: FastifyRequest, body: unknown): ParsedBody {
  if (body === undefined || body === null || body === '') return {}
  if (BODYLESS.has(request.method)) return { note: `Fastify reads no body of ${request.method}` }
  if (typeof body !== 'string' && !Buffer.isBuffer(body)) return { body }
  const type = essence(request.headers['content-type'])
  if (!request.server.hasContentTypeParser(type === '' ? '*' : type)) return { note: `Fastify has no parser for ${type === '' ? 'a body without content-type' : type} and answers 415` }
  return parsedText(request, type, String(body))
}

function parsedText ({ server }: FastifyRequest, type: string, text: string): ParsedBody {
  if (type === 'text/plain') return { body: text }
  if (type === 'application/x-www-form-urlencoded') return { body: parse(text) }
  if (type !== 'application/json') return { note: `the body was not judged: hand it in as what the parser of ${type} gives` }
  const { onProtoPoisoning = 'error' } = server.initialConfig
  if (onProtoPoisoning === 'error' && /"__proto__"\s*:/.test(text)) return { note: 'Fastify refuses a body with the key __proto__ and answers 400' }
  try {
    return { body: JSON.parse(text) }
  } catch {
    return { note: 'Fastify cannot parse the body and answers 400' }
  }
}
