// Analyses every regular expression of lib/detect and records the outcome by hash, so that a test only looks at new ones.
// usage: node --import tsx scripts/redos.mjs [--all]    (all: also those already recorded)
//
// safe      linear, says the analyser
// guarded   superlinear by itself, yet nothing that it is given makes it so: the analyser's own attack, sent through the
//           detector in every place, grows no faster than its length (texts are cut, and runs of spaces shortened, before it)
// unknown   the analyser ran out of time; the growth tests of test/detect/linear.test.ts cover it
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { checkSync } from 'recheck'
import ts from 'typescript'
import { compileDetection } from '../lib/detect/index.ts'

const folder = fileURLToPath(new URL('../lib/detect/', import.meta.url))
const file = fileURLToPath(new URL('redos.json', import.meta.url))

/** Every literal of lib/detect, with the place it stands in. */
export function expressions () {
  const found = []
  for (const name of readdirSync(folder).filter((each) => each.endsWith('.ts')).sort()) {
    const source = ts.createSourceFile(name, readFileSync(folder + name, 'utf8'), ts.ScriptTarget.Latest, true)
    const visit = (node) => {
      if (ts.isRegularExpressionLiteral(node)) {
        const at = node.text.lastIndexOf('/')
        found.push({ where: `${name}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`, source: node.text.slice(1, at), flags: node.text.slice(at + 1), hash: createHash('sha256').update(node.text).digest('hex').slice(0, 16) })
      }
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  return found
}

export function recorded () {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return {}
  }
}

/** What the analyser says, and what the detector makes of its attack. */
export function analyse ({ source, flags }, timeout) {
  const { status, attack } = checkSync(source, flags, { timeout })
  if (status === 'vulnerable') return attack !== undefined && guarded(attack) ? 'guarded' : 'vulnerable'
  return status === 'safe' ? 'safe' : 'unknown'
}

const detector = compileDetection({ threshold: 1e9, level: 3 }, { maxBytes: 1 << 24 })

function guarded ({ pumps, suffix }) {
  const text = (size) => pumps.map(({ prefix, pump }) => prefix + pump.repeat(Math.ceil(size / pumps.length / pump.length))).join('') + suffix
  const time = (value) => {
    let best = Infinity
    for (let i = 0; i < 3; i++) {
      const start = performance.now()
      detector.body({ value }, 'application/json')
      detector.body({ [value]: 1 }, 'application/json')
      detector.body({ file: { type: 'file', fieldname: 'f', filename: value, fields: {} } }, 'multipart/form-data')
      detector.request(`/?include=${encodeURIComponent(value.slice(0, 1 << 16))}`, {}, true)
      best = Math.min(best, performance.now() - start)
    }
    return best
  }
  const long = time(text(64_000))
  return long < 40 || long / time(text(16_000)) < 8
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const known = process.argv.includes('--all') ? {} : recorded()
  const results = {}
  for (const each of expressions()) {
    results[each.hash] = known[each.hash] ?? analyse(each, 2000)
    if (results[each.hash] === 'vulnerable') console.log(`vulnerable: ${each.where} /${each.source.slice(0, 100)}/${each.flags}`)
  }
  const bad = Object.values(results).filter((status) => status === 'vulnerable').length
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(Object.entries(results).filter(([, status]) => status !== 'vulnerable').sort()), undefined, 2)}\n`)
  console.log(`${Object.keys(results).length} expressions, ${bad} vulnerable`)
  process.exitCode = bad > 0 ? 1 : 0
}
