import { isProgram, type Look, sign } from './look.ts'
import { comparison, constant, lowerWord, noProse, operand, skip } from './sql-grammar.ts'
import * as place from './place.ts'
import { T, type Tokens } from './sql-tokens.ts'
import { rule } from './sqli-rules.ts'
import { isStatement, statement } from './sqli-statement.ts'

/** A quote: does the string that the value stands in end here? */
export function quote (look: Look, t: Tokens, i: number, even: boolean): void {
  const { kind } = t
  const next = skip(t, i + 1, T.RIGHT)
  const after = kind[next]
  const at = t.start[i]!
  const single = kind[i] === T.QUOTE
  if (kind[i] === T.TICK && look.text.charCodeAt(at + 1) === 10 && look.text.charCodeAt(at - 1) === 96) return
  if (after === T.COMMENT) {
    // `---` on its own line divides the parts of a document.
    if (/^---+[ \t]*\r?\n/.test(look.text.slice(t.start[next]!, t.start[next]! + 100)) && look.text.charCodeAt(t.start[next]! - 1) === 10) return
    if (endsInComment(look, t, i, next, even)) sign(look, rule.comment, at, t.end[next]!)
    return
  }
  if (after === T.SEMI) {
    const then = kind[next + 1]
    if (then === T.COMMENT || (then === T.END && single && t.prose === 0 && i > 0 && even && look.text.charCodeAt(at - 1) !== 32 && !isProgram(look))) {
      if (even || t.prose === 0) sign(look, rule.comment, at, t.end[next]!)
    } else if (then === T.SELECT) {
      if (t.prose < 2) sign(look, rule.stacked, at, t.end[next + 1]!)
    } else if (then === T.STATEMENT) statement(look, t, next + 1)
    return
  }
  if (!even || quotesWord(look, t, i)) return
  if ((after === T.LOGIC || after === T.COMPARE || after === T.NOT) && t.prose < 2 && (i === 0 || look.text.charCodeAt(at - 1) !== 32) && hidesRest(t, next)) {
    sign(look, rule.breakout, at, t.end[next + 1]!)
    return
  }
  if (i === 0 && t.quotes + t.dquotes === 1 && t.prose < 2 && (after === T.UNION || after === T.STATEMENT) && /^(?:union|alter|drop|insert|truncate|waitfor|exec|execute|declare|delete|update|create|shutdown)$/.test(lowerWord(look, t, next))) {
    sign(look, rule.stacked, at, t.end[next]!)
    return
  }
  if (after === T.LOGIC || after === T.NOT || after === T.CONCAT || after === T.COMPARE || after === T.ARITH || after === T.CODE) {
    if (breaksOut(t, i, next)) sign(look, after === T.LOGIC || after === T.COMPARE ? rule.breakout : rule.operator, at, t.end[next + 3]!)
  } else if (after === T.CLAUSE || after === T.ORDER || after === T.INTO) {
    if (kind[next + 1] === T.BY || kind[next + 1] === T.NUMBER || kind[next + 1] === T.META) sign(look, rule.clause, at, t.end[next + 1]!)
  } else if ((after === T.STATEMENT || after === T.SELECT) && next === i + 1 && kind[next + 1] === T.WORD && t.prose < 2 && single && isStatement(look.text, t, next)) {
    sign(look, rule.stacked, at, t.end[next + 1]!)
  }
}

/** Whether the text ends in a comment that can only be there to hide the rest of a query. */
function hidesRest (t: Tokens, op: number): boolean {
  const last = t.count - 1
  if (t.kind[last] !== T.COMMENT || last <= op) return false
  return t.end[last]! - t.start[last]! < 5 || (t.prose === 0 && t.kind[op] === T.LOGIC && t.kind[op + 1] !== T.NUMBER)
}

/** `"like"`: a word in quotes, after a space. */
function quotesWord (look: Look, t: Tokens, i: number): boolean {
  const at = t.start[i]!
  const tight = at > 0 && look.text.charCodeAt(at - 1) !== 32
  // `name or '*'`, `b'%i'`, in a text field.
  if (look.count > 4 && (look.place & (place.JSON_VALUE | place.FORM | place.TEXT)) !== 0 && /(?:^|[\s([{:=,])[bfru]?$/.test(look.text.slice(Math.max(0, at - 2), at)) && /^(['"`])[^\s'"`]{1,20}\1(?:$|[\s.,;:!?)\]])/.test(look.text.slice(at, at + 24))) return true
  return !tight && t.kind[i + 2] === t.kind[i] && t.start[i + 1] === at + 1 && t.end[i + 1] === t.start[i + 2] && t.end[i + 1]! - t.start[i + 1]! > 1
}

/** `x'--`, `x')#`, `x'/*`: the comment must look like one, not like a dash in prose. */
function endsInComment (look: Look, t: Tokens, i: number, comment: number, even: boolean): boolean {
  const text = look.text
  const from = t.start[comment]!
  const rest = t.end[comment]! - from
  const at = t.start[i]!
  const tight = at > 0 && text.charCodeAt(at - 1) !== 32
  const code = text.charCodeAt(from)
  // A dash, a rule, or the boundary of a part.
  if (text.startsWith('---', from)) return false
  // `'-- -`: nothing but the end of the string and of the query.
  if (at === 0 && t.prose === 0 && t.quotes + t.dquotes === 1 && rest < 5) return true
  if (code === 35) return even && i > 0 && rest < 3 && tight && t.prose === 0 && t.kind[i - 1] !== T.NUMBER
  if (code === 47) return even && t.prose === 0 && i > 0
  const ends = rest <= 4 || t.prose === 0
  if (t.kind[i] === T.DQUOTE && t.kind[i - 1] === T.NUMBER && comment === i + 1) return false
  return ends && (even ? tight || comment > i + 1 : (i > 1 && t.prose === 0 && t.kind[i - 1] !== T.WORD))
}

/** After a quote and an operator: operands and comparisons as in a condition, up to a quote that leads back into the string. */
function breaksOut (t: Tokens, i: number, op: number): boolean {
  const { kind } = t
  const first = kind[op]
  const logic = first === T.LOGIC || first === T.NOT || first === T.CONCAT
  if (kind[i] === T.TICK && t.prose > 0) return false
  let next = op + 1
  if (first === T.LOGIC && kind[next] === T.NOT) next++
  if (first === T.COMPARE && (kind[next] === T.COMPARE || kind[next] === T.NOT) && t.prose === 0) next++
  const end = operand(t, next)
  if (end < 0) return false
  const then = kind[end]!
  if (logic) {
    if (then === T.COMPARE) {
      if (kind[end + 1] === T.CODE) return false
      const right = operand(t, comparison(t, end))
      if (right > 0 || kind[end + 1] === T.END || kind[end + 1] === T.COMMENT) {
        const symbol = t.end[end]! - t.start[end]! < 3
        return symbol || t.prose < 3 || constant(t, end + 1)
      }
      return false
    }
    if (then === T.COMMENT || then === T.SEMI) return t.prose < 2
    if ((kind[i] === T.QUOTE || (i < 3 && t.prose === 0 && kind[i - 1] !== T.NUMBER)) && constant(t, next) && (then === T.END || (then === kind[i] && t.quotes + t.dquotes > 3) || then === T.RIGHT || then === T.LOGIC || then === T.ARITH)) return t.prose < 2 && kind[next] !== T.LEFT
    if (kind[next] === T.SELECT || (kind[next] === T.LEFT && kind[next + 1] === T.SELECT) || kind[next] === T.CALL) return true
    if (t.prose === 0 && t.quotes === 2 && t.count - i < 12 && kind[t.count - 2] === T.QUOTE && kind[t.count - 3] !== T.WORD && then === T.ARITH) return true
    if (t.prose === 0 && t.quotes + t.dquotes === 1 && t.count - i <= 5 && first === T.LOGIC) return kind[t.count - 1] === T.ARITH || kind[t.count - 1] === T.NOT
    return false
  }
  if (first === T.COMPARE) {
    const symbol = t.end[op]! - t.start[op]! < 3
    if (kind[op] === T.COMPARE && !symbol) return (constant(t, next) && t.prose === 0) || then === T.COMMENT
  }
  if (t.prose > 0) return kind[next] === T.CALL && (then === T.END || then === T.ARITH || then === T.CONCAT || then === T.COMMENT)
  if (kind[next] === T.CALL || then === T.COMMENT) return true
  // Back in a string at the end: an odd quote, then the rest of one literal.
  if (kind[i] !== T.QUOTE) return false
  const last = t.count - 1
  const opened = kind[last] === T.QUOTE || kind[last - 1] === T.QUOTE || (kind[last - 2] === T.QUOTE && kind[last] === T.NUMBER && kind[last - 1] === T.ARITH)
  return t.quotes % 2 === 0 && t.quotes < 7 && opened && (i > 0 || t.count > 5) && last > op && noProse(t, op, last)
}
