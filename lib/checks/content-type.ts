import type { FastifyRequest } from 'fastify'
import type { CheckModule, Refusal } from '../check.ts'
import { is, list, rule, someText } from '../options/shape.ts'
import type { ContentTypeRules } from '../../types/index.ts'
import { lacks } from './required.ts'

const refused: Refusal = { code: 'GUARD_CONTENT_TYPE', status: 415, reason: 'content type is refused' }

const TYPE = /^[a-z0-9!#$&^_.+-]+\/(?:[a-z0-9!#$&^_.+-]+|\*)$/
const mediaType = is("a media type such as 'application/json' or 'image/*'", (value) => typeof value === 'string' && TYPE.test(value.toLowerCase()), someText)

/** Refuses bodies of other media types. Where there is no body, there is nothing to refuse. */
export const contentType: CheckModule<'contentType'> = {
  key: 'contentType',
  trustSkips: false,
  shape: rule({ allow: list(mediaType, 1) }),
  compile (rule, _services, target) {
    const { allow = [] } = rule as ContentTypeRules
    if (lacks('contentType', rule, target, 'allow')) return undefined
    const types = new Set(allow.map((type) => type.toLowerCase()))
    return {
      request (request) {
        if (!hasBody(request)) return undefined
        const type = essence(request.headers['content-type'])
        return types.has(type) || types.has(`${type.slice(0, type.indexOf('/'))}/*`) ? undefined : { ...refused, evidence: request.headers['content-type'] ?? '(none)' }
      }
    }
  }
}

/** RFC 9112, section 6: a request has a body if one of these headers says so. In HTTP/2 it needs neither. */
export function hasBody ({ headers, raw }: FastifyRequest): boolean {
  const { stream } = raw as { stream?: { endAfterHeaders?: boolean } }
  if (raw.httpVersionMajor === 2 && stream?.endAfterHeaders === false) return true
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] !== undefined && headers['content-length'] !== '0')
}

/** Type and subtype in lower case, without parameters; `''` if the header is none (RFC 9110, section 8.3.1). */
export function essence (header: string | undefined): string {
  if (header === undefined) return ''
  const end = header.indexOf(';')
  const type = (end === -1 ? header : header.slice(0, end)).trim().toLowerCase()
  return TYPE.test(type) && !type.endsWith('*') ? type : ''
}
