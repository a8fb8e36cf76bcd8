import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

/** Compiles the package unless `dist` is newer than every source; `npm test` has done so already. */
export function ensureBuilt (): void {
  if (newest('lib', 'types') > newest('dist')) execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root })
}

function newest (...folders: string[]): number {
  let found = 0
  for (const folder of folders) {
    try {
      for (const name of readdirSync(join(root, folder), { recursive: true })) {
        if (/\.(?:ts|js)$/.test(String(name)) && !String(name).endsWith('.tst.ts')) found = Math.max(found, statSync(join(root, folder, String(name))).mtimeMs)
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return found
}
