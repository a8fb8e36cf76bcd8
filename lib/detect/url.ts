import { percent } from './decode.ts'
import { judge, report, type Engine } from './engine.ts'
import { constants } from './graphql.ts'
import * as place from './place.ts'
import { operatorInName } from './nosql.ts'

const INCLUDE_NAMES = /^(?:file|page|path|include|inc|dir|doc|document|folder|root|pg|style|pdf|template|php_path|locate|show|site|view|content|layout|mod|conf|load|read|download|module|lang|language|src|_conf\[.*\]|.*absolute_path|.*basepath|.*(?:file|path|dir))$/i
const RETURN_NAMES = /^(?:redirect_uri|redirect_url|redirect|callback|callback_url|return|return_to|return_url|returnurl|next|continue|post_logout_redirect_uri|origin)$/i

/** What a parameter's name says about its value. */
function hints (name: string): number {
  if (RETURN_NAMES.test(name)) return place.RETURN_URL
  return INCLUDE_NAMES.test(name) ? place.INCLUDES : 0
}

/** A query string or urlencoded form: names and values, repeated ones too, as long as there is time. Returns the number of pairs. */
export function judgePairs (engine: Engine, text: string, where: number): number {
  let pairs = 0
  let at = 0
  while (at <= text.length) {
    let end = text.indexOf('&', at)
    if (end < 0) end = text.length
    if (end > at) {
      if (engine.deadline !== Infinity && performance.now() > engine.deadline) return pairs
      judgePair(engine, text.slice(at, end), where)
      if (pairs < REPEATS) starts[pairs] = at
      pairs++
    }
    at = end + 1
  }
  if (pairs > 1) judgeRepeated(engine, text, where, Math.min(pairs, REPEATS))
  return pairs
}

/** Pairs of a query among which names may repeat. */
const REPEATS = 32
const starts = new Int32Array(REPEATS)

/** `q=1/*&q=*\/or 1=1`: values of one name are an array, which a program that puts them in a text joins by commas. */
function judgeRepeated (engine: Engine, text: string, where: number, pairs: number): void {
  for (let i = 0; i < pairs - 1; i++) {
    const from = starts[i]!
    if (from < 0) continue
    const equals = text.indexOf('=', from)
    if (equals < 0) return
    let joined = ''
    for (let j = i + 1; j < pairs; j++) {
      const next = starts[j]!
      if (next < 0 || text.charCodeAt(next) !== text.charCodeAt(from) || !text.startsWith(text.slice(from, equals + 1), next)) continue
      joined = `${joined === '' ? valueAt(text, equals + 1) : joined},${valueAt(text, next + equals + 1 - from)}`
      starts[j] = -1
    }
    if (joined === '') continue
    const name = plain(text.slice(from, equals))
    const excluded = where === place.QUERY ? engine.params : engine.fields
    if (excluded?.has(name.toLowerCase()) !== true && judge(engine, joined.slice(0, JOINED), where | hints(name), name)) report(engine, `${engine.root}.${name}`)
  }
}

/** Characters of joined values: an attack in pieces is short. */
const JOINED = 2000

function valueAt (text: string, from: number): string {
  const end = text.indexOf('&', from)
  return plain(text.slice(from, end < 0 ? text.length : end))
}

function judgePair (engine: Engine, pair: string, where: number): void {
  const equals = pair.indexOf('=')
  const rawName = equals < 0 ? pair : pair.slice(0, equals)
  let hinted = equals < 0 ? undefined : engine.names.get(rawName)
  const name = hinted === undefined ? plain(rawName) : rawName
  if (engine.params !== undefined && where === place.QUERY && engine.params.has(name.toLowerCase())) return
  if (engine.fields !== undefined && where === place.FORM && engine.fields.has(name.toLowerCase())) return
  if (equals < 0) {
    // `?payload`: a value without a name.
    if (operatorInName(engine.look, name, '') || judge(engine, name, where | place.NAME, name)) report(engine, `${engine.root} name`)
    return
  }
  hinted ??= judgeName(engine, name, pair.slice(equals + 1), where)
  const value = plain(pair.slice(equals + 1))
  if (where === place.QUERY && engine.pinned?.params.get(name)?.(value) === true) return
  if (value !== '' && judge(engine, value, where | hinted, name)) report(engine, `${engine.root}.${name}`)
  else if (name === 'query' && constants(value).some((constant) => judge(engine, constant, where, name))) report(engine, `${engine.root}.${name}`)
  else if (value.length > 1 && isJson(value)) judgeEmbedded(engine, value, `${engine.root}.${name}`)
}

/** Names are few, and the same with every request: those of plain letters that were judged clean are remembered with their hints. */
const REMEMBERED = 1000
const PLAIN_NAME = /^[\w.-]{1,40}$/

function judgeName (engine: Engine, name: string, value: string, where: number): number {
  const found = operatorInName(engine.look, name, value) || judge(engine, name, where | place.NAME, name)
  if (found) report(engine, `${engine.root} name`)
  const hinted = hints(name)
  if (!found && PLAIN_NAME.test(name)) {
    if (engine.names.size >= REMEMBERED) engine.names.clear()
    engine.names.set(name, hinted)
  }
  return hinted
}

/** `+` as space, then every layer of percent-encoding that a single decoder would take off. */
export function plain (raw: string): string {
  const spaced = raw.includes('+') ? raw.replaceAll('+', ' ') : raw
  return spaced.includes('%') ? once(spaced) : spaced
}

/** One layer; where it is malformed, the lenient decoder's reading. */
function once (text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return percent(text)
  }
}

function isJson (value: string): boolean {
  const first = value.charCodeAt(0)
  return (first === 123 || first === 91) && value.includes('"')
}

type Embedded = (engine: Engine, value: string, location: string) => void
let judgeEmbedded: Embedded = () => {}

/** Set by `body.ts`, which walks JSON: the two would import each other. */
export function setEmbedded (walk: Embedded): void {
  judgeEmbedded = walk
}
