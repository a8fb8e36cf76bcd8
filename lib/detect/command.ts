import { lines } from './command-lines.ts'
import { rule } from './command-rules.ts'
import { separators } from './command-separators.ts'
import { last, rank, read } from './command-words.ts'
import { K } from './keywords.ts'
import { brief, inFence, isSpace, type Look, sign, signIf, skipSpace } from './look.ts'
import * as place from './place.ts'
import { C, P } from './scan.ts'

export function mayBeCommand (look: Look): boolean {
  const { chars, words, pairs } = look
  if (look.on[rule.tilde.no] === 1 && (chars & C.CARET) !== 0) return true
  const commands = words & (K.SHELL | K.SHELL_SURE | K.WINDOWS)
  if (commands !== 0 && (chars & (C.SEMI | C.PIPE | C.AMP | C.BACKTICK | C.LINE | C.DOLLAR | C.BRACE | C.SLASH | C.GT | C.LT | C.PERCENT | C.QUOTE | C.DQUOTE | C.MINUS | C.BACKSLASH)) !== 0) return true
  if ((chars & C.EQ) !== 0 && (look.text.startsWith('-') || look.text.startsWith('alias '))) return true
  if ((chars & C.BANG) !== 0 && look.text.startsWith('!-')) return true
  if ((chars & (C.DQUOTE | C.QUOTE)) !== 0 && (look.text.startsWith('""') || look.text.startsWith("''"))) return true
  if ((words & (K.SHELL_SURE | K.WINDOWS)) !== 0 && look.count < 12) return true
  if ((pairs & (P.DOLLAR_PAREN | P.LT_PAREN)) !== 0 || look.text.includes('() {') || look.text.includes('(){')) return true
  return look.count < 30 && (chars & (C.SEMI | C.PIPE | C.AMP | C.DOLLAR | C.BACKTICK | C.BRACE | C.BRACKET | C.STAR | C.BANG | C.CARET)) !== 0 && (chars & (C.BACKSLASH | C.QUOTE | C.DQUOTE | C.DOLLAR | C.STAR | C.BANG | C.BRACKET | C.SLASH | C.BRACE | C.BACKTICK | C.CARET | C.DOT)) !== 0
}

export function command (look: Look): void {
  const { chars } = look
  const chatty = (look.place & place.CHATTY) !== 0
  if ((chars & C.PAREN) !== 0 && (chars & C.BRACE) !== 0) signIf(look, rule.function, /(?:^|[\s;"'=])(?:\(\)|[:\w.]+\s*\(\s*\))\s*\{\s*(?::|\.|[\w:]+(?:\(\))?\s*[|&]|\w*\s*$|_;)|^\(\)\s*\{/)
  if (look.score < look.threshold) separators(look, chatty)
  if (look.score < look.threshold && (chars & C.DOLLAR) !== 0) dollars(look)
  if (look.score < look.threshold && (chars & C.BACKTICK) !== 0) backticks(look)
  if (look.score >= look.threshold || !brief(look)) {
    if (!brief(look)) {
      if ((chars & C.SLASH) !== 0 && look.text.includes('/dev/')) signIf(look, rule.network, /\/dev\/(?:tcp|udp)\/\d/)
      if ((chars & C.PERCENT) !== 0 && (chars & C.SLASH) !== 0) signIf(look, rule.loop, /\bFOR\s+\/[FLDR]\s+%/)
    }
    return
  }
  if (!chatty || (chars & C.SLASH) !== 0) lines(look)
}

/** `$(`, `${`, `$IFS`, `<(`: substitutions. */
function dollars (look: Look): void {
  const { text } = look
  const short = brief(look)
  if (short && ((look.chars & (C.BRACE | C.AT | C.QUOTE | C.PERCENT | C.MINUS)) !== 0 || (look.words & K.SHELL_SURE) !== 0)) signIf(look, rule.spaces, /\$\{?IFS\b|\$\{(?:PATH|HOME|PWD|SHELL|LS_COLORS|OLDPWD|HOSTNAME|PS\d)[:%#}]|\$\{?SHELL\}?\s+-|\$@|\$'\\|%(?:PROGRAMFILES|COMSPEC|SYSTEMROOT|PATH|HOMEPATH)(?::|%)/i)
  for (let at = text.indexOf('$('); at >= 0 && look.score < look.threshold; at = text.indexOf('$(', at + 2)) {
    let from = at + 2
    while (isSpace(text.charCodeAt(from)) || text.charCodeAt(from) === 40) from++
    const end = read(text, from)
    const word = last.word
    const kind = word === '' ? 0 : rank(word)
    const after = text.charCodeAt(end)
    if (text.charCodeAt(at + 2) === 40 && short && /^\(\(?\s*\d+\s*(?:[-+*/]\s*\d+|\)\))/.test(text.slice(at + 2, at + 30))) sign(look, rule.substitution, at, end)
    else if (kind > 0 && (isSpace(after) || after === 41 || after === 60 || after === 36 || after === 124 || after === 59)) {
      if (short ? (kind === 2 || !/^\w+\s+[a-z]+\s+[a-z]+\s+[a-z]+/.test(text.slice(from, from + 60))) : kind === 2 && /^(?:whoami|uname|ifconfig)$/.test(word) && !inFence(look, at) && after === 41) sign(look, rule.substitution, at, end)
    } else if (short && look.count < 6 && after === 41 && (word === 'cmd' || last.tricks > 0)) sign(look, rule.substitution, at, end)
  }
}

/** Commands in backticks; in an article backticks quote code, and count for nothing. */
function backticks (look: Look): void {
  const { text } = look
  if (!brief(look)) return
  let open = text.indexOf('`')
  while (open >= 0 && look.score < look.threshold) {
    if (text.startsWith('```', open)) {
      open = text.indexOf('`', Math.max(text.indexOf('```', open + 3), open) + 3)
      continue
    }
    const from = skipSpace(text, open + 1)
    const end = read(text, from)
    const kind = last.word === '' ? 0 : rank(last.word)
    const close = text.indexOf('`', open + 1)
    if (kind > 0 && (close < 0 || close >= end) && !(close > 0 && /^(?:npm|npx|yarn|pnpm)$/.test(last.word))) {
      const before = open > 0 ? text.charCodeAt(open - 1) : 0
      const prose = open > 2 && isSpace(before) && /[a-z,.:]\s+$/i.test(text.slice(Math.max(0, open - 12), open))
      const listed = close > 0 && BLOCK.test(text.slice(text.lastIndexOf('\n', open) + 1, open))
      const alone = (close === text.length - 1 || close < 0) && open < 3
      if (!prose && !listed && !sentence(text, close) && (alone || kind === 2 || look.count < 10) && close - open !== 1) sign(look, rule.backtick, open, end)
    }
    if (close < 0) break
    open = text.indexOf('`', close + 1)
  }
}

/** What begins a heading, a list item or a quote in Markdown. */
const BLOCK = /^\s*(?:#{2,6}|[-*>+|]|\d+\.) /

/** Whether a sentence goes on behind a span of code: `name` does so. */
function sentence (text: string, close: number): boolean {
  return close > 0 && /^(?: [a-z]{2,}){2}/i.test(text.slice(close + 1, close + 60))
}
