import { once } from 'node:events'
import { createRequire } from 'node:module'
import type { FastifyBaseLogger } from 'fastify'
import { GUARD_OPTION_INVALID } from '../errors.ts'

/** What pino-roll gives: a stream of sonic-boom. */
interface Roll {
  write: (text: string) => boolean
  end: () => void
  on: (event: 'error' | 'drop', listener: (what: unknown) => void) => void
  destroyed: boolean
}
type BuildRoll = (options: object) => Promise<Roll>

export interface LogFile {
  write: (line: string) => void
  /** Writes what is waiting. */
  close: () => Promise<void>
}

export interface LogFileOptions { path: string, maxBytes?: number, keep?: number }

/** Lines that wait for a slow disk; more are dropped, and it is said. */
const MOST_WAITING = 8 * 1024 * 1024
const WARN_EVERY = 60_000

/**
 * A file that is followed by the next one when it is full; the oldest go.
 *
 * @throws {GUARD_OPTION_INVALID} if it cannot be opened
 */
export async function openLogFile ({ path, maxBytes = 5 * 1024 * 1024, keep = 7 }: LogFileOptions, log: Pick<FastifyBaseLogger, 'error'>): Promise<LogFile> {
  const build = createRequire(import.meta.url)('pino-roll') as BuildRoll
  let stream: Roll
  try {
    stream = await build({ file: path, size: `${maxBytes}b`, limit: { count: keep, removeOtherLogFiles: true }, mkdir: true, sync: false, maxLength: MOST_WAITING })
    await once(stream as never, 'ready')
  } catch (error) {
    throw new GUARD_OPTION_INVALID(`guard: option log.file cannot be opened: ${error instanceof Error ? error.message : String(error)}`)
  }
  let said = -Infinity
  const complain = (err: unknown): void => {
    if (Date.now() - said < WARN_EVERY) return
    said = Date.now()
    log.error({ event: 'guard.log_failed', ...(err instanceof Error && { err }) }, 'guard: the access log loses lines')
  }
  stream.on('error', complain)
  stream.on('drop', complain)
  return {
    write (line) {
      if (!stream.destroyed) stream.write(line)
    },
    async close () {
      if (stream.destroyed) return
      const closed = once(stream as never, 'close')
      stream.end()
      await closed
    }
  }
}
