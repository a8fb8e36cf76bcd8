import assert from 'node:assert'
import { test } from 'node:test'
import { readFileSync } from 'node:fs'
import { compileDetection, detect, ruleCatalogue, type Finding, type Overflow } from '../../lib/detect/index.ts'
import { catalogue, cell } from '../../scripts/rules.ts'

/** Judges a catalogue's example in the place that its text names. */
function judge (example: string, rule: string): boolean {
  const level = ruleCatalogue.find(({ id }) => id === rule)!.level
  // The first rules that suffice end the search, so the others are switched off.
  const rules = { level, exclude: { rules: ruleCatalogue.filter(({ id }) => id !== rule).map(({ id }) => id) } }
  const detector = compileDetection(rules, { maxBytes: 1e6 })
  const category = rule.split('/')[0]
  let found: Finding | Overflow | undefined
  const named = /^(.*) \(as (file name|name|path)\)$/s.exec(example)
  if (category === 'probe') found = detector.request(example, {}, true)
  else if (named?.[2] === 'file name') found = detector.body({ file: { type: 'file', fieldname: 'file', filename: named[1], fields: {} } }, 'multipart/form-data')
  else if (named?.[2] === 'path') found = detector.request(named[1]!, {}, false)
  else if (named?.[2] === 'name') found = detector.request(`/?${named?.[1]}`, {}, false)
  else if (named?.[2] === 'path') found = detector.request(named[1]!, {}, false)
  else if (rule === 'crlf/break') found = detector.request('/', { 'x-a': example }, false)
  else if (category === 'nosql' && example.startsWith('{"')) found = detector.body(JSON.parse(example), 'application/json')
  else if (rule === 'file-inclusion/remote') found = detector.request(`/?include=${encodeURIComponent(example)}`, {}, false)
  else return detect(example, rules).matches.some((match) => match.rule === rule)
  return found !== undefined && 'matches' in found && found.matches.some((match) => match.rule === rule)
}

for (const { id, match, pass } of ruleCatalogue) {
  test(`${id} sees its example`, () => {
    assert.ok(judge(match, id), match)
  })
  test(`${id} passes its harmless neighbour`, () => {
    assert.ok(!judge(pass, id), pass)
  })
}

test('every rule has an id of its own, and says what it is about', () => {
  assert.strictEqual(new Set(ruleCatalogue.map(({ id }) => id)).size, ruleCatalogue.length)
  for (const { about, category, id } of ruleCatalogue) {
    assert.ok(about.length > 7, id)
    assert.ok(id.startsWith(`${category}/`), id)
  }
})

test('docs/rules.md is what the rules say', () => {
  const text = readFileSync(new URL('../../docs/rules.md', import.meta.url), 'utf8').replaceAll('\r\n', '\n')
  assert.ok(text === catalogue(), 'stale: run node --import tsx scripts/rules.ts')
})

test('examples are escaped for a table', () => {
  assert.strictEqual(cell('a|b'), '`a\\|b`')
  assert.strictEqual(cell('`id`'), '`` `id` ``')
  assert.strictEqual(cell('x\r\ny\u0000'), '`x\\r\\ny\\x00`')
})
