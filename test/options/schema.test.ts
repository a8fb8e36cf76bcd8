import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { optionsShape, rulesFileShape } from '../../lib/options/plugin.ts'
import type { JsonSchema } from '../../lib/options/json-schema.ts'
import { examine, type Problem, type Shape } from '../../lib/options/shape.ts'
import { schemaText } from '../../scripts/schema.ts'

type Validate = (value: unknown) => boolean
const require = createRequire(import.meta.url)
// Fastify brings it.
const { Ajv2020 } = createRequire(createRequire(require.resolve('fastify')).resolve('@fastify/ajv-compiler'))('ajv/dist/2020.js') as { Ajv2020: new (options: object) => { compile: (schema: object) => Validate } }

const written = readFileSync(join(import.meta.dirname, '../../schema.json'), 'utf8')
const schema = JSON.parse(written) as JsonSchema & { $defs: Record<string, JsonSchema> }
const ajv = (): { compile: (schema: object) => Validate } => new Ajv2020({ strict: true, strictTypes: false, allowUnionTypes: true })

function problemsOf (shape: Shape, value: unknown): Problem[] {
  const problems: Problem[] = []
  examine(shape, value, '', (path, message) => problems.push({ path, message }))
  return problems
}

/** Values that a schema takes. */
function valueOf (schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) return valueOf(definition(schema.$ref))
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(valueOf))
  if (schema.type === 'boolean') return fc.boolean()
  if (schema.type === 'null') return fc.constant(null)
  if (schema.type === 'integer') return fc.oneof(fc.integer({ min: schema.minimum!, max: Math.min(schema.maximum!, 2 ** 31 - 1) }), fc.constantFrom(schema.minimum!, schema.maximum!))
  if (schema.type === 'number') return schema.minimum === undefined ? fc.integer() : fc.double({ min: schema.minimum, max: schema.maximum!, noNaN: true })
  if (schema.type === 'string') return schema.pattern !== undefined ? fc.stringMatching(new RegExp(schema.pattern)) : fc.oneof(fc.constantFrom('/api', 'DE', '203.0.113.0/24', 'example.com', 'text/plain', 'Europe/Berlin', 'a.b'), fc.string({ minLength: schema.minLength ?? 0 }))
  if (schema.type === 'array') return fc.array(valueOf(schema.items!), { minLength: schema.minItems ?? 0, maxLength: 3 })
  if (schema.properties !== undefined && schema.propertyNames === undefined) return fc.record(Object.fromEntries(Object.entries(schema.properties).map(([name, member]) => [name, valueOf(member)])), { requiredKeys: [...schema.required ?? []] })
  if (schema.additionalProperties === undefined || schema.additionalProperties === false) return fc.constant({})
  return fc.dictionary(schema.propertyNames === undefined ? fc.string({ minLength: 1 }) : valueOf(schema.propertyNames) as fc.Arbitrary<string>, valueOf(schema.additionalProperties), { maxKeys: 3 })
}

const cache = new Map<string, JsonSchema>()
function definition (ref: string): JsonSchema {
  const name = ref.slice('#/$defs/'.length)
  if (!cache.has(name)) cache.set(name, schema.$defs[name]!)
  return cache.get(name)!
}

/** Puts a wrong value somewhere into a right one. */
function spoil (value: unknown, at: readonly number[], wrong: unknown): unknown {
  const [first = 0, ...rest] = at
  if (Array.isArray(value) && value.length > 0) return value.map((entry, i) => i === first % value.length ? spoil(entry, rest, wrong) : entry)
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) return wrong
  const names = Object.keys(value)
  return Object.fromEntries(Object.entries(value).map(([name, member]) => name === names[first % names.length] ? [name, rest.length === 0 ? wrong : spoil(member, rest, wrong)] : [name, member]))
}

const wrongs = fc.oneof(fc.constantFrom<unknown>(null, true, false, -1, 0, 1.5, 1e300, '', 'x', [], [null], {}, { unknown: 1 }), fc.jsonValue({ maxDepth: 2 }))

test('schema.json is up to date', (t: TestContext) => {
  t.assert.strictEqual(written, schemaText(), 'run npm run schema')
})

for (const [name, shape, json] of [['rules as data', rulesFileShape, schema], ['options', optionsShape, { $ref: '#/$defs/options', $defs: schema.$defs }]] as const) {
  test(`${name}: what the schema refuses the guard refuses`, (t: TestContext) => {
    const takes = ajv().compile(json)
    let refused = 0
    const start = json.$ref === undefined ? json : definition(json.$ref)
    fc.assert(fc.property(valueOf(start), fc.array(fc.nat(50), { minLength: 1, maxLength: 5 }), wrongs, fc.boolean(), (right, at, wrong, spoiled) => {
      const value = JSON.parse(JSON.stringify(spoiled ? spoil(right, at, wrong) : right)) as unknown
      if (takes(value)) return
      refused++
      if (problemsOf(shape, value).length === 0) throw new Error(`only the schema refuses ${JSON.stringify(value)}`)
    }), { numRuns: 1500 })
    t.assert.ok(refused > 100, String(refused))
  })

  test(`${name}: each member, right and wrong, is judged alike`, (t: TestContext) => {
    const { properties = {} } = json.$ref === undefined ? json : definition(json.$ref)
    const all = ajv().compile(json)
    let [alike, beyond] = [0, 0]
    for (const [key, member] of Object.entries(properties)) {
      for (const value of [...fc.sample(valueOf(member), { numRuns: 60, seed: 7 }), null, -1, '', [], {}, 'x', 1e300, true, false, { unknown: 1 }, [{ unknown: 1 }]]) {
        const data = JSON.parse(JSON.stringify({ [key]: value })) as unknown
        const problems = problemsOf(shape, data)
        if (all(data) === (problems.length === 0)) alike++
        else {
          beyond++
          t.assert.ok(all(data), `only the schema refuses ${JSON.stringify(data)}`)
          for (const { path, message } of problems) t.assert.doesNotMatch(message, /is unknown|must be (?:true or false|an array|an object|a whole number|a number)/, `${path} ${message}: the schema takes ${JSON.stringify(data)}`)
        }
      }
    }
    t.assert.ok(alike > beyond * 2, `${alike} ${beyond}`)
  })
}
