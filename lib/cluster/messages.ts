import type { Ban, Bans } from '../bans/bans.ts'
import type { Counter, Taken } from '../limits/store.ts'

/** Tells our messages from those of the application. */
export const TAG = 'fastify-api-guard'

export type Kind = 'take' | 'peek' | 'refund' | 'reset' | 'clear' | 'ping'

/** What an ask is sent as: the same without the counter's number, which each process has its own of. */
export interface SentAsk { counter: Omit<Counter, 'number'>, key: string, max: number, burst: number, cost: number }

export interface Operation { kind: Kind, asks: SentAsk[], at: number }

/** A ban, or with its name alone the lift of one. All processes are on one machine and have one clock. */
export type SentBan = Pick<Ban, 'client' | 'reason' | 'since' | 'until' | 'kind' | 'past'> | { client: string }

/** `from`: an app; a worker may have several. `prefix`: whose state it is. */
interface FromApp { tag: typeof TAG, prefix: string, from: string }
export type ToPrimary = FromApp & ({ id: number, operations: Operation[] } | { bans: SentBan[] } | { join: true } | { leave: true })
/** `to`: the app, as it names itself in `from`. */
export type ToWorker = { tag: typeof TAG, to: string } & ({ id: number, answers: Array<Taken | null> } | { bans: SentBan[], all: boolean })

export function isOurs (message: unknown): boolean {
  return (message as { tag?: unknown } | null)?.tag === TAG
}

export function sentBan ({ client, reason, since, until, kind, past }: Ban): SentBan {
  return { client, reason, since, until, kind, past }
}

/** Whether it was one: what a worker of another version calls a ban must not end this one. */
export function applyBan (bans: Bans, ban: SentBan): boolean {
  try {
    if ('until' in ban) bans.others.add({ ...ban, past: ban.past ?? undefined, at: 0 })
    else bans.others.lift(ban.client)
    return true
  } catch {
    return false
  }
}
