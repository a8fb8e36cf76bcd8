import { nearest } from '../options/nearest.ts'
import { UsageError, type Command, type ExitCode, type Io } from './command.ts'

/** One command = one file in commands/, loaded when it is asked for. */
const COMMANDS: Record<string, () => Promise<Command>> = {
  explain: () => import('./commands/explain.ts'),
  routes: () => import('./commands/routes.ts'),
  lint: () => import('./commands/lint.ts'),
  demo: () => import('./commands/demo.ts'),
  bench: () => import('./commands/bench.ts'),
  replay: () => import('./commands/replay.ts'),
  geo: () => import('./commands/geo.ts'),
  cloud: () => import('./commands/cloud.ts'),
  migrate: () => import('./commands/migrate.ts'),
}

/** Runs the command that `args` names. */
export async function main (args: string[], io: Io): Promise<ExitCode> {
  const [name, ...rest] = args
  try {
    if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
      io.out(await overview())
      return name === undefined ? 2 : 0
    }
    const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
    if (load === undefined) {
      const meant = nearest(name, Object.keys(COMMANDS))
      throw new UsageError(`'${name}' is no command${meant === undefined ? '' : `, did you mean '${meant}'?`}; see fastify-api-guard --help`)
    }
    const command = await load()
    const own = rest.slice(0, rest.includes('--') ? rest.indexOf('--') : undefined)
    if (own.includes('--help') || own.includes('-h')) {
      io.out(command.help)
      return 0
    }
    return await command.run(rest, io)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    io.err(`${error.message}\n`)
    return 2
  }
}

async function overview (): Promise<string> {
  const rows = await Promise.all(Object.entries(COMMANDS).map(async ([name, load]) => `  ${name.padEnd(9)} ${(await load()).about}\n`))
  return `fastify-api-guard COMMAND [options]\n\n${rows.join('')}\nEach has --help. Exit codes: 0 fine, 1 a finding with --strict, 2 wrong use.\n`
}
