import type { Ask, Counter, Left } from '../limits/store.ts'

export interface Permits {
  /** Units that may still be spent here, until then, by the clock of this process. */
  permits: number
  until: number
  /** When they were taken, by Redis. */
  at: number
}

export interface Lease extends Permits {
  ask: Ask
  /** Taken while there were still others. */
  next: Permits | undefined
  /** What Redis said then, and when. */
  left: Left
  learned: number
  /** Units to ask for; 0 until the key proves busy. */
  want: number
  /** Somebody asks for more already. */
  asking: boolean
  /** The last time there was no more to be had before it was needed. */
  dry: boolean
}

/** By counter, then key: a text made of both would be made, and hashed, for every request. */
export class Leases {
  readonly #counters = new Map<Counter, Map<string, Lease>>()
  size = 0

  get ({ counter, key }: Ask): Lease | undefined {
    return this.#counters.get(counter)?.get(key)
  }

  /** One that is not there yet. */
  add (lease: Lease): void {
    const { counter, key } = lease.ask
    const keys = this.#counters.get(counter)
    if (keys === undefined) this.#counters.set(counter, new Map([[key, lease]]))
    else keys.set(key, lease)
    this.size++
  }

  delete (counter: Counter, key: string): void {
    if (this.#counters.get(counter)?.delete(key) === true) this.size--
  }

  clear (): void {
    this.#counters.clear()
    this.size = 0
  }

  * all (): Iterable<Lease> {
    for (const keys of this.#counters.values()) yield * keys.values()
  }
}

/** Units that may be spent without asking. */
export function held (lease: Lease | undefined, time: number): number {
  if (lease === undefined) return 0
  const { permits, until, next } = lease
  return (time < until ? permits : 0) + (next !== undefined && time < next.until ? next.permits : 0)
}
