import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { loadApp } from '../app.ts'
import { readArgs } from '../args.ts'
import { UsageError, type ExitCode, type Io } from '../command.ts'
import { findReference } from '../log-search.ts'
import { json } from '../show.ts'
import { explanationText, pastText } from '../explain-text.ts'
import type { RequestLike } from '../../../types/index.ts'

export const about = 'says what the guard answers to a request, and why; or what a reference stands for'

export const help = `fastify-api-guard explain --app FILE [request] [options]
fastify-api-guard explain REFERENCE --log FILE [options]

Judges one request by the rules of an application and tells how the client was found, which rules apply and where each
comes from, what each check answers and how long it takes. Nothing is counted and nobody is banned. With a reference,
the x-guard-reference of an answer, the log tells what was refused and why.

  --app FILE       module whose default export is a Fastify instance or a function that returns one
  --method NAME    GET
  --url TARGET     path and query (/)
  --ip ADDRESS     the connection's other end: the client, or the proxy before it (127.0.0.1)
  --header TEXT    'name: value'; may be repeated; --headers is the same
  --body TEXT      the body, or @FILE; needs a content-type header
  --https          the connection is encrypted
  --run            calls the application's own functions (verify, check, key ...), too
  --log FILE       the application's JSON log or the guard's access log; - is standard input
  --json           prints the explanation as JSON
  --strict         exit code 1 if the request is refused, or the reference is not found

  fastify-api-guard explain --app app.js --method POST --url '/login?x=1' --ip 203.0.113.9 --header 'user-agent: curl'
`

export async function run (args: string[], io: Io): Promise<ExitCode> {
  const { values, positionals: [reference, ...more] } = readArgs(args.map(singular), {
    app: { type: 'string' },
    method: { type: 'string' },
    url: { type: 'string' },
    ip: { type: 'string' },
    header: { type: 'string', multiple: true },
    body: { type: 'string' },
    https: { type: 'boolean' },
    run: { type: 'boolean' },
    log: { type: 'string' },
    json: { type: 'boolean' },
    strict: { type: 'boolean' }
  })
  if (more.length > 0) throw new UsageError(`explain takes one reference, not also '${more[0]}'`)
  if (reference !== undefined) return lookUp(reference, values.log, values, io)
  if (values.ip !== undefined && isIP(values.ip) === 0) throw new UsageError(`--ip must be an address, not '${values.ip}'`)
  const request: RequestLike = {
    ...(values.method !== undefined && { method: values.method.toUpperCase() }),
    ...(values.url !== undefined && { url: values.url }),
    ...(values.ip !== undefined && { ip: values.ip }),
    headers: headersOf(values.header ?? []),
    ...(values.body !== undefined && { body: bodyOf(values.body, io) }),
    ...(values.https === true && { protocol: 'https' as const })
  }
  const { app, api } = await loadApp(values.app, io)
  try {
    const explained = await api.explain(request, { run: values.run === true }).catch((error: unknown) => { throw usage(error) })
    io.out(values.json === true ? `${json(explained, 2)}\n` : explanationText(explained))
    return values.strict === true && explained.verdict === 'refuse' ? 1 : 0
  } finally {
    await app.close()
  }
}

async function lookUp (reference: string, log: string | undefined, { json: asJson = false, strict = false }: { json?: boolean | undefined, strict?: boolean | undefined }, io: Io): Promise<ExitCode> {
  if (!/^[0-9a-v]{16}$/.test(reference)) throw new UsageError(`'${reference}' is no reference: these have 16 letters and digits, as in the header x-guard-reference`)
  if (log === undefined) throw new UsageError('--log FILE is needed to look a reference up: the application\'s JSON log or the guard\'s access log')
  const found = await findReference(reference, log === '-' ? io.stdin : resolve(io.cwd, log)).catch((error: unknown) => { throw new UsageError(`--log ${log}: ${(error as Error).message}`) })
  if (found === undefined) io.err(`${reference} is not in ${log}\n`)
  if (asJson) io.out(`${json(found ?? null, 2)}\n`)
  else if (found !== undefined) io.out(pastText(found))
  return found === undefined && strict ? 1 : 0
}

/** One option under two names would lose the order of headers that come twice. */
function singular (arg: string): string {
  return arg.replace(/^--headers(?==|$)/, '--header')
}

function headersOf (lines: readonly string[]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).trim().toLowerCase()
    if (colon < 1 || !/^[!#$%&'*+.^_`|~\w-]+$/.test(name)) throw new UsageError(`--header '${line}' is no header, such as 'user-agent: curl'`)
    const value = line.slice(colon + 1).trim()
    const before = headers[name]
    headers[name] = before === undefined ? value : [before, value].flat()
  }
  return headers
}

function bodyOf (text: string, io: Io): string | Buffer {
  if (!text.startsWith('@')) return text
  try {
    return readFileSync(resolve(io.cwd, text.slice(1)))
  } catch (error) {
    throw new UsageError(`--body ${text}: ${(error as Error).message}`)
  }
}

/** What the request lacks is the user's mistake. */
function usage (error: unknown): unknown {
  return error instanceof Error ? new UsageError(error.message) : error
}
