// Writes the catalogue of rules: docs/rules.md as a whole, and the table of docs/checks/detection.md between its markers.
// Tests compare both with the rules.
//
// usage: node --import tsx scripts/rules.ts
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CATEGORIES, ruleCatalogue } from '../lib/detect/index.ts'

const START = '<!-- rules:start -->'
const END = '<!-- rules:end -->'

/** Text as a code span in a cell of a table: bars escaped, control characters by name, a fence longer than any run of backticks inside. */
export function cell (text: string): string {
  const shown = text.replaceAll('\r', '\\r').replaceAll('\n', '\\n').replace(/[\u0000-\u001f\u007f-\u009f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`).replaceAll('|', '\\|')
  const runs = shown.match(/`+/g) ?? []
  const fence = '`'.repeat(Math.max(0, ...runs.map((run) => run.length)) + 1)
  const gap = /^`|`$|^ .* $/.test(shown) ? ' ' : ''
  return `${fence}${gap}${shown}${gap}${fence}`
}

/** The text of docs/rules.md. */
export function catalogue (): string {
  const lines = ['# Rules', '', 'Made from the rules of [detection](checks/detection.md) by `node --import tsx scripts/rules.ts`; a test fails when it is stale.',
    'Both examples of every rule are tests. An example is a query value, unless it says where it stands. A rule counts from its level on;',
    `a value whose score reaches \`threshold\` (5) is refused. ${ruleCatalogue.length} rules in ${CATEGORIES.length} categories.`]
  for (const category of CATEGORIES) {
    lines.push('', `## ${category}`, '', '| rule | level | score | what it sees | matches | passes |', '|---|---:|---:|---|---|---|')
    for (const { id, level, score, about, match, pass } of ruleCatalogue.filter((rule) => rule.category === category)) {
      lines.push(`| \`${id}\` | ${level} | ${score} | ${about.replaceAll('|', '\\|').replaceAll('<', '&lt;')} | ${cell(match)} | ${cell(pass)} |`)
    }
  }
  return `${lines.join('\n')}\n`
}

function table (): string {
  const rows = ruleCatalogue.map(({ id, level, about }) => `| \`${id}\` | ${level} | ${about} |`)
  return ['| rule | level | finds |', '|---|---:|---|', ...rows].join('\n')
}

if (process.argv[1]?.endsWith('rules.ts') === true) {
  writeFileSync(join(import.meta.dirname, '../docs/rules.md'), catalogue())
  const file = join(import.meta.dirname, '../docs/checks/detection.md')
  const text = readFileSync(file, 'utf8')
  const start = text.indexOf(START)
  const end = text.indexOf(END)
  if (start === -1 || end < start) throw new Error(`${file} has lost its markers`)
  writeFileSync(file, `${text.slice(0, start + START.length)}\n${table()}\n${text.slice(end)}`)
}
