import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

const DAY = 86_400_000

/** Removes files that were to take another one's place, of processes that were killed; a younger one may be in the making. */
export async function sweepDrafts (folder: string, isDraft: (name: string) => boolean): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!isDraft(name)) continue
    const draft = join(folder, name)
    // Whoever else removed it meanwhile was right.
    const { mtimeMs = Infinity } = await stat(draft).catch(() => ({ mtimeMs: undefined }))
    if (mtimeMs < Date.now() - DAY) await rm(draft, { force: true })
  }
}
