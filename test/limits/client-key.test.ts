import { test, type TestContext } from 'node:test'
import { boundedKey } from '../../lib/limits/client-key.ts'

test('long keys differ as they are, valid Unicode or not', (t: TestContext) => {
  const keys = ['\ud800', '\udbff', '\ufffd', 'a'].map((unit) => boundedKey(unit.repeat(129)))
  t.assert.strictEqual(new Set(keys).size, 4)
  for (const key of keys) t.assert.ok(key.length <= 128)
})
