import { randomBytes } from 'node:crypto'
import { basename, dirname } from 'node:path'
import { sweepDrafts } from '../drafts.ts'

const DRAFT = /^\.[\da-f]{12}\.tmp$/

/** The name of a file that is about to take the place of that one. */
export function draftOf (path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}.tmp`
}

/** Removes drafts of this file that processes left when they were killed. */
export async function sweepDraftsOf (path: string): Promise<void> {
  const name = basename(path)
  await sweepDrafts(dirname(path), (other) => other.startsWith(name) && DRAFT.test(other.slice(name.length)))
}
