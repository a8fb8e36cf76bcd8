import { K } from './keywords.ts'
import { brief, isSentence, isWord, sign, signIf, type Look } from './look.ts'
import * as place from './place.ts'
import { rulesOf } from './rules.ts'
import { C, P } from './scan.ts'

const rule = rulesOf('traversal', {
  dots: [1, 5, 'two or more steps up, in any spelling of dots and slashes', '../../etc/hosts', '../lib/index.js'],
  step: [1, 5, 'a step up at the start of a value, in a path or a file name', '..\\pineapple', 'see ../readme'],
  mangled: [1, 5, 'steps up that a filter would turn into real ones', '....//....//etc/hosts', 'wait....'],
  system: [1, 5, 'an absolute path of a system file', '/etc/passwd', '/etc is a folder'],
  windows: [1, 5, 'a path of a Windows system file', 'C:\\windows\\win.ini', 'C:\\Users\\me\\photo.png'],
  secret: [1, 5, 'a file that holds secrets or configuration', '/home/app/.ssh/id_rsa', '/home/app/ssh.md'],
  null: [1, 5, 'a NUL that cuts a file name off', 'page.php\u0000.png', 'page.png'],
  hidden: [1, 5, 'a hidden folder of a tool or editor in a path', '/.claude/settings.json (as path)', '/.well-known/security.txt (as path)'],
  root: [2, 5, 'an absolute path of Unix as the value, or a single step up', '/var/lib/app/data', '/products/shoes']
})

export function mayTraverse (look: Look): boolean {
  const { chars, pairs, words } = look
  if ((look.place & place.PATH) !== 0 && (chars & C.DOT) !== 0 && look.text.charCodeAt(0) === 46) return true
  if (look.count < 4 && look.longest > 7 && look.text.includes('0x2e')) return true
  if ((chars & C.DOLLAR) !== 0 && (pairs & P.COLONS) !== 0 && look.count < 24) return true
  if ((chars & C.DOT) !== 0 && look.count < 60 && look.text.includes('0x')) return true
  if ((chars & (C.SLASH | C.BACKSLASH)) !== 0) return (pairs & (P.DOTS | P.BACKSLASHES)) !== 0 || (words & K.FILE) !== 0 || (chars & C.CONTROL) !== 0
  return (chars & C.CONTROL) !== 0 || (((words & K.FILE) !== 0 || (pairs & P.DOTS) !== 0) && (chars & (C.DOT | C.PERCENT)) !== 0)
}

/** Files of Unix whose names say enough. */
const SYSTEM = /^(?:file:\/\/)?\/etc\/+[\w.-]+(?:\/[\w.@-]+)*$|(?:^|[^a-z0-9_-])(?:\.dockerenv$|\/dev\/(?:null|u?random|zero)$|etc[\\/]+(?:passwd|shadow|group|hosts)\b|run\/secrets\/|var\/run\/docker|var\/spool\/|dev\/(?:sd[a-z]|hd[a-z]|xvd|nvme|kcore|ram0)|private\/var\/|etc\/+(?:\.\/+)*(?:passwd|shadow|group|hosts|issue|motd|sudoers|crontab|fstab|mtab|resolv\.conf|hostname|master\.passwd|security|subuid|subgid|gshadow|ssh\/|ssl\/|my\.cnf|mysql\/|httpd\/|apache2?\/|nginx\/|php|init\.d|profile|environment|redhat-release|debian_version|os-release|lsb-release|inittab|exports|samba\/|vsftpd|proftpd|openldap|tomcat|logrotate|pam\.d|cron|network|inetd|services|shells|login\.defs|ftp|bash|rc\.|lighttpd|postgresql|snmp|wu-ftpd|printcap|smb|at\.|kubernetes|update|termcap|lilo|grub|modules|pure-ftpd|webmin|chrootUsers|miredo|muddleftpd|group-|passwd-|shadow-|adduser|bind|ca-cert|cvs|defaultdomain|dhcp|hostapd|hosts\.)|proc\/+(?:self|version|cpuinfo|meminfo|mounts|net\/|cmdline|\d+\/|sched_debug|interrupts|stat|filesystems|devices|partitions|modules|swaps|ioports|sys\/)|var\/+(?:log\/|www\/|run\/secrets|spool\/cron|lib\/(?:mysql|mlocate|php)|adm\/|mail\/|cpanel|local\/www|apache|htmp|saf|webmin)|root\/+\.|usr\/+(?:local\/+(?:apache|etc\/|app|cpanel|php|pgsql|zeus|nginx|psa)|lib\/(?:php|security|cron|rpm)|etc\/|home\/|ports\/|pkg|share\/(?:adduser|squirrel|tomcat|logs))|dev\/(?:tcp\/|fd\/|mem|kmem|shm\/)|sys\/(?:class|kernel|devices|block|power)|private\/etc\/|opt\/(?:lampp|xampp|nginx|apache|httpd|jboss|tomcat|weblogic|ibm|coldfusion|\[jboss\]|jrun)|Volumes\/|boot\/grub|home\/[a-z0-9_.$-]+\/\.|tmp\/(?:sess|curl|ssh))/i
const WINDOWS = /(?:^|[\\/"'=:;,\s])(?:win(?:dows|nt)[\\/]+(?:win\.ini|system(?:32|\.ini)|repair|php\.ini|my\.ini|explorer|notepad|debug|panther|temp|iis|boot|comsetup)|boot\.ini|inetpub[\\/]|system32[\\/]|autoexec\.bat|pagefile\.sys|[a-z]:[\\/]+(?:windows|winnt|boot\.ini|inetpub|xampp|wamp|apache|php|mysql|program ?files|progra~|documents and settings|program ?data|users[\\/]+[^\\/]+[\\/]+(?:ntuser|appdata|desktop)|sysprep|unattend|recycler|minint|home\d?[\\/]))/i
const SECRET = /(?:^|[\\/=:;,"'\s])(?:\.(?:ssh[\\/]|aws[\\/]|kube[\\/]|docker[\\/]|git[\\/]|svn[\\/]|gnupg[\\/]|bash_history|zsh_history|mysql_history|psql_history|history$|bashrc|bash_profile|profile$|netrc|npmrc|pypirc|htpasswd|htaccess|env(?:$|[.\s;&])|pgpass|boto|my\.cnf)|(?:WEB|META)-INF[\\/]|id_(?:rsa|dsa|ecdsa|ed25519)|authorized_keys|wp-config\.|web\.config|config\.inc\.php|tomcat-users\.xml|(?:config|conf|settings|app)[\\/](?:database|parameters|secrets?|credentials|master|local)\.(?:ya?ml|php|json|ini|xml|properties|key)|[\w-]+\.(?:php|asp|aspx|jsp|py|rb|config|sql)\.(?:bak|old|orig|save|swp|zip|gz|tar)$|[\w-]+\.php~$|(?:backup|dump|database|db)\.sql|shadow\.bak|php\.ini|httpd\.conf|\.\.?[\\/]+\.(?:history|env|git|ssh))/i

export function traversal (look: Look): void {
  if (/0x(?:2[ef]|5c)/i.test(look.text)) look.text = look.text.replace(/0x(2[ef]|5c)/gi, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)))
  const { text } = look
  const path = (look.place & place.PATH) !== 0
  const file = (look.place & place.FILE_NAME) !== 0
  if (text.includes('..')) steps(look, path, file)
  const short = look.count <= 24
  const nospace = look.count <= 16 && !/\S\s+\S/.test(text.slice(0, 400))
  if (!path) {
    // As the value, or the tail of one: prose and scripts that mention a system file go on after it.
    if (nospace || /^(?:file|url|path|[\w.-]+):/i.test(text)) {
      signIf(look, rule.system, SYSTEM)
      signIf(look, rule.secret, SECRET)
      signIf(look, rule.windows, WINDOWS)
    } else if (short && text.length < 200) {
      signIf(look, rule.windows, WINDOWS)
      if (!/^[A-Z][a-z]+ /.test(text) && !isSentence(look) && !/\b(?:the|your|with|from|for|this|see)\b/.test(text)) signIf(look, rule.system, SYSTEM)
    }
  } else if ((look.words & K.FILE) !== 0) {
    signIf(look, rule.system, SYSTEM)
    signIf(look, rule.windows, WINDOWS)
    signIf(look, rule.secret, /\.(?:ssh|aws|kube)\/|(?:WEB|META)-INF\/|id_rsa|\.htpasswd|\.git\/(?:config|HEAD)/i)
  }
  if (path) signIf(look, rule.hidden, HIDDEN)
  if ((look.chars & C.CONTROL) !== 0) signIf(look, rule.null, (look.place & (place.QUERY | place.PATH)) !== 0 && (look.place & place.NAME) === 0 && look.count < 6 ? ANY_NUL : NUL)
  if ((look.chars & C.DOLLAR) !== 0 && short) signIf(look, rule.windows, STREAM)
  if (look.on[rule.root.no] === 1 && nospace && !path) signIf(look, rule.root, /(?:\.[\s?*\\"'|]{0,2}\.[\s?*\\"'|]{0,2}[\\/|][^\\/]{0,8}){2}|^\.\.[\\/]|^\/(?:etc|var|usr|proc|sys|root|home|opt|dev|tmp|boot|bin|sbin|lib|mnt)\/[\w./-]+$/)
}

const HIDDEN = /(?:^|\/)\.(?:git|svn|hg|bzr|cvs|idea|vscode|ssh|aws|kube|docker|gnupg|cursor(?:ignore)?|aiignore|aider|cline|claude|continue|windsurf|roo|junie|kiro|n8n|plandex|opencode|codex|copilot|gemini|fabric|terraform|circleci|env|htpasswd|htaccess|npmrc|netrc|pypirc|bash_history|DS_Store)(?:$|[/._-])/i
const NUL = /\.[a-z0-9]{1,8}\u0000(?:$|\.|\/)|[\\/][\w.-]+\u0000/i

/** In a URL nothing has a use for a NUL. */
const ANY_NUL = /\u0000/
/** A stream of NTFS: `web.config::$DATA`. */
const STREAM = /\.\w{1,10}::\$(?:data|index_allocation)\b/i
/** Tomcat drops what stands behind a semicolon, and the proxy before it does not. */
const PARAMETER = /(?:^|[\\/])\.\.;[\w=.-]{0,20}[\\/]/

/** Steps up with broken encodings of a slash, as fuzzers send them: `..%c0%qf..%c0%qf`. */
const BROKEN = /(?:\.\.(?:[\u0080-\uffff]|%|0x|\\x|u(?:2215|2216|ff0f|efc8|f025))[^./\\\s]{0,6}){2,}/

/** Steps up: dots (two or more, also `.;/`, `...`), then a slash, however often doubled. */
function steps (look: Look, path: boolean, file: boolean): void {
  const { text } = look
  if (BROKEN.test(text)) signIf(look, rule.mangled, BROKEN)
  signIf(look, rule.mangled, PARAMETER)
  let found = 0
  let links = 0
  let first = -1
  let last = 0
  let mangled = 0
  for (let at = text.indexOf('..'); at >= 0; at = text.indexOf('..', last)) {
    let dots = at + 2
    while (text.charCodeAt(dots) === 46) dots++
    let end = dots
    while (end < text.length && isFiller(text.charCodeAt(end))) end++
    let slashes = end
    while (isSlash(text.charCodeAt(slashes))) slashes++
    last = Math.max(slashes, dots)
    const before = at > 0 ? text.charCodeAt(at - 1) : 47
    if (slashes > end || (last >= text.length && (isSlash(before) || at === 0) && found > 0)) {
      if (end > dots || dots - at > 2 || slashes - end > 1) {
        if (isWord(before) && dots - at > 2) continue
        mangled++
      }
      if (first < 0) first = at
      else if (isQuoted(text.charCodeAt(at - 1))) links++
      found++
    }
  }
  if (found === 0) return
  // An article that names several files by relative paths, each of few steps, is no attack by their sum.
  if (!path && !file && !brief(look) && (!CHAIN.test(text) || (links > 0 && found < links * 4))) return
  // A sentence that names two files: they are no system's.
  if (!path && !file && found < 4 && mangled === 0 && (isSentence(look) || /\.\.\/\S{1,200}\s+[a-z]+\s+\.\.\/\S{1,200}\s+\w/.test(text)) && !SECRET.test(text) && !SYSTEM.test(text) && !WINDOWS.test(text)) return
  const before = first > 0 ? text.charCodeAt(first - 1) : 0
  if (found === 1 && first === 0 && look.count <= 3 && mangled === 1 && /^\.{4}[\\/]{2}/.test(text)) sign(look, rule.mangled, 0, last)
  if (mangled > 1 || (mangled === 1 && found > 1)) sign(look, rule.mangled, first, last)
  const start = before === 0 || before === 47 || before === 92 || before === 61 || before === 58 || before === 32 || before === 0x22 || before === 0x27
  if (path || file) sign(look, found > 1 ? rule.dots : rule.step, first, last)
  else if (found > 3) sign(look, rule.dots, first, last)
  else if (found > 1 && (brief(look) && !isModule(text, first))) sign(look, rule.dots, first, last)
  else if (found === 1 && start && brief(look) && (SECRET.test(text.slice(first, first + 80)) || SYSTEM.test(text.slice(first, first + 80)) || WINDOWS.test(text.slice(first, first + 80)))) sign(look, rule.step, first, last)
  else if (found === 1 && first === 0 && look.count <= 3 && text.charCodeAt(2) === 92) sign(look, rule.step, first, last)
  else if (found === 1 && first === 0 && (look.place & place.INCLUDES) !== 0) sign(look, rule.step, first, last)
}

const CHAIN = /(?:\.\.+[;\u0000%\t]*[\\/\u2215\uff0f]+){3}/

function isQuoted (code: number): boolean {
  return code === 39 || code === 34 || code === 40 || code === 96 || code === 32 || code === 10
}

/** A relative module or link as programs and documents have them: quoted or in parentheses, in a longer text. */
function isModule (text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1)
  if (/\]: ?$|\]\($/.test(text.slice(Math.max(0, at - 3), at))) return true
  if (before !== 47 && /(?:require|import|from)(?:\.resolve)?\s{0,4}\(?\s{0,4}["'`]$|\burl\(["']?$/.test(text.slice(Math.max(0, at - 20), at))) return true
  return text.length > 60 && (before === 39 || before === 34 || before === 40 || before === 96) && /\b(?:from|require|import|href|src)\b|\]\(/.test(text)
}

function isSlash (code: number): boolean {
  return code === 47 || code === 92 || code === 0x2215 || code === 0xff0f || code === 0xefc8 || code === 0xf025 || code === 0x1c
}

/** What stands between dots and slash to fool a filter: `..;/`, `..%00/`, `.. /`. */
function isFiller (code: number): boolean {
  return code === 59 || code === 0 || code === 37 || code === 9 || code === 10 || code === 13
}
