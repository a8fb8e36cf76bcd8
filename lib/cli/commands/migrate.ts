import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { text as textOfStream } from 'node:stream/consumers'
import { migrate } from '../../migrate/migrate.ts'
import { jsonOf, moduleOf } from '../../migrate/print.ts'
import { isObject } from '../../options/shape.ts'
import { readArgs } from '../args.ts'
import { UsageError, type ExitCode, type Io } from '../command.ts'

export const about = 'turns a SecurityConfig of flaskapi-guard into options'

export const help = `fastify-api-guard migrate FILE [options]

Reads a SecurityConfig as JSON (config.model_dump_json()) and prints options for this plugin: those on standard output,
what changes and what is left to do on standard error. - is standard input. Fields that are not in the file are not
written, whatever their defaults were there.

  --ts       prints a module of TypeScript; expressions, which JSON cannot say, are taken over
  --json     prints { options, notes } as JSON alone
  --strict   exit code 1 if something is left to do

  python -c 'from app import config; print(config.model_dump_json())' | fastify-api-guard migrate - --ts > guard.ts
`

const TITLES = { todo: 'Left to do', change: 'What changes', none: 'What is not there' } as const

export async function run (args: string[], io: Io): Promise<ExitCode> {
  const { values, positionals } = readArgs(args, { ts: { type: 'boolean' }, json: { type: 'boolean' }, strict: { type: 'boolean' } })
  const [file] = positionals
  if (file === undefined || positionals.length > 1) throw new UsageError('migrate takes one file: fastify-api-guard migrate config.json')
  if (values.ts === true && values.json === true) throw new UsageError('--ts and --json exclude each other')
  const { options, notes } = migrate(await read(file, io))
  const { text, left } = jsonOf(options)
  if (values.ts !== true) for (const expression of left) notes.push({ field: 'blocked_user_agents', kind: 'todo', text: `JSON cannot say the expression ${expression}: use --ts` })
  if (values.json === true) io.out(`${JSON.stringify({ options: JSON.parse(text) as unknown, notes }, undefined, 2)}\n`)
  else io.out(values.ts === true ? moduleOf(options) : text)
  for (const kind of ['todo', 'change', 'none'] as const) {
    const own = notes.filter((note) => note.kind === kind)
    if (own.length > 0 && values.json !== true) io.err(`${TITLES[kind]}:\n${own.map(({ field, text }) => `  ${field}: ${text}\n`).join('')}`)
  }
  return values.strict === true && notes.some(({ kind }) => kind === 'todo') ? 1 : 0
}

async function read (file: string, io: Io): Promise<Record<string, unknown>> {
  let data: unknown
  try {
    data = JSON.parse(file === '-' ? await textOfStream(io.stdin) : await readFile(resolve(io.cwd, file), 'utf8'))
  } catch (error) {
    throw new UsageError(`${file}: ${(error as Error).message}`)
  }
  if (!isObject(data)) throw new UsageError(`${file}: is no JSON object`)
  return data
}
