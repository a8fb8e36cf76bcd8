import { type Look, sign } from './look.ts'
import * as place from './place.ts'
import { T, type Tokens } from './sql-tokens.ts'
import { rule } from './sqli-rules.ts'

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
export function fragment (look: Look, t: Tokens): void {
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
  if (first === T.SELECT && kind[1] === T.WORD && kind[2] === T.FROM && kind[3] === T.WORD && (count === 4 || (count === 5 && last === T.SEMI))) sign(look, rule.fragment, 0, text.length)
  if (last === T.LEFT && /^\W*\w+\W*\($/.test(text)) sign(look, rule.fragment, 0, text.length)
  if (first === T.CALL && (last === T.LEFT || count <= 5) && t.start[1] === t.end[0]) sign(look, rule.fragment, 0, text.length)
  else if ((first === T.LOGIC || first === T.CLAUSE || first === T.UNION || first === T.ORDER || first === T.CONCAT) && count > 1 && (kind[1] === T.NUMBER || kind[1] === T.BY || kind[1] === T.COMPARE || kind[2] === T.COMPARE || kind[2] === T.CODE)) sign(look, rule.fragment, 0, text.length)
  else if ((first === T.QUOTE || first === T.DQUOTE || first === T.TICK) && (kind[1] === T.LOGIC || kind[1] === T.COMPARE || kind[1] === T.ARITH || kind[1] === T.SEMI || kind[1] === T.UNION)) sign(look, rule.fragment, 0, text.length)
  else if (first === T.RIGHT && (kind[1] === T.COMPARE || kind[1] === T.CLAUSE || kind[1] === T.CASE || kind[1] === T.UNION)) sign(look, rule.fragment, 0, text.length)
}
