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

/** Whether a text is one that the schema accepts and that no interpreter could take for its own. */
export type Accepts = (value: string) => boolean

/** Fields whose every accepted value is harmless, by their path, such as `id` or `user.role`. */
export type Pins = ReadonlyMap<string, Accepts>

/** What the schema of a route pins down. */
export interface Pinned { params: Pins, fields: Pins }

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

/** What the schema accepts of a text, where all that is harmless. Keywords beside these only narrow it further. */
function accepts ({ type, enum: values, const: only, format, pattern, maxLength }: Schema): Accepts | undefined {
  const listed = Array.isArray(values) ? values as unknown[] : only === undefined ? undefined : [only]
  if (listed?.every(isPrimitive) === true) {
    const texts = new Set(listed.map(String))
    return (value) => texts.has(value)
  }
  if (typeof type === 'string' ? SCALARS.has(type) : Array.isArray(type) && type.length > 0 && type.every((one) => SCALARS.has(one))) return (value) => /^[\w.+-]{1,32}$/.test(value)
  // Format and pattern say nothing about values that are no text.
  if (type !== 'string') return undefined
  if (FORMATS.has(format)) return (value) => /^[\w.:+-]{1,64}$/.test(value)
  if (typeof pattern === 'string' && typeof maxLength === 'number' && maxLength <= LONGEST && CLASSES.test(pattern)) return (value) => /^[\w-]{1,32}$/.test(value)
  return undefined
}

/**
 * The fields of an object that its JSON schema pins down; those of lists without the position. A value that is not one of
 * the accepted is judged like any other, so that nothing depends on a validator that may be absent or another.
 */
export function pinnedBySchema (schema: unknown): Pins {
  const pins = new Map<string, Accepts>()
  const visit = (value: unknown, path: string, depth: number): void => {
    // What stands beside a reference depends on the validator's options.
    if (!isSchema(value) || value.$ref !== undefined || depth > 16) return
    const accepted = path === '' ? undefined : accepts(value)
    if (accepted !== undefined) {
      pins.set(path, accepted)
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
  return pins
}

/** What the `schema` of a Fastify route pins down; `undefined` where that is nothing. */
export function pinnedByRoute (schema: unknown): Pinned | undefined {
  if (!isSchema(schema)) return undefined
  const { querystring, query, body } = schema as { querystring?: unknown, query?: unknown, body?: unknown }
  const pinned = { params: pinnedBySchema(querystring ?? query), fields: pinnedBySchema(body) }
  return pinned.params.size + pinned.fields.size === 0 ? undefined : pinned
}
