// Writes schema.json: what rules and options may be, as JSON Schema. Shapes say what is taken, types/*.ts what it means.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import type { JsonSchema } from '../lib/options/json-schema.ts'
import { optionsShape, rulesFileShape } from '../lib/options/plugin.ts'
import { entryShape, gateShape, listShape, trustShape } from '../lib/net/list.ts'

const root = join(import.meta.dirname, '..')
const types = join(root, 'types')

/** Interfaces and type aliases of types/, by name. */
const declarations = new Map<string, ts.InterfaceDeclaration | ts.TypeAliasDeclaration>()
for (const name of readdirSync(types).filter((name) => name.endsWith('.ts') && !name.endsWith('.tst.ts'))) {
  const source = ts.createSourceFile(name, readFileSync(join(types, name), 'utf8'), ts.ScriptTarget.Latest, true)
  source.forEachChild((node) => { if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) declarations.set(node.name.text, node) })
}

/** The parts of a type that have members, elements or values. */
function parts (node: ts.Node | undefined): ts.Node[] {
  if (node === undefined) return []
  if (ts.isUnionTypeNode(node) || ts.isIntersectionTypeNode(node)) return node.types.flatMap(parts)
  if (ts.isParenthesizedTypeNode(node)) return parts(node.type)
  if (ts.isTypeAliasDeclaration(node)) return parts(node.type)
  if (ts.isInterfaceDeclaration(node)) return [node, ...(node.heritageClauses ?? []).flatMap(({ types }) => types.flatMap(({ expression, typeArguments }) => [...parts(declarations.get(expression.getText())), ...(typeArguments ?? []).flatMap(parts)]))]
  if (!ts.isTypeReferenceNode(node)) return [node]
  const name = node.typeName.getText()
  if (name === 'Partial' || name === 'Readonly' || name === 'Exclude' || name === 'Pick' || name === 'Omit') return parts(node.typeArguments?.[0])
  return declarations.has(name) ? parts(declarations.get(name)) : [node]
}

interface Member { type: ts.Node | undefined, description: string | undefined }

function memberOf (nodes: readonly ts.Node[], name: string): Member | undefined {
  for (const node of nodes.flatMap(parts)) {
    if (!ts.isInterfaceDeclaration(node) && !ts.isTypeLiteralNode(node)) continue
    for (const member of node.members) {
      if (!ts.isPropertySignature(member) || member.name.getText().replaceAll("'", '') !== name) continue
      const [doc] = (member as unknown as { jsDoc?: ts.JSDoc[] }).jsDoc ?? []
      const text = doc === undefined ? undefined : ts.getTextOfJSDocComment(doc.comment)
      return { type: member.type, description: text?.replace(/\s*\n\s*/g, ' ') }
    }
  }
  return undefined
}

/** Types of an array's elements, or of the values of a record. */
function argumentsOf (nodes: readonly ts.Node[], names: readonly string[]): ts.Node[] {
  return nodes.flatMap(parts).flatMap((node) => {
    if (ts.isArrayTypeNode(node)) return [node.elementType]
    if (!ts.isTypeReferenceNode(node) || !names.includes(node.typeName.getText())) return []
    return node.typeArguments?.slice(-1) ?? []
  })
}

const named = new Map<JsonSchema, { name: string, type: string | undefined }>()
const name = (schema: JsonSchema | undefined, as: string, type?: string): void => { if (schema !== undefined && !named.has(schema)) named.set(schema, { name: as, type }) }
name(listShape.json, 'list', 'List')
name(gateShape.json, 'gate', 'List')
name(trustShape.json, 'trust', 'List')
name(entryShape.json, 'entry', 'ListEntry')
name(optionsShape.json, 'options', 'GuardOptions')
for (const [key, shape] of Object.entries(rulesFileShape.keys!)) {
  const { json } = shape
  if (json?.anyOf !== undefined || json?.properties !== undefined) name(json, key === 'policies' ? 'policies of rules as data' : key, undefined)
}

const defs: Record<string, JsonSchema> = {}

function print (schema: JsonSchema, nodes: readonly ts.Node[]): JsonSchema {
  const known = named.get(schema)
  if (known === undefined) return body(schema, nodes)
  const at = known.name.replaceAll(' ', '-')
  if (!Object.hasOwn(defs, at)) {
    defs[at] = {}
    defs[at] = body(schema, known.type === undefined ? nodes : [declarations.get(known.type)!])
  }
  return { $ref: `#/$defs/${at}` }
}

function body (schema: JsonSchema, nodes: readonly ts.Node[]): JsonSchema {
  const { properties, items, anyOf, additionalProperties, ...rest } = schema
  return {
    ...rest,
    ...(properties !== undefined && {
      properties: Object.fromEntries(Object.entries(properties).map(([key, member]) => {
        const { type, description } = memberOf(nodes, key) ?? {}
        return [key, { ...(description !== undefined && description !== '' && { description }), ...print(member, type === undefined ? [] : [type]) }]
      }))
    }),
    ...(items !== undefined && { items: print(items, argumentsOf(nodes, ['ReadonlyArray', 'Array'])) }),
    ...(anyOf !== undefined && { anyOf: anyOf.map((each) => print(each, nodes)) }),
    ...(additionalProperties !== undefined && { additionalProperties: additionalProperties === false ? false : print(additionalProperties, argumentsOf(nodes, ['Record'])) })
  }
}

/** The text of schema.json. */
export function schemaText (): string {
  for (const key of Object.keys(defs)) delete defs[key]
  const rules = body(rulesFileShape.json!, [declarations.get('RulesFile')!])
  const options = print(optionsShape.json!, [])
  if (options.$ref === undefined) throw new Error('options have no definition')
  const sorted = Object.fromEntries(Object.entries(defs).sort(([one], [other]) => one < other ? -1 : 1))
  return JSON.stringify({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Rules of fastify-api-guard as data',
    description: 'What a file or URL of the option rules may hold. $defs/options are the options of the plugin, as far as JSON can say them: functions and expressions are left out.',
    ...rules,
    $defs: sorted
  }, undefined, 1) + '\n'
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) writeFileSync(join(root, 'schema.json'), schemaText())
