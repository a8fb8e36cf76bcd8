import { judge, report, type Engine } from './engine.ts'
import { entities } from './decode.ts'
import { constants } from './graphql.ts'
import { isSpace, skipSpace } from './look.ts'
import { operatorInName, operatorKey } from './nosql.ts'
import * as place from './place.ts'
import { constructorKey } from './prototype-pollution.ts'
import type { Pins } from './schema.ts'
import { judgePairs, setEmbedded } from './url.ts'

/** What a body may cost. */
export interface Bounds {
  maxBytes: number
  maxDepth: number
  maxKeys: number
  /** `performance.now()` at which the time is up; Infinity without a budget. */
  deadline: number
}

/** How far one body has been walked. */
export interface Walk extends Bounds {
  bytes: number
  keys: number
  passed: 'bytes' | 'depth' | 'keys' | 'budget' | undefined
  /** Names already judged clean: an application's JSON has few. */
  names: Set<string>
}

const DEEPEST = 2000

/** Walks any parsed value: names and strings at every depth. */
export function walk (engine: Engine, w: Walk, value: unknown, where: number, depth: number): void {
  if (w.passed !== undefined) return
  if (typeof value === 'string') {
    leaf(engine, w, value, where, depth)
    return
  }
  if (typeof value !== 'object' || value === null) return
  if (depth >= w.maxDepth || depth >= DEEPEST) {
    w.passed = 'depth'
    return
  }
  if (Array.isArray(value)) {
    // As in `url.ts`: the values of one name.
    if (where === place.FORM && value.length > 1 && value.length < 32 && value.every((item) => typeof item === 'string') && judge(engine, value.join(',').slice(0, 2000), where, '')) found(engine, depth, '')
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i]
      if (typeof item === 'number' || typeof item === 'boolean') continue
      engine.trail[depth] = i
      walk(engine, w, item, where, depth + 1)
    }
    return
  }
  if (ArrayBuffer.isView(value)) return
  if (isPart(value)) {
    part(engine, w, value, depth)
    return
  }
  for (const key in value) {
    engine.trail[depth] = key
    key_(engine, w, value as Record<string, unknown>, key, where, depth)
    const item = (value as Record<string, unknown>)[key]
    if (typeof item !== 'number' && typeof item !== 'boolean') walk(engine, w, item, where, depth + 1)
  }
}

function key_ (engine: Engine, w: Walk, parent: Record<string, unknown>, key: string, where: number, depth: number): void {
  w.bytes += key.length
  if (++w.keys > w.maxKeys) w.passed = 'keys'
  if (key.charCodeAt(0) === 36 && operatorKey(engine.look, key, parent[key], depth > 0 ? engine.trail[depth - 1] : undefined)) found(engine, depth + 1, ' name')
  else if (key.length === 11 && constructorKey(engine.look, key, parent[key])) found(engine, depth + 1, ' name')
  if (w.names.has(key)) return
  // A form's name that a parser of forms will take apart later.
  if (key.includes('[$') && operatorInName(engine.look, key, '')) found(engine, depth + 1, ' name')
  if (judge(engine, key, (where === place.FORM ? place.FORM : 0) | place.NAME | place.JSON_KEY, key)) found(engine, depth + 1, ' name')
  else if (key.length < 64) {
    if (w.names.size >= 2000) w.names.clear()
    w.names.add(key)
  }
}

function leaf (engine: Engine, w: Walk, text: string, where: number, depth: number): void {
  w.bytes += text.length
  if (w.bytes > w.maxBytes) {
    w.passed = 'bytes'
    return
  }
  if (w.deadline !== Infinity && performance.now() > w.deadline) {
    w.passed = 'budget'
    return
  }
  if (text === '' || (engine.pinned !== undefined && pinned(engine, engine.pinned.fields, depth, text))) return
  const name = depth > 0 ? engine.trail[depth - 1] : ''
  if (judge(engine, text, where, typeof name === 'string' ? name : '')) {
    found(engine, depth, '')
    return
  }
  if (name === 'query' && constants(text).some((value) => judge(engine, value, where, ''))) {
    found(engine, depth, '')
    return
  }
  if (text.length > 6 && text.length < 1_000_000 && encloses(text)) {
    const inner = parse(text)
    if (typeof inner === 'object' && inner !== null) walk(engine, w, inner, where, depth)
  }
}

/** Whether a text begins and ends as an object or array of JSON does: an attempt that fails costs more than all the detectors. */
function encloses (text: string): boolean {
  const first = text.charCodeAt(0)
  if (first !== 123 && first !== 91) return false
  let last = text.length - 1
  while (isSpace(text.charCodeAt(last))) last--
  if (text.charCodeAt(last) !== first + 2) return false
  const next = text.charCodeAt(skipSpace(text, 1))
  return first === 123 ? next === 34 : next === 34 || next === 123 || next === 91 || next === 45 || (next >= 48 && next <= 57) || next === 116 || next === 102 || next === 110
}

/** Whether the schema accepts the text for the field that the trail leads to. A name with a dot in it could pass for a path. */
function pinned (engine: Engine, fields: Pins, depth: number, text: string): boolean {
  if (fields.size === 0 || engine.root !== 'body') return false
  let path = ''
  for (let i = 0; i < depth; i++) {
    const name = engine.trail[i]
    if (typeof name !== 'string') continue
    if (name.includes('.')) return false
    path += path === '' ? name : `.${name}`
  }
  return fields.get(path)?.(text) === true
}

function found (engine: Engine, depth: number, suffix: string): void {
  let location = engine.root
  let path = ''
  for (let i = 0; i < depth; i++) {
    const name = engine.trail[i]
    location += typeof name === 'number' ? `[${name}]` : `.${name}`
    if (typeof name !== 'number') path += path === '' ? name : `.${name}`
  }
  if (engine.fields !== undefined && excluded(engine.fields, path.toLowerCase())) return
  report(engine, location.slice(0, 200) + suffix)
}

/** A field is excluded by its path, its last name, or by a path above it. */
function excluded (fields: ReadonlySet<string>, path: string): boolean {
  if (fields.has(path) || fields.has(path.slice(path.lastIndexOf('.') + 1))) return true
  for (let at = path.indexOf('.'); at >= 0; at = path.indexOf('.', at + 1)) if (fields.has(path.slice(0, at))) return true
  return false
}

/** A field or file of @fastify/multipart's `attachFieldsToBody`, whose `fields` leads back to the body. */
interface Part { type: string, fieldname: string, value?: unknown, filename?: string, fields?: unknown }

function isPart (value: object): value is Part {
  return 'fieldname' in value && 'fields' in value && typeof (value as Part).fieldname === 'string'
}

function part (engine: Engine, w: Walk, value: Part, depth: number): void {
  if (typeof value.filename === 'string' && value.filename !== '' && judge(engine, value.filename, place.FILE_NAME, value.fieldname)) found(engine, depth, ' filename')
  if (value.type !== 'file') walk(engine, w, value.value, place.FORM, depth)
}

function parse (text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** A body that is still text: taken apart by its type, or by how it looks. */
export function raw (engine: Engine, w: Walk, text: string, type: string): void {
  w.bytes += text.length
  if (w.bytes > w.maxBytes) {
    w.passed = 'bytes'
    return
  }
  const body = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
  if (type.startsWith('multipart/')) {
    multipart(engine, w, body, type)
    return
  }
  if (type.includes('urlencoded')) {
    w.keys += judgePairs(engine, body, place.FORM)
    if (w.keys > w.maxKeys) w.passed = 'keys'
    return
  }
  const first = body.trimStart().charCodeAt(0)
  if (first === 123 || first === 91 || type.includes('json')) {
    const value = parse(body)
    if (value !== undefined) {
      w.bytes -= text.length
      walk(engine, w, value, place.JSON_VALUE, 0)
      // Names that the parser of the application may treat otherwise, such as `__proto__` twice.
      if (body.includes('__proto__') && judge(engine, body, place.JSON_KEY, '')) report(engine, engine.root)
      return
    }
  }
  if (first === 60 && (type.includes('xml') || body.trimStart().startsWith('<?xml'))) {
    if (judge(engine, body, place.TEXT | XML_BODY, '')) report(engine, engine.root)
    markup(engine, body)
    return
  }
  if (judge(engine, body, place.TEXT, '')) report(engine, engine.root)
  else if (type === '' && body.includes('=')) judgePairs(engine, body, place.FORM)
  else if (type.includes('graphql') && constants(body).some((value) => judge(engine, value, place.JSON_VALUE, ''))) report(engine, engine.root)
}

/** Bit of a text that is XML by its type: its tags are no injection. */
const XML_BODY = 32768

/** Attribute values and character data of an XML body, each as a value of its own. */
function markup (engine: Engine, text: string): void {
  let at = text.indexOf('<')
  while (at >= 0) {
    let close = -1
    if (text.startsWith('<![CDATA[', at)) {
      const end = text.indexOf(']]>', at)
      close = end < 0 ? text.length : end
      piece(engine, text.slice(at + 9, close))
      close = end < 0 ? text.length : end + 2
    } else {
      close = attributes(engine, text, at + 1)
    }
    const next = text.indexOf('<', close)
    piece(engine, text.slice(close + 1, next < 0 ? text.length : next))
    at = next
  }
}

/** Judges the attribute values of the tag at `at`; the end of the tag. */
function attributes (engine: Engine, text: string, at: number): number {
  let i = at
  while (i < text.length) {
    const code = text.charCodeAt(i)
    if (code === 62) return i
    if (code === 34 || code === 39) {
      let end = text.indexOf(code === 34 ? '"' : "'", i + 1)
      if (end < 0) end = text.length
      if (code === 34 || text.charCodeAt(i - 1) === 61) piece(engine, text.slice(i + 1, end))
      i = end
    }
    i++
  }
  return text.length
}

function piece (engine: Engine, text: string): void {
  const value = entities(text).trim()
  if (value.length > 1 && judge(engine, value, place.FORM, '')) report(engine, engine.root)
}

/** Fields and file names of an unparsed multipart body. */
function multipart (engine: Engine, w: Walk, text: string, type: string): void {
  const named = /boundary="?([^";]+)"?/i.exec(type)?.[1]
  const first = /^\s*--([^\r\n]+)/.exec(text.slice(0, 200))?.[1]
  const boundary = `--${named !== undefined && text.includes(`--${named}`) ? named : first ?? named ?? ''}`
  for (const section of text.split(boundary)) {
    let head = section.indexOf('\r\n\r\n')
    let gap = 4
    if (head < 0) {
      head = section.indexOf('\n\n')
      gap = 2
    }
    if (head < 0) continue
    const headers = section.slice(0, head)
    const name = /[; ]name="?([^"\r\n;]*)/i.exec(headers)?.[1] ?? ''
    if (++w.keys > w.maxKeys) w.passed = 'keys'
    if (judge(engine, name, place.FORM | place.NAME, name)) report(engine, `${engine.root} name`)
    const at = headers.toLowerCase().indexOf('filename')
    if (at >= 0) {
      const quoted = /^filename\*?\s*=\s*("?)([^\r\n]*)/i.exec(headers.slice(at))
      const file = (quoted?.[1] === '"' ? /^(?:[^"\\]|\\.)*/.exec(quoted[2] ?? '')?.[0] : quoted?.[2]?.split(';')[0]) ?? ''
      if (file !== '' && judge(engine, file, place.FILE_NAME, name)) report(engine, `${engine.root}.${name} filename`)
      continue
    }
    const value = section.slice(head + gap).trim()
    const kind = /content-type:\s*([^\r\n;]+)/i.exec(headers)?.[1]?.toLowerCase() ?? ''
    engine.trail[0] = name
    if (kind !== '' && !kind.startsWith('text/plain')) {
      w.bytes -= value.length
      raw(engine, w, value, kind)
    } else if (judge(engine, value, place.FORM, name)) report(engine, `${engine.root}.${name}`)
  }
}

/** JSON inside a parameter. */
setEmbedded((engine, value, location) => {
  const inner = parse(value)
  if (typeof inner !== 'object' || inner === null) return
  const root = engine.root
  engine.root = location
  const bounds: Walk = { maxBytes: value.length * 2, maxDepth: 64, maxKeys: 10_000, deadline: Infinity, bytes: 0, keys: 0, passed: undefined, names: new Set() }
  walk(engine, bounds, inner, place.JSON_VALUE, 0)
  engine.root = root
})
