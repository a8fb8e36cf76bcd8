import { redisKey } from './keys.ts'
import type { Algorithm, Ask, Counter, Taken } from '../limits/store.ts'

export type Kind = 'take' | 'peek' | 'refund'
const KINDS: Readonly<Record<Kind, number>> = { take: 0, peek: 1, refund: 2 }
const ALGORITHMS: Readonly<Record<Algorithm, number>> = { 'sliding-window': 0, 'fixed-window': 1, gcra: 2 }

/** An ask that may want permits for later; see lease.ts. */
export interface RemoteAsk extends Ask {
  /** Milliseconds that its units are kept for beyond the window. */
  hold?: number
  /** Units to take beyond the cost, if they are free. */
  want?: number
}

export interface RemoteTaken extends Taken {
  /** Of each ask that wanted more, what it got. */
  granted: Array<number | undefined>
}

export interface Operation {
  kind: Kind
  asks: readonly RemoteAsk[]
  /** Of a refund: when it was taken. */
  at: number
  resolve: (taken: RemoteTaken) => void
  reject: (error: Error) => void
}

/** What the script is called with; see there for its form. */
export function encode (operations: readonly Operation[], prefix: string): { keys: string[], json: string } {
  const keys: string[] = []
  const numbers = new Map<Counter, Map<string, number>>()
  const limits = new Map<string, number>()
  let latest: RemoteAsk | undefined
  let latestNumber = 0

  function keyNumber (counter: Counter, key: string): number {
    let known = numbers.get(counter)
    if (known === undefined) numbers.set(counter, known = new Map())
    let number = known.get(key)
    if (number === undefined) known.set(key, number = keys.push(redisKey(prefix, counter, key)))
    return number
  }

  function limitNumber (ask: RemoteAsk): number {
    if (latest !== undefined && isSameLimit(latest, ask)) return latestNumber
    const { counter: { algorithm, window }, max, burst, hold = 0, want = 0 } = ask
    const limit = `[${ALGORITHMS[algorithm]},${window},${max},${burst},${hold},${want}]`
    let number = limits.get(limit)
    if (number === undefined) limits.set(limit, number = limits.size + 1)
    latest = ask
    latestNumber = number
    return number
  }

  let list = ''
  for (const { kind, asks, at } of operations) {
    list += `${list === '' ? '' : ','}${KINDS[kind]}${kind === 'refund' ? `,${at}` : ''},${asks.length}`
    for (const ask of asks) list += `,${limitNumber(ask)},${keyNumber(ask.counter, ask.key)},${ask.cost}`
  }
  return { keys, json: `[[${[...limits.keys()].join()}],[${list}]]` }
}

function isSameLimit (one: RemoteAsk, other: RemoteAsk): boolean {
  return one.counter === other.counter && one.max === other.max && one.burst === other.burst && one.hold === other.hold && one.want === other.want
}

/** Hands each operation its part of the script's answer. @throws if that is no such answer; then nobody got anything */
export function settle (operations: readonly Operation[], answer: unknown): void {
  const numbers = typeof answer === 'string' ? JSON.parse(`[${answer}]`) as number[] : []
  const at = numbers[0]!
  let next = 1

  function takenOf ({ kind, asks }: Operation): RemoteTaken {
    if (kind === 'refund') return { passed: true, at, left: [], granted: [] }
    const taken: RemoteTaken = { passed: numbers[next++] === 1, at, left: [], granted: [] }
    const took = taken.passed && kind === 'take'
    for (let i = 0; i < asks.length; i++) {
      const remaining = numbers[next++]!
      const wait = took ? 0 : numbers[next++]!
      taken.left.push({ remaining, wait, next: numbers[next++]!, reset: numbers[next++]! })
      if (took && (asks[i]!.want ?? 0) > 0) taken.granted[i] = numbers[next++]!
    }
    return taken
  }

  const taken = operations.map(takenOf)
  if (next !== numbers.length) throw new Error('an answer that is not of our script')
  for (let i = 0; i < operations.length; i++) operations[i]!.resolve(taken[i]!)
}
