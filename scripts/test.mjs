// npm test: everything that has to hold, on a machine with nothing but Node and npm. Each step runs whatever
// became of the others; the last lines say which failed.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { provide } from './system.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const node = process.execPath
const bin = (file) => join(root, 'node_modules', file)
const folder = mkdtempSync(join(tmpdir(), 'guard-test-'))
const totals = join(folder, 'totals.jsonl')

/** Coverage below this fails; see CONTRIBUTING.md. */
const COVERAGE = { lines: 92, branches: 90, functions: 91 }

/** These start processes of their own on the built package, where coverage has nothing to see. */
const OUTSIDE = ['test/docs.test.ts', 'test/docs-examples.test.ts', 'test/package.test.ts']

const files = readdirSync(join(root, 'test'), { recursive: true })
  .map((name) => `test/${name.replaceAll('\\', '/')}`)
  .filter((name) => name.endsWith('.test.ts') && !name.startsWith('test/consumers/'))
  .sort()
const inside = files.filter((name) => !OUTSIDE.includes(name))
const outside = files.filter((name) => OUTSIDE.includes(name))

const reporter = ['--test-reporter', './scripts/reporter.mjs', '--test-reporter-destination', 'stdout']
const runner = [node, '--import', 'tsx', '--test', '--test-concurrency', '2', '--test-timeout', '120000', ...reporter]
const coverage = [node, bin('c8/bin/c8.js'), '--include', 'lib/**', '--exclude-after-remap', '--reporter', 'text-summary', '--reporter', 'lcovonly', '--check-coverage',
  ...Object.entries(COVERAGE).flatMap(([kind, percent]) => [`--${kind}`, String(percent)])]

const steps = [
  { name: 'lint', together: true, command: [node, bin('eslint/bin/eslint.js')] },
  { name: 'types', together: true, command: [node, bin('typescript/bin/tsc'), '--noEmit'] },
  { name: 'build', command: [node, 'scripts/build.mjs'] },
  { name: 'unit and end-to-end tests', command: [...coverage, ...runner, ...inside] },
  { name: 'package, documents, examples', command: [...runner, ...outside] },
  { name: 'type tests', command: [node, bin('tstyche/build/bin.js')] },
  { name: 'benchmark smoke', command: [node, '--import', 'tsx', 'benchmarks/http.ts', '--smoke'], needs: 'benchmarks/http.ts' }
]

/** Longer than any step takes on a busy machine; what hangs is ended with all that it started. */
const LONGEST = 300_000
const running = new Set()

function end (child) {
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    running.forEach(end)
    process.exit(1)
  })
}

function run ({ name, command: [program, ...args], needs }) {
  if (needs !== undefined && !existsSync(join(root, needs))) return Promise.resolve({ name, status: 'skipped', output: `${needs} is not there\n`, ms: 0 })
  const start = performance.now()
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: { ...process.env, GUARD_TEST_TOTALS: totals, FORCE_COLOR: '0', NO_COLOR: '1' } })
    let output = ''
    running.add(child)
    const timer = setTimeout(() => {
      output += `\nended after ${LONGEST / 1000} s\n`
      end(child)
    }, LONGEST)
    child.stdout.on('data', (chunk) => { output += chunk })
    child.stderr.on('data', (chunk) => { output += chunk })
    child.on('error', (error) => { output += String(error) })
    child.on('close', (code) => {
      clearTimeout(timer)
      running.delete(child)
      resolve({ name, status: code === 0 ? 'ok' : 'failed', output, ms: performance.now() - start })
    })
  })
}

function print ({ name, status, output, ms }) {
  console.log(`\n== ${name}: ${status} (${(ms / 1000).toFixed(1)} s)`)
  // Node names NO_COLOR and FORCE_COLOR together in a warning of its own.
  const text = output.split('\n').filter((line) => !/NO_COLOR|--trace-warnings/.test(line)).join('\n').trim()
  if (text !== '') console.log(text)
}

const started = performance.now()
const missing = provide()
for (const { hint } of missing) console.log(`${process.env.CI === 'true' ? 'FAILED' : 'skipped'}: ${hint}`)
const only = process.argv.slice(2)
const chosen = steps.filter(({ name }) => only.length === 0 || only.some((word) => name.includes(word)))
const results = []
const first = chosen.filter(({ together }) => together)
for (const result of await Promise.all(first.map(run))) results.push(result)
results.forEach(print)
for (const step of chosen.filter(({ together }) => !together)) {
  const result = await run(step)
  print(result)
  results.push(result)
}

const counts = existsSync(totals) ? readFileSync(totals, 'utf8').trim().split('\n').map((line) => JSON.parse(line)) : []
rmSync(folder, { recursive: true, force: true })
const sum = (name) => counts.reduce((total, count) => total + count[name], 0)
const failed = results.filter(({ status }) => status === 'failed')
const unmet = process.env.CI === 'true' ? missing.length : 0
console.log(`\nsteps: ${results.map(({ name, status }) => `${name} ${status}`).join(', ')}; ${((performance.now() - started) / 1000).toFixed(0)} s`)
console.log(`${sum('pass')} passed, ${sum('fail') + sum('cancelled')} failed, ${sum('skipped') + sum('todo')} skipped`)
if (failed.length > 0 || unmet > 0) {
  console.log(`FAILED: ${[...failed.map(({ name }) => name), ...missing.slice(0, unmet).map(({ commands }) => commands[0])].join(', ')}`)
  process.exitCode = 1
}
