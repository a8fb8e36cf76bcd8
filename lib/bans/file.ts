import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, realpath, rename, rm } from 'node:fs/promises'
import type { Ban, Bans } from './bans.ts'
import type { BanKeeper } from './keep.ts'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import type { GuardEvent } from '../../types/index.ts'

/** The first line, so that a later version can tell. */
const HEAD = '{"format":"fastify-api-guard bans","version":1}'
/** Milliseconds from a change to the writing of it, and of what could not be written to the next attempt. */
const SOON = 1000
const LATER = 10_000
/** Milliseconds between two warnings. */
const WARN_EVERY = 60_000
/** Bytes of a line; no ban of ours has more. */
const LINE = 4096

export interface BanFileOptions {
  path: string
  bans: Bans
  now: () => number
  maxKeys: number
  emit: (event: GuardEvent) => void
}

/**
 * Keeps the bans of one process in a file, one a line as JSON `[name, since, until, kind, reason, times, remembered]`, so
 * that they survive a restart. The file is replaced as a whole: whoever reads it sees the old one or the new one.
 */
export function keepInFile ({ path: named, bans, now, maxKeys, emit }: BanFileOptions): BanKeeper {
  let path = named
  /** Targets that were banned or lifted before the file was read, which knows older news; `undefined`: it was. */
  let newer: Set<string> | undefined = new Set()

  let timer: NodeJS.Timeout | undefined
  let turn: Promise<void> | undefined
  let changed = false
  let closed = false
  let writes = 0
  let failures = 0
  let warned = -Infinity

  function warn (message: string): void {
    emit({ type: 'warning', time: now(), code: 'GUARD_BANS_FILE', message: `store.file ${path} ${message}` })
  }

  async function read (): Promise<void> {
    let lines = 0
    let broken = 0
    const input = createReadStream(path, { encoding: 'utf8', end: (maxKeys + 1) * LINE })
    const opened = new Promise<boolean>((resolve, reject) => {
      input.once('open', () => resolve(true))
      input.once('error', (error: NodeJS.ErrnoException) => error.code === 'ENOENT' ? resolve(false) : reject(error))
    })
    if (!await opened) return
    for await (const line of linesOf(input)) {
      if (lines++ === 0 && line.trimEnd() === HEAD) continue
      if (!put(line)) broken++
    }
    if (broken === 0 && lines > 0) return
    await rename(path, `${path}.broken`)
    warn(`has ${broken} of ${lines} lines that are no bans: the others count, and the file is kept as ${path}.broken`)
  }

  /** Whether the line is a ban; one that has ended is one too. */
  function put (line: string): boolean {
    try {
      const row = JSON.parse(line) as unknown
      if (!isRow(row)) return false
      const [client, since, until, kind, reason, times, remembered] = row
      if (until > now() && newer?.has(client) !== true) bans.others.add({ client, since, until, kind, reason, past: times === 0 ? undefined : { times, until: remembered }, at: 0 })
      return true
    } catch {
      return false
    }
  }

  async function write (): Promise<void> {
    const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
    // A list of who was banned is nobody else's business.
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.write(`${HEAD}\n`)
      for (const part of bans.others.parts()) await file.write(part.map(lineOf).join(''))
      await file.sync()
      await file.close()
      await rename(temporary, path)
      writes++
    } catch (error) {
      await file.close().catch(() => {})
      await rm(temporary, { force: true })
      throw error
    }
  }

  async function save (): Promise<void> {
    if (!changed) return
    changed = false
    try {
      await write()
    } catch (error) {
      changed = true
      failures++
      if (now() - warned >= WARN_EVERY) {
        warned = now()
        warn(`cannot be written: ${(error as Error).message}`)
      }
    }
  }

  function later (ms: number): void {
    if (closed || timer !== undefined) return
    timer = setTimeout(() => {
      turn = save().finally(() => {
        timer = undefined
        turn = undefined
        if (changed) later(LATER)
      })
    }, ms).unref()
  }

  const unlisten = bans.onChange((change) => {
    changed = true
    // Written now, the file would lose what it knows.
    if (newer !== undefined) newer.add(change.type === 'banned' ? change.ban.client : change.name)
    else later(SOON)
  })

  return {
    async started () {
      try {
        // What a link leads to is replaced, and not the link.
        path = await realpath(named).catch(() => named)
        await read()
        newer = undefined
        changed = false
        // What cannot be written is better known now than after the first ban.
        await write()
      } catch (error) {
        throw new GUARD_OPTION_INVALID(`guard: option store.file cannot be used: ${(error as Error).message}`)
      }
    },

    async close () {
      closed = true
      unlisten()
      clearTimeout(timer)
      await turn
      if (newer === undefined) await save()
    },

    stats: () => ({ fileWrites: writes, fileFailures: failures })
  }
}

/** Lines of a text, cut at a length that none of ours has: a file of something else must not become one text. */
async function * linesOf (chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!.slice(0, LINE)
    yield * lines
  }
  if (rest !== '') yield rest
}

/** Places of a row with a text; at the others are numbers. */
const TEXTS = new Set([0, 3, 4])

type Row = [client: string, since: number, until: number, kind: Ban['kind'], reason: string, times: number, remembered: number]

function lineOf ({ client, since, until, kind, reason, past }: Ban): string {
  return `${JSON.stringify([client, since, until, kind, reason, past?.times ?? 0, past?.until ?? 0] satisfies Row)}\n`
}

function isRow (value: unknown): value is Row {
  if (!Array.isArray(value) || value.length !== 7) return false
  return value.every((part: unknown, i) => TEXTS.has(i) ? typeof part === 'string' : Number.isFinite(part))
}
