import { brief, type Look, sign } from './look.ts'
import { isSelectList, lowerWord } from './sql-grammar.ts'
import { T, type Tokens } from './sql-tokens.ts'
import { rule } from './sqli-rules.ts'

/** Whether a statement's word is followed by what its grammar wants. */
export function isStatement (text: string, t: Tokens, i: number): boolean {
  const { kind } = t
  const next = text.slice(t.start[i + 1]!, t.end[i + 1]!).toLowerCase()
  switch (text.slice(t.start[i]!, t.end[i]!).toLowerCase()) {
    case 'insert': return kind[i + 1] === T.INTO
    case 'update': return kind[i + 1] === T.WORD && (kind[i + 2] === T.STATEMENT || kind[i + 3] === T.STATEMENT) && kind[i + 2] !== T.END
    case 'delete': return kind[i + 1] === T.FROM
    case 'drop': case 'alter': case 'create': case 'truncate': case 'rename':
      return /^(?:table|database|schema|user|view|index|procedure|function|trigger|login|role|column|sequence|alias|temporary)$/.test(next) || (next === 'or' && kind[i + 2] === T.STATEMENT) ||
        (kind[i + 1] === T.WORD && t.prose === 0 && (kind[i + 2] === T.COMMENT || (kind[i + 2] === T.SEMI && kind[i + 3] === T.COMMENT))) || (kind[i - 1] === T.SEMI && kind[i + 1] === T.OTHER && text.charCodeAt(t.start[i + 1]!) === 91)
    case 'exec': case 'execute': case 'call':
      return kind[i + 1] === T.META || next === 'master' || next === 'immediate' || next.startsWith('xp_') || next.startsWith('sp_') || kind[i + 1] === T.VARIABLE || (kind[i + 1] === T.LEFT && kind[i + 2] === T.VARIABLE)
    case 'declare': case 'set': return kind[i + 1] === T.VARIABLE || (/^(?:global|session|local|persist)$/.test(next) && kind[i + 3] === T.COMPARE)
    case 'pragma': return kind[i + 2] === T.LEFT || kind[i + 2] === T.COMPARE
    case 'waitfor': return next === 'delay' || next === 'time'
    case 'shutdown': return kind[i + 1] === T.END || kind[i + 1] === T.COMMENT || kind[i + 1] === T.SEMI || next === 'with'
    case 'load': return next === 'data' || next === 'xml'
    case 'merge': return kind[i + 1] === T.INTO
    case 'copy': return kind[i + 2] === T.FROM || kind[i + 1] === T.LEFT || (kind[i + 2] === T.WORD && (kind[i + 3] === T.QUOTE || (kind[i + 3] === T.WORD && kind[i + 4] === T.QUOTE)))
    case 'grant': case 'revoke': return next === 'all' || kind[i + 2] === T.COMMA || /^(?:to|on|from)$/i.test(text.slice(t.start[i + 2]!, t.end[i + 2]!))
    case 'backup': case 'restore': return next === 'database' || next === 'log'
    case 'replace': return kind[i + 1] === T.INTO || (kind[i + 1] === T.WORD && kind[i + 2] === T.LEFT)
    case 'handler': return kind[i + 1] === T.WORD && /^(?:open|read|close)$/i.test(text.slice(t.start[i + 2]!, t.end[i + 2]!))
    case 'begin': return kind[i + 1] === T.STATEMENT || kind[i + 2] === T.DOT
    case 'goto': return kind[i + 1] === T.WORD && t.prose === 0
    case 'select': return isSelectList(t, i + 1)
    case 'show': return t.count < 8 && /^(?:databases|schemas|tables|columns|grants|variables|processlist|triggers|collation)$/.test(next) && (kind[i + 2] !== T.WORD)
    case 'attach': return next === 'database'
    case 'bulk': return kind[i + 1] === T.STATEMENT
    case 'prepare': return kind[i + 2] === T.FROM
    default: return false
  }
}

export function statement (look: Look, t: Tokens, i: number): void {
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
    // A call's argument is a string of its own, not the end of another.
    if ((before === T.QUOTE || before === T.DQUOTE) && two === T.LEFT && i > 2 && t.end[i - 1] === t.start[i]) return
    if (before !== T.SEMI && !brief(look) && text.slice(t.end[i - 1]!, t.start[i]!).includes('\n')) return
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
