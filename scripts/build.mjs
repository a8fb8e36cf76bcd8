// Compiles lib/ and types/ into dist/: what the package holds.
import { chmodSync, cpSync, existsSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { spawnSync } from 'node:child_process'

const root = fileURLToPath(new URL('..', import.meta.url))

export function build () {
  rmSync(`${root}dist`, { recursive: true, force: true })
  const { status } = spawnSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', `${root}tsconfig.build.json`], { cwd: root, stdio: 'inherit' })
  const cli = `${root}dist/lib/cli/index.js`
  if (existsSync(cli)) chmodSync(cli, 0o755)
  // The compiler copies only what it compiles.
  cpSync(`${root}lib/dashboard/assets`, `${root}dist/lib/dashboard/assets`, { recursive: true })
  return status ?? 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = build()
