import { K } from './keywords.ts'
import { brief, isProgram, isSpace, sign, type Look } from './look.ts'
import * as place from './place.ts'
import { rulesOf } from './rules.ts'
import { C, P } from './scan.ts'
import { DELAYS, LEAKS } from './sql-words.ts'
import { T, tokenize, type Tokens } from './sql-tokens.ts'

const rule = rulesOf('sqli', {
  union: [1, 5, 'UNION and a SELECT list', '1 UNION SELECT 1,2,3', 'the union select committee met'],
  select: [1, 5, 'SELECT with a column list, FROM a table', 'SELECT name,pass FROM users', 'please select a plan from the list below'],
  subselect: [1, 5, 'SELECT in parentheses', '1 and (select 1 from users)', 'the plan (select one) is free'],
  tautology: [1, 5, 'OR or AND with a comparison of constants', "1' or '1'='1", 'a = b or c = d'],
  breakout: [1, 5, 'a quote that ends the string, then a condition', "x' or name like 'a", "rock 'n' roll or jazz"],
  comment: [1, 5, 'a quote that ends the string, then a comment that hides the rest', "admin'--", "it's 5 -- or 6"],
  operator: [1, 5, 'a string left and entered again around operators', "1'||'2'||'3", "'a' + 'b'"],
  stacked: [1, 5, 'a second statement after a semicolon', '1; DROP TABLE users', 'wash; drop the table off'],
  statement: [1, 5, 'a statement that changes data, as the value', 'DROP TABLE users', 'drop table reservations at noon'],
  delay: [1, 5, 'a function that makes the database wait', 'if(1=1,sleep(5),0)', 'I sleep (a lot)'],
  metadata: [1, 5, 'system tables and procedures', 'information_schema.tables', 'the information schema'],
  call: [1, 5, 'nested calls of database functions', 'concat(char(97),version())', 'round(2) and left (3)'],
  clause: [1, 5, 'ORDER BY, GROUP BY, HAVING or LIMIT after a broken value', '1 order by 10--', 'order by name'],
  trailing: [1, 5, 'an expression that ends in a comment', '1 * 1 --', 'a new list --'],
  dialect: [1, 5, 'casts and operators of one database', "1::int or '{\"a\":1}'::jsonb", 'std::string name'],
  fragment: [2, 5, 'a piece of SQL as the whole value', 'coalesce(', 'coalesce'],
  hint: [2, 5, 'a quote, then a word of SQL; a hexadecimal literal; a comparison torn off', "x' or y", "the boys' room"],
  word: [2, 5, 'a word that only SQL has, as the whole value', 'varchar', 'variable']
})

export const SQL_WORDS = K.SQL | K.SQL_CALL | K.SQL_META

/** What level 2 looks at whatever the words are. */
const ODD = C.QUOTE | C.DQUOTE | C.BACKTICK | C.BACKSLASH | C.PAREN | C.LT | C.GT | C.PIPE | C.CARET | C.HASH

/** A cheap test on what the scan saw. */
export function mayBeSql (look: Look): boolean {
  const { chars, words } = look
  if (look.on[rule.hint.no] === 1 && look.count < 16 && (chars & ODD) !== 0) return true
  if ((words & K.SQL_META) !== 0) return true
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

/** The value as a whole: a comparison of two constants. */
function whole (look: Look, t: Tokens): void {
  const { kind, count } = t
  if (t.prose > 0 || (look.place & place.HEADER) !== 0) return
  const left = operand(t, 0)
  const then = left > 0 ? comparison(t, left) : -1
  if (then > 0 && then < count && constant(t, 0) && constant(t, then)) {
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
  if (first === T.CALL && count === 2 && !(look.place & place.PATH)) sign(look, rule.call, 0, look.text.length)
  if (first === T.COMPARE && kind[1] === T.LEFT && kind[2] === T.NUMBER && (kind[3] === T.COMMA || kind[3] === T.RIGHT)) sign(look, rule.call, 0, look.text.length)
  if (first === T.RIGHT && (kind[1] === T.COMPARE || kind[1] === T.CLAUSE || kind[1] === T.CASE || kind[1] === T.UNION) && (kind[2] === T.LEFT || kind[3] === T.FROM || kind[4] === T.FROM || kind[5] === T.FROM || kind[3] === T.CASE)) sign(look, rule.clause, 0, look.text.length)
  if (first === T.CALL && lowerWord(look, t, 0) === 'values' && (kind[2] === T.QUOTE || kind[2] === T.NUMBER) && kind[last] === T.RIGHT) sign(look, rule.statement, 0, look.text.length)
  if (first === T.FROM && t.prose === 0) fromFirst(look, t)
  // `'-'`, `'='`, `'like'`: back in the string at once.
  if (count === 3 && first === kind[2] && ((first === T.QUOTE && (kind[1] === T.ARITH || kind[1] === T.COMPARE || kind[1] === T.LOGIC || kind[1] === T.NOT)) || (first === T.DQUOTE && kind[1] === T.ARITH && look.text !== '"*"'))) sign(look, rule.operator, 0, look.text.length)
  if (count === 4 && first === T.QUOTE && kind[3] === T.QUOTE && isOperator(kind[1]!) && isOperator(kind[2]!)) sign(look, rule.operator, 0, look.text.length)
  if (first === T.LOGIC && kind[2] === T.COMPARE && count <= 5 && (kind[1] === T.WORD || kind[1] === T.NUMBER) && last > 2 && (kind[3] === T.WORD || kind[3] === T.NUMBER)) sign(look, rule.tautology, 0, look.text.length)
  if ((first === T.LOGIC || first === T.CONCAT) && (look.place & place.PATH) === 0) leadingCondition(look, t)
  if (first === T.LOGIC && kind[1] === T.CONSTANT && isTruth(look, t, 1) && (count === 2 || kind[2] === T.COMMENT)) sign(look, rule.tautology, 0, look.text.length)
  if (first === T.ORDER && kind[1] === T.BY && kind[2] === T.NUMBER && (kind[3] === T.COMMENT || (kind[3] === T.COMMA && kind[4] === T.NUMBER))) sign(look, rule.clause, 0, look.text.length)
  if (first === T.CLAUSE && left < 0 && kind[2] === T.COMPARE && lowerWord(look, t, 0) === 'having') sign(look, rule.clause, 0, look.text.length)
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

/** MySQL reads `1.e(x)` and `1.e.name` as if the number were not there. */
function exponent (look: Look, t: Tokens, i: number): void {
  const end = t.end[i]!
  const text = look.text
  if (text.charCodeAt(end - 1) === 46 && t.kind[i + 1] === T.WORD && t.start[i + 1] === end && /\.e\.$/i.test(text.slice(end - 3, end))) sign(look, rule.dialect, t.start[i]!, end)
  if ((text.charCodeAt(end - 1) | 32) !== 101 || text.charCodeAt(end - 2) !== 46) return
  const after = text.charCodeAt(end)
  if (after === 40 || (after === 46 && t.kind[i + 2] === T.WORD)) sign(look, rule.dialect, t.start[i]!, end + 2)
}

/** `@@version` as an operand, and `@x = ` at the start. */
function variable (look: Look, t: Tokens, i: number): void {
  const { kind } = t
  if (t.prose > 1 || !brief(look)) return
  if (i === 0) {
    if (kind[1] === T.COMPARE && t.end[1]! - t.start[1]! < 3 && (kind[2] === T.CONSTANT || kind[2] === T.VARIABLE || kind[2] === T.SELECT || (kind[2] === T.LEFT && kind[3] === T.SELECT))) sign(look, rule.dialect, 0, t.end[2]!)
    return
  }
  const before = kind[i - 1]!
  if (look.text.startsWith('@@', t.start[i]) && t.end[i]! - t.start[i]! > 4 && (before === T.COMPARE || before === T.ARITH || before === T.LEFT || before === T.COMMA || before === T.SELECT || before === T.CONCAT)) sign(look, rule.metadata, t.start[i]!, t.end[i]!)
}

const JSON_OPERATOR = /[}\]]'\s*(?:::jsonb?\s*)?(?:->>?|#>>?|@>|<@|\?[|&]?)\s*(?:'|array\s*\[)|'\s*->>?\s*'\$/i
const ESCAPE = /\b(?:or|and|xor|select|union)\s*\{\s*(?:\w+\s|fn\b|`)/i
/** Keywords that a comment is put behind or into. */
const SPLIT = /^(?:select|union|insert|update|delete|drop|alter|create|truncate|exec|execute|declare|waitfor|where|having|from|order|group|and|or|xor|like|into|sleep|concat|information_schema|not|all|distinct|null|by)$/i

/** What only the text itself shows, in short texts. */
function pieces (look: Look, t: Tokens): void {
  const { text } = look
  if (t.quotes > 0 && (look.chars & (C.BRACKET | C.DOLLAR)) !== 0) {
    const found = JSON_OPERATOR.exec(text)
    if (found !== null) sign(look, rule.dialect, found.index, found.index + found[0].length)
  }
  if ((look.chars & C.BRACE) !== 0) {
    const found = ESCAPE.exec(text)
    if (found !== null) sign(look, rule.dialect, found.index, found.index + found[0].length)
  }
  if ((look.pairs & P.SLASH_STAR) !== 0 && t.prose < 3 && (look.place & place.PATH) === 0) comments(look)
}

/** `DROP/*x*\/a`, `DR/**\/OP`: a closed comment right behind a keyword, or inside one. */
function comments (look: Look): void {
  const { text } = look
  let at = text.indexOf('/*')
  for (let tries = 0; at >= 0 && tries < 32; tries++) {
    const close = text.indexOf('*/', at + 2)
    if (close < 0) return
    let start = at
    while (start > 0 && at - start < 20 && isLetter(text.charCodeAt(start - 1))) start--
    let end = close + 2
    while (end < text.length && end - close < 22 && isLetter(text.charCodeAt(end))) end++
    const behind = text.slice(close + 2, end)
    const word = text.slice(start, at)
    if (word !== '' && behind !== '' && (SPLIT.test(word) || SPLIT.test(word + behind))) sign(look, rule.statement, start, end)
    at = text.indexOf('/*', close + 2)
  }
}

function isLetter (code: number): boolean {
  return ((code | 32) >= 97 && (code | 32) <= 122) || code === 95
}

/** Values: what may stand on a side of a comparison. Returns the index after it, or -1. */
function operand (t: Tokens, i: number): number {
  const { kind } = t
  let at = i
  while (at < i + 12 && (kind[at] === T.LEFT || kind[at] === T.NOT || kind[at] === T.MODIFIER || isSign(t, at))) at++
  const first = kind[at]
  if (first === T.QUOTE || first === T.DQUOTE || first === T.TICK) {
    for (let end = at + 1; end <= at + 6; end++) {
      if (kind[end] === first) return end + 1
      if (kind[end] === T.END) return end
    }
    // Open to the end: the application's own quote closes it.
    return at + 2
  }
  if (first === T.NUMBER || first === T.WORD || first === T.CONSTANT || first === T.VARIABLE || first === T.META || first === T.SELECT) return at + 1
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

/** The index after a comparison of one or more words: `is not`, `not like`, `sounds like`; -1 if none stands here. */
function comparison (t: Tokens, i: number): number {
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
function constant (t: Tokens, i: number): boolean {
  const { kind } = t
  let at = i
  while (at < i + 12 && (kind[at] === T.LEFT || kind[at] === T.NOT || kind[at] === T.MODIFIER || isSign(t, at))) at++
  const first = kind[at]
  return first === T.QUOTE || first === T.DQUOTE || first === T.NUMBER || first === T.CONSTANT || first === T.VARIABLE || first === T.CALL
}

function skip (t: Tokens, i: number, ...kinds: number[]): number {
  let at = i
  while (at < i + 8 && kinds.includes(t.kind[at]!)) at++
  return at
}

/** A quote: does the string that the value stands in end here? */
function quote (look: Look, t: Tokens, i: number, even: boolean): void {
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
    if (breaksOut(look, t, i, next)) sign(look, after === T.LOGIC || after === T.COMPARE ? rule.breakout : rule.operator, at, t.end[next + 3]!)
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
  if (code === 35) return even && i > 0 && rest < 3 && tight && t.prose === 0 && t.kind[i - 1] !== T.NUMBER
  if (code === 47) return even && t.prose === 0 && i > 0
  const ends = rest <= 4 || t.prose === 0
  if (t.kind[i] === T.DQUOTE && t.kind[i - 1] === T.NUMBER && comment === i + 1) return false
  return ends && (even ? tight || comment > i + 1 : (i > 1 && t.prose === 0 && t.kind[i - 1] !== T.WORD))
}

/** After a quote and an operator: operands and comparisons as in a condition, up to a quote that leads back into the string. */
function breaksOut (look: Look, t: Tokens, i: number, op: number): boolean {
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

/** Only operators, constants and single words between two tokens. */
function noProse (t: Tokens, from: number, to: number): boolean {
  let words = 0
  for (let i = from; i <= to && i < from + 24; i++) {
    const kind = t.kind[i]
    if (kind === T.OTHER || kind === T.CODE || kind === T.COMMA || kind === T.DOT) return false
    if (kind === T.WORD) words++
  }
  return words <= 2
}

function union (look: Look, t: Tokens, i: number): void {
  const { kind } = t
  const next = skip(t, i + 1, T.MODIFIER, T.LEFT, T.COMMENT, T.ARITH)
  if (kind[next] === T.SELECT) {
    const before = i > 0 ? kind[i - 1] : T.END
    if (isSelectList(t, next + 1) || next > i + 1 || (t.prose < 2 && (before === T.NUMBER || before === T.QUOTE || before === T.DQUOTE || before === T.RIGHT || before === T.SEMI))) sign(look, rule.union, t.start[i]!, t.end[next + 1]!)
  } else if (kind[next] === T.CALL && kind[next + 1] === T.LEFT && lowerWord(look, t, next) === 'values') sign(look, rule.union, t.start[i]!, t.end[next]!)
  else if (kind[i - 1] === T.COMMENT || (i > 0 && kind[next] === T.END && look.text.startsWith('*/', t.start[i]! - 2)) || (kind[next] === T.COMMENT && t.prose === 0 && i > 0) || (next > i + 1 && kind[next] === T.END && t.prose === 0 && i > 0)) sign(look, rule.union, t.start[i]!, t.end[next]!)
}

/** What a column list can begin with, prose excluded. */
function isSelectList (t: Tokens, i: number): boolean {
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

function select (look: Look, t: Tokens, i: number): void {
  const { kind } = t
  const before = i > 0 ? kind[i - 1] : T.END
  const starts = i === 0 || (i === 1 && t.prose === 0)
  if (before === T.SEMI && t.prose < 2 && brief(look) && (i === 1 || kind[i - 2] === T.QUOTE || kind[i - 2] === T.NUMBER || kind[i - 2] === T.RIGHT) && (isSelectList(t, i + 1) || t.prose === 0)) sign(look, rule.stacked, t.start[i - 1]!, t.end[i + 1]!)
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

/** A name as tables and columns have it and prose does not. */
function identifier (look: Look, t: Tokens, i: number): boolean {
  return t.kind[i] === T.WORD && look.text.slice(t.start[i]!, t.end[i]!).includes('_')
}

/** FROM a table: a name that ends the value or is followed by more of the statement. */
function fromTable (t: Tokens, i: number): boolean {
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

/** OR, AND, ||, && and NOT: a comparison of constants follows. */
function condition (look: Look, t: Tokens, i: number): void {
  const { kind } = t
  let next = i + 1
  if (kind[i] === T.NOT && i > 0) return
  if (kind[next] === T.NOT) next++
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

function isTruth (look: Look, t: Tokens, i: number): boolean {
  return t.kind[i] === T.CONSTANT && /^(?:true|false)$/i.test(look.text.slice(t.start[i]!, t.end[i]!))
}

function lowerWord (look: Look, t: Tokens, i: number): string {
  return look.text.slice(t.start[i]!, t.end[i]!).toLowerCase()
}

/** Whether a statement's word is followed by what its grammar wants. */
function isStatement (text: string, t: Tokens, i: number): boolean {
  const { kind } = t
  const next = text.slice(t.start[i + 1]!, t.end[i + 1]!).toLowerCase()
  switch (text.slice(t.start[i]!, t.end[i]!).toLowerCase()) {
    case 'insert': return kind[i + 1] === T.INTO
    case 'update': return kind[i + 1] === T.WORD && (kind[i + 2] === T.STATEMENT || kind[i + 3] === T.STATEMENT) && kind[i + 2] !== T.END
    case 'delete': return kind[i + 1] === T.FROM
    case 'drop': case 'alter': case 'create': case 'truncate': case 'rename':
      return /^(?:table|database|schema|user|view|index|procedure|function|trigger|login|role|column|sequence|alias|temporary|or)$/.test(next) ||
        (kind[i + 1] === T.WORD && t.prose === 0 && (kind[i + 2] === T.COMMENT || (kind[i + 2] === T.SEMI && kind[i + 3] === T.COMMENT))) || (kind[i - 1] === T.SEMI && kind[i + 1] === T.OTHER && text.charCodeAt(t.start[i + 1]!) === 91)
    case 'exec': case 'execute': case 'call':
      return kind[i + 1] === T.META || next === 'master' || next === 'immediate' || next.startsWith('xp_') || next.startsWith('sp_') || kind[i + 1] === T.VARIABLE || (kind[i + 1] === T.LEFT && kind[i + 2] === T.VARIABLE)
    case 'declare': case 'set': return kind[i + 1] === T.VARIABLE
    case 'waitfor': return next === 'delay' || next === 'time'
    case 'shutdown': return kind[i + 1] === T.END || kind[i + 1] === T.COMMENT || kind[i + 1] === T.SEMI || next === 'with'
    case 'load': return next === 'data' || next === 'xml'
    case 'merge': return kind[i + 1] === T.INTO
    case 'copy': return kind[i + 2] === T.FROM || kind[i + 1] === T.LEFT
    case 'grant': case 'revoke': return next === 'all' || kind[i + 2] === T.WORD
    case 'backup': case 'restore': return next === 'database' || next === 'log'
    case 'replace': return kind[i + 1] === T.INTO || (kind[i + 1] === T.WORD && kind[i + 2] === T.LEFT)
    case 'handler': return kind[i + 1] === T.WORD && kind[i + 2] === T.WORD
    case 'begin': return kind[i + 1] === T.STATEMENT
    case 'goto': return kind[i + 1] === T.WORD && t.prose === 0
    case 'select': return isSelectList(t, i + 1)
    case 'show': return t.count < 8 && /^(?:databases|schemas|tables|columns|grants|variables|processlist|triggers|collation)$/.test(next) && (kind[i + 2] !== T.WORD)
    case 'attach': return next === 'database'
    case 'bulk': return kind[i + 1] === T.STATEMENT
    case 'prepare': return kind[i + 2] === T.FROM
    default: return false
  }
}

function statement (look: Look, t: Tokens, i: number): void {
  const { kind } = t
  const text = look.text
  const before = i > 0 ? kind[i - 1]! : T.END
  const word = lowerWord(look, t, i)
  if (word === 'waitfor' && isStatement(text, t, i)) {
    sign(look, rule.delay, t.start[i]!, t.end[i + 2]!)
    return
  }
  if (!isStatement(text, t, i)) {
    if (before === T.SEMI && (kind[i + 1] === T.SELECT || word === 'if')) sign(look, rule.stacked, t.start[i]!, t.end[i + 1]!)
    return
  }
  if (before === T.SEMI || before === T.QUOTE || before === T.DQUOTE || before === T.NUMBER || (before === T.RIGHT && t.prose < 3)) {
    // In an article a semicolon ends an ordinary statement, which starts its own line.
    const two = i > 1 ? kind[i - 2] : T.END
    const opened = before !== T.SEMI || two === T.QUOTE || two === T.NUMBER || two === T.RIGHT || two === T.END || two === T.DQUOTE || t.prose < 3
    if (opened && !(before === T.SEMI && !brief(look) && text.lastIndexOf('\n', t.start[i]!) > t.start[i - 1]!)) sign(look, rule.stacked, t.start[i - 1]!, t.end[i + 2]!)
    return
  }
  if (t.prose < 6 && brief(look) && i < 2 && kind[i + 1] === T.WORD && kind[i + 2] === T.WORD && ((word === 'create' && kind[i + 3] === T.LEFT && (kind[i + 4] === T.WORD || kind[i + 4] === T.TICK)) || (kind[i + 3] === T.WORD && lowerWord(look, t, i + 3) === 'identified'))) sign(look, rule.statement, t.start[i]!, t.end[i + 3]!)
  if (t.prose < 2 && brief(look) && (kind[i + 2] !== T.WORD || kind[i + 3] !== T.WORD || kind[i + 4] !== T.WORD) && word !== 'set' && (i === 0 || t.prose === 0 || (i === 1 && before === T.ARITH))) {
    if (word === 'grant' || word === 'copy' || word === 'goto' || (word === 'update' && kind[i + 4] !== T.COMPARE) || word === 'replace') {
      const program = word === 'copy' && (kind[i + 3] === T.QUOTE || (kind[i + 3] === T.WORD && kind[i + 4] === T.QUOTE))
      if (t.count < 8 && !program) return
    }
    if (kind[i + 2] === T.WORD && kind[i + 3] !== T.MODIFIER && kind[i + 3] !== T.END && kind[i + 3] !== T.SEMI && kind[i + 3] !== T.COMMENT && kind[i + 3] !== T.COMMA && word === 'drop') return
    sign(look, rule.statement, t.start[i]!, t.end[i + 2]!)
  }
}

function call (look: Look, t: Tokens, i: number): void {
  const { kind } = t
  const name = lowerWord(look, t, i)
  const closes = kind[i + 2] === T.RIGHT
  const left = constant(t, i + 2) ? operand(t, i + 2) : -1
  if (left > 0 && kind[left] === T.COMPARE && t.end[left]! - t.start[left]! < 3 && constant(t, left + 1) && brief(look) && t.prose < 3) {
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
function nested (look: Look, t: Tokens, first: number, calls: number): void {
  let depth = 0
  let signs = 0
  for (let i = first; i < t.count; i++) {
    const kind = t.kind[i]
    if (kind === T.LEFT) depth++
    else if (kind === T.RIGHT) depth--
    else if (kind === T.CALL && depth > 0) signs++
    else if (kind === T.VARIABLE || kind === T.CONCAT || (kind === T.NUMBER && look.text.charCodeAt(t.start[i]! + 1) === 120)) signs++
    else if (kind === T.OTHER || kind === T.CODE) return
  }
  if (signs > 0 && calls > 1) sign(look, rule.call, t.start[first]!, t.end[first + 3]!)
}

function meta (look: Look, t: Tokens, i: number): void {
  const { kind } = t
  const before = i > 0 ? kind[i - 1]! : T.END
  const alone = t.count <= 3 && t.prose === 0
  const used = before === T.FROM || before === T.DOT || before === T.STATEMENT || before === T.INTO || before === T.COMMA || kind[i + 1] === T.DOT || kind[i + 1] === T.LEFT || kind[i + 1] === T.QUOTE
  if ((used && (brief(look) || before === T.FROM || before === T.INTO)) || alone || (brief(look) && t.prose === 0)) sign(look, rule.metadata, t.start[i]!, t.end[i + 1]!)
}

function clause (look: Look, t: Tokens, i: number): void {
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

/** PostgreSQL's `::type` where no program code has it. */
function cast (look: Look, t: Tokens, i: number): void {
  const before = i > 0 ? t.kind[i - 1]! : T.END
  if (t.kind[i + 1] !== T.WORD || t.prose > (before === T.RIGHT ? 2 : 0) || look.count > 15) return
  const type = lowerWord(look, t, i + 1)
  if (/^(?:int|int4|int8|integer|bigint|text|varchar|bool|boolean|json|jsonb|numeric|float|double|date|timestamp|regclass|name|bytea)$/.test(type) &&
    (before === T.QUOTE || before === T.RIGHT || before === T.WORD || before === T.NUMBER || before === T.CONSTANT)) sign(look, rule.dialect, t.start[i]!, t.end[i + 1]!)
}

/** `... --`, `... #`, `... ;--` at the end of an expression that no prose has. */
function trailing (look: Look, t: Tokens): void {
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
  if (/^(?:\s*<!--|```)/.test(look.text)) return
  if (operators >= 2 && words <= 3 && !isProgram(look)) sign(look, rule.trailing, t.start[0]!, t.end[count - 1]!)
}

const ONLY_SQL = /^\W{0,3}(?:xor|rlike|regexp|n?varchar|is (?:not )?null|(?:order|group) by|schema_name|openrowset|northwind|msdb|tempdb|master\.\.\w*|msysaccessobjects|msdasql|sqloledb|information_schema|table_name|not (?:like|in|between|regexp)|union (?:all|select)|select pg_sleep|having|div|sounds like|waitfor|benchmark|extractvalue|updatexml|randomblob|4294967296|0x[0-9a-f]{4,})\W{0,3}$/i
const QUOTE_HINT = /(?:^|\w)['"`]\s*(?:or|and|xor|\|\||&&|not|n?like|rlike|regexp|is|in|between|having|union|order|group|limit|div|mod|collate|as|from|select|where)(?:\b|_|$)/i
const STRONG = /['"`]\s*(?:or|and|xor|\|\||&&|like|rlike|regexp|union)/i
const HINT = /\\['"`]|['"`]\s*[*^%~]\s*(?:\d|from\b|$|['"`])|\\?\b0x[0-9a-f]{2,}|\\x[0-9a-f]{2}|\blike\s+['"]$|\w\s*(?:=|!=|<>|[<>]=?)\s*\($|&&\s*[!(]|\|\|\s*\(|!!!|^\s*(?:and|or|xor)\s+['"`]?\w+['"`]?\s*(?:[=<>]|like\b|$)|^\s*['"`][.*?^=#<>|&;,%+-]|^[&|^<>]{1,2}["'`]?$|^(?:"'|'")$|\w\s["'`]$|\({4,}|(?:^|=)\|\|\s*\w+\s*=|(?:AND|OR|Or|XOR|and|or)\s+$|,\s*'?\d+'?\s*=\s*'?\d|'\d+'\s*=\s*'\d|'\s*\?|#['"]|['"`];$|['"]\s*['"]\s+\d|^`\w+`$|\b(?:as|from)\s+["'`]\w+["'`]\s+from\b|["'`]\s+from\b|^(?:execute|exec|declare|truncate|drop|alter|grant|revoke|union|insert|merge)\s+[\w.[\]`]+\s*;?$|--\s*(?:alter|drop|select|union|insert|create|exec)|^div\s*\(|['"]?,\s*\(?\d+\)\s*$|,\s*\w+["'`]$|,\s*0x|[,;]\s{2,}(?:as|not|from)\b|union\s*select|\(\s*(?:all|distinct)\s*\(/i

/** Whether the quote that was found is the first, third, ... of its kind: it ends the string that the value stands in. */
function opens (text: string, found: RegExpExecArray): boolean {
  const at = found.index + (/\w/.test(found[0][0]!) ? 1 : 0)
  let before = 0
  for (let i = text.indexOf(text[at]!); i < at; i = text.indexOf(text[at]!, i + 1)) before++
  return before % 2 === 0
}

/** Level 2: a value that is nothing but a piece of SQL, or a word of SQL behind a quote. */
function fragment (look: Look, t: Tokens): void {
  const { kind, count } = t
  const { text } = look
  if (count === 0 || t.prose > 2 || count > 24 || (look.place & (place.HEADER | place.PATH)) !== 0) return
  if (text.length < 60 && (look.on[rule.word.no] === 1) && ONLY_SQL.test(text)) sign(look, rule.word, 0, text.length)
  if (look.count < 16 && look.on[rule.hint.no] === 1 && look.score < look.threshold) {
    const broken = QUOTE_HINT.exec(text)
    const found = broken !== null && opens(text, broken) && (t.prose === 0 || STRONG.test(broken[0])) ? broken : t.prose === 0 ? HINT.exec(text) : null
    if (found !== null) sign(look, rule.hint, found.index, found.index + found[0].length)
  }
  if (t.prose > 0 || count > 12) return
  const first = kind[0]
  const last = kind[count - 1]
  if (last === T.LEFT && /^\W*\w+\W*\($/.test(text)) sign(look, rule.fragment, 0, text.length)
  if (first === T.CALL && (last === T.LEFT || count <= 5) && t.start[1] === t.end[0]) sign(look, rule.fragment, 0, text.length)
  else if ((first === T.LOGIC || first === T.CLAUSE || first === T.UNION || first === T.ORDER || first === T.CONCAT) && count > 1 && (kind[1] === T.NUMBER || kind[1] === T.BY || kind[1] === T.COMPARE || kind[2] === T.COMPARE || kind[2] === T.CODE)) sign(look, rule.fragment, 0, text.length)
  else if ((first === T.QUOTE || first === T.DQUOTE || first === T.TICK) && (kind[1] === T.LOGIC || kind[1] === T.COMPARE || kind[1] === T.ARITH || kind[1] === T.SEMI || kind[1] === T.UNION)) sign(look, rule.fragment, 0, text.length)
  else if (first === T.RIGHT && (kind[1] === T.COMPARE || kind[1] === T.CLAUSE || kind[1] === T.CASE || kind[1] === T.UNION)) sign(look, rule.fragment, 0, text.length)
}
