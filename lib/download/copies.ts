import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { sweepDrafts } from '../drafts.ts'
import { isObject } from '../options/shape.ts'
import type { Validators } from './fetch.ts'

/** The last good copy of a file, and where it came from. */
export interface Copy {
  bytes: Buffer
  url: string | undefined
  /** None where the note beside the file does not belong to it. */
  validators: Validators
  /** When the server last said that this is its newest, in milliseconds since the epoch; 0: unknown. */
  checked: number
}

/** A folder of last good copies that several processes may share. */
export interface Copies {
  path: (name: string) => string
  read: (name: string) => Promise<Copy | undefined>
  /** Whoever reads meanwhile gets the old file or the new one, whole. */
  write: (name: string, copy: Copy) => Promise<void>
  /** Writes down that the server has nothing newer. */
  confirm: (name: string, copy: Copy) => Promise<void>
}

/** `~/.cache/fastify-api-guard`, or where `XDG_CACHE_HOME` says; a folder of the user's own, as others must not write there. */
export function defaultFolder (env: NodeJS.ProcessEnv = process.env): string {
  const base = env['XDG_CACHE_HOME']
  return join(base !== undefined && base !== '' ? base : join(home(), '.cache'), 'fastify-api-guard')
}

/** In containers users may have no home, and not even a name; the program's folder is its own too. */
function home (): string {
  try {
    return homedir()
  } catch {
    return process.cwd()
  }
}

export function copies (folder: string): Copies {
  const path = (name: string): string => join(folder, name)
  // Whether there is such a folder shows when it is used.
  sweepDrafts(folder, (name) => DRAFT.test(name)).catch(() => {})

  const confirm = async (name: string, { bytes, url, validators, checked }: Copy): Promise<void> => {
    await replace(path(`${name}.json`), JSON.stringify({ url, ...validators, checked, sha256: sha256(bytes) }))
  }

  return {
    path,
    async read (name) {
      const bytes = await readFile(path(name)).catch(absent)
      if (bytes === undefined) return undefined
      const note = noteOf(await readFile(path(`${name}.json`), 'utf8').catch(absent))
      // Another process may be between the file and its note.
      const own = note['sha256'] === sha256(bytes)
      const { url, etag, modified, checked } = own ? note : {}
      return {
        bytes,
        url: typeof url === 'string' ? url : undefined,
        validators: { ...(typeof etag === 'string' && { etag }), ...(typeof modified === 'string' && { modified }) },
        checked: typeof checked === 'number' ? checked : 0
      }
    },
    async write (name, copy) {
      await mkdir(folder, { recursive: true, mode: 0o755 })
      await replace(path(name), copy.bytes)
      await confirm(name, copy)
    },
    confirm
  }
}

const DRAFT = /\.\d+\.[\da-f]{8}\.part$/

/** Whole or not at all, and still there after a loss of power. */
async function replace (path: string, content: Buffer | string): Promise<void> {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.part`
  try {
    const file = await open(draft, 'wx', 0o644)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

export function sha256 (bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function absent (error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
}

function noteOf (text: string | undefined): Record<string, unknown> {
  try {
    const note: unknown = text === undefined ? {} : JSON.parse(text)
    return isObject(note) ? note : {}
  } catch {
    return {}
  }
}
