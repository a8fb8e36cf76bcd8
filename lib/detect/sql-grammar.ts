import { type Look } from './look.ts'
import { T, type Tokens } from './sql-tokens.ts'

/** Values: what may stand on a side of a comparison. Returns the index after it, or -1. */
export function operand (t: Tokens, i: number): number {
  const { kind } = t
  let at = i
  let open = 0
  while (at < i + 12 && (kind[at] === T.LEFT || kind[at] === T.NOT || kind[at] === T.MODIFIER || isSign(t, at))) if (kind[at++] === T.LEFT) open++
  const first = kind[at]
  if (first === T.NUMBER || first === T.CONSTANT) return sumEnd(t, at + 1, open)
  if (first === T.QUOTE || first === T.DQUOTE || first === T.TICK) {
    for (let end = at + 1; end <= at + 6; end++) {
      if (kind[end] === first) return end + 1
      if (kind[end] === T.END) return end
    }
    // Open to the end: the application's own quote closes it.
    return at + 2
  }
  if (first === T.WORD || first === T.VARIABLE || first === T.META || first === T.SELECT) return at + 1
  if (first === T.CALL) {
    // Arguments are skipped only while they are few, so that no token is read more than a fixed number of times.
    let depth = 0
    for (let end = at + 1; end < at + 10; end++) {
      if (kind[end] === T.LEFT) depth++
      else if (kind[end] === T.RIGHT && --depth === 0) return end + 1
      else if (kind[end] === T.END) return end
    }
    return at + 2
  }
  return -1
}

/** `17-7`, `(1)`: the index after the numbers that follow with their signs, and after the parentheses that were opened before. */
function sumEnd (t: Tokens, from: number, opened: number): number {
  const { kind } = t
  let open = opened
  let at = from
  while (at < from + 12) {
    if (open > 0 && kind[at] === T.RIGHT) {
      open--
      at++
    } else if (kind[at] === T.ARITH && kind[at + 1] === T.NUMBER && t.start[at + 1] === t.end[at]) at += 2
    else break
  }
  return at
}

/** The index after a comparison of one or more words: `is not`, `not like`, `sounds like`; -1 if none stands here. */
export function comparison (t: Tokens, i: number): number {
  const { kind } = t
  let at = i
  let found = false
  while (at < i + 4 && (kind[at] === T.COMPARE || kind[at] === T.NOT)) found = kind[at++] === T.COMPARE || found
  return found ? at : -1
}

function isSign (t: Tokens, at: number): boolean {
  return t.kind[at] === T.ARITH
}

/** Whether the operand that starts here is a constant. */
export function constant (t: Tokens, i: number): boolean {
  const { kind } = t
  let at = i
  while (at < i + 12 && (kind[at] === T.LEFT || kind[at] === T.NOT || kind[at] === T.MODIFIER || isSign(t, at))) at++
  const first = kind[at]
  return first === T.QUOTE || first === T.DQUOTE || first === T.NUMBER || first === T.CONSTANT || first === T.VARIABLE || first === T.CALL
}

export function skip (t: Tokens, i: number, ...kinds: number[]): number {
  let at = i
  while (at < i + 8 && kinds.includes(t.kind[at]!)) at++
  return at
}

/** Only operators, constants and single words between two tokens. */
export function noProse (t: Tokens, from: number, to: number): boolean {
  let words = 0
  for (let i = from; i <= to && i < from + 24; i++) {
    const kind = t.kind[i]
    if (kind === T.OTHER || kind === T.CODE || kind === T.COMMA || kind === T.DOT) return false
    if (kind === T.WORD) words++
  }
  return words <= 2
}

export function isTruth (look: Look, t: Tokens, i: number): boolean {
  return t.kind[i] === T.CONSTANT && /^(?:true|false)$/i.test(look.text.slice(t.start[i]!, t.end[i]!))
}

export function lowerWord (look: Look, t: Tokens, i: number): string {
  return look.text.slice(t.start[i]!, t.end[i]!).toLowerCase()
}

/** What a column list can begin with, prose excluded. */
export function isSelectList (t: Tokens, i: number): boolean {
  const { kind } = t
  const at = skip(t, i, T.MODIFIER, T.LEFT, T.ARITH, T.COMMENT, T.NOT)
  switch (kind[at]) {
    case T.NUMBER: case T.CONSTANT: case T.VARIABLE: case T.CALL: case T.META: case T.END: case T.CASE: return true
    case T.QUOTE: case T.DQUOTE: case T.TICK: case T.DOT: return true
    case T.WORD: return at > i ? true : kind[at + 1] === T.COMMA || kind[at + 1] === T.FROM || kind[at + 1] === T.DOT || kind[at + 1] === T.LEFT || kind[at + 1] === T.CONCAT || kind[at + 1] === T.COMMENT
    case T.SELECT: return true
    case T.FROM: return at > i
    default: return at > i && kind[at] === T.ARITH
  }
}

/** A name as tables and columns have it and prose does not. */
export function identifier (look: Look, t: Tokens, i: number): boolean {
  return t.kind[i] === T.WORD && look.text.slice(t.start[i]!, t.end[i]!).includes('_')
}

/** FROM a table: a name that ends the value or is followed by more of the statement. */
export function fromTable (t: Tokens, i: number): boolean {
  const { kind } = t
  let name = skip(t, i + 1, T.LEFT, T.TICK, T.DQUOTE)
  if (kind[name] === T.OTHER && kind[name + 1] === T.WORD && kind[name + 2] === T.OTHER && kind[i - 1] === T.NUMBER) return true
  if (kind[name] === T.MODIFIER) name++
  if (kind[name] === T.META || kind[name] === T.SELECT) return true
  if (kind[name] !== T.WORD) return false
  switch (kind[name + 1]) {
    case T.END: case T.WHERE: case T.SEMI: case T.COMMENT: case T.RIGHT: case T.CLAUSE: case T.ORDER: case T.UNION: case T.COMMA: case T.DOT: case T.TICK: case T.QUOTE: return true
    default: return false
  }
}
