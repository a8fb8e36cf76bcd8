import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { copies, defaultFolder } from '../../download/copies.ts'
import { feedLoader } from '../../cloud/feed.ts'
import { PROVIDER_NAMES, PROVIDERS, selectorOf, type Feed } from '../../cloud/providers.ts'
import type { CloudProvider } from '../../../types/index.ts'
import { readArgs } from '../args.ts'
import { UsageError, type ExitCode, type Io } from '../command.ts'

export const about = 'downloads the networks that cloud providers publish'

export const help = `fastify-api-guard cloud download [PROVIDER...] [options]

Gets the feeds of cloud providers, all of them or those that are named, so that a server has them from its first
request on. A feed that is HTML, lists far too much, or lost more than half of its networks is refused, and the last
good one stays.

  --source NAME=URL   a mirror of a provider's feed, in its format; may be repeated
  --dir DIR           where to (${'~/.cache/fastify-api-guard'}): cloudRanges.cacheDir
  --force             takes a feed that lost more than half of its networks
  --json              prints [{ provider, networks, added, removed }], or { provider, fault }

  fastify-api-guard cloud download aws gcp --dir ranges
`

const TIMEOUT = 60_000

type Row = { provider: CloudProvider, networks: number, added: number, removed: number } | { provider: CloudProvider, fault: string }

export async function run (args: string[], io: Io): Promise<ExitCode> {
  const { values, positionals: [command, ...names] } = readArgs(args, { source: { type: 'string', multiple: true }, dir: { type: 'string' }, force: { type: 'boolean' }, json: { type: 'boolean' } })
  if (command !== 'download') throw new UsageError('cloud has one command: fastify-api-guard cloud download [PROVIDER...]')
  const mirrors = mirrorsOf(values.source ?? [])
  const wanted = names.length === 0 ? PROVIDER_NAMES.filter((name) => 'feed' in PROVIDERS[name]) : names.map(providerOf)
  const dir = values.dir === undefined ? defaultFolder(io.env) : resolve(io.cwd, values.dir)
  await mkdir(dir, { recursive: true }).catch((error: Error) => { throw new UsageError(error.message) })
  const rows = await Promise.all(wanted.map(async (provider) => get(provider, mirrors.get(provider), dir, values.force === true)))
  const faults = rows.filter((row) => 'fault' in row)
  if (values.json === true) io.out(`${JSON.stringify(rows)}\n`)
  else for (const row of rows) if (!('fault' in row)) io.out(`${row.provider.padEnd(12)} ${row.networks} networks (+${row.added}, -${row.removed})\n`)
  if (faults.length > 0) throw new UsageError(faults.map(({ provider, fault }) => `${provider}: ${fault}`).join('\n'))
  if (values.json !== true) io.out(`\nUse them with ${values.dir === undefined ? 'the default folder, ' : `cloudRanges: { cacheDir: '${values.dir}' }: `}${dir}\n`)
  return 0
}

function providerOf (name: string): CloudProvider {
  const found = selectorOf(name)
  if (typeof found === 'string') throw new UsageError(found)
  if (found.tag !== undefined || !('feed' in PROVIDERS[found.provider])) throw new UsageError(`${name} publishes no feed; rules know it by its autonomous systems, from fastify-api-guard geo download`)
  return found.provider
}

function mirrorsOf (sources: readonly string[]): Map<CloudProvider, string[]> {
  const found = new Map<CloudProvider, string[]>()
  for (const source of sources) {
    const at = source.indexOf('=')
    if (at === -1) throw new UsageError(`--source must be NAME=URL, not '${source}'`)
    const provider = providerOf(source.slice(0, at))
    found.set(provider, [...(found.get(provider) ?? []), source.slice(at + 1)])
  }
  return found
}

async function get (provider: CloudProvider, mirrors: string[] | undefined, dir: string, force: boolean): Promise<Row> {
  const { feed: own } = PROVIDERS[provider] as { feed: Feed }
  const feed = mirrors === undefined ? own : { urls: mirrors, read: own.read }
  const loader = feedLoader(provider, feed, { copies: copies(dir), timeout: TIMEOUT, now: Date.now, force })
  try {
    // A copy that cannot be read is replaced.
    const stored = await loader.stored().catch(() => undefined)
    const found = await loader.fresh(stored?.networks)
    if (found?.unwritten !== undefined) throw found.unwritten
    return { provider, networks: (found ?? stored)!.networks.byCidr.size, added: found?.added ?? 0, removed: found?.removed ?? 0 }
  } catch (error) {
    return { provider, fault: (error as Error).message }
  }
}
