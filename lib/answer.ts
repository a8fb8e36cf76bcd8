import { STATUS_CODES } from 'node:http'
import createError from '@fastify/error'
import type { FastifyError, FastifyReply } from 'fastify'
import { MESSAGES } from './codes.ts'
import type { Refused } from './run.ts'
import type { GuardCode, GuardOptions } from '../types/index.ts'

/** Makes the error of a refusal; see `errorMaker`. */
export type MakeError = (code: GuardCode, status: number, reference: string, message?: string) => FastifyError & { reference: string }

/**
 * One error for each code and status serves all requests: building one with its stack costs more than the
 * request. Each refusal gets an object of its own whose prototype is the shared one, so that an error handler
 * that writes to it changes no other request's.
 */
export function errorMaker (messages: Partial<Record<GuardCode, string>> = {}): MakeError {
  const shared = new Map<string, FastifyError>()
  return (code, status, reference, message) => {
    const name = `${code} ${status}`
    let error = shared.get(name)
    if (error === undefined) {
      error = new (createError(code, '%s', status, Error, false))(messages[code] ?? MESSAGES[code])
      shared.set(name, error)
    }
    const own = Object.create(error) as FastifyError & { reference: string }
    own.reference = reference
    if (message !== undefined) own.message = message
    return own
  }
}

/** Headers of a refusal's answer. */
export function refusalHeaders (reply: FastifyReply, { refusal, verdict }: Refused): void {
  reply.header('x-guard-reference', verdict.reference)
  if (refusal.headers !== undefined) reply.headers(refusal.headers)
}

/** The text that the client reads. */
function messageOf ({ verdict, refusal }: Refused, { response }: GuardOptions): string {
  return refusal.message ?? response?.messages?.[verdict.code] ?? MESSAGES[verdict.code]
}

/** The body of a refusal that Fastify's error handling does not make, and its media type. */
export function bodyOf (refused: Refused, options: GuardOptions): { type: string, body: string } {
  const { status, code, reference } = refused.verdict
  const title = STATUS_CODES[status]
  const message = messageOf(refused, options)
  return options.response?.format === 'problem'
    ? { type: 'application/problem+json; charset=utf-8', body: JSON.stringify({ type: 'about:blank', title, status, detail: message, code, reference }) }
    : { type: 'application/json; charset=utf-8', body: JSON.stringify({ statusCode: status, code, error: title, message }) }
}

/** RFC 9457 problem details, in place of Fastify's own body; what a handler of the application answered stays. */
export function problem (reply: FastifyReply, payload: unknown, refused: Refused, options: GuardOptions): unknown {
  if (typeof payload !== 'string' || !isDefaultBody(payload, refused.verdict.code, messageOf(refused, options))) return payload
  const { type, body } = bodyOf(refused, options)
  reply.header('content-type', type)
  reply.header('content-length', Buffer.byteLength(body))
  return body
}

function isDefaultBody (payload: string, code: GuardCode, message: string): boolean {
  try {
    const body = JSON.parse(payload) as Record<string, unknown>
    return Object.keys(body).length === 4 && body['code'] === code && body['message'] === message && 'statusCode' in body && 'error' in body
  } catch {
    return false
  }
}
