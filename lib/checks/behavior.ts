import type { FastifyReply, FastifyRequest } from 'fastify'
import { banFor, bannedFor, callOwn, findingOf, isNews, isPast, isSpared, notify, throttle, wouldBePast, type Counted } from '../behavior/act.ts'
import { answerReader } from '../behavior/answer.ts'
import { answerWatchOf, behaviorShape, frequencyOf, watchOf, type AnswerWatch, type Watch } from '../behavior/rules.ts'
import { waitingRoom, type WaitingRoom } from '../behavior/waiting.ts'
import type { CheckModule, DryAnswer, Refusal, Services, Target, Visit } from '../check.ts'
import { guardOf, type Guard } from '../guard.ts'
import type { BehaviorRules } from '../../types/index.ts'

/** One for an app, over all of its rules. */
const rooms = new WeakMap<Services, WaitingRoom>()

export function roomOf (services: Services): WaitingRoom {
  let room = rooms.get(services)
  if (room === undefined) rooms.set(services, room = waitingRoom())
  return room
}

/** Watches what a client does over time: how often it calls, and what it gets. */
export const behavior: CheckModule<'behavior'> = {
  key: 'behavior',
  trustSkips: true,
  perRoute: true,
  shape: behaviorShape,
  compile (rule, services, target) {
    const { usage, frequency, returns = [], mode } = rule as BehaviorRules
    const counted = <T extends Watch>(watch: T, member: keyof BehaviorRules): Array<Counted<T>> => {
      const id = `behavior|${bucketOf(target, member)}|${watch.name}|${watch.window}`
      const counter = services.limiter.counter(id, watch.window, 'sliding-window')
      const told = services.limiter.counter(`${id}|told`, watch.window, 'fixed-window')
      return typeof counter === 'string' || typeof told === 'string' ? [] : [{ watch, counter, told }]
    }
    const calls = [...(usage === undefined ? [] : counted(watchOf('usage', usage), 'usage')), ...(frequency === undefined ? [] : counted(frequencyOf(frequency), 'frequency'))]
    const answers = returns.flatMap((entry, i) => counted(answerWatchOf(`returns[${i}]`, entry), 'returns'))
    const passive = (guard: Guard): boolean => mode === 'passive' || guard.options.mode === 'passive'
    return {
      late: calls.length === 0 ? undefined : (request, visit, reply) => judgeCall(calls, services, passive, request, visit, reply),
      dry: { late: (request, visit) => lookAtCall(calls, services, passive(guardOf(request.server)!), visit) },
      send: answers.length === 0 ? undefined : (request, visit, reply, payload) => judgeAnswer(answers, services, passive, request, visit, reply, payload)
    }
  }
}

/** A member that a route took over is counted where it came from. */
function bucketOf ({ origin, layer, members }: Target, member: string): string {
  const from = members?.[member]?.at(-1)
  return from === undefined || from === origin ? layer : from
}

type IsPassive = (guard: Guard) => boolean

/** Most calls are within bounds; they cost no promise where the store answers at once. */
function judgeCall (calls: ReadonlyArray<Counted<Watch>>, services: Services, passive: IsPassive, request: FastifyRequest, visit: Visit, reply: FastifyReply): Refusal | undefined | Promise<Refusal | undefined> {
  const outcomes = calls.map((call) => isPast(call, services, visit))
  if (outcomes.every((past) => past === false)) return undefined
  return actOnCalls(calls, outcomes, services, passive, request, visit, reply)
}

async function actOnCalls (calls: ReadonlyArray<Counted<Watch>>, outcomes: ReadonlyArray<boolean | Promise<boolean>>, services: Services, passive: IsPassive, request: FastifyRequest, visit: Visit, reply: FastifyReply): Promise<Refusal | undefined> {
  const guard = guardOf(request.server)!
  let refusal: Refusal | undefined
  for (let i = 0; i < calls.length; i++) {
    if (!await outcomes[i]) continue
    const call = calls[i]!
    const finding = findingOf(call.watch)
    const { action } = call.watch
    if (action === 'ban' && passive(guard)) {
      refusal ??= finding
    } else if (action === 'ban') {
      if (banFor(call.watch, finding, services, visit)) refusal ??= bannedFor(call.watch, finding)
    } else {
      if (await isNews(call, services, visit)) tell(guard, call.watch, finding, passive(guard), request, visit)
      if (action === 'throttle' && !passive(guard)) refusal ??= await throttle(call.watch, roomOf(services), visit, reply)
    }
  }
  return refusal
}

/** For `explain`: what `judgeCall` would do with the call. */
async function lookAtCall (calls: ReadonlyArray<Counted<Watch>>, services: Services, passive: boolean, visit: Visit): Promise<DryAnswer> {
  let delay = false
  for (const call of calls) {
    const { watch } = call
    if (!await wouldBePast(call, services, visit)) continue
    if (watch.action === 'ban' && passive) return findingOf(watch)
    if (watch.action === 'ban' && !isSpared(services, visit)) return bannedFor(watch, findingOf(watch))
    delay ||= watch.action === 'throttle' && !passive
  }
  return delay ? 'delay' : undefined
}

function tell (guard: Guard, watch: Watch, finding: Refusal, passive: boolean, request: FastifyRequest, visit: Visit): void {
  notify(guard, finding, request, visit)
  if (!passive) callOwn(guard, watch, request, visit)
}

/** Counts an answer that is about to go. It goes out whatever it is; the rule meets the client's next request. */
function judgeAnswer (answers: ReadonlyArray<Counted<AnswerWatch>>, services: Services, passive: IsPassive, request: FastifyRequest, visit: Visit, reply: FastifyReply, payload: unknown): Promise<void> | undefined {
  const check = visit.refused?.verdict.check
  // Who is shut out already earns nothing by knocking.
  if (check === 'ban' || check === 'emergency') return undefined
  const reader = answerReader(payload)
  const matching = answers.filter(({ watch }) => watch.matches(reply.statusCode, () => reader.text(watch.maxBytes), () => reader.json(watch.maxBytes)))
  if (matching.length === 0) return undefined
  return actOnAnswers(matching, services, passive, request, visit, reply)
}

async function actOnAnswers (matching: ReadonlyArray<Counted<AnswerWatch>>, services: Services, passive: IsPassive, request: FastifyRequest, visit: Visit, reply: FastifyReply): Promise<void> {
  const guard = guardOf(request.server)!
  for (const answer of matching) {
    if (!await isPast(answer, services, visit)) continue
    const { watch } = answer
    const finding = findingOf(watch)
    if (await isNews(answer, services, visit)) tell(guard, watch, { notice: 'warn', ...finding }, passive(guard), request, visit)
    if (passive(guard)) continue
    if (watch.action === 'ban') banFor(watch, finding, services, visit)
    if (watch.action === 'throttle') await throttle(watch, roomOf(services), visit, reply)
  }
}
