export interface Need {
  /** Any one of them is enough. */
  commands: string[]
  /** Debian's, tried in turn. */
  packages: string[]
  /** The folder of the tests that use it. */
  why: string
}

export const NEEDS: readonly Need[]

/** The file that a command stands for. */
export function onPath (command: string, path?: string): string | undefined

/** Finds or installs each need; what is still missing, each with a line that says how to get it. */
export function provide (needs?: readonly Need[], options?: { install?: boolean, log?: (message: string) => void }): Array<Need & { hint: string }>
