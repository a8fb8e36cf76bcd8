import { type Look, sign } from './look.ts'
import * as place from './place.ts'
import { comparison, constant, isTruth, lowerWord, operand } from './sql-grammar.ts'
import { T, type Tokens } from './sql-tokens.ts'
import { rule } from './sqli-rules.ts'

/** The value as a whole: a comparison of two constants. */
export function whole (look: Look, t: Tokens): void {
  const { kind, count } = t
  if (t.prose > 0 || (look.place & place.HEADER) !== 0) return
  const left = operand(t, 0)
  const then = left > 0 ? comparison(t, left) : -1
  // `1+1=2` is a sum.
  const sum = (kind[0] === T.NUMBER && kind[1] === T.ARITH) || (kind[0] === T.LEFT && kind[2] === T.ARITH)
  if (then > 0 && then < count && !sum && constant(t, 0) && constant(t, then)) {
    const sign_ = look.text.slice(t.start[left]!, t.end[then - 1]!).toLowerCase()
    const right = operand(t, then)
    const calls = kind[0] === T.CALL && kind[left + 1] === T.CALL
    if ((right >= count || kind[right] === T.LOGIC || kind[right] === T.COMMENT) && (calls || /^(?:=|!=|<>|<=>|(?:not\s+)?(?:like|rlike|regexp|glob|ilike)|is\s+not|sounds\s+like)$/.test(sign_))) sign(look, rule.tautology, 0, look.text.length)
  }
  const last = count - 1
  const first = kind[0]
  // `coalesce(`, `in (0,1)`, `) as x from`: torn off, with nothing that prose would have.
  if (first === T.CALL && kind[last] === T.RIGHT && (look.place & place.PATH) === 0) {
    if (count === 3 && /^(?:version|user|database|schema|current_user|system_user|session_user|current_database|sqlite_version|user_name|db_name|host_name|row_count|connection_id|last_insert_id)$/.test(lowerWord(look, t, 0))) sign(look, rule.call, 0, look.text.length)
    else if (kind[2] === T.NUMBER && look.text.charCodeAt(t.start[2]! + 1) === 120) sign(look, rule.call, 0, look.text.length)
  }
  if (first === T.CALL && count === 2 && !(look.place & place.PATH) && !(t.start[1]! > t.end[0]! && lowerWord(look, t, 0) === 'if')) sign(look, rule.call, 0, look.text.length)
  if (first === T.COMPARE && kind[1] === T.LEFT && kind[2] === T.NUMBER && (kind[3] === T.COMMA || kind[3] === T.RIGHT)) sign(look, rule.call, 0, look.text.length)
  if (first === T.RIGHT && (kind[1] === T.COMPARE || kind[1] === T.CLAUSE || kind[1] === T.CASE || kind[1] === T.UNION) && (kind[2] === T.LEFT || kind[3] === T.FROM || kind[4] === T.FROM || kind[5] === T.FROM || kind[3] === T.CASE)) sign(look, rule.clause, 0, look.text.length)
  if (first === T.CALL && lowerWord(look, t, 0) === 'values' && (kind[2] === T.QUOTE || kind[2] === T.NUMBER) && kind[last] === T.RIGHT) sign(look, rule.statement, 0, look.text.length)
  if (first === T.FROM && t.prose === 0) fromFirst(look, t)
  // `'-'`, `'='`, `'like'`: back in the string at once.
  if (count === 3 && first === kind[2] && ((first === T.QUOTE && (kind[1] === T.ARITH || kind[1] === T.COMPARE || kind[1] === T.LOGIC || kind[1] === T.NOT)) || (first === T.DQUOTE && kind[1] === T.ARITH && look.text !== '"*"'))) sign(look, rule.operator, 0, look.text.length)
  if (count === 5 && first === T.QUOTE && kind[4] === T.QUOTE && isOperator(kind[1]!) && isOperator(kind[3]!) && constant(t, 2)) sign(look, rule.operator, 0, look.text.length)
  if (count === 4 && first === T.QUOTE && kind[3] === T.QUOTE && isOperator(kind[1]!) && isOperator(kind[2]!)) sign(look, rule.operator, 0, look.text.length)
  if (first === T.LOGIC && kind[2] === T.COMPARE && count <= 5 && (kind[1] === T.WORD || kind[1] === T.NUMBER) && last > 2 && (kind[3] === T.WORD || kind[3] === T.NUMBER)) sign(look, rule.tautology, 0, look.text.length)
  if ((first === T.LOGIC || first === T.CONCAT) && (look.place & place.PATH) === 0) leadingCondition(look, t)
  if (first === T.LOGIC && kind[1] === T.CONSTANT && isTruth(look, t, 1) && (count === 2 || kind[2] === T.COMMENT)) sign(look, rule.tautology, 0, look.text.length)
  if (first === T.ORDER && kind[1] === T.BY && kind[2] === T.NUMBER && (kind[3] === T.COMMENT || (kind[3] === T.COMMA && kind[4] === T.NUMBER))) sign(look, rule.clause, 0, look.text.length)
  if (first === T.CLAUSE && left < 0 && kind[2] === T.COMPARE && lowerWord(look, t, 0) === 'having') sign(look, rule.clause, 0, look.text.length)
  if (look.text.length <= 12 && /^-?\d+\)*\s*(?:;\s*(?:--|#)|--\s)\s*-?\s*$/.test(look.text)) sign(look, rule.trailing, 0, look.text.length)
  if (count === 2 && kind[0] === T.VARIABLE && kind[1] === T.COMMENT) sign(look, rule.trailing, 0, look.text.length)
}

function isOperator (kind: number): boolean {
  return kind === T.ARITH || kind === T.COMPARE || kind === T.NOT || kind === T.CONCAT
}

/** `from a group by b`, `from a.b where`: the rest of a query. */
function fromFirst (look: Look, t: Tokens): void {
  const { kind } = t
  let at = 1
  while (at < 10 && (kind[at] === T.TICK || kind[at] === T.WORD || kind[at] === T.DOT)) at++
  if (at > 1 && ((kind[at] === T.ORDER && kind[at + 1] === T.BY) || (kind[at] === T.WHERE && (kind[1] === T.TICK || kind[at + 1] === T.CALL || kind[at + 2] === T.COMPARE)))) sign(look, rule.select, 0, t.end[at + 1]!)
}

/** `and 6=(`, `or x!="`, `&&(b=0)`: a value that goes on with a condition. */
function leadingCondition (look: Look, t: Tokens): void {
  const { kind, count } = t
  const open = kind[1] === T.LEFT
  const at = open ? 2 : 1
  const compare = at + 1
  const compares = kind[compare] === T.COMPARE && t.end[compare]! - t.start[compare]! < 3 && look.text.charCodeAt(t.start[compare]!) < 64
  if (compares && (open || kind[at] === T.NUMBER) && count < 9 && (kind[at] === T.WORD || kind[at] === T.NUMBER) && (kind[compare + 1] === T.NUMBER || kind[compare + 1] === T.NOT || kind[compare + 1] === T.LEFT)) sign(look, rule.tautology, 0, look.text.length)
  else if (compares && !open && kind[at] === T.WORD && count < 7 && (kind[compare + 1] === T.QUOTE || kind[compare + 1] === T.DQUOTE) && kind[0] === T.LOGIC && look.text.charCodeAt(0) > 64) sign(look, rule.tautology, 0, look.text.length)
  else if (count === 3 && kind[1] === T.NUMBER && kind[2] === T.COMMENT && t.end[2]! - t.start[2]! < 4) sign(look, rule.tautology, 0, look.text.length)
}
