import { rule } from './command-rules.ts'
import { last, rank, read } from './command-words.ts'
import { brief, inFence, isProgram, isSentence, isSpace, isWord, type Look, sign, skipSpace } from './look.ts'
import * as place from './place.ts'
import { C } from './scan.ts'
import { wordSet } from './sql-words.ts'

const WRAPPERS = wordSet('sudo time nohup env exec command builtin eval nice timeout setsid busybox strace xargs watch doas su stdbuf ionice flock chroot unshare nsenter script start cmd call')
/** Words that are whole commands. */
const ALONE = wordSet('id ls ps who env pwd dir ver net cat w df du uptime ip ss tty arch')
/** Those that are also plain words: only right behind the separator. */
const ALONE_TIGHT = wordSet('set top date free last sleep ping reboot halt shutdown history groups host dig hash jobs mount vol exit vol calc pinky compgen jobs declare tree')

/** `music|history|art`: a list of plain words, as tags and categories are sent. */
const WORD_LIST = /^[a-z]+(?:[|;][a-z]+){2,15}$/i

const ALONE_OR_SET = wordSet('id ls ps who env pwd dir ver set w df du uptime whoami uname')

/** Command lines whose arguments are plain words. */
const LINE = /^(?:ps\s+(?:aux|-?ef|ax|a)\b|docker\s+(?:ps|run|exec|images|pull|build|inspect)\b|git\s+(?:clone|push|pull|config|log|status|show|diff|checkout)\b|(?:apt|yum|dnf|apk|snap|pip3?|gem|npm|brew|cpan|go)\s+(?:install|update|upgrade|remove|get|list|search|run|exec)\b|service\s+[\w.-]+\s+(?:start|stop|status|restart)\b|tar\s+-?[cxtzjvpf]{2,}\s|scp\s+\S+\s+\S+:|ip\s+(?:a|addr|route|link|neigh)\b|nc\s+\S+\s+\d|set\s+\/[ap]\b|start\s+\w+(?:\.exe)?\s*$|(?:reg|sc)\s+(?:query|add|delete|config|create|start|stop)\b|help\s+\w+\s*$|ex\s+\S+\s+\+)/i

/** Commands with plain words behind, or none, that count where a number or a closed string stands before the separator. */
const PRINTS = /^(?:echo|printf|expr|su|mv|cp|zip|java|export|reboot|halt|shutdown|history|mount|jobs|touch|tee)$/i
const BARE = /^(?:export|reboot|halt|shutdown|history|mount|jobs)$/i
const VALUE_END = /^[-\d.'"\s)]*$/

/** What a command must have to count in an article. */
const ARTICLE = /\/etc\/|\/bin\/(?:ba)?sh|\/dev\/tcp|whoami|ifconfig|ipconfig|systeminfo/i

/** Each separator: does a command follow? */
export function separators (look: Look, chatty: boolean): void {
  const { text, chars } = look
  if ((chars & (C.SEMI | C.PIPE | C.AMP | C.LINE)) === 0) return
  const table = (chars & C.PIPE) !== 0 && (chars & C.LINE) !== 0 && /\|[^\n|]*\|[^\n|]*\|/.test(text.slice(0, 4000)) && text.includes('\n')
  const article = !brief(look)
  const lines = (look.place & (place.QUERY | place.FORM | place.COOKIE | place.HEADER | place.VALUE)) !== 0 ? look.count < 30 : look.count <= 4
  if (article && !ARTICLE.test(text)) return
  const length = text.length
  for (let at = 0; at < length && look.score < look.threshold; at++) {
    const code = text.charCodeAt(at)
    if (code !== 59 && code !== 124 && code !== 38 && (code !== 10 || !lines)) continue
    if (code === 124 && table) continue
    let next = at + 1
    while (next < length && (isSpace(text.charCodeAt(next)) || text.charCodeAt(next) === 124 || text.charCodeAt(next) === 38 || text.charCodeAt(next) === 40 || text.charCodeAt(next) === 123)) next++
    if (next >= length) break
    const double = text.charCodeAt(at + 1) === code
    let end = read(text, next)
    let word = last.word
    let tricks = last.tricks
    let kind = word === '' ? 0 : rank(word)
    const raw = text.slice(next, end)
    // `| 'set' |`, `a "x|sort"`: a word in quotes, or the quote that closes around the separator, breaks no word.
    if (tricks > 0 && (look.place & TEXTS) !== 0 && (/^[\w./-]+['"]$/.test(raw) || (/^['"][\w./-]+['"]$/.test(raw) && /['"\])]\s*$/.test(text.slice(Math.max(0, at - 20), at))))) tricks = 0
    if (kind > 0 && WRAPPERS.has(word) && isSpace(text.charCodeAt(end))) {
      const wrapped = read(text, skipSpace(text, end))
      const inner = last.word === '' ? 0 : rank(last.word)
      if (inner > 0) {
        end = wrapped
        word = last.word
        tricks += last.tricks
        kind = 2
      }
    }
    if (kind > 0 && !shellLine(text, at) && !(code === 59 && kind < 2 && isProgram(look)) && isCommand(look, at, code, next, end, word, kind, tricks, double, chatty, article)) {
      sign(look, tricks > 0 && kind === 1 ? rule.hidden : rule.chain, at, end + 8)
      return
    }
    at = Math.max(at, next - 1)
  }
}

/** Whether the line before a separator is itself a command of a developer, as instructions show it. */
function shellLine (text: string, at: number): boolean {
  return /(?:^|\n)[ \t>`]*(?:\$ )?(?:git|npm|npx|yarn|pnpm|cd(?![ \t]+[/~.])|make|brew|cargo|pip)[ \t][^\n]*$/.test(text.slice(Math.max(text.lastIndexOf('\n', at), at - 200, 0), at))
}

/** Places that take longer texts. */
const TEXTS = place.JSON_VALUE | place.FORM | place.TEXT

/** Whether a separator stands in a list of plain words. */
function listed (text: string, at: number): boolean {
  let from = at
  let to = at
  while (from > 0 && at - from < 100 && !isSpace(text.charCodeAt(from - 1))) from--
  while (to < text.length && to - at < 100 && !isSpace(text.charCodeAt(to))) to++
  return WORD_LIST.test(text.slice(from, to))
}

/** Whether a command ends here. */
function finishedAt (rest: string): boolean {
  return /^\s*(?:$|[;|&`)<>\n"'}#%])/.test(rest)
}

function isCommand (look: Look, at: number, code: number, next: number, end: number, word: string, kind: number, tricks: number, double: boolean, chatty: boolean, article: boolean): boolean {
  const { text } = look
  const after = text.charCodeAt(end)
  const rest = text.slice(end, end + 60)
  // `&id=5` in a link, `; charset=utf-8` in a header, `;width:5px` in a style, `&amp;`.
  if (inFence(look, at, true)) return false
  if (code === 59 && /&#?\w{2,10}$/.test(text.slice(Math.max(0, at - 12), at)) && (look.place & TEXTS) !== 0) return false
  // `; Make 'x'`, `| Vim quits`: a word that begins a sentence.
  if ((look.place & TEXTS) !== 0 && (look.count > 6 || look.told) && /^[A-Z](?:[a-z]+[\d.]*|[A-Z]{1,3})$/.test(word) && tricks === 0 && !/^\s+(?:-\w|[/.~]|\w:)/.test(rest)) return false
  if (kind === 1 && code === 59 && /^\s+[`"'*]/.test(rest) && isSentence(look)) return false
  if (code !== 10 && kind === 2 && tricks === 0 && !double && (look.place & TEXTS) !== 0 && (look.told ? /^(?:\s+[a-z]{2,20})(?:[.,]?$|\s+[a-z]{2,20}[.,]?(?:$|\s))/ : /^\s+[a-z]+(?:\s+[a-z]+){2}/).test(rest) && isSentence(look)) return false
  if (after === 44 || after === 61 || (after === 58 && code === 59) || (after === 59 && code === 38 && next === at + 1 && !double)) return false
  if (after === 40 && code !== 10) return /^\(\s*\)?\s*$/.test(rest) ? false : kind === 2 && /^\(["']/.test(rest)
  if (code === 10 && (kind < 2 || article || !/^[ \t]*(?:$|[-/|;>&$"'~.]|https?:|\w+[./-])/.test(rest))) {
    if (at < 3 && look.count <= 2 && finishedAt(rest) && ALONE.has(word.toLowerCase())) return true
    // `127.0.0.1`, then a command on a line of its own.
    if (look.count < 8 && finishedAt(rest) && /^(?:\d[\d.:]*|[\w@.-]*\.[\w.-]+)\s*$/.test(text.slice(0, at)) && (kind === 2 || ALONE.has(word.toLowerCase()))) return true
    if (look.count <= 2 && kind === 2 && finishedAt(rest) && (look.place & (place.QUERY | place.COOKIE | place.HEADER | place.VALUE)) !== 0) return true
    return !article && /^[ \t]+(?:-\w|\/\w)/.test(rest) && look.count < 12
  }
  if (at === 0 && finishedAt(rest) && ALONE_OR_SET.has(word.toLowerCase()) && look.count <= 2) return true
  // `;history`: nothing but a separator and a command.
  if (at === 0 && code !== 38 && code !== 10 && finishedAt(rest) && look.count === 1) return true
  if (chatty && (kind < 2 || !/^\s*(?:[-/|;>&$]|https?:|$)/.test(rest) || /\//.test(word))) return false
  const quoted = tricks > 0
  const finished = finishedAt(rest)
  const argued = /^(?:\s+|\$IFS|\$\{IFS|<|>|%09|%20)[{$]*(?:-{1,2}\w|[/.~$*?%"'`\\<>]|https?:|\d|[\w-]*[./@:*?$][\w/]|[a-z]:|\/)/i.test(rest) || (kind === 2 && /^\s+[\w.-]+\s*(?:$|[;|&>`)])/.test(rest))
  if (article) {
    // In an article a separator followed by a command is nearly always shown code.
    const strong = /(?:\/etc\/\w|\/bin\/(?:ba)?sh|\/dev\/tcp)/.test(rest) || (/^(?:whoami|ifconfig|ipconfig|systeminfo)$/i.test(word) && finished)
    return strong && !/[\w,.]\s+\w+\s*$/.test(text.slice(Math.max(0, at - 30), at))
  }
  if (kind === 1 && !quoted && code !== 10 && look.count <= 6 && PRINTS.test(word)) {
    const value = VALUE_END.test(text.slice(Math.max(0, at - 40), at))
    if (finished ? value && BARE.test(word) : (double || value) && /^\s+[\w.'"-]/.test(rest)) return true
  }
  if (kind === 1 && finished && !ALONE.has(word.toLowerCase()) && listed(text, at)) return false
  if (kind === 1 && finished && !argued && !quoted && !ALONE.has(word.toLowerCase()) && !(next === at + 1 && ALONE_TIGHT.has(word.toLowerCase()))) return false
  if (kind === 2) return finished || argued || code !== 38 || double || quoted || /^\s/.test(rest)
  if (code === 38 && !double && next === at + 1 && !quoted && !argued) return finished && /^(?:id|ls|dir|pwd|ps|ver|net|whoami|set|env|w|sleep|ping|apt|aptitude)$/i.test(word) && text.length < 60 && !/[?&]\w+=/.test(text.slice(0, at))
  if (quoted) return finished || argued
  if (code !== 10 && LINE.test(text.slice(next, next + 60))) return true
  if (at === 0 && look.count <= 4 && !double && code !== 38) return true
  const before = at > 0 ? text.charCodeAt(at - 1) : 0
  if (code === 59 && isWord(before) && text.charCodeAt(at + 1) === 32 && !argued) return finished && look.count <= 6 && text.length < 80
  // A sentence goes on with plain words: "; find out more".
  if (/^\s+[a-z]+(?:\s+[a-z]+){2,}/i.test(rest) && !/^\s+-/.test(rest)) return false
  return finished || argued
}
