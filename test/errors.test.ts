import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { errorMaker } from '../lib/answer.ts'
import { CODES, MESSAGES } from '../lib/codes.ts'
import * as errors from '../lib/errors.ts'
import { readdirSync } from 'node:fs'

const root = join(import.meta.dirname, '..')
const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')

/** Sections of docs/errors.md by their heading. */
const sections = new Map(page.split(/^### /m).slice(1).map((section) => {
  const end = section.indexOf('\n')
  return [section.slice(0, end).trim(), section.slice(end)] as const
}))

const everyCode = [...new Set([...CODES, ...Object.keys(errors)])]

test('the number of codes is known', (t: TestContext) => {
  t.assert.strictEqual(CODES.length, 32)
  t.assert.strictEqual(Object.keys(errors).length, 5)
})

test('each error of the start has its name as its code', (t: TestContext) => {
  for (const [name, Constructor] of Object.entries(errors)) {
    const error = new Constructor('x')
    t.assert.strictEqual(error.code, name)
    t.assert.strictEqual(error.statusCode, name === 'GUARD_STORE_DOWN' ? 503 : 500)
    t.assert.ok(error instanceof Error)
  }
  t.assert.ok(new errors.GUARD_OPTION_INVALID('x') instanceof TypeError)
})

test('each code has a message that tells an attacker nothing', (t: TestContext) => {
  for (const code of CODES) {
    t.assert.match(code, /^GUARD_[A-Z_]+$/)
    t.assert.match(MESSAGES[code], /^[A-Z][A-Za-z ]+$/, code)
    t.assert.doesNotMatch(MESSAGES[code], /rule|pattern|list|ban|detect|regex/i, code)
  }
})

test('each code has a section with its status and what to do, and no section is without a code', (t: TestContext) => {
  for (const code of everyCode) {
    const section = sections.get(code)
    t.assert.ok(section !== undefined, `${code} has no section in docs/errors.md`)
    t.assert.match(section, /\*\*Status:\*\*/, code)
    t.assert.match(section, /\*\*When:\*\*/, code)
    t.assert.match(section, /\*\*What to do:\*\*/, code)
  }
  t.assert.deepStrictEqual([...sections.keys()].filter((name) => !everyCode.includes(name)), [])
})

test('the status that a section names is the one that the sources answer', (t: TestContext) => {
  const found = new Map<string, Set<string>>()
  for (const name of readdirSync(join(root, 'lib'), { recursive: true }).map(String).filter((name) => name.endsWith('.ts'))) {
    const text = readFileSync(join(root, 'lib', name), 'utf8')
    for (const [, code = '', status = ''] of text.matchAll(/code: '(GUARD_\w+)', status: (\d{3})/g)) {
      found.set(code, (found.get(code) ?? new Set()).add(status))
    }
  }
  t.assert.ok(found.size > 15, `${found.size} codes found`)
  for (const [code, statuses] of found) {
    const line = /\*\*Status:\*\*(.*)/.exec(sections.get(code) ?? '')?.[1] ?? ''
    for (const status of statuses) t.assert.match(line, new RegExp(status), `${code} is answered with ${status}, docs/errors.md says${line}`)
  }
})

test('refusals share an error and change nobody else when written to', (t: TestContext) => {
  const make = errorMaker({ GUARD_BANNED: 'Go away' })
  const one = make('GUARD_BANNED', 403, 'one')
  const other = make('GUARD_BANNED', 403, 'other')
  t.assert.strictEqual(Object.getPrototypeOf(one), Object.getPrototypeOf(other))
  one.message = 'changed'
  one.statusCode = 500
  t.assert.strictEqual(other.message, 'Go away')
  t.assert.strictEqual(other.statusCode, 403)
  t.assert.strictEqual(other.reference, 'other')
  t.assert.ok(one instanceof Error)
})
