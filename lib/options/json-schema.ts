/** The part of JSON Schema 2020-12 that options need. */
export interface JsonSchema {
  $ref?: string
  type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null'
  description?: string
  const?: unknown
  enum?: readonly unknown[]
  anyOf?: readonly JsonSchema[]
  not?: JsonSchema
  minimum?: number
  maximum?: number
  minLength?: number
  pattern?: string
  items?: JsonSchema
  minItems?: number
  properties?: Readonly<Record<string, JsonSchema>>
  required?: readonly string[]
  additionalProperties?: JsonSchema | false
  propertyNames?: JsonSchema
}

/** Any of the schemas that there are; what only a program can say has none. */
export function anyOf (schemas: ReadonlyArray<JsonSchema | undefined>): JsonSchema | undefined {
  const known = schemas.filter((schema) => schema !== undefined)
  return known.length < 2 ? known[0] : { anyOf: known }
}

/** `undefined` where a required member is one that only a program can give. */
export function objectSchema (keys: Readonly<Record<string, { json?: JsonSchema | undefined }>>, required: readonly string[]): JsonSchema | undefined {
  if (required.some((name) => keys[name]?.json === undefined)) return undefined
  const properties = Object.fromEntries(Object.entries(keys).flatMap(([name, { json }]) => json === undefined ? [] : [[name, json]]))
  return { type: 'object', properties, ...(required.length > 0 && { required }), additionalProperties: false }
}

export function recordSchema (member: JsonSchema | undefined, name: JsonSchema | undefined): JsonSchema | undefined {
  return member && { type: 'object', additionalProperties: member, ...(name !== undefined && { propertyNames: name }) }
}
