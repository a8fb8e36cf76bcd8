import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { text as textOfStream } from 'node:stream/consumers'
import { loadApp, type LoadedApp } from '../app.ts'
import { readArgs } from '../args.ts'
import { UsageError, type ExitCode, type Io } from '../command.ts'
import { unseenRoutes } from '../../coverage.ts'
import { isBelow } from '../../options/path-prefix.ts'
import { columns, json, line } from '../show.ts'
import { promotions, promotionText, readCounts } from '../../passive/promotion.ts'
import type { PassiveCount, RouteInfo } from '../../../types/index.ts'

export const about = 'lists the routes, the rules of each and where they come from'

export const help = `fastify-api-guard routes --app FILE [options]

Lists every route with its effective rules and the layer that each value comes from: default, plugin, scope, policy or
route. Routes on which no check runs are marked with !.

  --app FILE      module whose default export is a Fastify instance or a function that returns one
  --allow PREFIX  routes below this path may do without checks; may be repeated
  --short         one line for each route, without its rules
  --json          prints [{ methods, url, uncovered, checks, rules, origins }]
  --passive FILE  reports, before rules are promoted, what the passive ones would have refused: FILE is app.guard.stats()
                  of the running server as JSON, - is standard input
  --strict        exit code 1 if a route has no check

  fastify-api-guard routes --app app.js --strict --allow /health
`

interface Row extends Omit<RouteInfo, 'guarded' | 'late' | 'url'> {
  /** `(none)`: what matches no route. */
  url: string
  /** Why no check runs; absent where one does. */
  uncovered?: string
  allowed: boolean
}

export async function run (args: string[], io: Io): Promise<ExitCode> {
  const { values, positionals } = readArgs(args, {
    app: { type: 'string' }, allow: { type: 'string', multiple: true }, short: { type: 'boolean' }, passive: { type: 'string' }, json: { type: 'boolean' }, strict: { type: 'boolean' }
  })
  if (positionals.length > 0) throw new UsageError(`routes takes no '${positionals[0]}'; the application is --app FILE`)
  const counts = values.passive === undefined ? undefined : await countsOf(values.passive, io)
  const loaded = await loadApp(values.app, io)
  try {
    if (counts !== undefined) {
      const list = promotions(loaded.api.routes(), counts, loaded.guard.options.mode)
      io.out(values.json === true ? `${json(list, 2)}\n` : promotionText(list))
      return values.strict === true && list.some(({ count }) => count > 0) ? 1 : 0
    }
    const rows = rowsOf(loaded, values.allow ?? [])
    const bare = rows.filter(({ uncovered, allowed }) => uncovered !== undefined && !allowed)
    if (values.json === true) {
      io.out(`${json(rows, 2)}\n`)
    } else {
      io.out(rows.map((row) => textOf(row, values.short === true)).join(''))
      io.out(`\n${rows.length} routes, ${bare.length === 0 ? 'all covered' : `${bare.length} without a check`}\n`)
    }
    return values.strict === true && bare.length > 0 ? 1 : 0
  } finally {
    await loaded.app.close()
  }
}

async function countsOf (file: string, io: Io): Promise<PassiveCount[]> {
  try {
    return readCounts(JSON.parse(file === '-' ? await textOfStream(io.stdin) : await readFile(resolve(io.cwd, file), 'utf8')))
  } catch (error) {
    throw new UsageError(`--passive ${file}: ${(error as Error).message}`)
  }
}

function rowsOf ({ app, guard, api }: LoadedApp, allow: readonly string[]): Row[] {
  const rows: Row[] = []
  const allowed = (url: string): boolean => allow.some((prefix) => isBelow(url, prefix))
  for (const { guarded, late, url = '(none)', ...info } of api.routes()) {
    const row: Row = { ...info, url, allowed: allowed(url), ...(!guarded && { uncovered: reasonOf(url) }) }
    addTo(rows, row)
  }
  for (const name of unseenRoutes(guard, app)) {
    const [method = '', url = ''] = name.split(' ')
    addTo(rows, { methods: [method], url, checks: [], rules: {}, origins: {}, uncovered: 'declared before the guard', allowed: allowed(url) })
  }
  return rows

  function reasonOf (url: string): string {
    if (guard.options.mode === 'off') return 'mode: off'
    return guard.options.exclude?.some((prefix) => isBelow(url, prefix)) === true ? 'exclude' : 'config.guard: false, or every rule is off'
  }
}

/** Fastify declares a HEAD route beside each GET: one line for both. */
function addTo (rows: Row[], row: Row): void {
  const twin = rows.find((other) => other.url === row.url && json({ ...other, methods: [] }) === json({ ...row, methods: [] }))
  if (twin === undefined) rows.push(row)
  else twin.methods.push(...row.methods)
}

function textOf ({ methods, url, checks, rules, origins, uncovered }: Row, short: boolean): string {
  const head = `${uncovered === undefined ? ' ' : '!'} ${methods.length === 0 ? '*' : methods.join(',')} ${url}: ${uncovered === undefined ? checks.join(', ') : `no check (${uncovered})`}\n`
  if (short) return head
  const origin = (path: string): string => origins[path]?.join(' + ') ?? ''
  return head + columns(Object.entries(rules).flatMap(([key, value]) => {
    const members = Object.keys(origins).filter((path) => path.startsWith(`${key}.`))
    if (members.length === 0) return [[key, origin(key), line(value)]]
    return members.map((path) => [path, origin(path), line((value as Record<string, unknown>)[path.slice(key.length + 1)])])
  }), '      ')
}
