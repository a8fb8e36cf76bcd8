import { CST, Lexer, parseDocument } from 'yaml'

/** A parser of YAML makes many objects of few bytes, while nothing else in the process runs. */
const MAX_YAML = 1024 * 1024
/** Rules need a dozen levels. */
const DEEPEST = 50
const WIDEST_INDENT = 200
/** The parser compares each member with all before it. */
const MOST_MEMBERS = 5000

/**
 * Reads rules as data. Of YAML the core of version 1.2, which can say what JSON can: no tags that make other objects,
 * no merge keys, and aliases as long as they do not multiply.
 *
 * @throws {Error} that says where the text is wrong
 */
export function parseRules (text: string, yaml: boolean): unknown {
  const plain = text.replace(/^\ufeff/, '')
  if (!yaml) return JSON.parse(plain)
  if (plain.length > MAX_YAML) throw new Error(`is larger than ${MAX_YAML} characters of YAML`)
  refuseExcess(plain)
  const document = parseDocument(plain, { version: '1.2', schema: 'core', merge: false, resolveKnownTags: false, strict: true, uniqueKeys: true, stringKeys: true, prettyErrors: true, logLevel: 'error' })
  const problem = document.errors[0] ?? document.warnings[0]
  if (problem !== undefined) throw new Error(problem.message.replaceAll('\n', ' '))
  return document.toJS({ maxAliasCount: 100 })
}

/** The parser calls itself for each level, and can end the process where the stack does; its lexer does not. */
function refuseExcess (text: string): void {
  let flow = 0
  /** Levels that have begun in one piece: since the last comma or bracket, or outside of brackets in a line. */
  let levels = 0
  let members = 0
  let newLine = true
  for (const token of new Lexer().lex(text)) {
    const type = CST.tokenType(token)
    if (type === 'flow-seq-start' || type === 'flow-map-start') flow++
    else if (type === 'flow-seq-end' || type === 'flow-map-end') flow--
    else if (type === 'seq-item-ind' || type === 'explicit-key-ind' || type === 'map-value-ind') levels++
    if (type === 'map-value-ind') members++
    if (type?.startsWith('flow-') === true || type === 'comma' || (type === 'newline' && flow <= 0)) levels = 0
    if (flow > DEEPEST || levels > DEEPEST || (newLine && type === 'space' && token.length > WIDEST_INDENT)) throw new Error('is nested too deeply')
    newLine = type === 'newline' || type === 'doc-mode'
  }
  if (members > MOST_MEMBERS) throw new Error(`has more than ${MOST_MEMBERS} members`)
}
