// Replays the labelled corpora against the detection engine in process and prints what it finds and what it refuses wrongly.
// usage: node --import tsx scripts/accuracy.ts [--level N] [--category xss] [--source NAME] [--misses N] [--side attack|benign] [--unmatched]
//        node --import tsx scripts/accuracy.ts --check     exits 1 where less is found, or more refused, than was recorded
//        node --import tsx scripts/accuracy.ts --record    records what is better than the floors; they only go up
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { compileDetection, type Finding, type Level } from '../lib/detect/index.ts'

interface Case {
  id: string
  source: string
  category: string
  label: 'attack' | 'benign'
  group: string
  request: { method: string, url: string, headers: Record<string, string>, body?: string | null, bodyEncoding?: string }
}

interface Count { n: number, hit: number }

const FOLDER = process.env['GUARD_CORPORA'] ?? '/work/shared/corpora'
/** Sources whose cases may be read while rules are written; the others only count. */
const IN_VIEW = new Set(['crs-regression', 'libinjection', 'docs-markdown', 'octokit-webhooks'])
const HARD = new Set(['code-text', 'hard-negative', 'fp-list', 'markdown'])
/** As on a server whose only route is a wildcard. */
const UNMATCHED = process.argv.includes('--unmatched')
const NOT_HEADLINE = new Set(['cve', 'scanner-path'])

export function load (folder: string): Case[] {
  return readdirSync(folder).filter((file) => file.endsWith('.jsonl.gz')).sort().flatMap((file) =>
    gunzipSync(readFileSync(join(folder, file))).toString('utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Case))
}

/** The body as Fastify's parsers leave it: JSON parsed, everything else as text. */
function parsed (text: string, type: string): unknown {
  if (!type.includes('json')) return text
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

export function judge (detector: ReturnType<typeof compileDetection>, { request }: Case): Finding | undefined {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) headers[name.toLowerCase()] = value
  const finding = detector.request(request.url, headers, UNMATCHED)
  if (finding !== undefined && 'matches' in finding) return finding
  if (request.body === undefined || request.body === null) return undefined
  const text = request.bodyEncoding === 'base64' ? Buffer.from(request.body, 'base64').toString('utf8') : request.body
  const type = (headers['content-type'] ?? '').toLowerCase()
  const found = detector.body(parsed(text, type), type)
  return found !== undefined && 'matches' in found ? found : undefined
}

/** What must be found of each category, and how many of each harmless group may be refused, by level. */
type Floors = Record<string, { found: Record<string, Count>, refused: Record<string, Count> }>

const FLOORS = join(import.meta.dirname, '../benchmarks/accuracy-floors.json')

function readFloors (): Floors {
  return existsSync(FLOORS) ? JSON.parse(readFileSync(FLOORS, 'utf8')) as Floors : {}
}

/** Both sides by name at one level. A case that the corpora lost or gained makes a floor void: it is recorded anew. */
export function count (level: Level, cases: readonly Case[]): Floors[string] {
  const detector = compileDetection({ level }, { maxBytes: 1 << 20 })
  const counts: Floors[string] = { found: {}, refused: {} }
  for (const one of cases) {
    const side = one.label === 'attack' ? counts.found : counts.refused
    const entry = side[one.label === 'attack' ? one.category : one.group] ??= { n: 0, hit: 0 }
    entry.n++
    if (judge(detector, one) !== undefined) entry.hit++
  }
  return counts
}

/** Where the counts are worse than the floors, in words. */
export function below (floors: Floors[string], counts: Floors[string]): string[] {
  const worse: string[] = []
  for (const [name, floor] of Object.entries(floors.found)) {
    const now = counts.found[name]
    if (now?.n === floor.n && now.hit < floor.hit) worse.push(`${name}: ${now.hit} of ${now.n} found, the floor is ${floor.hit}`)
  }
  for (const [name, floor] of Object.entries(floors.refused)) {
    const now = counts.refused[name]
    if (now?.n === floor.n && now.hit > floor.hit) worse.push(`${name}: ${now.hit} of ${now.n} refused, the floor is ${floor.hit}`)
  }
  return worse
}

/** The better of both for each name. */
export function raised (floors: Floors[string] | undefined, counts: Floors[string]): Floors[string] {
  const merge = (old: Record<string, Count> | undefined, now: Record<string, Count>, better: (a: number, b: number) => number): Record<string, Count> =>
    Object.fromEntries(Object.entries(now).sort(([a], [b]) => a < b ? -1 : 1).map(([name, { n, hit }]) => [name, { n, hit: old?.[name]?.n === n ? better(old[name].hit, hit) : hit }]))
  return { found: merge(floors?.found, counts.found, Math.max), refused: merge(floors?.refused, counts.refused, Math.min) }
}

function judgeFloors (record: boolean): void {
  if (!existsSync(FOLDER)) {
    console.log(`skipped: no corpora in ${FOLDER}`)
    return
  }
  const floors = readFloors()
  const cases = load(FOLDER)
  for (const level of [1, 2] as const) {
    const counts = count(level, cases)
    const worse = below(floors[level] ?? { found: {}, refused: {} }, counts)
    for (const line of worse) console.log(`level ${level}: ${line}`)
    if (record) floors[level] = raised(floors[level], counts)
    else if (worse.length > 0) process.exitCode = 1
  }
  if (record) writeFileSync(FLOORS, `${JSON.stringify(floors, undefined, 2)}\n`)
  else if (process.exitCode !== 1) console.log('nothing is below its floor')
}

function main (): void {
  const option = (name: string): string | undefined => {
    const at = process.argv.indexOf(`--${name}`)
    return at < 0 ? undefined : process.argv[at + 1]
  }
  if (!existsSync(FOLDER)) {
    console.log(`skipped: no corpora in ${FOLDER}`)
    return
  }
  const level = Number(option('level') ?? 1) as Level
  const detector = compileDetection({ level }, { maxBytes: 1 << 20 })
  const wanted = option('category')
  const source = option('source')
  const side = option('side')
  let misses = Number(option('misses') ?? 0)
  const categories = new Map<string, Count>()
  const groups = new Map<string, Count>()
  const sources = new Map<string, Count>()
  const rules = new Map<string, number>()
  const add = (map: Map<string, Count>, key: string, hit: boolean): void => {
    const count = map.get(key) ?? { n: 0, hit: 0 }
    count.n++
    if (hit) count.hit++
    map.set(key, count)
  }
  const shown = new Set<string>()
  for (const one of load(FOLDER)) {
    if (wanted !== undefined && one.category !== wanted) continue
    if (source !== undefined && one.source !== source) continue
    const finding = judge(detector, one)
    const hit = finding !== undefined
    const attack = one.label === 'attack'
    add(attack ? categories : groups, attack ? one.category : one.group, hit)
    add(sources, `${one.source} ${attack ? one.category : `(${one.group})`}`, hit)
    if (!attack && hit) for (const { rule } of finding.matches) rules.set(`${one.source} ${rule}`, (rules.get(`${one.source} ${rule}`) ?? 0) + 1)
    if (misses > 0 && hit !== attack && IN_VIEW.has(one.source) && (side === undefined || side === one.label)) {
      const text = show(one)
      if (shown.has(text)) continue
      shown.add(text)
      misses--
      console.log(`${one.label === 'attack' ? 'MISSED ' : 'REFUSED'} ${one.category} ${finding === undefined ? '' : `${finding.matches[0]?.rule} [${finding.matches[0]?.evidence}] `}${text}`)
    }
  }
  print(categories, groups, sources, rules)
}

function show ({ request }: Case): string {
  let url = request.url
  try {
    url = decodeURIComponent(url.replaceAll('+', ' '))
  } catch {}
  const headers = Object.entries(request.headers).filter(([name]) => !/^(?:host|accept.*|user-agent|content-type|connection)$/i.test(name)).map((pair) => pair.join(': ')).join(' | ')
  return `${request.method} ${url} ${headers} ${request.body ?? ''}`.slice(0, 300).replace(/[\r\n]/g, '\\n')
}

function print (categories: Map<string, Count>, groups: Map<string, Count>, sources: Map<string, Count>, rules: Map<string, number>): void {
  const percent = ({ n, hit }: Count): string => `${(100 * hit / n).toFixed(1).padStart(6)} % ${String(hit).padStart(5)} / ${n}`
  const sum = (counts: Count[]): Count => counts.reduce((a, b) => ({ n: a.n + b.n, hit: a.hit + b.hit }), { n: 0, hit: 0 })
  const headline = [...categories].filter(([name]) => !NOT_HEADLINE.has(name)).map(([, count]) => count)
  console.log('found')
  for (const [name, count] of [...categories].sort()) console.log(`  ${name.padEnd(22)}${percent(count)}`)
  console.log('by source')
  for (const [name, count] of [...sources].sort()) console.log(`  ${name.padEnd(40)}${percent(count)}`)
  if (rules.size > 0) console.log('refused wrongly by')
  for (const [name, count] of [...rules].sort((a, b) => b[1] - a[1]).slice(0, 40)) console.log(`  ${name.padEnd(50)}${count}`)
  if (headline.length > 0) {
    console.log(`found, over all          ${percent(sum(headline))}`)
    console.log(`found, mean of classes   ${(100 * headline.reduce((total, { n, hit }) => total + hit / n, 0) / headline.length).toFixed(1).padStart(6)} %`)
  }
  const plain = sum([...groups].filter(([name]) => !HARD.has(name)).map(([, count]) => count))
  const hard = sum([...groups].filter(([name]) => HARD.has(name)).map(([, count]) => count))
  if (plain.n > 0) console.log(`refused, plain           ${percent(plain)}`)
  if (hard.n > 0) console.log(`refused, hard            ${percent(hard)}`)
}

if (process.argv[1]?.endsWith('accuracy.ts') === true) {
  const record = process.argv.includes('--record')
  if (record || process.argv.includes('--check')) judgeFloors(record)
  else main()
}
