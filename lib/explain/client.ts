import type { FastifyRequest } from 'fastify'
import type { Visit } from '../check.ts'
import type { Guard } from '../guard.ts'
import { traceClient } from '../net/client.ts'
import type { Explanation } from '../../types/index.ts'

/** Who the client is, and how that was found out. */
export function clientPart (guard: Guard, request: FastifyRequest, { client, trusted }: Visit): Explanation['client'] {
  return { ip: client.ip, key: client.key, found: traceClient(guard.clients, request), trusted, ...placeOf(guard, client) }
}

function placeOf ({ services: { geo } }: Guard, client: Visit['client']): Pick<Explanation['client'], 'country' | 'asn' | 'network'> {
  try {
    const { country, asn, network } = geo?.place(client) ?? {}
    return { ...(country !== undefined && { country }), ...(asn !== undefined && { asn }), ...(network !== undefined && { network }) }
  } catch {
    return {}
  }
}
