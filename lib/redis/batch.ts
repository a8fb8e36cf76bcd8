import { redisKey } from './keys.ts'
import type { Algorithm, Ask, Taken } from '../limits/store.ts'

export type Kind = 'take' | 'peek' | 'refund'
const KINDS: Readonly<Record<Kind, number>> = { take: 0, peek: 1, refund: 2 }
const ALGORITHMS: Readonly<Record<Algorithm, number>> = { 'sliding-window': 0, 'fixed-window': 1, gcra: 2 }
/** Of a list of the answer: remaining, wait, next, reset, granted. */
const NUMBERS = 5

/** An ask that may want permits for later; see lease.ts. */
export interface RemoteAsk extends Ask {
  /** Milliseconds that its units are kept for beyond the window. */
  hold?: number
  /** Units to take beyond the cost, if they are free. */
  want?: number
}

export interface RemoteTaken extends Taken {
  /** Of each ask, what it got of `want`. */
  granted: number[]
}

export interface Operation {
  kind: Kind
  asks: readonly RemoteAsk[]
  /** Of a refund: when it was taken. */
  at: number
  resolve: (taken: RemoteTaken) => void
  reject: (error: Error) => void
}

/** What the script is called with. */
export function encode (operations: readonly Operation[], prefix: string): { keys: string[], json: string } {
  const numbers = new Map<string, number>()
  const keyNumber = ({ counter, key }: Ask): number => {
    const name = redisKey(prefix, counter, key)
    let number = numbers.get(name)
    if (number === undefined) numbers.set(name, number = numbers.size + 1)
    return number
  }
  const list = operations.map(({ kind, asks, at }) => [
    KINDS[kind],
    at,
    asks.map((ask) => [keyNumber(ask), ALGORITHMS[ask.counter.algorithm], ask.counter.window, ask.max, ask.burst, ask.cost, ask.hold ?? 0, ask.want ?? 0])
  ])
  return { keys: [...numbers.keys()], json: JSON.stringify(list) }
}

/** Hands each operation its part of the script's answer. @throws if that is no such answer */
export function settle (operations: readonly Operation[], answer: unknown): void {
  const expected = 1 + operations.reduce((sum, { kind, asks }) => kind === 'refund' ? sum : sum + 1 + asks.length * NUMBERS, 0)
  const numbers = typeof answer === 'string' ? JSON.parse(`[${answer}]`) as number[] : []
  if (numbers.length !== expected) throw new Error('an answer that is not of our script')
  const at = numbers[0]!
  let next = 1
  for (const { kind, asks, resolve } of operations) {
    if (kind === 'refund') {
      resolve({ passed: true, at, left: [], granted: [] })
      continue
    }
    const taken: RemoteTaken = { passed: numbers[next++] === 1, at, left: [], granted: [] }
    for (let i = 0; i < asks.length; i++, next += NUMBERS) {
      taken.left.push({ remaining: numbers[next]!, wait: numbers[next + 1]!, next: numbers[next + 2]!, reset: numbers[next + 3]! })
      taken.granted.push(numbers[next + 4]!)
    }
    resolve(taken)
  }
}
