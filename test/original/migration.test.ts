import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/migrating-from-flaskapi-guard.md'), 'utf8')
const reference = join(root, '../shared/reference/original.md')

test('every field and decorator of the original is in the migration guide', { skip: !existsSync(reference) && 'no ../shared/reference here' }, (t: TestContext) => {
  const text = readFileSync(reference, 'utf8')
  const fields = text.slice(text.indexOf('### 1.1'), text.indexOf('### 1.2'))
  const decorators = text.slice(text.indexOf('## 2. Route decorators'), text.indexOf('## 3. The request'))
  const cells = [...fields.matchAll(/^\| ([^|]+)\|/gm), ...decorators.matchAll(/^\| ([^|(]+)/gm)]
  const names = cells.flatMap(([, cell = '']) => [...cell.matchAll(/\b([a-z]+(?:_[a-z0-9]+)+|whitelist|blacklist|bypass)\b/g)].map(([, name = '']) => name))
  const missing = [...new Set(names)].filter((name) => !page.includes(name))
  t.assert.deepStrictEqual(missing, [])
})
