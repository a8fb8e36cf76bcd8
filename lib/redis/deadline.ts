const SLICES = 4

/**
 * Calls `expired` once `ms` have passed in which the event loop could have read an answer; the function that is
 * returned calls it off.
 *
 * A timer alone counts time that the loop was busy with something else: after 200 ms of a blocking computation
 * every answer looks late, though it lies in the socket. So the time is waited for in slices, of which one that took
 * longer counts no more than the others; and before the last verdict sockets are read once more.
 */
export function deadline (ms: number, expired: () => void): () => void {
  let slices = 0
  let turn: NodeJS.Immediate | undefined
  let timer = setTimeout(next, ms / SLICES)
  function next (): void {
    if (++slices < SLICES) timer = setTimeout(next, ms / SLICES)
    // Timers run before sockets are read, immediates after.
    else turn = setImmediate(expired)
  }
  return () => {
    clearTimeout(timer)
    clearImmediate(turn)
  }
}
