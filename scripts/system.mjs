// What tests need from the system beyond Node and npm. Each is taken from PATH, else installed from Debian's
// packages where this process may (root or sudo), else named in one line with the command that installs it.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** `commands`: any one of them is enough; `packages`: Debian's, tried in turn; `why`: the tests that use it, by their folder. */
const ALL = [
  { commands: ['nginx'], packages: ['nginx'], why: 'test/proxies' },
  { commands: ['haproxy'], packages: ['haproxy'], why: 'test/proxies' },
  { commands: ['openssl'], packages: ['openssl'], why: 'test/proxies' },
  { commands: ['redis-server', 'valkey-server'], packages: ['redis-server', 'valkey-server'], why: 'test/redis' },
  { commands: ['chromium'], packages: ['chromium'], why: 'test/dashboard' }
]

/** What the tests that are there need. */
export const NEEDS = ALL.filter(({ why }) => existsSync(new URL(`../${why}`, import.meta.url)))

/** Debian keeps servers where only root's PATH leads. */
const PATH = `${process.env.PATH ?? ''}${delimiter}/usr/sbin`

export function onPath (command, path = PATH) {
  for (const folder of path.split(delimiter)) {
    if (folder === '') continue
    const file = join(folder, command)
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {}
  }
  return undefined
}

/**
 * Finds or installs each need.
 *
 * @returns what is still missing, each with a line that says how to get it
 */
export function provide (needs = NEEDS, { install = true, log = console.error } = {}) {
  const missing = needs.filter(({ commands }) => !commands.some((command) => onPath(command) !== undefined))
  if (missing.length === 0) return []
  const prefix = aptPrefix()
  if (install && prefix !== undefined) {
    apt(prefix, ['update', '-qq'], log)
    for (const { packages } of missing) packages.some((name) => apt(prefix, ['install', '-y', '-qq', '--no-install-recommends', name], log))
  }
  return missing.filter(({ commands }) => !commands.some((command) => onPath(command) !== undefined)).map((need) => ({
    ...need,
    hint: `${need.commands.join(' or ')} is missing, needed by ${need.why}: apt-get install ${need.packages[0]}`
  }))
}

/** How apt-get may be run here: as root, by sudo without a password, or not at all. */
function aptPrefix () {
  if (onPath('apt-get') === undefined) return undefined
  if (process.getuid?.() === 0) return []
  return onPath('sudo') !== undefined && spawnSync('sudo', ['-n', 'true']).status === 0 ? ['sudo', '-n'] : undefined
}

function apt (prefix, args, log) {
  const [command, ...rest] = [...prefix, 'apt-get', ...args]
  const { status } = spawnSync(command, rest, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, timeout: 180_000 })
  if (status !== 0) log(`apt-get ${args.join(' ')} failed`)
  return status === 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const missing = provide()
  for (const { hint } of missing) console.error(hint)
  if (missing.length > 0) process.exitCode = 1
  else console.log('nothing is missing')
}
