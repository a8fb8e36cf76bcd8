import { K } from './keywords.ts'
import { brief, type Look, sign } from './look.ts'
import { oddNumber } from './quiet.ts'
import { C, P } from './scan.ts'
import { constant, fromTable, operand } from './sql-grammar.ts'
import { T, tokenize } from './sql-tokens.ts'
import { call, condition, nested, trailing } from './sqli-condition.ts'
import { cast, exponent, pieces, variable } from './sqli-dialect.ts'
import { fragment } from './sqli-fragment.ts'
import { clause, meta, select, union } from './sqli-query.ts'
import { quote } from './sqli-quote.ts'
import { rule } from './sqli-rules.ts'
import { statement } from './sqli-statement.ts'
import { whole } from './sqli-whole.ts'

/** What level 2 looks at whatever the words are. */
const ODD = C.QUOTE | C.DQUOTE | C.BACKTICK | C.BACKSLASH | C.PAREN | C.LT | C.GT | C.PIPE | C.CARET | C.HASH

/** A cheap test on what the scan saw. */
export function mayBeSql (look: Look): boolean {
  const { chars, words } = look
  if (look.on[rule.hint.no] === 1 && look.count < 16 && (chars & ODD) !== 0) return true
  if ((words & K.SQL_META) !== 0 || look.text.startsWith('@@')) return true
  if (look.count < 4 && (chars & C.DOT) !== 0 && oddNumber(look.text)) return true
  if ((chars & (C.QUOTE | C.DQUOTE | C.PAREN | C.EQ | C.SEMI | C.MINUS | C.HASH | C.STAR | C.COMMA | C.GT | C.LT | C.PIPE | C.AMP | C.CARET | C.AT | C.BACKSLASH | C.COLON)) === 0) {
    return (words & (K.SQL | K.LOGIC | K.SQL_CALL)) !== 0
  }
  if ((words & (K.SQL | K.SQL_CALL | K.LOGIC)) !== 0) return true
  return ((look.pairs & (P.QUOTE_SIGN | P.DASHES | P.PIPES | P.AMPS)) !== 0 && (chars & (C.QUOTE | C.DQUOTE | C.PIPE | C.AMP | C.MINUS)) !== 0) ||
    ((chars & (C.QUOTE | C.DQUOTE)) !== 0 && (chars & (C.EQ | C.PIPE | C.CARET | C.SEMI | C.HASH | C.LT | C.GT | C.STAR | C.PLUS | C.MINUS | C.SLASH | C.AMP)) !== 0) || (look.pairs & (P.COLONS | P.SLASH_STAR)) !== 0 ||
    (look.count < 4 && (chars & C.EQ) !== 0 && look.longest < 12)
}

export function sqli (look: Look): void {
  const text = look.text
  const t = tokenize(text)
  const { kind, count } = t
  let strings = 0
  let dstrings = 0
  let calls = 0
  let firstCall = -1
  if (count > 1 && count < 24) whole(look, t)
  else if (count === 1 && kind[0] === T.NUMBER && /^2\.2250738585072011e-308$/.test(text)) sign(look, rule.dialect, 0, text.length)
  else if (count === 1 && kind[0] === T.VARIABLE && text.startsWith('@@')) sign(look, rule.metadata, 0, text.length)
  for (let i = 0; i < count; i++) {
    switch (kind[i]) {
      case T.QUOTE:
        quote(look, t, i, strings % 2 === 0)
        strings++
        break
      case T.DQUOTE:
        quote(look, t, i, dstrings % 2 === 0)
        dstrings++
        break
      case T.TICK:
        quote(look, t, i, true)
        break
      case T.UNION: union(look, t, i); break
      case T.SELECT: select(look, t, i); break
      case T.LOGIC: case T.CONCAT: case T.NOT: condition(look, t, i); break
      case T.STATEMENT: statement(look, t, i); break
      case T.CALL:
        if (calls === 0) firstCall = i
        calls++
        call(look, t, i)
        break
      case T.META: meta(look, t, i); break
      case T.ORDER: case T.CLAUSE: clause(look, t, i); break
      case T.CAST: cast(look, t, i); break
      case T.FROM:
        if (i > 1 && kind[i - 1] === T.RIGHT && t.prose === 0 && fromTable(t, i) && (kind[i + 2] === T.WHERE || kind[i + 2] === T.COMMENT || kind[i - 2] === T.NUMBER)) sign(look, rule.select, t.start[i]!, t.end[i + 2]!)
        break
      case T.NUMBER: exponent(look, t, i); break
      case T.VARIABLE: variable(look, t, i); break
      case T.CASE: {
        if (kind[i + 1] === T.CASE && i < 2 && t.prose < 2 && (kind[i + 3] === T.CASE || kind[i + 5] === T.CASE)) sign(look, rule.clause, t.start[i]!, t.end[i + 2]!)
        const left = constant(t, i + 1) ? operand(t, i + 1) : -1
        if (left > 0 && kind[left] === T.COMPARE && constant(t, left + 1) && t.prose < 3) sign(look, rule.tautology, t.start[i]!, t.end[left + 1]!)
        break
      }
      case T.INTO:
        if (kind[i + 1] === T.META) sign(look, rule.metadata, t.start[i]!, t.end[i + 1]!)
        break
      default:
    }
    if (look.score >= look.threshold) return
  }
  if (calls > 1 && brief(look) && t.prose === 0) nested(look, t, firstCall, calls)
  trailing(look, t)
  if (look.score < look.threshold && brief(look)) pieces(look, t)
  if (look.on[rule.fragment.no] === 1 || look.on[rule.word.no] === 1 || look.on[rule.hint.no] === 1) fragment(look, t)
}
