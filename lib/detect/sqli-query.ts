import { brief, isSentence, type Look, sign } from './look.ts'
import { fromTable, identifier, isSelectList, lowerWord, operand, skip } from './sql-grammar.ts'
import { T, type Tokens } from './sql-tokens.ts'
import { rule } from './sqli-rules.ts'

export function union (look: Look, t: Tokens, i: number): void {
  const { kind } = t
  const next = skip(t, i + 1, T.MODIFIER, T.LEFT, T.COMMENT, T.ARITH)
  if (kind[next] === T.SELECT) {
    const before = i > 0 ? kind[i - 1] : T.END
    if (isSelectList(t, next + 1) || next > i + 1 || (t.prose < 2 && (before === T.NUMBER || before === T.QUOTE || before === T.DQUOTE || before === T.RIGHT || before === T.SEMI))) sign(look, rule.union, t.start[i]!, t.end[next + 1]!)
  } else if (kind[next] === T.CALL && kind[next + 1] === T.LEFT && lowerWord(look, t, next) === 'values') sign(look, rule.union, t.start[i]!, t.end[next]!)
  else if (kind[next] === T.WORD && kind[next + 1] === T.WORD && t.prose < 2 && i > 0 && kind[i - 1] !== T.WORD && lowerWord(look, t, next) === 'table') sign(look, rule.union, t.start[i]!, t.end[next + 1]!)
  // EXCEPT and MINUS also begin lines of programs and of prose.
  else if (lowerWord(look, t, i) === 'union' && (kind[i - 1] === T.COMMENT || (i > 0 && kind[next] === T.END && look.text.startsWith('*/', t.start[i]! - 2)) || (kind[next] === T.COMMENT && t.prose === 0 && i > 0) || (next > i + 1 && kind[next] === T.END && t.prose === 0 && i > 0))) sign(look, rule.union, t.start[i]!, t.end[next]!)
}

export function select (look: Look, t: Tokens, i: number): void {
  const { kind } = t
  const before = i > 0 ? kind[i - 1] : T.END
  // A code span in a sentence.
  if (before === T.TICK && isSentence(look)) return
  const starts = i === 0 || (i === 1 && t.prose === 0)
  if (before === T.SEMI && t.prose < 2 && brief(look) && (i === 1 || kind[i - 2] === T.QUOTE || kind[i - 2] === T.NUMBER || kind[i - 2] === T.RIGHT) && (isSelectList(t, i + 1) || t.prose === 0)) sign(look, rule.stacked, t.start[i - 1]!, t.end[i + 1]!)
  if (before === T.SEMI && i === 2 && (kind[3] === T.NUMBER || kind[3] === T.CALL) && kind[4] !== T.WORD) sign(look, rule.stacked, t.start[1]!, t.end[3]!)
  if (before === T.LEFT && isSelectList(t, i + 1) && kind[i + 1] !== T.END) {
    const at = i + 1
    const weak = kind[at] === T.WORD && kind[at + 1] !== T.FROM && kind[at + 1] !== T.COMMA && !(kind[at + 1] === T.ARITH && kind[at + 2] === T.NUMBER)
    if (kind[at] === T.NUMBER && kind[at + 1] === T.WORD && kind[at + 2] === T.FROM && fromTable(t, at + 2)) sign(look, rule.subselect, t.start[i]!, t.end[i + 2]!)
    if (!weak && !(kind[at] === T.NUMBER && kind[at + 1] === T.WORD) && !(kind[at] === T.NUMBER && kind[at + 1] === T.RIGHT && t.prose > 1)) sign(look, rule.subselect, t.start[i]!, t.end[i + 2]!)
    return
  }
  // SELECT ... FROM within a few tokens, with a list that prose would not have.
  let list = kind[i + 1] === T.ARITH || kind[i + 1] === T.CALL || kind[i + 1] === T.VARIABLE || kind[i + 1] === T.MODIFIER
  let plain = 0
  for (let at = i + 1; at < i + 24; at++) {
    const now = kind[at]
    if (now === T.END) break
    if (now === T.COMMA || now === T.CALL || now === T.VARIABLE || now === T.LEFT) list = true
    else if (now === T.WORD && kind[at - 1] === T.WORD) plain++
    if (now === T.FROM) {
      if (plain > 1 || !list) {
        const loud = look.text.startsWith('SELECT') && look.text.startsWith('FROM', t.start[at])
        if (starts && plain === 0 && fromTable(t, at) && (loud || (identifier(look, t, i + 1) && identifier(look, t, at + 1)) || kind[at + 2] === T.DOT || kind[at + 2] === T.SEMI || kind[at + 2] === T.COMMENT || (kind[at + 2] === T.WHERE && kind[at + 4] === T.COMPARE))) sign(look, rule.select, t.start[i]!, t.end[at + 1]!)
        return
      }
      if (fromTable(t, at)) sign(look, rule.select, t.start[i]!, t.end[at + 1]!)
      return
    }
  }
  const called = kind[i + 1] === T.WORD && kind[i + 2] === T.LEFT && t.end[i + 1] === t.start[i + 2]
  const listed = kind[i + 1] === T.NUMBER && kind[i + 2] === T.COMMA && (kind[i + 3] === T.NUMBER || kind[i + 3] === T.CALL || kind[i + 3] === T.VARIABLE)
  if (starts && t.prose === 0 && brief(look) && (kind[i + 1] === T.CALL || kind[i + 1] === T.VARIABLE || called || listed)) sign(look, rule.select, t.start[i]!, t.end[i + 2]!)
  else if (starts && kind[i + 1] === T.NUMBER && t.prose === 0 && look.text.charCodeAt(t.start[i + 1]! + 1) === 120) sign(look, rule.select, t.start[i]!, t.end[i + 2]!)
}

export function meta (look: Look, t: Tokens, i: number): void {
  const { kind } = t
  const before = i > 0 ? kind[i - 1]! : T.END
  const alone = t.count <= 3 && t.prose === 0
  const used = before === T.FROM || before === T.DOT || before === T.STATEMENT || before === T.INTO || before === T.COMMA || kind[i + 1] === T.DOT || kind[i + 1] === T.LEFT || kind[i + 1] === T.QUOTE
  if ((used && (brief(look) || before === T.FROM || before === T.INTO)) || alone || (brief(look) && t.prose === 0)) sign(look, rule.metadata, t.start[i]!, t.end[i + 1]!)
}

export function clause (look: Look, t: Tokens, i: number): void {
  const { kind } = t
  const before = i > 0 ? kind[i - 1]! : T.END
  const by = kind[i] === T.ORDER
  if (t.prose === 0 && kind[i + 1] === T.CALL && lowerWord(look, t, i + 1) === 'analyse') sign(look, rule.clause, t.start[i]!, t.end[i + 1]!)
  const broken = before === T.NUMBER || before === T.QUOTE || before === T.DQUOTE || before === T.RIGHT || before === T.COMMENT
  if (t.prose < 2 && kind[i] === T.CLAUSE && lowerWord(look, t, i) === 'having' && ((kind[i + 1] === T.CALL && brief(look) && i > 0) || (kind[i + 1] === T.LEFT && (kind[i + 2] === T.CONSTANT || kind[i + 2] === T.NUMBER || kind[i + 2] === T.QUOTE)))) sign(look, rule.clause, t.start[i]!, t.end[i + 2]!)
  if (!broken || t.prose > 1) return
  if (by) {
    if (kind[i + 1] !== T.BY) return
    const value = skip(t, i + 2, T.LEFT)
    if (kind[value] === T.NUMBER || kind[value] === T.CALL || kind[value + 1] === T.COMMENT || kind[value + 1] === T.CLAUSE) sign(look, rule.clause, t.start[i]!, t.end[value]!)
    return
  }
  const word = lowerWord(look, t, i)
  const left = operand(t, i + 1)
  if (word === 'having' && left > 0 && kind[left] === T.COMPARE) sign(look, rule.clause, t.start[i]!, t.end[left + 1]!)
  else if (word === 'procedure' && kind[i + 1] === T.CALL) sign(look, rule.clause, t.start[i]!, t.end[i + 1]!)
  else if (word === 'limit' && kind[i + 1] === T.NUMBER && (kind[i + 2] === T.COMMENT || (kind[i + 2] === T.COMMA && i < 3))) sign(look, rule.clause, t.start[i]!, t.end[i + 2]!)
}
