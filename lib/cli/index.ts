#!/usr/bin/env node
import { spawn } from 'node:child_process'
import { writeSync } from 'node:fs'
import { main } from './main.ts'

const RESULTS = 3

/** Set in the inner process, whose standard output is the outer one's standard error. */
const INNER = 'FASTIFY_API_GUARD_CLI'

/** Added to the inner process's exit code, so that an application that ends it by itself is told from a command that is done. */
const DONE = 64

/** Node's exit code where nothing is left to do and a module still awaits something. */
const UNSETTLED = 13

/**
 * An application that is loaded may write to standard output whatever it likes, as loggers do, from other threads
 * too. Results must stand there alone: so it runs in a process of its own whose standard output is standard error.
 */
if (process.env[INNER] === undefined && process.argv.some((arg) => arg === '--app' || arg.startsWith('--app='))) outer()
else await inner(process.env[INNER] !== undefined)

function outer (): void {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    env: { ...process.env, [INNER]: process.stderr.isTTY === true ? 'tty' : 'pipe' },
    stdio: ['inherit', process.stderr, 'inherit', 'pipe']
  })
  child.stdio[RESULTS]!.pipe(process.stdout as never, { end: false })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => { child.kill(signal) })
  child.on('close', (code, signal) => {
    const done = code !== null && code >= DONE && code <= DONE + 2
    process.exitCode = done ? code - DONE : 2
    if (done || signal === 'SIGINT' || signal === 'SIGTERM') return
    process.stderr.write(`the application ended the process before the command was done (${signal ?? `exit code ${code}`})${code === UNSETTLED ? ': it waits for what never comes' : ''}\n`)
  })
}

async function inner (piped: boolean): Promise<void> {
  const code = await main(process.argv.slice(2), {
    out: piped ? (text) => { writeAll(text) } : (text) => { process.stdout.write(text) },
    err: (text) => { process.stderr.write(text) },
    stdin: process.stdin,
    cwd: process.cwd(),
    env: process.env,
    interactive: process.stderr.isTTY === true
  })
  // What an application leaves running must not hold the command up.
  if (piped) process.exit(DONE + code)
  process.exitCode = code
}

/** A pipe takes as much as it can at a time. */
function writeAll (text: string): void {
  let rest = Buffer.from(text)
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(RESULTS, rest))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
  }
}
