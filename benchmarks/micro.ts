import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * Runs the benchmarks of the hot functions, each in a process of its own: what one of them has made polymorphic must
 * not slow the next. A file either runs when it is imported, or exports `bench()`, which answers microseconds by name.
 *
 *   npm run bench:micro -- [name...]
 */
const asked = process.argv.slice(2)
const names = asked.length > 0 ? asked : ['detect', 'ranges', 'limits', 'headers']

for (const name of names) {
  const file = pathToFileURL(join(import.meta.dirname, `${name}.bench.ts`)).href
  const source = `
    const { bench } = await import(${JSON.stringify(file)})
    const found = Object.entries(bench?.() ?? {})
    if (found.length > 0) console.log('| what | us |\\n|---|---|')
    for (const [what, micros] of found) console.log('| ' + what + ' | ' + micros.toFixed(2) + ' |')`
  process.stdout.write(`\n## ${name}\n\n`)
  const { status } = spawnSync(process.execPath, ['--expose-gc', '--import', 'tsx', '--input-type=module', '--eval', source], { stdio: 'inherit', cwd: join(import.meta.dirname, '..') })
  if (status !== 0) process.exitCode = 1
}
