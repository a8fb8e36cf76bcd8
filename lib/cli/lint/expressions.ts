import { createContext, Script } from 'node:vm'
import { isObject } from '../../options/shape.ts'
import { pathOf, type Finding, type Place } from './finding.ts'

/** Milliseconds that one text may take. */
const PATIENCE = 50
/** As long as a header may be. */
const LENGTH = 8192

/** Expressions of the application's own that a client can make slow. */
export function lintExpressions (place: Place): Finding[] {
  return expressionsOf(place).flatMap(({ member, expression }): Finding[] => {
    const text = slowText(expression)
    if (text === undefined) return []
    return [{ lint: 'slow-expression', path: pathOf(place, member), message: `${expression} takes more than ${PATIENCE} ms on ${text}` }]
  })
}

function expressionsOf ({ key, value }: Place): Array<{ member: string, expression: RegExp }> {
  if (!isObject(value) || (key !== 'userAgent' && key !== 'requireHeaders' && key !== 'detection')) return []
  return Object.entries(value).flatMap(([member, entry]) => (Array.isArray(entry) ? entry : [entry]).flatMap((each: unknown) => {
    const expression = isObject(each) ? each['pattern'] : each
    return expression instanceof RegExp ? [{ member, expression }] : []
  }))
}

/**
 * Tries texts that repeat what the expression itself mentions, and do not match at their end: that is what makes a
 * backtracking engine try everything. Node can interrupt an expression that runs in `vm`.
 */
export function slowText ({ source, flags }: RegExp): string | undefined {
  const context = createContext({ text: '' })
  const script = new Script(`new RegExp(${JSON.stringify(source)}, ${JSON.stringify(flags)}).test(text)`)
  for (const unit of unitsOf(source)) {
    for (const [length, end] of [[LENGTH, '\u0001'], [LENGTH, '']] as const) {
      Object.assign(context, { text: unit.repeat(Math.ceil(length / unit.length)).slice(0, length) + end })
      try {
        script.runInContext(context, { timeout: PATIENCE })
      } catch (error) {
        if ((error as { code?: string }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return `${length} characters of ${JSON.stringify(unit)}`
        throw error
      }
    }
  }
  return undefined
}

function unitsOf (source: string): string[] {
  const plain = source.replace(/\\[dwsDWSbB]|[\\^$.*+?()[\]{}|]/g, ' ').split(/\s+/).filter((part) => part !== '')
  const characters = plain.flatMap((part) => [...part])
  return [...new Set(['a', '0', ' ', '/', '-', 'a ', 'a0', ...plain, ...characters, ...plain.slice(1).map((part, i) => `${plain[i]!}${part}`)])].slice(0, 40)
}
