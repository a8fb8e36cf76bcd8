import { randomBytes } from 'node:crypto'
import { readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const DAY = 86_400_000
const DRAFT = /^\.[\da-f]{12}\.tmp$/

/** The name of a file that is about to take the place of that one. */
export function draftOf (path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}.tmp`
}

/** Removes drafts of processes that were killed; a younger one may be in the making. */
export async function sweepDrafts (path: string): Promise<void> {
  const [folder, name] = [dirname(path), basename(path)]
  for (const other of await readdir(folder)) {
    if (!other.startsWith(name) || !DRAFT.test(other.slice(name.length))) continue
    const draft = join(folder, other)
    // Whoever else removed it meanwhile was right.
    const { mtimeMs = Infinity } = await stat(draft).catch(() => ({ mtimeMs: undefined }))
    if (mtimeMs < Date.now() - DAY) await rm(draft, { force: true })
  }
}
