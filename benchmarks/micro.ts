import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from './servers/build.ts'

/**
 * Runs the benchmarks of the hot functions, each in a process of its own: what one of them has made polymorphic must
 * not slow the next. All run from JavaScript, since the loader of TypeScript gives each closure a name at run time, which
 * costs more than many of them do. A file either runs when it is imported, or exports `bench()`, which answers rows by
 * name: microseconds, or one value for each of `columns`.
 *
 *   npm run bench:micro -- [name...]
 */
const asked = process.argv.slice(2)
const names = asked.length > 0 ? asked : ['detect', 'ranges', 'limits', 'headers', 'geo']
const built = build()

for (const name of names) {
  const file = pathToFileURL(join(built, 'benchmarks', `${name}.bench.js`)).href
  const source = `
    const { bench, columns = ['us'] } = await import(${JSON.stringify(file)})
    const found = Object.entries(await bench?.() ?? {})
    const row = (cells) => console.log('| ' + cells.map((cell) => typeof cell === 'number' ? cell.toFixed(2) : cell).join(' | ') + ' |')
    if (found.length > 0) {
      row(['what', ...columns])
      row(['---', ...columns.map(() => '---')])
    }
    for (const [what, values] of found) row([what, ...[values].flat()])`
  process.stdout.write(`\n## ${name}\n\n`)
  const { status } = spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '--eval', source], { stdio: 'inherit', cwd: join(import.meta.dirname, '..') })
  if (status !== 0) process.exitCode = 1
}
