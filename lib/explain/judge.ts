import type { FastifyReply, FastifyRequest } from 'fastify'
import type { DryAnswer, Visit } from '../check.ts'
import type { Step } from '../compile.ts'
import { printable } from '../report.ts'
import type { CheckAnswer } from '../../types/index.ts'

export interface Trial {
  request: FastifyRequest
  reply: FastifyReply
  visit: Visit
  /** Call the application's functions. */
  run: boolean
  /** What was answered so far. */
  answers: CheckAnswer[]
  /** A check refused: those after it are not reached. */
  over: boolean
}

/** Asks the checks of a phase, in order, without changing anything. `due` are those that trust does not skip. */
export async function judgeAll (trial: Trial, steps: readonly Step[], due: readonly Step[], phase: CheckAnswer['phase']): Promise<void> {
  for (const step of steps) {
    const answer = await judge(trial, step, due, phase)
    trial.answers.push(answer)
    trial.over ||= answer.outcome === 'refuse'
  }
}

async function judge (trial: Trial, step: Step, due: readonly Step[], phase: CheckAnswer['phase']): Promise<CheckAnswer> {
  const { visit } = trial
  const common = { check: step.key, phase, mode: step.passive ? 'passive' : 'enforce' } as const
  if (!due.some(({ check }) => check === step.check)) return { ...common, outcome: 'trusted' }
  if (trial.over) return { ...common, outcome: 'not reached' }
  if (visit.client.hash >= step.below) return { ...common, outcome: 'not sampled' }
  if (phase === 'body' && (trial.request.body === undefined || trial.request.body === null)) return { ...common, outcome: 'no body' }
  const start = performance.now()
  const found = await ask(trial, step)
  const time = performance.now() - start
  if (found === 'not run') return { ...common, outcome: found }
  const micros = Math.round((step.dry === undefined ? await warm(trial, step, time) : time) * 10_000) / 10
  return { ...common, ...outcomeOf(found, step.passive), micros }
}

/** Milliseconds of a check that changes nothing, once it is no longer run for the first time. */
async function warm (trial: Trial, step: Step, first: number): Promise<number> {
  let least = first
  for (let i = 0; i < 10 && least < 2; i++) {
    const start = performance.now()
    await ask(trial, step)
    least = Math.min(least, performance.now() - start)
  }
  return least
}

/** As for a real request, a check that throws refuses. */
async function ask ({ request, reply, visit, run }: Trial, { key, check, dry }: Step): Promise<DryAnswer> {
  try {
    return await (dry === undefined ? check(request, visit, reply) : dry(request, visit, reply, run))
  } catch (error) {
    return { code: 'GUARD_CHECK_FAILED', status: 500, reason: `check ${key} failed: ${error instanceof Error ? error.message : String(error)}` }
  }
}

export function outcomeOf (found: Exclude<DryAnswer, 'not run'>, passive: boolean): Pick<CheckAnswer, 'outcome'> & Partial<CheckAnswer> {
  if (found === undefined) return { outcome: 'pass' }
  if (found === 'delay') return { outcome: 'delay' }
  const { code, status, reason, rule, evidence, category, exclusion, strike } = found
  return {
    outcome: passive ? 'report' : 'refuse',
    code,
    status,
    reason: printable(reason),
    ...(rule !== undefined && { rule: printable(rule) }),
    ...(evidence !== undefined && { evidence: printable(evidence) }),
    ...(category !== undefined && { category }),
    ...(exclusion !== undefined && { exclusion }),
    ...(strike !== undefined && { strike })
  }
}
