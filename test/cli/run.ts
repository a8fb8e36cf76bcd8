import { Readable } from 'node:stream'
import { main } from '../../lib/cli/main.ts'

export interface Ran { code: number, out: string, err: string }

/** Runs the command line in this process. */
export async function run (args: string[], stdin = ''): Promise<Ran> {
  let out = ''
  let err = ''
  const code = await main(args, { out: (text) => { out += text }, err: (text) => { err += text }, stdin: Readable.from([stdin]), cwd: import.meta.dirname, env: {}, interactive: false })
  return { code, out, err }
}
