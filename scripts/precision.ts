// Judges the Markdown files of node_modules, which no rule was written from, and prints what is refused, by rule:
// whole files and their paragraphs, each as a field of a JSON body.
// usage: node --import tsx scripts/precision.ts [--level N] [--show N]     N: so many refused texts with their evidence
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileDetection, type Level } from '../lib/detect/index.ts'

const ROOT = join(import.meta.dirname, '../node_modules')

function option (name: string, fallback: number): number {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? fallback : Number(process.argv[at + 1])
}

const files = existsSync(ROOT)
  ? readdirSync(ROOT, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && /\.md$/i.test(entry.name)).map((entry) => join(entry.parentPath, entry.name)).sort()
  : []
const detector = compileDetection({ level: option('level', 1) as Level }, { maxBytes: 1e7 })
let shown = option('show', 0)

function measure (name: string, texts: readonly string[]): void {
  const rules = new Map<string, number>()
  let refused = 0
  for (const text of texts) {
    const finding = detector.body({ text }, 'application/json')
    if (finding === undefined || 'overflow' in finding) continue
    refused++
    for (const rule of new Set(finding.matches.map((match) => match.rule))) rules.set(rule, (rules.get(rule) ?? 0) + 1)
    if (shown-- > 0) console.log(`${finding.matches[0]!.rule} [${finding.matches[0]!.evidence}] ${JSON.stringify(text.slice(0, 240))}`)
  }
  console.log(`${name.padEnd(22)}${(100 * refused / texts.length).toFixed(2).padStart(6)} % ${String(refused).padStart(5)} / ${texts.length}`)
  for (const [rule, count] of [...rules].sort((a, b) => b[1] - a[1])) console.log(`  ${rule.padEnd(30)}${count}`)
}

const whole = [...new Set(files.map((file) => readFileSync(file, 'utf8')))]
if (whole.length === 0) {
  console.log('skipped: node_modules has no Markdown files')
} else {
  measure('whole files refused', whole)
  measure('paragraphs refused', [...new Set(whole.flatMap((text) => text.split(/\r?\n[ \t]*\r?\n/)).map((part) => part.trim()).filter((part) => part !== ''))])
}
