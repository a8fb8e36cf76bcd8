// Reporter of `npm test`: one line for each file, every failure in full, and the totals as JSON for scripts/test.mjs.
import { appendFileSync } from 'node:fs'
import { relative } from 'node:path'
import { inspect } from 'node:util'

export default async function * report (source) {
  const files = new Map()
  const totals = { pass: 0, fail: 0, skipped: 0, todo: 0, cancelled: 0 }
  const of = (file) => {
    const name = file === undefined ? '(no file)' : relative(process.cwd(), file)
    if (!files.has(name)) files.set(name, { name, tests: 0, failed: 0, ms: 0, output: '' })
    return files.get(name)
  }

  for await (const { type, data } of source) {
    if (type === 'test:pass' || type === 'test:fail') {
      const file = of(data.file)
      if (data.details?.type !== 'suite') file.tests++
      if (data.nesting === 0) file.ms += data.details?.duration_ms ?? 0
      if (type === 'test:fail') {
        file.failed++
        yield `\nFAILED ${file.name}: ${data.name}\n${indent(errorOf(data.details?.error))}\n`
      }
    } else if (type === 'test:stdout' || type === 'test:stderr') {
      of(data.file).output += data.message
    } else if (type === 'test:diagnostic') {
      const count = /^(pass|fail|skipped|todo|cancelled) (\d+)$/.exec(data.message)
      if (count !== null && data.file === undefined) totals[count[1]] = Number(count[2])
    }
  }

  for (const { name, tests, failed, ms, output } of [...files.values()].sort((a, b) => a.name < b.name ? -1 : 1)) {
    yield `${failed === 0 ? 'ok    ' : 'FAILED'} ${name.padEnd(44)} ${String(tests).padStart(4)} tests ${(ms / 1000).toFixed(1).padStart(6)} s\n`
    if (failed > 0 && output !== '') yield `${indent(`output:\n${output.slice(0, 4000)}`)}\n`
  }
  yield `tests ${totals.pass + totals.fail + totals.skipped + totals.todo + totals.cancelled}, pass ${totals.pass}, fail ${totals.fail}, skipped ${totals.skipped}, cancelled ${totals.cancelled}\n`
  if (process.env.GUARD_TEST_TOTALS !== undefined) appendFileSync(process.env.GUARD_TEST_TOTALS, `${JSON.stringify(totals)}\n`)
}

function errorOf (error) {
  const cause = error?.cause ?? error
  return cause instanceof Error ? cause.stack ?? cause.message : inspect(cause, { depth: 4 })
}

function indent (text) {
  return text.split('\n').map((line) => `  ${line}`).join('\n')
}
