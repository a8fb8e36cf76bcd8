import type { Readable } from 'node:stream'

/** What a command may touch of the process; tests hand in their own. */
export interface Io {
  /** Results: standard output. */
  out: (text: string) => void
  /** Progress and errors: standard error. */
  err: (text: string) => void
  stdin: Readable
  cwd: string
  env: NodeJS.ProcessEnv
  /** Standard error is a terminal: progress may overwrite itself. */
  interactive: boolean
}

/** Exit codes: 0 fine, 1 a finding with `--strict`, 2 wrong use. */
export type ExitCode = 0 | 1 | 2

export interface Command {
  /** One line for `--help`. */
  about: string
  /** Its own help: synopsis, options with their defaults, an example. */
  help: string
  /** @throws {UsageError} for arguments that make no sense */
  run: (args: string[], io: Io) => Promise<ExitCode>
}

/** Wrong use: its message goes to standard error as it stands, the exit code is 2. */
export class UsageError extends Error {}
