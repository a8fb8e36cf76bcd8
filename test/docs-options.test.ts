import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { CATEGORIES, ruleCatalogue } from '../lib/detect/index.ts'
import { checks } from '../lib/checks/index.ts'
import { optionsShape, rulesShape } from '../lib/options/plugin.ts'
import type { Shape } from '../lib/options/shape.ts'

const root = join(import.meta.dirname, '..')
const page = readFileSync(join(root, 'docs/options.md'), 'utf8')
const COMMON = ['mode', 'sample', 'inherit']

/** Paths in the first column of the page's tables. */
const documented = [...page.matchAll(/^\| `([^`]+)` \|/gm)].map(([, path = '']) => path)

/** Every path of the schema, without what it takes only to say why it does not. */
function paths (shape: Shape, prefix = ''): string[] {
  return Object.entries(shape.keys ?? {}).flatMap(([name, member]) => {
    const path = prefix + name
    if (member.expected.startsWith('left out')) return []
    return [path, ...paths(member, `${path}.`)]
  })
}

const existing = paths(optionsShape)
/** `ip.mode` and the like stand once for all rules. */
const common = existing.filter((path) => path.includes('.') && COMMON.includes(path.split('.').at(-1)!))

test('every option is in docs/options.md', (t: TestContext) => {
  const missing = existing.filter((path) => !common.includes(path) && !documented.includes(path))
  t.assert.deepStrictEqual(missing, [])
  for (const name of COMMON) t.assert.ok(documented.includes(`*.${name}`))
})

test('nothing is in docs/options.md that does not exist', (t: TestContext) => {
  const unknown = documented.filter((path) => !path.startsWith('*.') && !path.includes('[]') && !existing.includes(path))
  t.assert.deepStrictEqual(unknown, [])
  t.assert.strictEqual(new Set(documented).size, documented.length, 'twice')
})

test('the page says which keys lack the members of every rule', (t: TestContext) => {
  const sentence = /^`hosts`.*have no such members.*$/m.exec(page)?.[0] ?? ''
  for (const key of Object.keys(rulesShape.keys ?? {})) {
    // Limits, windows and headers have them in other ways: each limit its own, headers beside the names.
    const has = COMMON.every((name) => existing.includes(`${key}.${name}`)) || key === 'requireHeaders'
    t.assert.strictEqual(sentence.includes(`\`${key}\``), !has, key)
  }
})

test('each key of the rules has its heading', (t: TestContext) => {
  for (const key of Object.keys(rulesShape.keys ?? {})) t.assert.match(page, new RegExp(`^## ${key}$`, 'm'))
})

test('the README has a row for each key, in the order of the checks', (t: TestContext) => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const rows = [...readme.matchAll(/^\| (\[`.*?)\|/gm)].flatMap(([, cell = '']) => [...cell.matchAll(/`(\w+)`/g)].map(([, key = '']) => key))
  t.assert.deepStrictEqual([...rows].sort(), Object.keys(rulesShape.keys ?? {}).sort())
  const order: readonly string[] = checks.map(({ key }) => key)
  t.assert.deepStrictEqual(rows.filter((key) => order.includes(key)), order)
})

test('each key has its page in docs/checks, and no other page is there', (t: TestContext) => {
  const names = readdirSync(join(root, 'docs/checks')).map((name) => name.replace(/\.md$/, ''))
  t.assert.deepStrictEqual(names.sort(), Object.keys(rulesShape.keys ?? {}).sort())
})

test('docs/checks/detection.md has every category and every rule, and no other', (t: TestContext) => {
  const detection = readFileSync(join(root, 'docs/checks/detection.md'), 'utf8')
  for (const category of CATEGORIES) t.assert.match(detection, new RegExp(`^\\| \`${category}\` \\|`, 'm'))
  const rows = [...detection.matchAll(/^\| `([a-z-]+\/[a-z0-9-]+)` \| (\d) \|/gm)].map(([, id, level]) => `${id} ${level}`)
  t.assert.deepStrictEqual(rows, ruleCatalogue.map(({ id, level }) => `${id} ${level}`), 'run node --import tsx scripts/rules.ts')
})
