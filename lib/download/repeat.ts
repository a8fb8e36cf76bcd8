const LONGEST_TIMER = 2 ** 31 - 1
const SHORTEST_RETRY = 60_000

export interface Repeat { close: () => Promise<void> }

/**
 * Runs a job again and again, the first time after `every` milliseconds, a tenth earlier or later, so that many
 * servers do not ask at the same moment. After a failure sooner, then less and less often. One run at a time.
 *
 * @param job answers whether all went well; must not reject
 * @param before how the job went when it was first done, by somebody else
 */
export function repeat (every: number, job: (signal: AbortSignal) => Promise<boolean>, before: Promise<boolean> = Promise.resolve(true)): Repeat {
  const controller = new AbortController()
  const { signal } = controller
  async function loop (): Promise<void> {
    let failures = await before ? 0 : 1
    while (!signal.aborted) {
      const pause = failures === 0 ? every : Math.min(every, SHORTEST_RETRY * 2 ** Math.min(failures - 1, 10))
      await pauseFor(pause * (0.9 + Math.random() * 0.2), signal)
      if (signal.aborted) return
      failures = await job(signal) ? 0 : failures + 1
    }
  }
  const running = loop()
  return {
    async close () {
      controller.abort()
      await running
    }
  }
}

/** A timer takes at most 2 ** 31 - 1 ms. */
async function pauseFor (length: number, signal: AbortSignal): Promise<void> {
  for (let left = length; left > 0 && !signal.aborted; left -= LONGEST_TIMER) {
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, Math.min(left, LONGEST_TIMER)).unref()
      signal.addEventListener('abort', end)
    })
  }
}
