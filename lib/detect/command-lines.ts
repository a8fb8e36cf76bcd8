import { rule } from './command-rules.ts'
import { last, rank, read, SUITES } from './command-words.ts'
import { K } from './keywords.ts'
import { isSentence, type Look, sign, signIf, skipSpace } from './look.ts'
import * as place from './place.ts'
import { C } from './scan.ts'

const NETWORK = /\/dev\/(?:tcp|udp)\/|\b(?:nc|ncat|netcat)(?:\.\w+)?\s+(?:-\w+\s+)*(?:-\w*[elc]\w*|[\w.]+\s+\d+)|\b(?:ba|z|k|c|da)?sh\s+-i\b|0[<>]&\d|>&\s*\/dev|mkfifo\s+\/|socket\.socket\s*\(|fsockopen\(|TCPSocket|\bsocat\s+\S+:|exec:['"]|telnet\s+[\d.]+\s+\d+\s*\|/i
const SENSITIVE = /\b(?:cat|tac|less|more|head|tail|nl|od|xxd|strings|grep|awk|sed|cp|mv|ls|dd|find|base64|cut|sort|type|vi|vim|nano|rev|curl|wget|chmod|rm|tee|locate|file(?! ")|stat|diff|uniq|wc|ln|tar)\b[^\n;|]{0,80}?(?:\/etc\/|\/proc\/|\/bin\/|\/var\/log|\/root\b|\/dev\/(?:tcp|sd|null)|~\/\.ssh|id_rsa|\.bash_history|win\.ini|boot\.ini|\/tmp\/|\/home\/|if=\/|\/usr\/)/i
const SHELL = /(?:^|[\s;|&"'=(`/])(?:\/(?:usr\/(?:local\/)?)?s?bin\/[\w.-]+(?:\s|$|['"`)|;])|(?:ba|z|k|c|da|tc|fi)?sh\s+-c\b|(?:python[\d.]*|perl|ruby|php|node|lua|busybox)\s+(?:-\w*[ecr]\w*\s*['"(\w]|-m\s+http|-c\s)|\$\{?SHELL\}?\s+-c|cmd(?:\.exe)?\s*(?:\/[ck]|\^)|cmd\.exe|powershell(?:\.exe)?\s+(?:-\w+|[a-z]:|["'&]))|(?:\|\s*(?:ba|z|da|k)?sh\s*(?:$|[;#&"'`)]|\+?``|-))|<<<|\bIFS=|base64\s+(?:-d|--decode|-D)\b|\|\s*(?:xxd|rev|base64|tr\s)/i
const POWERSHELL = /\b(?:Invoke-(?:Expression|WebRequest|RestMethod|Command|Item|Shellcode|Mimikatz|Method|WmiMethod)|IEX\s*[("'$]|Start-(?:Process|BitsTransfer|Job)|New-Object\s+(?:System\.)?(?:Net|IO|Diagnostics)|Download(?:String|File|Data)\s*\(|-(?:enc|encodedcommand)\s+[A-Za-z0-9+/=]{8,}|Get-(?:Content|ChildItem|Process|Service|WmiObject|Command|Host|Item)\b|Set-ExecutionPolicy|(?:iwr|irm)\s+(?:-\w+\s+)*['"]?https?:|\[System\.(?:Net|IO|Text|Diagnostics|Convert)|Add-Type|Net\.WebClient)/i
const CMD = /\bFOR\s+(?:\/[FLDR]\s|%\S+\s+IN\s*\()|\bIF\s+(?:\/I\s+)?(?:NOT\s+)?(?:EXIST\s|DEFINED\s|ERRORLEVEL\s|"?%|X%)|\b(?:certutil|bitsadmin|regsvr32|rundll32|mshta|wmic|schtasks|bcdboot)(?:\.exe)?\s+[-/\w%<\\]+|\bnet\s+(?:user|localgroup|group|share|use|view|start|stop)\b|\breg(?:edit)?(?:\.exe)?\s+(?:\/|add|query|delete|save)|%(?:comspec|systemroot|systemdrive|programfiles|appdata|temp|windir|userprofile|username|computername|os)(?:%|:)|\btype\s+(?:%|[a-z]:\\|\\)|\bdir\s+(?:[a-z]:[\\/]|\/[a-z]\b|%)|\becho\s+%\w+%|\bcopy\s+con\b|\battrib\s+[+-]|\bicacls\s|\bsc\s+(?:create|config|query)\b|\bping\s+-n\s+\d|%\w+:~-?\d/i
const INVOCATION = /^\s*(?:["'`]?\s*[;|&]*\s*)(?:wget|curl|lynx|fetch|ftp|tftp|scp|rsync)\s+(?:-\S+\s+)*(?:['"]?(?:https?|ftp):\/\/|\S+\.(?:com|net|org|io|sh|COM)\b|\d{1,3}\.\d)|^\s*(?:ping|nslookup|dig|host|traceroute|tracert)\s+(?:-\w+\s+\d*\s*)*(?:\d{1,3}(?:\.\d{1,3}){3}|[\w.-]+\.\w{2,})\s*(?:$|[;|&#])|^\s*(?:chmod|chown)\s+(?:-\w+\s+)*[0-7+rwx]{2,}\s+\S|^\s*rm\s+-\w*[rf]|^\s*(?:ifconfig|ipconfig|netstat|whoami|printenv)(?:\s+-\w+)?\s*$|^\s*(?:uname|id|env|hostname)\s+-{1,2}\w+\s*$|^\s*sleep\s+\d+\s*$|^\s*kill\s+'?-|^\s*(?:cat|ls|head|tail)\s+(?:-\w+\s+)?[/~.*]\S*\s*$|^\s*(?:ls|ps|uname|df|du|netstat)\s+-\w+\s*$|^\s*dd\s+if=|^\s*find\s+[/.~]\S*\s+-[a-z]|^\s*(?:env\s+)?(?:[A-Z_]{2,30}=\S*\s+){1,4}(?:\/|(?:ba|z|da)?sh\b|id\b|ls\b|cat\b|python|perl|curl|wget|nc\b|env\b)/

/** Whole command lines, in texts that are short enough to be one. */
export function lines (look: Look): void {
  const { text, words, chars } = look
  const header = (look.place & place.CHATTY) !== 0
  const prose = look.count > 8 && /(?:^|[\s(])(?:the|and|of|is|that|with|this|you|your|for|are|from|to|it)\s+[a-z]+[\s,.]/i.test(text)
  const said = prose || isSentence(look)
  // What each expression cannot do without, as far as the scan has seen it.
  const known = (words & (K.SHELL | K.SHELL_SURE)) !== 0
  const paths = (chars & (C.SLASH | C.DOT)) !== 0 || (words & K.FILE) !== 0
  if (known || (words & (K.CODE | K.SQL)) !== 0 || (chars & (C.LT | C.GT)) !== 0 || /socket/i.test(text)) signIf(look, rule.network, NETWORK)
  if (header) {
    signIf(look, rule.shell, /\/bin\/(?:ba)?sh\s+-c|\bnc\s+-\w*[le]/)
    return
  }
  if (!prose) {
    if (known && paths && (!said || (chars & (C.SEMI | C.AMP)) !== 0)) signIf(look, rule.sensitive, SENSITIVE)
    if (!said && ((words & (K.SHELL_SURE | K.WINDOWS)) !== 0 || text.includes('<<<') || (look.chars & C.PIPE) !== 0)) signIf(look, rule.shell, SHELL)
    if (!said && (known || (words & K.WINDOWS) !== 0 || (chars & C.PERCENT) !== 0)) signIf(look, rule.windows, CMD)
    if (text.includes('<(') || text.includes('>(')) signIf(look, rule.substitution, /(?:^|[\s;|&=(,"'])[<>]\(\s*(?:\)|\w+[\s)])|[a-z][<>]\(\)[a-z]/)
    if ((chars & C.GT) !== 0 && (chars & C.SLASH) !== 0) signIf(look, rule.redirect, /(?:^|\s|\w)>{1,2}\s*(?:\/(?:tmp|etc|var|dev|usr|root|home)\/\w|~\/\.\w)/)
    if (known && (chars & C.EQ) !== 0) signIf(look, rule.alias, /(?:^|[;&|]\s*)alias\s+(?:[-+]\w+\s+)*[+\w"'.-]+\s*=\s*\S/)
  } else if ((chars & C.PERCENT) !== 0) signIf(look, rule.loop, /\bIF\s+(?:\/I\s+)?(?:NOT\s+)?"?%\w+%|\bFOR\s+\/[FLDR]\s+%|\bFOR\s+%\S+\s+IN\s*\(/i)
  if ((words & (K.WINDOWS | K.SHELL_SURE)) !== 0) signIf(look, rule.powershell, POWERSHELL)
  if ((chars & C.MINUS) !== 0 && !prose) {
    signIf(look, rule.powershell, /(?:^|[;|&(\s])(?:Get|Set|New|Remove|Start|Stop|Invoke|Out|Write|Add|Import|Export|Test|Copy|Move|Select|Enable|Disable|Clear|Restart|Register|Unregister|Where|ForEach)-[A-Z][A-Za-z]+\s+(?:[\w\\:.]+\s+)?-[A-Za-z]/)
    signIf(look, rule.option, /^\s*-{1,2}(?:oProxyCommand|use-askpass|post-file|checkpoint-action|to-command|use-compress-program|exec(?:dir)?\b|rsh=|upload-pack|receive-pack|config-file|output(?:-document)?=\/|load=|eval\b|system=|init-command|open-files-in-pager|wrapper\s+\w+,)|\s-wrapper\s+\w+,|\s-{1,2}(?:oProxyCommand|upload-pack|receive-pack|checkpoint-action|to-command|use-compress-program|rsh)=\S/)
  }
  if ((look.place & (place.NAME | place.PATH)) === 0 || (look.count < 8 && look.count > 1)) {
    if (known || (words & K.SINK) !== 0 || text.includes('lynx') || text.includes('tftp')) signIf(look, rule.invocation, INVOCATION)
  }
  if (prose) return
  // Braces: `{cat,/etc/hosts}`, `{,ifconfig,eth0}`.
  if ((look.chars & C.BRACE) !== 0 && !text.includes(':')) signIf(look, rule.brace, /(?:^|[\w;|&=("'\s])\{(?:,[\w#$"'./?*-]+[,}]|(?:cat|ls|l|id(?=,[-}])|cp|rm|nc|wget|curl|ping|echo|bash|sh|uname|n\$u)\b[^{},:]*,[^{}:]*\}|[\w/?*$.\\-]+,[-/][^{}]*\}|[\w/]*\?[\w/?]*,?\})/)
  if ((chars & C.DOT) !== 0) signIf(look, rule.dot, /[;\n]\s*(?:\\n)?\s*\.["'\\]*(?:sh|shell|system|databases|dump|read|import|open|output|once|load|tables|schema|quit|exit|save|restore|clone|archive)\b/)
  if ((chars & C.DOLLAR) !== 0) signIf(look, rule.hidden, /[;&|]\s*\$\{?[a-z_]\w*\}?\$\{?[a-z_]/i)
  if ((chars & C.BANG) !== 0) signIf(look, rule.history, /^(?:!-?\d+){2,}$/)
  if (known && (chars & (C.SEMI | C.PIPE | C.AMP | C.BACKSLASH)) !== 0) signIf(look, rule.invocation, /^\s*(?:id|ls|pwd|whoami|uname|ifconfig|ipconfig|netstat|env|ps)\s*[;|&]+\s*$|^\\(?:ls|id|cat|rm|sh|bash|nc|curl|wget|env|ps|cp|mv|dd)(?:\s|$)/)
  const binary = (chars & C.SLASH) === 0 ? null : /^\/?(?:usr\/)?s?bin\/([a-z][\w.-]*)(?:\s|$)/.exec(text)
  if (binary !== null && rank(binary[1]!) > 0) sign(look, rule.invocation, 0, binary[0].length)
  const first = known ? WRAPPED.exec(text) : null
  if (first !== null) {
    read(text, first[0].length)
    if (rank(last.word) > 0) sign(look, rule.wrapper, 0, first[0].length + last.word.length)
  }
  if (look.count <= 12 && !said && (look.place & (place.PATH | place.NAME)) === 0) single(look)
  if ((chars & C.CARET) !== 0) signIf(look, rule.tilde, /^~(?:[+-]\d*|\d+)$|^~\+ \d$/)
  hidden(look)
}

/** Not `openssl-ocsp - what it is`; in JSON an argument of a command's kind. */
const NAMED = /^(?!\s+-\s)/
const ARGUED = /^\s+(?:-{1,2}\w|[/.~$]|\w+(?:\s+\S+)?\s*$)/

/** The value as a whole: a command and its arguments. */
function single (look: Look): void {
  const { text } = look
  const end = read(text, skipSpace(text, 0))
  const kind = rank(last.word)
  if (kind === 0) return
  const rest = text.slice(end, end + 80)
  if (/\n\s*\S|[.:,] |`/.test(text)) return
  const suite = last.word.indexOf('-')
  if ((look.place & place.HEADER) === 0 && kind === 2 && suite > 0 && SUITES.has(last.word.slice(0, suite)) && look.count <= 8 && ((look.place & place.JSON_VALUE) === 0 ? NAMED : ARGUED).test(rest)) sign(look, rule.invocation, 0, end)
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
  if ((look.chars & (C.BANG | C.STAR | C.BRACKET)) !== 0 && /[?*[\]]/.test(text)) signIf(look, rule.hidden, /(?:^|[\s;|&=('"])\/(?:[\w\]!]*[?*[][\w?*[\]!-]*\/[\w?*[\]!./-]+|(?:bin|etc|usr|var|proc)\/[\w/]*[?*[][\w?*[\]!-]*)/)
  if ((look.chars & C.BRACE) !== 0 && look.count <= 6) expanded(look)
  if ((look.chars & (C.BACKSLASH | C.QUOTE | C.DQUOTE | C.DOLLAR | C.BACKTICK | C.CARET)) === 0) return
  const doubled = ((look.chars & C.DOLLAR) !== 0 && (look.chars & (C.PAREN | C.SEMI | C.AMP | C.PIPE)) !== 0) || text.includes('``') || text.includes("''") || text.includes('""')
  if (doubled) signIf(look, rule.hidden, /(?<![`\w.-])[a-z]{1,8}``[a-z]{2}|\w\$\(\)|(?:\w?(?:""|'')\w){3}|(?:;|&&|\|\|?)\s*\$\{?[a-z_]\w*\}?(?:\s+[-\w/$]|\$\{?[a-z_])|(?:^|[\s;&|])[a-z_]\w*=[^\s;&|]+(?:;|&&)\s*\$\{?[a-z_]|^(?:''|"")\w(?:''|"")\w/i)
  let at = 0
  let tries = 0
  while (at < text.length && tries < 40) {
    const end = read(text, at)
    const plain = last.word
    if (last.tricks > 0 && /[\w/?]['"\\$`^]/.test(text.slice(at, end)) && rank(plain) > 0 && /[a-z/]/.test(plain) && plain.length > 1) {
      const raw = text.slice(at, end)
      if (/\w(?:''|""|``(?:\w|$)|\\\w|\^|\$[@*!?$\w({]|['"]\w+['"])/.test(raw) && !/^(?:["'][\w.-]+["']?$|``)/.test(raw) && !(raw.endsWith('``') && look.count > 6)) {
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
