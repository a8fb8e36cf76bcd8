import type { FastifyRequest } from 'fastify'
import { banTarget, principalName } from '../bans/target.ts'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import type { Guard } from '../guard.ts'
import { isObject } from '../options/shape.ts'
import type { GuardApi } from '../../types/index.ts'
import { promote } from './passive.ts'

type Body = Record<string, unknown>

/** A principal's name, and what stands before it. */
const LONGEST = 300

/** What the page can change. Each answers what became of it. @throws {GUARD_OPTION_INVALID} for what cannot be read */
export type Actions = Readonly<Record<string, (body: Body, request: FastifyRequest) => unknown>>

export function actions (guard: Guard, api: GuardApi): Actions {
  return {
    ban (body, request) {
      const duration = optional(body, 'duration')
      const target = text(body, 'target').trim()
      const { name } = banTarget(target, guard.options.ipv6Prefix ?? 64)
      if (name === guard.clients.client(request).key || name === principalName(request.guard.principal)) throw new GUARD_OPTION_INVALID(`guard: ${target} is your own name or address: you could not lift the ban`)
      return api.ban(target, { reason: optional(body, 'reason') ?? 'manual', ...(duration !== undefined && { duration }) })
    },
    // A target as the list has it, blanks of a principal's name included.
    unban: (body) => ({ lifted: api.unban(text(body, 'target')) }),
    emergency (body) {
      const { on } = body
      if (typeof on !== 'boolean') throw new GUARD_OPTION_INVALID('guard: on must be true or false')
      const length = optional(body, 'for')
      api.emergency(on && length !== undefined ? { for: length } : on)
      return { enabled: on }
    },
    async promote (body) {
      await promote(guard, api, text(body, 'check'))
      return { promoted: body['check'] }
    }
  }
}

/** What a form has sent: an object with texts in it. */
export function bodyOf (request: FastifyRequest): Body {
  if (!isObject(request.body)) throw new GUARD_OPTION_INVALID('guard: the body must be a JSON object')
  return request.body
}

function text (body: Body, name: string): string {
  const value = optional(body, name)
  if (value === undefined) throw new GUARD_OPTION_INVALID(`guard: ${name} is missing`)
  return value
}

function optional (body: Body, name: string): string | undefined {
  const value = Object.hasOwn(body, name) ? body[name] : undefined
  if (value === undefined || value === '') return undefined
  if (typeof value !== 'string' || value.length > LONGEST) throw new GUARD_OPTION_INVALID(`guard: ${name} must be a text of at most ${LONGEST} characters`)
  return value
}
