export interface BreakerOptions {
  /** Failures in a row that open it. */
  failures?: number
  /** Milliseconds until the first probe; each that fails doubles it, up to `longest`. */
  pause?: number
  longest?: number
  /** Asks whether the store answers again. Rejects if it does not. */
  probe: () => Promise<unknown>
  /** Told at every change. */
  onChange: (open: boolean, reason: string) => void
}

/** Stops asking a store that fails, and finds out by itself when that is over: no request waits for it. */
export interface Breaker {
  readonly open: boolean
  /** Why it is open, or was last; `''`: never. */
  readonly reason: string
  succeeded: () => void
  failed: (reason: string) => void
  /** Opens at once, e.g. since the connection is gone. */
  trip: (reason: string) => void
  /** Probes now, e.g. since the connection is back. */
  retry: () => void
  close: () => void
}

export function breaker ({ failures = 3, pause = 250, longest = 5000, probe, onChange }: BreakerOptions): Breaker {
  let open = false
  let reason = ''
  let row = 0
  let wait = pause
  let timer: NodeJS.Timeout | undefined
  let probing = false
  let closed = false

  function trip (why: string): void {
    reason = why
    if (open || closed) return
    open = true
    wait = pause
    schedule()
    onChange(true, why)
  }

  function schedule (): void {
    clearTimeout(timer)
    if (closed) return
    // Nodes that lost Redis at one moment need not come back at one.
    timer = setTimeout(retry, wait * (0.75 + Math.random() / 2)).unref()
    wait = Math.min(longest, wait * 2)
  }

  function retry (): void {
    if (!open || probing || closed) return
    probing = true
    probe().then(() => true, (error: unknown) => {
      reason = error instanceof Error ? error.message : String(error)
      return false
    }).then((works) => {
      probing = false
      if (closed) return
      if (!works) return schedule()
      clearTimeout(timer)
      open = false
      row = 0
      onChange(false, reason)
    })
  }

  return {
    get open () { return open },
    get reason () { return reason },
    succeeded () { row = 0 },
    failed (why) {
      reason = why
      if (++row >= failures) trip(why)
    },
    trip,
    retry,
    close () {
      closed = true
      clearTimeout(timer)
    }
  }
}
