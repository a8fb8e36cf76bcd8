import assert from 'node:assert'
import { test } from 'node:test'
import Fastify from 'fastify'
import { compileDetection, detectionTally, pinnedByRoute, pinnedBySchema, readTally, resetTally, type Finding, type Overflow } from '../../lib/detect/index.ts'
import { below, raised } from '../../scripts/accuracy.ts'

test('floors of accuracy only go up, and what is below them is named', () => {
  const floors = { found: { xss: { n: 10, hit: 8 } }, refused: { form: { n: 10, hit: 1 } } }
  const worse = { found: { xss: { n: 10, hit: 7 } }, refused: { form: { n: 10, hit: 2 } } }
  const better = { found: { xss: { n: 10, hit: 9 } }, refused: { form: { n: 10, hit: 0 } } }
  assert.strictEqual(below(floors, worse).length, 2)
  assert.deepStrictEqual(below(floors, better), [])
  assert.deepStrictEqual(raised(floors, worse), floors)
  assert.deepStrictEqual(raised(floors, better), better)
  assert.deepStrictEqual(raised(undefined, worse), worse)
})

const SQL = "1' or '1'='1"

function attack (found: Finding | Overflow | undefined): boolean {
  return found !== undefined && 'matches' in found
}

test('a schema pins down fields that can hold nothing harmful', () => {
  const schema = {
    type: 'object',
    properties: {
      id: { type: 'integer' },
      price: { type: ['number', 'null'] },
      on: { type: 'boolean' },
      sort: { enum: ['asc', 'desc'] },
      kind: { const: 'a' },
      day: { type: 'string', format: 'date' },
      uuid: { type: 'string', format: 'uuid' },
      code: { type: 'string', maxLength: 8, pattern: '^[A-Z0-9_-]+$' },
      user: { type: 'object', properties: { role: { enum: ['a'] }, bio: { type: 'string' } } },
      tags: { type: 'array', items: { enum: ['x'] } },
      lines: { type: 'array', items: { type: 'object', properties: { count: { type: 'integer' } } } },
      // Not pinned, each for a reason of its own.
      long: { type: 'string', maxLength: 64, pattern: '^[a-z]+$' },
      loose: { type: 'string', maxLength: 8, pattern: '[a-z]+' },
      wide: { type: 'string', maxLength: 8, pattern: '^[^;]+$' },
      dot: { type: 'string', maxLength: 8, pattern: '^.+$' },
      either: { type: 'string', maxLength: 8, pattern: '^a|b$' },
      text: { format: 'date' },
      mail: { type: 'string', format: 'email' },
      mixed: { type: ['integer', 'string'] },
      objects: { enum: [{ a: 1 }] },
      ref: { $ref: '#/x', type: 'integer' },
      'a.b': { type: 'integer' },
      untyped: { properties: { x: { type: 'integer' } } }
    }
  }
  assert.deepStrictEqual([...pinnedBySchema(schema).keys()], ['id', 'price', 'on', 'sort', 'kind', 'day', 'uuid', 'code', 'user.role', 'tags', 'lines.count'])
  for (const other of [undefined, null, 'x', [], {}, { properties: { id: { type: 'integer' } } }, { type: 'array', items: { type: 'integer' } }]) assert.strictEqual(pinnedBySchema(other).size, 0)
})

test('what the schema accepts of a pinned field is not judged; all else is', () => {
  // No sort order is an attack, whatever a rule of the application's own says.
  const rules = { rules: [{ id: 'own/all', pattern: /^[a-z0-9-]+(?:;desc)?$/ }] }
  const schema = { type: 'object', properties: { id: { type: 'integer' }, sort: { enum: ['id;desc', 'asc'] }, user: { type: 'object', properties: { role: { const: 'admin' } } }, lines: { type: 'array', items: { type: 'object', properties: { count: { type: 'integer' } } } } } }
  const pinned = pinnedByRoute({ querystring: schema, body: schema })
  const detector = compileDetection({ ...rules, exclude: {} }, { maxBytes: 1e6 })
  for (const url of ['/?id=7', '/?sort=id;desc', '/?sort=asc&id=-1']) {
    const names = (found: Finding | Overflow | undefined): string[] => attack(found) ? (found as Finding).matches.map(({ location }) => location) : []
    assert.deepStrictEqual(names(detector.request(url, {}, false, pinned)).filter((location) => location !== 'query name' && location !== 'path'), [], url)
    assert.ok(names(detector.request(url, {}, false)).some((location) => location.startsWith('query.')), url)
  }
  const query = encodeURIComponent(SQL)
  for (const url of [`/?id=${query}`, `/?sort=${query}`, `/?ID=${query}`]) assert.ok(attack(detector.request(url, {}, false, pinned)), url)
  const plain = compileDetection({}, { maxBytes: 1e6 })
  for (const body of [{ id: SQL }, { user: { role: SQL } }, { lines: [{ count: SQL }] }, { 'user.role': SQL }, { [SQL]: 1 }]) assert.ok(attack(plain.body(body, 'application/json', pinned)), JSON.stringify(body))
  const literal = pinnedByRoute({ body: { type: 'object', properties: { filter: { enum: [SQL] } } } })
  assert.ok(!attack(plain.body({ filter: SQL }, 'application/json', literal)))
  for (const body of [{ filter: `${SQL} ` }, { other: SQL }, { a: { filter: SQL } }, { 'x.filter': SQL }]) assert.ok(attack(plain.body(body, 'application/json', literal)), JSON.stringify(body))
  for (const other of [undefined, null, 'x', {}, { body: { type: 'object' } }]) assert.strictEqual(pinnedByRoute(other), undefined)
})

test('what Fastify converts or refuses by the schema reaches no handler as text', async () => {
  const app = Fastify()
  const schema = { type: 'object', properties: { id: { type: 'integer' }, on: { type: 'boolean' }, day: { type: 'string', format: 'date' }, sort: { enum: ['asc'] }, code: { type: 'string', maxLength: 8, pattern: '^[a-z]+$' } } }
  app.post('/', { schema: { body: schema } }, (request) => request.body)
  for (const name of Object.keys(schema.properties)) {
    for (const value of [SQL, [SQL], [[SQL]], { a: SQL }]) {
      const { statusCode, body } = await app.inject({ method: 'POST', url: '/', payload: { [name]: value } })
      assert.strictEqual(statusCode, 400, `${name} ${body}`)
    }
  }
  await app.close()
})

test('findings are counted by rule, a call in 64 is timed, and the time of own rules with it', () => {
  const tally = detectionTally()
  let tests = 0
  const detector = compileDetection({ rules: [{ id: 'own/none', pattern: () => ++tests < 0 }] }, { maxBytes: 1e6, tally })
  assert.deepStrictEqual(readTally(tally), { calls: 0, micros: 0, rules: {} })
  for (let i = 0; i < 128; i++) detector.request(`/?q=${encodeURIComponent(i % 2 === 0 ? SQL : 'kiwi')}`, {}, false)
  const { calls, micros, rules } = readTally(tally)
  assert.strictEqual(calls, 128)
  assert.ok(micros > 0)
  assert.strictEqual(Object.values(rules).reduce((sum, { matches }) => sum + matches, 0), 64)
  assert.strictEqual(rules['own/none']?.matches, 0)
  assert.ok(tests > 0 && rules['own/none'].micros! > 0 && rules['own/none'].micros! <= micros)
  resetTally(tally)
  assert.deepStrictEqual(readTally(tally), { calls: 0, micros: 0, rules: {} })
})
