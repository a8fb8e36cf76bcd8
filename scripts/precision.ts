// Judges texts that no rule was written from, and prints what is refused, by rule: whole files and their paragraphs, each as
// a field of a JSON body. Without --from: the Markdown files of node_modules. Nothing of what is read is kept.
// usage: node --import tsx scripts/precision.ts [--level N] [--show N] [--rule ID] [--from DIR ...] [--ext md,rst,txt] [--files N]
//        N: so many refused texts with their evidence, of one rule if it is named
//        DIR: such as /usr/share/man, /usr/share/doc or the library of a language; pages of manuals lose their marks, HTML its tags
//        files: at most so many, taken evenly over the folder (default 2000)
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { compileDetection, type Level } from '../lib/detect/index.ts'

const ROOT = join(import.meta.dirname, '../node_modules')

function option (name: string, fallback: number): number {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? fallback : Number(process.argv[at + 1])
}

function words (name: string): string[] {
  return process.argv.flatMap((argument, i) => process.argv[i - 1] === `--${name}` ? [argument] : [])
}

const KINDS = new Set((words('ext')[0] ?? (words('from').length === 0 ? 'md' : 'md,rst,txt,html,py,js,1,3,5,7,8')).split(',').map((kind) => `.${kind}`))

function filesOf (folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && KINDS.has(extname(entry.name.replace(/\.gz$/, '')).toLowerCase()))
    .map((entry) => join(entry.parentPath, entry.name)).sort()
}

/** At most so many, evenly from the whole list. */
function evenly (list: readonly string[], most: number): string[] {
  const step = Math.max(1, list.length / most)
  return Array.from({ length: Math.min(most, list.length) }, (_, i) => list[Math.floor(i * step)]!)
}

/** The text of a file as somebody would paste it: no marks of roff, no tags of a page; empty if it cannot be read or is too long for a field. */
function textOf (file: string): string {
  let text = ''
  try {
    const bytes = readFileSync(file)
    text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  } catch {
    return ''
  }
  if (text.length > 300_000 || text.includes('\u0000')) return ''
  const kind = extname(file.replace(/\.gz$/, ''))
  if (/^\.\d$/.test(kind)) return text.replace(/^\.\\".*$/gm, '').replace(/^\.[A-Za-z]{1,3}\b ?/gm, '').replace(/\\f[A-Z(]|\\&/g, '').replaceAll('\\-', '-')
  if (kind === '.html') return text.replace(/<(script|style)[\s\S]*?<\/\1>/gi, ' ').replace(/<[^>]+>/g, ' ')
  return text
}

const folders = words('from')
const files = evenly((folders.length === 0 ? [ROOT] : folders).flatMap(filesOf), option('files', 2000))
const only = words('rule')[0]
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
    const match = finding.matches.find(({ rule }) => only === undefined || rule === only)
    if (match !== undefined && shown-- > 0) console.log(`${match.rule} [${match.evidence}] ${JSON.stringify(text.slice(0, 240))}`)
  }
  console.log(`${name.padEnd(22)}${(100 * refused / texts.length).toFixed(2).padStart(6)} % ${String(refused).padStart(5)} / ${texts.length}`)
  for (const [rule, count] of [...rules].sort((a, b) => b[1] - a[1])) console.log(`  ${rule.padEnd(30)}${count}`)
}

const whole = [...new Set(files.map(textOf))].filter((text) => text !== '')
if (whole.length === 0) {
  console.log(`skipped: no such files in ${folders.length === 0 ? 'node_modules' : folders.join(', ')}`)
} else {
  measure('whole files refused', whole)
  measure('paragraphs refused', [...new Set(whole.flatMap((text) => text.split(/\r?\n[ \t]*\r?\n/)).map((part) => part.trim()).filter((part) => part !== ''))])
}
