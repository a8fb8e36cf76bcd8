import type { FastifyRequest } from 'fastify'
import { isWide } from './bans/held.ts'
import type { Refusal, Visit } from './check.ts'
import { GUARD_OPTION_INVALID } from './errors.ts'
import { setVisit, visitOf, type Guard } from './guard.ts'
import { visitFor } from './hooks.ts'
import type { Counter } from './limits/store.ts'
import { bool, duration, examine, int, milliseconds, object, text, type Problem } from './options/shape.ts'
import { throwIfAny } from './options/plugin.ts'
import { report } from './report.ts'
import type { GuardedSocket, WebSocketGuard, WebSocketMessage, WebSocketOptions } from '../types/index.ts'

const shape = object({ max: int(1), window: duration, name: text, maxBytes: int(1), inspect: bool }, 'max', 'window')

/** RFC 6455, section 7.4.1. */
const POLICY = 1008
const TOO_BIG = 1009

/** What guards the messages of open connections; the connection itself passed the rules of its route. */
export function websocketGuard (guard: Guard, options: WebSocketOptions): WebSocketGuard {
  const problems: Problem[] = []
  examine(shape, options, 'websocket', (path, message) => problems.push({ path, message }))
  throwIfAny(problems)
  const { max, name = 'websocket', maxBytes = 1024 * 1024, inspect = true } = options
  const counter = guard.services.limiter.counter(`websocket|${name}`, milliseconds(options.window)!, 'sliding-window')
  if (typeof counter === 'string') throw new GUARD_OPTION_INVALID(`guard: option websocket.window ${counter}`)

  return (socket, request, onMessage) => {
    const visit = visitOf(request) ?? visitFor(guard, request)
    setVisit(request, visit)
    let tail: Promise<void> | undefined
    socket.on('message', (data, isBinary) => {
      const judge = (): void | Promise<void> => {
        const outcome = judgeMessage(guard, { counter, max, maxBytes, inspect }, data, isBinary, request, visit)
        if (outcome instanceof Promise) return outcome.then((refusal) => settle(refusal, data, isBinary))
        settle(outcome, data, isBinary)
      }
      // Messages keep their order, also where a store takes its time.
      const waits = tail === undefined ? judge() : tail.then(judge)
      if (waits === undefined) return
      const mine: Promise<void> = waits.catch((error: unknown) => {
        request.log.error({ event: 'guard.check_failed', err: error }, 'guard: a message could not be checked')
        close(socket, 1011)
      }).then(() => { if (tail === mine) tail = undefined })
      tail = mine
    })
    const settle = (code: number | undefined, data: WebSocketMessage, isBinary: boolean): void => {
      if (code !== undefined) return close(socket, code)
      if (socket.readyState === 1) onMessage(data, isBinary)
    }
  }
}

interface Bounds { counter: Counter, max: number, maxBytes: number, inspect: boolean }

/** The code to close with, or `undefined` for a message that passes. */
function judgeMessage (guard: Guard, { counter, max, maxBytes, inspect }: Bounds, data: WebSocketMessage, isBinary: boolean, request: FastifyRequest, visit: Visit): number | undefined | Promise<number | undefined> {
  const passive = guard.options.mode === 'passive'
  const refuse = (refusal: Refusal, code: number): number | undefined => {
    report(guard, 'websocket', refusal, passive, request, visit)
    return passive ? undefined : code
  }
  if (sizeOf(data) > maxBytes) {
    const code = refuse({ code: 'GUARD_BODY_TOO_LARGE', status: 413, reason: 'message is larger than maxBytes' }, TOO_BIG)
    if (code !== undefined) return code
  }
  if (visit.trusted) return undefined
  const { bans } = guard.services
  const ban = bans.find(visit.client) ?? bans.findPrincipal(visit.principal)
  // A ban that was made since the connection was opened ends it; one of many means nobody who is exempt.
  if (ban !== undefined && !passive && !(isWide(ban) && visit.chain.ban?.spares(visit.client) === true)) return refuse({ code: 'GUARD_BANNED', status: 403, reason: `banned: ${ban.reason}` }, POLICY)
  const content = (): number | undefined => {
    if (!inspect || isBinary) return undefined
    return request.guard.inspect(valueOf(data), 'message')?.action === 'refuse' ? POLICY : undefined
  }
  const counted = (over: boolean): number | undefined => {
    const code = over ? refuse({ code: 'GUARD_RATE_LIMITED', status: 429, reason: `over ${max} messages in ${counter.window / 1000} s`, strike: 'rateLimit' }, POLICY) : undefined
    return code ?? content()
  }
  const taken = guard.services.limiter.take([{ counter, key: visit.client.key, max, burst: max, cost: 1 }])
  return taken instanceof Promise ? taken.then(({ passed }) => counted(!passed)) : counted(!taken.passed)
}

function sizeOf (data: WebSocketMessage): number {
  if (Array.isArray(data)) return data.reduce((sum, part) => sum + part.length, 0)
  return data.byteLength
}

/** JSON is judged by its values, other text as it is. */
function valueOf (data: WebSocketMessage): unknown {
  const text = Array.isArray(data) ? Buffer.concat(data).toString() : data instanceof ArrayBuffer ? Buffer.from(data).toString() : data.toString()
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

function close (socket: GuardedSocket, code: number): void {
  if (socket.readyState === 1) socket.close(code)
}
