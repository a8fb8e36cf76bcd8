import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { copies, defaultFolder } from '../../download/copies.ts'
import { fetchDatabase } from '../../geo/fetch.ts'
import { openDatabase } from '../../geo/mmdb.ts'
import { vendorOf, type VendorFile } from '../../geo/vendors.ts'
import type { GeoDownload } from '../../../types/index.ts'
import { readArgs } from '../args.ts'
import { UsageError, type ExitCode, type Io } from '../command.ts'

export const about = 'downloads country and network databases'

export const help = `fastify-api-guard geo download [options]

Gets the databases that country, asn and byCountry need: DB-IP Lite, free and without a token (CC BY 4.0), or those of
another vendor. Each file is checked (digest where the vendor publishes one, look-ups) before it replaces the one that
is there; a file that is the newest is not sent again.

  --ipinfo TOKEN           IPinfo Lite
  --maxmind ACCOUNT:KEY    MaxMind GeoLite2; a key alone is taken too
  --url URL                an mmdb file with countries of any server, as it is or gzipped
  --asn-url URL            beside --url: one with autonomous systems
  --mirror URL             takes the place of the vendor's origin
  --dir DIR                where to (${'~/.cache/fastify-api-guard'}): geo.cacheDir
  --json                   prints { files, options, attribution }

Tokens and keys may also stand in the environment: IPINFO_TOKEN with --ipinfo -, MAXMIND_KEY with --maxmind -.

  fastify-api-guard geo download --dir geo
`

const TIMEOUT = 600_000

interface Got { path: string, type: string, built: string, changed: boolean }

export async function run (args: string[], io: Io): Promise<ExitCode> {
  const { values, positionals } = readArgs(args, {
    ipinfo: { type: 'string' }, maxmind: { type: 'string' }, url: { type: 'string' }, 'asn-url': { type: 'string' }, mirror: { type: 'string' }, dir: { type: 'string' }, json: { type: 'boolean' }
  })
  if (positionals.length !== 1 || positionals[0] !== 'download') throw new UsageError('geo has one command: fastify-api-guard geo download')
  const wanted = wantedOf(values, io.env)
  const dir = values.dir === undefined ? defaultFolder(io.env) : resolve(io.cwd, values.dir)
  const { files, attribution } = vendorOf(wanted, values.mirror)
  const got: Got[] = []
  try {
    await mkdir(dir, { recursive: true })
    for (const file of files) got.push(await get(file, dir, io))
  } catch (error) {
    throw new UsageError((error as Error).message.replace(/^guard: /, ''))
  }
  // What was on the command line is not shown again.
  const shown = wanted === 'dbip-lite' ? "'dbip-lite'" : 'ipinfo' in wanted ? '{ ipinfo: process.env.IPINFO_TOKEN }' : 'maxmind' in wanted ? '{ maxmind: { account, key: process.env.MAXMIND_KEY } }' : JSON.stringify(wanted)
  const options = `geo: { download: ${shown}${values.dir === undefined ? '' : `, cacheDir: '${values.dir}'`} }`
  if (values.json === true) io.out(`${JSON.stringify({ files: got, options, ...(attribution !== undefined && { attribution }) })}\n`)
  else io.out(`${got.map(({ path, type, built, changed }) => `${path}  ${type}, of ${built.slice(0, 10)}${changed ? '' : ', is the newest'}\n`).join('')}\nUse them with ${options}\n${attribution === undefined ? '' : `Show this where results are shown: ${attribution}\n`}`)
  return 0
}

function wantedOf (values: { ipinfo?: string, maxmind?: string, url?: string, 'asn-url'?: string }, env: NodeJS.ProcessEnv): GeoDownload {
  const named = (['ipinfo', 'maxmind', 'url'] as const).filter((name) => values[name] !== undefined)
  if (named.length > 1) throw new UsageError(`--${named.join(' and --')} exclude each other`)
  if (values['asn-url'] !== undefined && values.url === undefined) throw new UsageError('--asn-url goes with --url')
  if (values.url !== undefined) return { url: values.url, ...(values['asn-url'] !== undefined && { asn: values['asn-url'] }) }
  if (values.ipinfo !== undefined) return { ipinfo: secretOf(values.ipinfo, 'ipinfo', 'IPINFO_TOKEN', env) }
  if (values.maxmind === undefined) return 'dbip-lite'
  const secret = secretOf(values.maxmind, 'maxmind', 'MAXMIND_KEY', env)
  const at = secret.indexOf(':')
  return { maxmind: at === -1 ? { key: secret } : { account: secret.slice(0, at), key: secret.slice(at + 1) } }
}

/** `-` keeps a secret out of the list of processes. */
function secretOf (value: string, option: string, variable: string, env: NodeJS.ProcessEnv): string {
  const secret = value === '-' ? env[variable] : value
  if (secret === undefined || secret === '') throw new UsageError(`--${option} needs a value${value === '-' ? ` in the environment: ${variable}` : ''}`)
  return secret
}

async function get (file: VendorFile, dir: string, io: Io): Promise<Got> {
  const disk = copies(dir)
  if (io.interactive) io.err(`${file.name} ...\n`)
  const found = await fetchDatabase(file, { copies: disk, timeout: TIMEOUT, now: Date.now })
  if (found?.unwritten !== undefined) throw new Error(`${disk.path(file.name)} cannot be written: ${found.unwritten.message}`)
  const { type, built } = found?.database ?? await openDatabase(disk.path(file.name), file.kind)
  return { path: disk.path(file.name), type, built: new Date(built).toISOString(), changed: found !== undefined }
}
