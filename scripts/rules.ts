// Writes the catalogue of rules into docs/checks/detection.md, between its markers. A test compares the two.
//
// node --import tsx scripts/rules.ts
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ruleCatalogue } from '../lib/detect/index.ts'

const file = join(import.meta.dirname, '../docs/checks/detection.md')
const START = '<!-- rules:start -->'
const END = '<!-- rules:end -->'

const rows = ruleCatalogue.map(({ id, level, about }) => `| \`${id}\` | ${level} | ${about} |`)
const table = ['| rule | level | finds |', '|---|---:|---|', ...rows].join('\n')
const text = readFileSync(file, 'utf8')
const start = text.indexOf(START)
const end = text.indexOf(END)
if (start === -1 || end < start) throw new Error(`${file} has lost its markers`)
writeFileSync(file, `${text.slice(0, start + START.length)}\n${table}\n${text.slice(end)}`)
