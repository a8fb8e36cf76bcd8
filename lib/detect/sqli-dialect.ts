import { brief, type Look, sign } from './look.ts'
import * as place from './place.ts'
import { C, P } from './scan.ts'
import { lowerWord } from './sql-grammar.ts'
import { T, type Tokens } from './sql-tokens.ts'
import { rule } from './sqli-rules.ts'

/** MySQL reads `1.e(x)` and `1.e.name` as if the number were not there. */
export function exponent (look: Look, t: Tokens, i: number): void {
  const end = t.end[i]!
  const text = look.text
  if (text.charCodeAt(end - 1) === 46 && t.kind[i + 1] === T.WORD && t.start[i + 1] === end && /\.e\.$/i.test(text.slice(end - 3, end))) sign(look, rule.dialect, t.start[i]!, end)
  if ((text.charCodeAt(end - 1) | 32) !== 101 || text.charCodeAt(end - 2) !== 46) return
  const after = text.charCodeAt(end)
  if (after === 40 || (after === 46 && t.kind[i + 2] === T.WORD)) sign(look, rule.dialect, t.start[i]!, end + 2)
}

/** `@@version` as an operand, and `@x = ` at the start. */
export function variable (look: Look, t: Tokens, i: number): void {
  const { kind } = t
  if (t.prose > 1 || !brief(look)) return
  if (i === 0) {
    if (kind[1] === T.COMPARE && t.end[1]! - t.start[1]! < 3 && (kind[2] === T.CONSTANT || kind[2] === T.VARIABLE || kind[2] === T.SELECT || (kind[2] === T.LEFT && kind[3] === T.SELECT))) sign(look, rule.dialect, 0, t.end[2]!)
    return
  }
  const before = kind[i - 1]!
  if (look.text.startsWith('@@', t.start[i]) && t.end[i]! - t.start[i]! > 4 && (before === T.COMPARE || before === T.ARITH || before === T.LEFT || before === T.COMMA || before === T.SELECT || before === T.CONCAT)) sign(look, rule.metadata, t.start[i]!, t.end[i]!)
}

/** PostgreSQL's `::type` where no program code has it. */
export function cast (look: Look, t: Tokens, i: number): void {
  const before = i > 0 ? t.kind[i - 1]! : T.END
  if (t.kind[i + 1] !== T.WORD || t.prose > (before === T.RIGHT ? 2 : 0) || look.count > 15) return
  const type = lowerWord(look, t, i + 1)
  if (/^(?:int|int4|int8|integer|bigint|text|varchar|bool|boolean|json|jsonb|numeric|float|double|date|timestamp|regclass|name|bytea)$/.test(type) &&
    (before === T.QUOTE || before === T.RIGHT || before === T.WORD || before === T.NUMBER || before === T.CONSTANT)) sign(look, rule.dialect, t.start[i]!, t.end[i + 1]!)
}

const JSON_OPERATOR = /[}\]]'\s*(?:::jsonb?\s*)?(?:->>?|#>>?|@>|<@|\?[|&]?)\s*(?:'|array\s*\[)|'\s*->>?\s*'\$/i
const ESCAPE = /\b(?:or|and|xor|select|union)\s*\{\s*(?:\w+\s|fn\b|`)/i
/** Keywords that a comment is put behind or into. */
const SPLIT = /^(?:select|union|insert|update|delete|drop|alter|create|truncate|exec|execute|declare|waitfor|where|having|from|order|group|and|or|xor|like|into|sleep|concat|information_schema|not|all|distinct|null|by)$/i

/** What only the text itself shows, in short texts. */
export function pieces (look: Look, t: Tokens): void {
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
