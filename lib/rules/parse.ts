import { parseDocument } from 'yaml'

/** A parser of YAML makes many objects of few bytes, while nothing else in the process runs. */
const MAX_YAML = 1024 * 1024

/** Whether a source's name says that it is YAML; all others are JSON. */
export function isYaml (name: string): boolean {
  return /\.ya?ml$/i.test(name)
}

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
  const document = parseDocument(plain, { version: '1.2', schema: 'core', merge: false, resolveKnownTags: false, strict: true, uniqueKeys: true, stringKeys: true, prettyErrors: true, logLevel: 'error' })
  const problem = document.errors[0] ?? document.warnings[0]
  if (problem !== undefined) throw new Error(problem.message.replaceAll('\n', ' '))
  return document.toJS({ maxAliasCount: 100 })
}
