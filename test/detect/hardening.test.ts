import assert from 'node:assert'
import { test } from 'node:test'
import Fastify from 'fastify'
import { compileDetection, pinnedBySchema, type Finding, type Overflow } from '../../lib/detect/index.ts'
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
  assert.deepStrictEqual(pinnedBySchema(schema), ['id', 'price', 'on', 'sort', 'kind', 'day', 'uuid', 'code', 'user.role', 'tags', 'lines.count'])
  for (const other of [undefined, null, 'x', [], {}, { properties: { id: { type: 'integer' } } }, { type: 'array', items: { type: 'integer' } }]) assert.deepStrictEqual(pinnedBySchema(other), [])
})

test('pinned fields are not judged, their neighbours and names are', () => {
  const detector = compileDetection({}, { maxBytes: 1e6, pinned: { params: ['id'], fields: ['id', 'user.role', 'lines.count'] } })
  const query = encodeURIComponent(SQL)
  assert.ok(!attack(detector.request(`/?id=${query}`, {}, false)))
  assert.ok(attack(detector.request(`/?ID=${query}`, {}, false)))
  assert.ok(attack(detector.request('/', { cookie: `id=${query}` }, false)))
  for (const body of [{ id: SQL }, { user: { role: SQL } }, { lines: [{ count: SQL }] }]) assert.ok(!attack(detector.body(body, 'application/json')), JSON.stringify(body))
  for (const body of [{ Id: SQL }, { user: { id: SQL } }, { 'user.role': SQL }, { user: { 'x.role': SQL } }, { [SQL]: 1 }]) assert.ok(attack(detector.body(body, 'application/json')), JSON.stringify(body))
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

test('findings are counted by rule, and a call in 64 is timed', () => {
  const detector = compileDetection({}, { maxBytes: 1e6 })
  assert.deepStrictEqual(detector.stats(), { matches: {}, calls: 0, micros: 0 })
  for (let i = 0; i < 128; i++) detector.request(`/?q=${encodeURIComponent(SQL)}`, {}, false)
  const { matches, calls, micros } = detector.stats()
  assert.strictEqual(Object.values(matches).reduce((a, b) => a + b), 128)
  assert.strictEqual(calls, 128)
  assert.ok(micros > 0)
})
