// npm run replay: sends the corpora's attacks and harmless requests over a socket to examples/demo.ts --open, a
// server with the guard's defaults that answers 200 to every method and path, and records what was refused in
// docs/accuracy.md and benchmarks/accuracy.json. Fails on any 5xx, hang or broken connection.
//
// CORPORA=folder    default ../shared/corpora; it is not part of the repository
// --dry             prints and writes nothing
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const corpora = resolve(root, process.env.CORPORA ?? '../shared/corpora')
if (!existsSync(join(corpora, 'replay.mjs'))) {
  console.error(`no corpora at ${corpora}; name their folder with CORPORA=...`)
  process.exit(2)
}

const folder = mkdtempSync(join(tmpdir(), 'guard-replay-'))
const server = spawn(process.execPath, ['--import', 'tsx', 'examples/demo.ts', '--open'], { cwd: root, env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] })
let ended
let output = ''
server.once('exit', (code) => { ended = code })
try {
  const { port } = new URL(await address(server))
  const out = join(folder, 'scores.json')
  const replayer = spawn(process.execPath, [join(corpora, 'replay.mjs'), '--port', port, '--block', '400,403', '--body-match', 'GUARD_', '--timeout', '5000', '--out', out, '--quiet', 'yes', corpora], { stdio: ['ignore', 'ignore', 'inherit'], timeout: 300_000 })
  const status = await new Promise((resolve) => { replayer.once('exit', resolve) })
  if (status !== 0) throw new Error(`the replayer ended with ${status}`)
  const scores = JSON.parse(readFileSync(out, 'utf8'))
  const page = pageOf(scores)
  console.log(page)
  const log = output.split('\n').slice(1).join('\n').trim()
  if (log !== '') throw new Error(`the server logged errors: ${log.slice(0, 2000)}`)
  const bad = Object.entries(scores.statuses).filter(([code]) => !/^[1-4]\d\d$/.test(code))
  if (bad.length > 0) throw new Error(`not every request was answered well: ${bad.map(([code, n]) => `${n} x ${code}`).join(', ')}`)
  if (ended !== undefined) throw new Error(`the server ended with ${ended}`)
  if (!process.argv.includes('--dry')) {
    writeFileSync(join(root, 'docs/accuracy.md'), page)
    writeFileSync(join(root, 'benchmarks/accuracy.json'), `${JSON.stringify({ date: today(), ...scores }, null, 1)}\n`)
  }
} catch (error) {
  console.error(`FAILED: ${error.message}`)
  process.exitCode = 1
} finally {
  server.kill()
  rmSync(folder, { recursive: true, force: true })
}

function address (child) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the server did not start')), 60_000)
    child.stdout.on('data', (chunk) => {
      output += chunk
      const found = /^http:\/\/127\.0\.0\.1:\d+$/m.exec(output)
      if (found === null) return
      clearTimeout(timer)
      resolve(found[0])
    })
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
  })
}

function today () {
  return new Date().toISOString().slice(0, 10)
}

function percent (part, whole) {
  return whole === 0 ? '-' : (100 * part / whole).toFixed(1)
}

function pageOf (s) {
  const hard = new Set(['code-text', 'hard-negative', 'fp-list', 'markdown'])
  const categories = Object.entries(s.perCategory).sort(([a], [b]) => a < b ? -1 : 1)
  const groups = Object.entries(s.perBenignGroup).sort(([a], [b]) => hard.has(a) - hard.has(b) || (a < b ? -1 : 1))
  return `# Accuracy

What the guard's defaults (\`detection\` at level 1, nothing else configured) refuse of a corpus of labelled HTTP requests,
sent over a socket to a server that answers 200 to every method and path (\`npm run replay\`, ${today()}). A request counts
as refused if the answer is 400 or 403 with a \`GUARD_\` code. The corpus is collected from public attack lists, regression
tests of other firewalls, real logs and real API traffic; it is not part of this repository. Rules were written with some of
its sources in view, so traffic that nobody has seen scores lower. The numbers compare versions and engines; they do not say
how much of what meets *your* server is found.

| | refused | of | percent |
|---|---:|---:|---:|
| attacks, all | ${Math.round(s.microTPR * s.attacks)} | ${s.attacks} | ${(100 * s.microTPR).toFixed(1)} |
| attacks, mean over categories | | | ${(100 * s.macroTPR).toFixed(1)} |
| harmless, plain traffic | ${sum(groups, (name) => !hard.has(name), 'blocked')} | ${sum(groups, (name) => !hard.has(name), 'n')} | ${(100 * s.fprPlain).toFixed(2)} |
| harmless, hard (code, Markdown, lists of false positives) | ${sum(groups, (name) => hard.has(name), 'blocked')} | ${sum(groups, (name) => hard.has(name), 'n')} | ${(100 * s.fprHard).toFixed(2)} |

Answers by status: ${Object.entries(s.statuses).map(([code, n]) => `${code}: ${n}`).join(', ')}. Time per request over loopback,
16 connections at once: median ${s.latencyMs.p50.toFixed(1)} ms, 99th percentile ${s.latencyMs.p99.toFixed(1)} ms, longest ${s.latencyMs.max.toFixed(0)} ms.

## Attacks by category

"Rejected" was answered by Node or Fastify itself, before any rule.

| category | refused | of | percent | rejected |
|---|---:|---:|---:|---:|
${categories.map(([name, { n, blocked, rejected }]) => `| ${name} | ${blocked} | ${n} | ${percent(blocked, n)} | ${rejected} |`).join('\n')}

## Harmless requests by group

| group | refused | of | percent |
|---|---:|---:|---:|
${groups.map(([name, { n, blocked }]) => `| ${name}${hard.has(name) ? ' (hard)' : ''} | ${blocked} | ${n} | ${percent(blocked, n)} |`).join('\n')}

## By source

| source | attacks refused | of | percent | harmless refused | of | percent |
|---|---:|---:|---:|---:|---:|---:|
${Object.entries(s.perSource).sort(([a], [b]) => a < b ? -1 : 1).map(([name, kinds]) => `| ${name} | ${cells(kinds.attack)} | ${cells(kinds.benign)} |`).join('\n')}
`
}

function sum (groups, of, member) {
  return groups.filter(([name]) => of(name)).reduce((total, [, group]) => total + group[member], 0)
}

function cells (kind) {
  return kind === undefined ? '- | 0 | -' : `${kind.blocked} | ${kind.n} | ${percent(kind.blocked, kind.n)}`
}
