import type { RemoteAsk } from './batch.ts'
import type { Remote } from './remote.ts'
import { held, Leases, type Lease } from './leases.ts'
import type { Ask, Left, Taken } from '../limits/store.ts'

/** Most permits of one lease; fewer where they would be more than a sixteenth of the limit. */
const LARGEST = 256
/** Milliseconds that a lease lasts at most. */
const LONGEST = 1000
/** Milliseconds between looks for leases that ended. */
const SWEEP = 250
/**
 * What the time of a request that was paid by lease differs from that of the lease, in milliseconds: units that others
 * took in the same one are not kept for as long, and must not become permits.
 */
const BY_LEASE = 0.5
/** Keys with a lease, or that may soon have one; all others ask each time. */
const MOST = 10_000

export interface Leased extends Omit<Remote, 'take'> {
  /** At once where a lease pays. */
  take: (asks: readonly Ask[]) => Taken | Promise<Taken>
  /** Gives back what is not spent. */
  release: () => Promise<void>
  readonly leased: number
  readonly leases: number
}

/**
 * Takes permits ahead for keys that are busy here, so that most of their requests ask nobody. Redis counts a permit
 * when it is taken, and keeps it for as long beyond the window as the lease lasts: whenever it is spent, no span of
 * `window` has more than `max`. What is not spent is given back, so limits refuse early by no more than what other
 * nodes hold. While permits last, more are asked for beside the requests, so that none of those waits. Limits by gcra, and
 * those too small to share, are asked for each time, and what is asked for together with one of them too.
 */
export function leased (remote: Remote, now: () => number = () => performance.now()): Leased {
  const leases = new Leases()
  /** Under way beside the requests. */
  const refills = new Set<Promise<void>>()
  const backs = new Set<Promise<void>>()
  let spent = 0
  let timer: NodeJS.Timeout | undefined

  function spendable (lease: Lease | undefined, { max, cost }: Ask, time: number): boolean {
    if (lease === undefined) return false
    if (lease.next !== undefined) advance(lease, cost, time)
    return lease.permits >= cost && time < lease.until && lease.ask.max === max
  }

  /** Goes over to what was taken meanwhile, once there is too little left of the first, or too late. */
  function advance (lease: Lease, cost: number, time: number): void {
    if (lease.permits >= cost && time < lease.until) return
    if (lease.permits > 0) giveBack([{ ...lease, next: undefined }])
    Object.assign(lease, lease.next, { next: undefined })
  }

  function pay (lease: Lease, cost: number, time: number): Left {
    lease.permits -= cost
    if (lease.permits < lease.want / 4 && lease.next === undefined && !lease.asking && !lease.dry) refill(lease)
    return leftOf(lease, time)
  }

  function refill (lease: Lease): void {
    lease.asking = true
    lease.want = Math.min(largestOf(lease.ask), lease.want * 2)
    const sent = now()
    // A node never holds more than one whole lease.
    const want = Math.min(lease.want, largestOf(lease.ask) - lease.permits)
    const asked = remote.take([{ ...lease.ask, cost: 0, hold: lastsOf(lease.ask), want } as RemoteAsk]).then(({ granted, at, left }) => {
      const [permits = 0] = granted
      lease.dry = permits === 0
      if (!lease.dry) grant(lease, lease.ask, permits, sent, at, left[0]!)
    }).catch(() => { lease.dry = true }).finally(() => {
      lease.asking = false
      refills.delete(asked)
    })
    refills.add(asked)
  }

  /** Pays all asks, or none. */
  function spend (asks: readonly Ask[]): Taken | undefined {
    const time = now()
    if (asks.length === 1) {
      const ask = asks[0]!
      const lease = leases.get(ask)
      if (lease === undefined || !spendable(lease, ask, time)) return undefined
      spent++
      return { passed: true, at: lease.at + BY_LEASE, left: [pay(lease, ask.cost, time)] }
    }
    const found: Lease[] = []
    for (const ask of asks) {
      const lease = leases.get(ask)
      if (lease === undefined || !spendable(lease, ask, time)) return undefined
      found.push(lease)
    }
    spent++
    let at = Infinity
    const left = found.map((lease, i) => {
      at = Math.min(at, lease.at)
      return pay(lease, asks[i]!.cost, time)
    })
    return { passed: true, at: at + BY_LEASE, left }
  }

  /** The lease that an ask may get, if it is the moment for one. */
  function due (ask: Ask): Lease | undefined {
    const lease = leases.get(ask)
    if (lease === undefined) {
      if (leases.size < MOST) leases.add({ ask: { ...ask }, permits: 0, until: now() + lastsOf(ask), at: 0, next: undefined, left: NOTHING, learned: 0, want: 0, asking: false, dry: false })
      return undefined
    }
    if (lease.asking || lease.ask.max !== ask.max || spendable(lease, ask, now())) return undefined
    lease.want = Math.min(largestOf(ask), Math.max(4, lease.want * 2))
    return lease
  }

  async function takeMore (asks: readonly Ask[]): Promise<Taken> {
    const sent = now()
    // Of what is asked for together all is paid by lease, or nothing.
    const dues = asks.every(isLeasable) ? asks.map(due) : []
    if (leases.size > 0) timer ??= setInterval(sweep, SWEEP).unref()
    for (const lease of dues) if (lease !== undefined) lease.asking = true
    try {
      const { passed, at, left, granted } = await remote.take(asks.map((ask, i): RemoteAsk => dues[i] === undefined ? ask : { ...ask, hold: lastsOf(ask), want: dues[i].want }))
      dues.forEach((lease, i) => {
        if (lease !== undefined && (granted[i] ?? 0) > 0) grant(lease, asks[i]!, granted[i]!, sent, at, left[i]!)
      })
      // A request of the same moment may have brought permits.
      const paid = passed ? undefined : spend(asks)
      return paid ?? { passed, at, left: left.map((left, i) => learned(left, leases.get(asks[i]!))) }
    } finally {
      for (const lease of dues) if (lease !== undefined) lease.asking = false
    }
  }

  function grant (lease: Lease, ask: Ask, permits: number, sent: number, at: number, left: Left): void {
    // It may have been forgotten meanwhile.
    if (leases.get(ask) !== lease) return giveBack([{ ...lease, permits, at, next: undefined }])
    const ends = sent + lastsOf(ask)
    // Units of a fixed window are of no use after it.
    const until = ask.counter.algorithm === 'fixed-window' ? Math.min(ends, sent + left.reset) : ends
    lease.dry = false
    Object.assign(lease, { left, learned: now(), next: { permits, until, at } })
    advance(lease, ask.cost, now())
  }

  /** What Redis said last, and with what is held here the answer. */
  function learned (left: Left, lease: Lease | undefined): Left {
    if (lease === undefined) return left
    const time = now()
    Object.assign(lease, { left, learned: time })
    return { ...left, remaining: left.remaining + held(lease, time) }
  }

  function giveBack (ended: readonly Lease[]): void {
    const back = returned(ended).catch(() => {}).finally(() => backs.delete(back))
    backs.add(back)
  }

  /** Without an answer they expire with the window. */
  async function returned (ended: readonly Lease[]): Promise<void> {
    const parts = ended.flatMap(({ ask, permits, at, next }) => [{ ask, permits, at }, ...(next === undefined ? [] : [{ ...next, ask }])])
    await Promise.all(parts.map(({ ask, permits, at }) => permits === 0 ? undefined : remote.refund([{ ...ask, cost: permits, hold: lastsOf(ask) } as RemoteAsk], at)))
  }

  function sweep (): void {
    const time = now()
    const ended: Lease[] = []
    for (const lease of leases.all()) {
      if (lease.next !== undefined) advance(lease, 1, time)
      if (time < lease.until || lease.asking) continue
      leases.delete(lease.ask.counter, lease.ask.key)
      ended.push(lease)
    }
    giveBack(ended)
    if (leases.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  return {
    ...remote,
    get leased () { return spent },
    get leases () { return leases.size },
    take: (asks) => spend(asks) ?? takeMore(asks),

    async peek (asks) {
      const taken = await remote.peek(asks)
      const time = now()
      taken.left.forEach((left, i) => {
        const lease = leases.get(asks[i]!)
        left.remaining += held(lease, time)
        if (spendable(lease, asks[i]!, time)) left.wait = 0
      })
      return { ...taken, passed: taken.left.every(({ wait }) => wait === 0) }
    },

    async refund (asks, at) {
      const time = now()
      const others = asks.filter((ask) => {
        const lease = leases.get(ask)
        // As if it had never been spent.
        const from = lease?.at === at - BY_LEASE ? lease : lease?.next
        if (from === undefined || from.at !== at - BY_LEASE || time >= from.until) return true
        from.permits += ask.cost
        return false
      })
      if (others.length > 0) await remote.refund(others, Math.floor(at))
    },

    async reset (counters, key) {
      for (const counter of counters) leases.delete(counter, key)
      await remote.reset(counters, key)
    },

    async clear () {
      leases.clear()
      await remote.clear()
    },

    async release () {
      clearInterval(timer)
      const ended = [...leases.all()]
      leases.clear()
      await Promise.all([returned(ended), ...refills])
      await Promise.all(backs)
    }
  }
}

function isLeasable (ask: Ask): boolean {
  return largestOf(ask) >= 2
}

const NOTHING: Left = { remaining: 0, wait: 0, next: 0, reset: 0 }

function largestOf ({ counter: { algorithm, window }, max }: Ask): number {
  return algorithm === 'gcra' || window < LONGEST ? 0 : Math.min(LARGEST, Math.floor(max / 16))
}

/** Milliseconds. The script keeps units for at most a sixteenth of the window longer. */
function lastsOf ({ counter: { window } }: Ask): number {
  return Math.min(LONGEST, Math.floor(window / 16))
}

/** The state as it was told, with what is still held here, and the time that has passed. */
function leftOf (lease: Lease, time: number): Left {
  const { left: { remaining, next, reset }, learned } = lease
  const passed = Math.floor(time - learned)
  return { remaining: remaining + held(lease, time), wait: 0, next: Math.max(0, next - passed), reset: Math.max(0, reset - passed) }
}
