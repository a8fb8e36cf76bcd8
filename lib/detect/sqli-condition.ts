import { brief, isProgram, isSpace, type Look, sign } from './look.ts'
import { comparison, constant, isTruth, lowerWord, operand } from './sql-grammar.ts'
import { T, type Tokens } from './sql-tokens.ts'
import { DELAYS, LEAKS } from './sql-words.ts'
import { rule } from './sqli-rules.ts'

/** OR, AND, ||, && and NOT: a comparison of constants follows. */
export function condition (look: Look, t: Tokens, i: number): void {
  const { kind } = t
  let next = i + 1
  if (kind[i] === T.NOT && i > 0) return
  // `Yes, and 3 < 5`: SQL has no operator behind a comma.
  if (kind[i - 1] === T.COMMA && kind[i] === T.LOGIC) return
  if (kind[next] === T.NOT) next++
  if (kind[next] === T.CALL && isProgram(look)) return
  const left = operand(t, next)
  if (left < 0) {
    if (kind[next] === T.COMPARE && kind[i] === T.LOGIC && lowerWord(look, t, next) === 'match') {
      for (let at = next + 1; at < next + 6; at++) if (kind[at] === T.WORD && kind[at + 1] === T.LEFT && lowerWord(look, t, at) === 'against') sign(look, rule.breakout, t.start[i]!, t.end[at]!)
    }
    return
  }
  const right_ = comparison(t, left)
  const compares = right_ > 0
  const symbol = compares && t.end[left]! - t.start[left]! < 4 && look.text.charCodeAt(t.start[left]!) < 64
  if (compares && constant(t, next)) {
    const right = operand(t, right_)
    if (right > 0 && constant(t, right_) && kind[left + 1] !== T.CODE) {
      if (symbol || t.prose < 2) sign(look, rule.tautology, t.start[i]!, t.end[right - 1]!)
      return
    }
    if (kind[left + 1] === T.END && t.prose === 0 && symbol && i < 3) sign(look, rule.tautology, t.start[i]!, t.end[left]!)
  }
  // `1 or sleep(5)`, `1 and (select ...)`: after a constant, so that prose stays out.
  const broken = i === 0 || kind[i - 1] === T.NUMBER || kind[i - 1] === T.QUOTE || kind[i - 1] === T.DQUOTE || kind[i - 1] === T.RIGHT || kind[i - 1] === T.COMMENT
  if (!broken || t.prose > 1) return
  if (kind[next] === T.VARIABLE && kind[i] === T.LOGIC && i > 0 && look.text.startsWith('@@', t.start[next])) sign(look, rule.tautology, t.start[i]!, t.end[next]!)
  if (kind[next] === T.CALL && kind[i] !== T.NOT) sign(look, rule.tautology, t.start[i]!, t.end[left - 1]!)
  else if (compares && symbol && kind[i] === T.LOGIC && i > 0 && (constant(t, left + 1) || kind[i - 1] !== T.RIGHT) && operand(t, left + 1) > 0 && kind[next] !== T.WORD) sign(look, rule.tautology, t.start[i]!, t.end[left + 1]!)
  else if (compares && symbol && (kind[i] === T.LOGIC || kind[i] === T.CONCAT) && kind[i - 1] === T.NUMBER && i === 1 && t.prose === 0 && kind[next] === T.WORD) sign(look, rule.tautology, t.start[i]!, t.end[left + 1]!)
  else if (constant(t, next) && kind[i] === T.LOGIC && (kind[left] === T.COMMENT || (kind[left] === T.END && isTruth(look, t, next))) && t.prose === 0 && i > 0 && kind[i - 1] !== T.COMMENT) sign(look, rule.tautology, t.start[i]!, t.end[left]!)
}

export function call (look: Look, t: Tokens, i: number): void {
  const { kind } = t
  const name = lowerWord(look, t, i)
  const closes = kind[i + 2] === T.RIGHT
  const left = constant(t, i + 2) ? operand(t, i + 2) : -1
  if (left > 0 && kind[left] === T.COMPARE && t.end[left]! - t.start[left]! < 3 && constant(t, left + 1) && brief(look) && t.prose < 3 && !isProgram(look)) {
    sign(look, rule.tautology, t.start[i]!, t.end[left + 1]!)
    return
  }
  if (left > 0 && kind[left] === T.COMPARE && kind[left + 1] === T.END && i === 0 && kind[i + 2] === T.NUMBER && brief(look)) sign(look, rule.tautology, 0, look.text.length)
  if (name === 'sleep') {
    if (isProgram(look) || (i > 0 && lowerWord(look, t, i - 1) === 'await')) return
    const seconds = kind[i + 2] === T.NUMBER || kind[i + 2] === T.QUOTE || kind[i + 2] === T.DQUOTE || kind[i + 2] === T.LEFT
    if (seconds && (brief(look) && (t.prose === 0 || i > 0)) && kind[i - 1] !== T.DOT) sign(look, rule.delay, t.start[i]!, t.end[i + 3]!)
    return
  }
  if (DELAYS.has(name)) {
    // `Benchmark (of something)`
    if (t.prose > 0 && isSpace(look.text.charCodeAt(t.end[i]!)) && kind[i + 2] === T.WORD) return
    sign(look, rule.delay, t.start[i]!, t.end[i + 2]!)
    return
  }
  if (LEAKS.has(name) && !closes && brief(look) && t.prose < 2 && kind[i - 1] !== T.DOT) sign(look, rule.metadata, t.start[i]!, t.end[i + 2]!)
}

/** Database functions within each other, or with hexadecimal literals or variables inside. */
export function nested (look: Look, t: Tokens, first: number, calls: number): void {
  let depth = 0
  let signs = 0
  for (let i = first; i < t.count; i++) {
    const kind = t.kind[i]
    if (kind === T.LEFT) depth++
    else if (kind === T.RIGHT) depth--
    else if (kind === T.CALL && (depth > 0 || (i > first && (t.kind[i - 1] === T.ARITH || t.kind[i - 1] === T.CONCAT) && /^(?:n?char|chr|unhex)$/.test(lowerWord(look, t, i))))) signs++
    else if (kind === T.VARIABLE || kind === T.CONCAT || (kind === T.NUMBER && look.text.charCodeAt(t.start[i]! + 1) === 120)) signs++
    else if (kind === T.OTHER || kind === T.CODE) return
  }
  if (signs > 0 && calls > 1) sign(look, rule.call, t.start[first]!, t.end[first + 3]!)
}

/** `... --`, `... #`, `... ;--` at the end of an expression that no prose has. */
export function trailing (look: Look, t: Tokens): void {
  const { kind, count } = t
  if (count < 3 || t.prose > 0 || kind[count - 1] !== T.COMMENT || !brief(look)) return
  const code = look.text.charCodeAt(t.start[count - 1]!)
  if (code === 35 && t.end[count - 1]! - t.start[count - 1]! > 1 && t.quotes === 0) return
  let operators = 0
  let words = 0
  for (let i = 0; i < count - 1; i++) {
    const now = kind[i]
    if (now === T.OTHER || now === T.CODE || now === T.COMMENT) return
    if (now === T.WORD) words++
    if (now === T.CLAUSE && kind[i + 1] === T.NUMBER && i > 0) operators++
    if (now === T.LOGIC || now === T.COMPARE || now === T.CALL || now === T.VARIABLE || now === T.SELECT || now === T.MODIFIER || now === T.CONCAT || now === T.NOT) operators += 2
    else if (now === T.ARITH && i > 0 && constant(t, i + 1) && (kind[i - 1] === T.NUMBER || kind[i - 1] === T.QUOTE || kind[i - 1] === T.RIGHT || kind[i - 1] === T.VARIABLE)) operators += 2
  }
  // A comment of HTML alone, and a fence.
  if (/^(?:\s*<!--|```)/.test(look.text) || look.text.startsWith('----', t.start[count - 1])) return
  if (operators >= 2 && words <= 3 && !isProgram(look)) sign(look, rule.trailing, t.start[0]!, t.end[count - 1]!)
}
