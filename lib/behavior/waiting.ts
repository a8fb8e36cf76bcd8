import type { FastifyReply } from 'fastify'

/** Requests that are held back. */
export interface WaitingRoom {
  /**
   * Holds a request back.
   *
   * @returns `false` at once if there is no room; else whether the client is still there when the time is over
   */
  hold: (client: string, ms: number, reply: FastifyReply) => false | Promise<boolean>
  /** Lets all go on. */
  release: () => void
  readonly size: number
}

/** One client, and all: a held request costs a connection and some memory, which must not become the attack. */
const MOST_OF_ONE = 10
const MOST = 5000

export function waitingRoom (): WaitingRoom {
  const counts = new Map<string, number>()
  const leaving = new Set<() => void>()
  return {
    hold (client, ms, reply) {
      const held = counts.get(client) ?? 0
      if (held >= MOST_OF_ONE || leaving.size >= MOST) return false
      counts.set(client, held + 1)
      return new Promise((resolve) => {
        const leave = (stays: boolean): void => {
          if (!leaving.delete(end)) return
          clearTimeout(timer)
          reply.raw.off('close', gone)
          const left = counts.get(client)! - 1
          if (left === 0) counts.delete(client)
          else counts.set(client, left)
          resolve(stays)
        }
        const end = (): void => leave(true)
        const gone = (): void => leave(false)
        const timer = setTimeout(end, ms)
        leaving.add(end)
        reply.raw.once('close', gone)
      })
    },
    release () {
      for (const end of [...leaving]) end()
    },
    get size () { return leaving.size }
  }
}
