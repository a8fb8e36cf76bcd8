/** A JSON schema, as far as it is read here. */
interface Schema {
  type?: unknown
  properties?: unknown
  items?: unknown
  enum?: unknown
  const?: unknown
  format?: unknown
  pattern?: unknown
  maxLength?: unknown
  $ref?: unknown
}

const SCALARS: ReadonlySet<unknown> = new Set(['integer', 'number', 'boolean', 'null'])
/** Formats whose texts hold nothing but digits, letters and `-:.+`. */
const FORMATS: ReadonlySet<unknown> = new Set(['date', 'date-time', 'uuid', 'ipv4', 'ipv6'])
const LONGEST = 32
/** A pattern of nothing but letters, digits, `_` and `-`, anchored on both sides: no sign of any language fits through it. */
const CLASSES = /^\^(?:(?:\[(?:a-z|A-Z|0-9|a-f|A-F|\\d|\\w|[A-Za-z0-9_]|-(?=\]))+\]|\\d|\\w|[A-Za-z0-9_-])(?:[+*?]|\{\d+(?:,\d*)?\})?)+\$$/

function isSchema (value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isPrimitive (value: unknown): boolean {
  return typeof value !== 'object' || value === null
}

/** Whether every value that the schema accepts is harmless. Keywords beside these only narrow it further. */
function pins ({ type, enum: values, const: only, format, pattern, maxLength }: Schema): boolean {
  if (Array.isArray(values) && values.every(isPrimitive)) return true
  if (only !== undefined && isPrimitive(only)) return true
  if (typeof type === 'string' ? SCALARS.has(type) : Array.isArray(type) && type.length > 0 && type.every((one) => SCALARS.has(one))) return true
  // Format and pattern say nothing about values that are no text.
  if (type !== 'string') return false
  return FORMATS.has(format) || (typeof pattern === 'string' && typeof maxLength === 'number' && maxLength <= LONGEST && CLASSES.test(pattern))
}

/**
 * The paths of an object's fields that its JSON schema pins down, such as `id` or `user.role`; those of lists without the position.
 * Only for a schema that Fastify enforces: not with `attachValidation`, nor with a validator compiler of the application's own.
 * Fastify's validator converts texts to numbers and booleans where it can, and refuses the request where it cannot.
 */
export function pinnedBySchema (schema: unknown): string[] {
  const paths: string[] = []
  const visit = (value: unknown, path: string, depth: number): void => {
    // What stands beside a reference depends on the validator's options.
    if (!isSchema(value) || value.$ref !== undefined || depth > 16) return
    if (path !== '' && pins(value)) {
      paths.push(path)
      return
    }
    // Without its type, `properties` and `items` do not hold for values of other types.
    if (value.type === 'array') visit(value.items, path, depth + 1)
    if (value.type !== 'object' || !isSchema(value.properties)) return
    for (const [name, inner] of Object.entries(value.properties)) {
      if (!name.includes('.')) visit(inner, path === '' ? name : `${path}.${name}`, depth + 1)
    }
  }
  if (isSchema(schema) && schema.type === 'object') visit(schema, '', 0)
  return paths
}
