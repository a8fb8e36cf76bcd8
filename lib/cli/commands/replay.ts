import { appendFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { loadApp, type LoadedApp } from '../app.ts'
import { readArgs, wholeNumber } from '../args.ts'
import { UsageError, type ExitCode, type Io } from '../command.ts'
import { replayHtml } from '../../replay/html.ts'
import { replayPolicy } from '../../replay/policy.ts'
import { replay, type ReplayResult } from '../../replay/replay.ts'
import { sides } from '../../replay/sides.ts'
import { replayText } from '../../replay/text.ts'

export const about = 'sends an access log through the policy: what would be refused'

export const help = `fastify-api-guard replay LOG... --app FILE [options]

Sends the requests of access logs through the rules of an application, with the log's own clock. Limits and bans are
made anew, in memory: those in use see nothing of it. Logs: nginx and Apache combined, Caddy, pino and guard JSON lines,
HAR; gzip too; - is standard input. What a log cannot tell (authentication, custom checks, requests in flight) is left
out and named.

  --app FILE       module whose default export is a Fastify instance or a function that returns one
  --against FILE   another policy, JSON or YAML, laid over the application's options: shows the difference
  --html FILE      writes a report with plots
  --json           prints the report as JSON
  --rows N         rows of each table (10)
  --strict         exit code 1 if a request is refused; with --against, if the two policies differ

  fastify-api-guard replay /var/log/nginx/access.log.*.gz --app app.js --html report.html
`

export async function run (args: string[], io: Io): Promise<ExitCode> {
  const { values, positionals: files } = readArgs(args, {
    app: { type: 'string' }, against: { type: 'string' }, html: { type: 'string' }, json: { type: 'boolean' }, rows: { type: 'string' }, strict: { type: 'boolean' }
  })
  if (files.length === 0) throw new UsageError('replay needs a log: fastify-api-guard replay access.log --app app.js')
  const rows = wholeNumber(values.rows, 'rows', 10)
  if (values.html !== undefined) mustBeWritable(values.html, io)
  const changes = values.against === undefined ? undefined : await readPolicy(values.against, io)
  const loaded = await loadApp(values.app, io)
  try {
    const result = await replayAll(loaded, files, changes, io)
    if (values.html !== undefined) writeFileSync(resolve(io.cwd, values.html), replayHtml(result))
    io.out(values.json === true ? `${JSON.stringify(result)}\n` : replayText(result, rows))
    const found = result.against === undefined ? result.report.refused : result.against.refusedMore.refused + result.against.refusedLess.refused
    return values.strict === true && found > 0 ? 1 : 0
  } finally {
    await loaded.app.close()
  }
}

async function replayAll ({ app, guard }: LoadedApp, files: readonly string[], changes: unknown, io: Io): Promise<ReplayResult> {
  let current = files[0]!
  const bar = progressBar(io)
  try {
    return await replay({
      files: files.map((file) => file === '-' ? file : resolve(io.cwd, file)),
      stdin: io.stdin,
      open: async (format) => sides(await replayPolicy({ app, guard, format }), changes === undefined ? undefined : await replayPolicy({ app, guard, format, changes })),
      onProgress (file, progress, lines) {
        current = file
        bar.show(progress, lines)
      }
    })
  } catch (error) {
    // A policy that makes no sense says so itself.
    throw new UsageError((error as { code?: string }).code === 'GUARD_OPTION_INVALID' ? `--against: ${(error as Error).message}` : `${current}: ${(error as Error).message}`)
  } finally {
    bar.end()
  }
}

/** A long replay is not to end with a report that cannot be written. */
function mustBeWritable (file: string, io: Io): void {
  try {
    appendFileSync(resolve(io.cwd, file), '')
  } catch (error) {
    throw new UsageError(`--html ${file}: ${(error as Error).message}`)
  }
}

async function readPolicy (file: string, io: Io): Promise<unknown> {
  const { parse } = await import('yaml')
  try {
    return parse(await readFile(resolve(io.cwd, file), 'utf8')) as unknown
  } catch (error) {
    throw new UsageError(`--against ${file}: ${(error as Error).message}`)
  }
}

interface Bar { show: (progress: number | undefined, lines: number) => void, end: () => void }

/** One line that is written over, and only where somebody watches. */
function progressBar ({ err, interactive }: Io): Bar {
  if (!interactive) return { show () {}, end () {} }
  const start = performance.now()
  let shown = 0
  return {
    show (progress, lines) {
      const now = performance.now()
      if (now - shown < 200) return
      shown = now
      const filled = Math.round((progress ?? 0) * 30)
      const bar = progress === undefined ? '' : `[${'#'.repeat(filled)}${'.'.repeat(30 - filled)}] ${(progress * 100).toFixed(0).padStart(3)} %  `
      err(`\r${bar}${lines.toLocaleString('en-US')} lines, ${Math.round(lines / (now - start) * 1000).toLocaleString('en-US')}/s\u001b[K`)
    },
    end () { if (shown > 0) err('\r\u001b[K') }
  }
}
