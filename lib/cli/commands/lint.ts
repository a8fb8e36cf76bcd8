import { loadApp } from '../app.ts'
import { readArgs } from '../args.ts'
import { lint } from '../lint/lint.ts'
import { json } from '../show.ts'
import { UsageError, type ExitCode, type Io } from '../command.ts'

export const about = 'finds rules that do nothing, shadowed addresses, slow expressions, wrong proxy settings'

export const help = `fastify-api-guard lint --app FILE [options]

Reads the policy of an application and names what it cannot mean: rules that no request ever reaches, addresses that
other entries hold already, expressions that a client can make slow, forwarding headers that everybody is believed,
routes that the guard does not cover.

  --app FILE   module whose default export is a Fastify instance or a function that returns one
  --json       prints [{ lint, path, message }]
  --strict     exit code 1 if there is a finding

  fastify-api-guard lint --app app.js --strict
`

export async function run (args: string[], io: Io): Promise<ExitCode> {
  const { values, positionals } = readArgs(args, { app: { type: 'string' }, json: { type: 'boolean' }, strict: { type: 'boolean' } })
  if (positionals.length > 0) throw new UsageError(`lint takes no '${positionals[0]}'; the application is --app FILE`)
  const loaded = await loadApp(values.app, io)
  try {
    const found = await lint(loaded)
    if (values.json === true) io.out(`${json(found, 2)}\n`)
    else if (found.length === 0) io.out('Nothing to remark.\n')
    else io.out(found.map(({ lint, path, message }) => `${lint}: ${path}: ${message}\n`).join(''))
    return values.strict === true && found.length > 0 ? 1 : 0
  } finally {
    await loaded.app.close()
  }
}
