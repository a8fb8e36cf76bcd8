import type { BigIntStats } from 'node:fs'
import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import type { Bans } from './bans.ts'
import { draftOf, sweepDraftsOf } from './file-drafts.ts'
import { banLine, HEAD, LINE, liftLine, linesOf, rowOf, type FileRow } from './file-rows.ts'
import type { BanKeeper } from './keep.ts'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import type { GuardEvent } from '../../types/index.ts'

/** Milliseconds from a change to the writing of it, and to the next attempt after one that failed. */
const SOON = 1000
const LATER = 10_000
/** Milliseconds between two looks whether another process wrote. */
const LOOK = 2000
/** Milliseconds between two warnings. */
const WARN_EVERY = 60_000
/** Milliseconds for which lifts are kept: other processes hear of them within seconds. */
const LIFTED = 3_600_000
/** Milliseconds that clocks of processes may differ. What is further ahead was made before a clock was set back. */
const SKEW = 2000
/** Of the time, at most this share goes into a file of very many bans. */
const SHARE = 0.1
/** Attempts to write without another process being faster. */
const TRIES = 5

export interface BanFileOptions {
  path: string
  bans: Bans
  now: () => number
  maxKeys: number
  emit: (event: GuardEvent) => void
}

/**
 * Keeps bans in a file, one a line, so that they survive a restart. The file is replaced as a whole: whoever reads it
 * sees the old one or the new one. Other processes may use it as well, such as the next one while this one ends: what
 * they wrote is taken over before it is replaced, the later change of a target wins, and who finds out that others
 * replaced what they had not read writes again. So no lock is needed, which a crash would leave behind.
 */
export function keepInFile ({ path: named, bans, now, maxKeys, emit }: BanFileOptions): BanKeeper {
  let path = named
  const lifted = new Map<string, { since: number, until: number }>()
  /** The contents that were read or written last; `undefined`: there is no file. */
  let known: string | undefined
  /** Whether it was read. Written before, it would lose what it knows. */
  let ready = false
  /** Whether there is something to write. */
  let changed = false
  /** Milliseconds from a change to the next attempt. */
  let pause = SOON
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let due = Infinity
  /** Before that moment the file is left alone. */
  let rest = 0
  let turn: Promise<void> | undefined
  let writes = 0
  let reads = 0
  let failures = 0
  let warned = -Infinity

  function warn (message: string): void {
    emit({ type: 'warning', time: now(), code: 'GUARD_BANS_FILE', message: `store.file ${path} ${message}` })
  }

  /** Takes over what is in the file. */
  async function merge (): Promise<void> {
    let lines = 0
    let broken = 0
    let same = 0
    const file = await open(path).catch(unlessMissing)
    const contents = file && contentsOf(await file.stat({ bigint: true }))
    if (file !== undefined) {
      reads++
      for await (const line of linesOf(file.createReadStream({ encoding: 'utf8', end: (2 * maxKeys + 1) * LINE }) as AsyncIterable<string>)) {
        if (lines++ === 0 && line.trimEnd() === HEAD) continue
        const put = take(line)
        if (put === 'broken') broken++
        else if (put === 'same') same++
      }
    }
    known = contents
    // Another process did not know all that is known here.
    if (bans.stats()['active']! > same) changed = true
    if (file === undefined || (broken === 0 && lines > 0)) return
    await rename(path, `${path}.broken`).catch(unlessMissing)
    changed = true
    warn(`has ${broken} of ${lines} lines that are no bans: the others count, and the file is kept as ${path}.broken`)
  }

  /** `same`: a ban that is now known here as well. */
  function take (line: string): 'same' | 'broken' | undefined {
    const row = rowOf(line)
    if (row === undefined) return 'broken'
    const [client, since, until, kind] = row
    if (until <= now()) return undefined
    const own = bans.others.get(client)
    const lift = kind === 'lift'
    const mine = own !== undefined && own.until > now() ? own.since : lifted.get(client)?.since
    if (mine === since && lift === lifted.has(client)) return lift ? undefined : 'same'
    if (mine === undefined || isLater(since, mine, lift)) return apply(row)
    changed = true
    return undefined
  }

  /** Of one moment, the lift wins. */
  function isLater (since: number, mine: number, lift: boolean): boolean {
    const passed = (moment: number): number => moment > now() + SKEW ? 0 : moment
    return (passed(since) - passed(mine) || since - mine || (lift ? 1 : -1)) > 0
  }

  function apply ([client, since, until, kind, reason, times, remembered]: FileRow): 'same' | 'broken' | undefined {
    if (kind === 'lift') {
      bans.others.lift(client)
      remember(client, since, until)
      return undefined
    }
    try {
      bans.others.add({ client, since, until, kind, reason, past: times === 0 ? undefined : { times, until: remembered }, at: 0 })
      lifted.delete(client)
      return 'same'
    } catch {
      return 'broken'
    }
  }

  function remember (client: string, since: number, until: number): void {
    lifted.delete(client)
    if (lifted.size >= maxKeys) lifted.delete(lifted.keys().next().value!)
    lifted.set(client, { since, until })
  }

  async function isNew (): Promise<boolean> {
    const there = await stat(path, { bigint: true }).catch(unlessMissing)
    return (there && contentsOf(there)) !== known
  }

  async function write (): Promise<void> {
    for (let i = 1; !await replace(i === TRIES); i++) await merge()
  }

  /** Whether it did; not, unless it has to, if another process was faster. */
  async function replace (anyway: boolean): Promise<boolean> {
    const temporary = draftOf(path)
    // A list of who was banned is nobody else's business.
    const file = await open(temporary, 'wx', 0o600)
    changed = false
    try {
      await file.write(`${HEAD}\n`)
      for (const part of bans.others.parts()) await file.write(part.map(banLine).join(''))
      await file.write(lifts())
      await file.sync()
      const written = contentsOf(await file.stat({ bigint: true }))
      await file.close()
      if (!anyway && await isNew()) {
        await rm(temporary)
        return false
      }
      await rename(temporary, path)
      known = written
      writes++
      return true
    } catch (error) {
      await file.close().catch(() => {})
      await rm(temporary, { force: true })
      throw error
    }
  }

  function lifts (): string {
    let text = ''
    for (const [client, { since, until }] of lifted) {
      if (until <= now()) lifted.delete(client)
      else text += liftLine(client, since, until)
    }
    return text
  }

  /** Reads what others wrote, and writes what they do not know. */
  async function exchange (): Promise<void> {
    try {
      if (await isNew()) await merge()
      if (changed) await write()
      pause = SOON
    } catch (error) {
      changed = true
      pause = LATER
      failures++
      if (now() - warned < WARN_EVERY) return
      warned = now()
      warn(`cannot be written: ${(error as Error).message}`)
    }
  }

  function later (ms: number): void {
    const time = performance.now()
    const at = Math.max(time + ms, rest)
    if (closed || turn !== undefined || at >= due) return
    clearTimeout(timer)
    due = at
    timer = setTimeout(() => {
      const begun = performance.now()
      due = Infinity
      turn = exchange().finally(() => {
        turn = undefined
        rest = performance.now() + (performance.now() - begun) / SHARE
        later(changed ? pause : LOOK)
      })
    }, at - time).unref()
  }

  const unlisten = bans.onChange((change) => {
    changed = true
    if (change.type === 'banned') lifted.delete(change.ban.client)
    else remember(change.name, now(), now() + LIFTED)
    if (ready) later(pause)
  })

  return {
    async started () {
      try {
        // What a link leads to is replaced, and not the link.
        path = await realpath(named).catch(() => named)
        await merge()
        // What cannot be written is better known now than after the first ban.
        await write()
        await sweepDraftsOf(path).catch(() => {})
      } catch (error) {
        throw new GUARD_OPTION_INVALID(`guard: option store.file cannot be used: ${(error as Error).message}`)
      }
      ready = true
      later(changed ? SOON : LOOK)
    },

    async close () {
      closed = true
      unlisten()
      clearTimeout(timer)
      await turn
      // The second time for the case that another process replaced it just now.
      if (ready) for (let i = 0; i < 2; i++) await exchange()
    },

    stats: () => ({ fileWrites: writes, fileReads: reads, fileFailures: failures })
  }
}

/** Tells contents of a file from any that stood there before. */
function contentsOf ({ ino, mtimeNs, size }: BigIntStats): string {
  return `${ino}:${mtimeNs}:${size}`
}

function unlessMissing (error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
