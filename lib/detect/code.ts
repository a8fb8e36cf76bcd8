import { JAVA, PROOF, PYTHON, RUBY, RUNTIME } from './code-languages.ts'
import { K } from './keywords.ts'
import { brief, inFence, isProgram, isSentence, sign, signIf, signOutside, type Look } from './look.ts'
import * as place from './place.ts'
import { rulesOf } from './rules.ts'
import { C, P } from './scan.ts'

const rule = rulesOf('code', {
  'php-tag': [1, 5, 'an opening tag of PHP', '<?php phpinfo(); ?>', '<?xml version="1.0"?>'],
  'php-call': [1, 5, 'a call of a PHP function that runs commands, code or reads files', "system('id')", 'the system is down()'],
  'php-variable': [1, 5, "PHP's request variables, or a function by a variable", "$_GET['a']", '$GET'],
  'php-setting': [1, 5, 'a setting of PHP', 'allow_url_include=1', 'memory'],
  node: [1, 5, 'modules and objects of Node that run commands', "require('child_process').exec('id')", 'require the child process'],
  java: [1, 5, 'classes of Java that run commands', "java.lang.Runtime.getRuntime().exec('id')", 'java language'],
  ognl: [1, 5, 'expressions of Struts and Spring', '%{#a=1}', '100%'],
  python: [1, 5, 'modules of Python that run commands', "__import__('os').system('id')", 'import os'],
  ruby: [1, 5, 'calls of Ruby and Perl that run commands', "Process.spawn('id')", 'the process spawns'],
  runtime: [1, 5, 'calls of .NET, Go, Rust, Erlang, Deno or Bun that run commands', "Process.Start('cmd')", 'the process may start (soon)'],
  loop: [1, 5, 'a loop without end', 'while(true);', 'while (x)'],
  proof: [1, 5, 'a call that proves that code runs: output or a wait', 'Thread.sleep(5000)', 'a thread sleeps'],
  formula: [1, 5, 'a formula of a spreadsheet that runs a command or fetches an address', "=cmd|'/c calc'!A1", '=SUM(A1:A9)'],
  lookup: [1, 5, 'a look-up of Django through relations', 'user__profile__name__startswith=a (as name)', 'user__name=a (as name)'],
  include: [1, 5, 'a server-side include', '<!--#exec cmd="id"-->', '<!-- exec -->'],
  flight: [1, 5, 'a React Flight payload that reaches prototypes', '{"then":"$1:__proto__:then"}', '{"then":"$1"}'],
  call: [2, 5, 'a call of any function that servers know', 'base64_decode(', 'decode (me)']
})

export function mayBeCode (look: Look): boolean {
  const { chars, pairs, words } = look
  if ((pairs & (P.LT_QUERY | P.LT_PAREN)) !== 0 || (words & K.JAVA) !== 0) return true
  if ((words & K.CODE) !== 0 && (chars & (C.PAREN | C.DOLLAR | C.EQ | C.BRACKET | C.BACKTICK | C.DOT | C.COLON)) !== 0) return true
  if ((chars & C.DOLLAR) !== 0 && (chars & (C.PAREN | C.BRACKET | C.BRACE | C.EQ | C.SEMI)) !== 0) return true
  if ((look.place & place.NAME) !== 0 && look.text.includes('__')) return true
  if ((pairs & P.AT_BRACE) !== 0 && (chars & C.BRACKET) !== 0) return true
  if ((chars & C.PAREN) !== 0 && look.count < 12 && ((chars & (C.QUOTE | C.DQUOTE | C.SEMI)) !== 0 || /\w\s?\($/.test(look.text) || look.text.includes('()'))) return true
  if ((words & K.RUNTIME) !== 0 && look.count <= 16 && (chars & (C.PAREN | C.BRACKET | C.BRACE | C.DOT | C.COLON | C.PERCENT | C.PIPE | C.SLASH)) !== 0) return true
  if ((chars & C.AT) !== 0 && JAVA_STATIC.test(look.text)) return true
  return ((chars & C.PERCENT) !== 0 && (chars & C.BRACE) !== 0) || ((chars & (C.PIPE | C.PAREN)) !== 0 && look.count < 24 && FORMULA_START.test(look.text))
}

const PHP_CALL = /(?:^|[^\w.$-])(?!(?:system|exec|passthru|shell_exec|popen|eval|assert|include|require|die|mail|chr|substr|file_get_contents|fopen|readfile|unlink)\s*\(\s*\))(?:system|exec|passthru|shell_exec|popen|proc_open|pcntl_exec|phpinfo|assert|preg_replace|create_function|call_user_func(?:_array)?|forward_static_call(?:_array)?|register_(?:shutdown|tick)_function|iterator_apply|mb_ereg_replace|get_defined_\w+|get_cfg_var|php_uname|phpversion|fpassthru|parse_ini_file|simplexml_load_\w+|stream_\w+|file_get_contents|file_put_contents|fopen|readfile|highlight_file|show_source|base64_decode|gzinflate|gzuncompress|gzdecode|str_rot13|move_uploaded_file|p?fsockopen|unserialize|ini_set|putenv|getenv|var_dump|print_r|array_map|array_filter|array_diff|usort|posix_\w+|opcache_\w+|ob_start|curl_exec|fwrite|fputs|unlink|chmod|symlink|mail|die|dl|extract|parse_str|eval|include|require(?!\s*\(\s*["'`](?:node:)?[\w@.][\w@./-]*["'`]|\s*\(\s*\)`)|include_once|require_once|error_log|scandir|opendir|glob|is_array|is_int|intval|gethostbyname|ldap_\w+|sodium_\w+|pg_\w+|zend_\w+|odbc_\w+|tidy_\w+|date_add|filegroup|mb_\w+|apache_\w+|imap_\w+|chr|substr|unpack|pack)\s*(?:\/\*[^*]*\*\/\s*)?(?:\(|%28)/i
const SURE_CALL = /(?:^|[^\w.$-])(?!(?:system|exec|passthru|shell_exec|popen|eval|assert|include|require|die|mail|chr|substr|file_get_contents|fopen|readfile|unlink)\s*\(\s*\))(?:system|exec|passthru|shell_exec|popen|proc_open|pcntl_exec|phpinfo|assert|create_function|call_user_func(?:_array)?|forward_static_call(?:_array)?|register_(?:shutdown|tick)_function|iterator_apply|mb_ereg_replace|get_defined_\w+|get_cfg_var|php_uname|phpversion|fpassthru|parse_ini_file|simplexml_load_\w+|stream_\w+|file_put_contents|file_get_contents|readfile|highlight_file|show_source|base64_decode|gzinflate|gzuncompress|gzdecode|str_rot13|p?fsockopen|unserialize|posix_\w+|preg_replace|eval|die|print_r|var_dump|scandir|include|require(?!\s*\(\s*["'`](?:node:)?[\w@.][\w@./-]*["'`]|\s*\(\s*\)`))\s*\(\s*(?:["'$`@/]|\)|\w+\s*\(|whoami|id\b|ls\b|cat\b|dir\b|\d)/i
const ANY_CALL = /(?:system|exec|passthru|popen|proc_open|phpinfo|file_get_contents|file_put_contents|readfile|base64_decode|gzinflate|gzdecode|fsockopen|unserialize|str_rot13|call_user_func|move_uploaded_file|filegroup|intval|eval|die)\s*(?:=\s*)?\(|^\$\{\w+\}$/i
const OUTPUT = /\b(?:Thread\.sleep|time\.sleep|System\.out\.print\w*|response\.write|usleep)\s*\(/i
const VARIABLE = /\$_(?:GET|POST|REQUEST|COOKIE|SERVER|SESSION|FILES|ENV)\b|\$(?:GLOBALS|HTTP_RAW_POST_DATA|HTTP_\w+_VARS|argv)\b/
const DYNAMIC = /["']\s*\.\s*(?:print(?:_r|f)?|var_dump|md5|sha1|phpinfo|system|exec|passthru|shell_exec|eval|assert)\s*\(|\(\s*(?:\/\*[^*]*\*\/\s*)?(?:system|exec|passthru|shell_exec|assert|eval|popen)\s*\)\s*\(|["']\w+["']\s*\.\s*["']\w+["']\s*\(|\$\w+\[[^()]*\]\s*\(|\$\s*\{\s*(?:['"]|\$?\w+\s*\}\s*(?:\(|$))|\$\w+(?:\[[^\]$]*\]|\{[^}$]*\}|\s|\/\*[^*$]*\*\/)*\(\s*(?:["'\w]|\))|[)\]}]\s*\(\s*["']\w+["']\s*\)|\(\s*["']?\w+["']?\s*\)\s*\(\s*["'\w/]|["'](?:\\x[0-9a-f]{2}|\w)+["']\(\s*["'\w]/i

const NODE = /require\s*[([]\s*["'`]?(?:node:)?(?:child_process|fs|os|vm|net|http|module|cluster|req\.)|child_process|\b(?:root|this|self)\.process\b|\bmainModule\b|(?:process|global|globalThis)\s*[.[]\s*["'`]?(?:mainModule|binding|env|dlopen|constructor|exit|kill|process|root)|require\.main|\._load\s*\(|constructor\.constructor\s*\(|\bprocess\s*\.\s*(?:exit|kill|abort)\s*\(|console\s*\.\s*(?:info|log|debug|error|trace|warn)\s*\(\s*\d|(?:exec|spawn|fork|execFile)(?:Sync)?\s*\(\s*["'`]|(?:readFile|readdir|writeFile)(?:Sync)?\s*\(|import\s*\(\s*["'](?:child_process|fs)/
/** What stays a sign in a whole program: commands of a system that are run at once. */
const NODE_RUNS = /require\s*\(\s*["'`](?:node:)?child_process["'`]\s*\)\s*[.[]|\bmainModule\b|constructor\.constructor\s*\(/
const PYTHON_RUNS = /__import__\s*\(\s*["'](?:os|subprocess|pty|socket|builtins)["']\s*\)\s*\.|\b(?:eval|exec)\s*\(\s*(?:compile|__import__|base64|zlib|codecs)\b/
/** Functions that an article names in backticks: `` `glob()` ``. */
const NAMED = /^[^`]*`[\w. ]+(?:\([\w, ]*\))?`\s*[a-z(]|^[#\s]*`[\w. ]+\([\w, ]*\)`\S*$/
/** Assertions of a test in JavaScript: of a function in camel case, or by strict comparison. */
const ASSERTS = /\bassert\s*\(\s*(?:new [A-Z]|[a-z]+[A-Z]\w*\s*\(|[^\n]*[!=]==)/
/** A call of a call as modules of Node are used: `require('x')(y)`. */
const FACTORY = /\brequire\s*\(\s*["'`][\w@.][\w@./-]*["'`]\s*\)\s*\(/
const RUNS = /(?:^|[^\w.$-])(?:system|passthru|shell_exec|popen|proc_open|phpinfo|file_get_contents|base64_decode)\s*\(\s*(?:["'$`@/]|\)|\w+\s*\()/i

export function code (look: Look): void {
  const { text, chars, words, pairs } = look
  const short = brief(look)
  if ((pairs & P.LT_QUERY) !== 0) {
    if (short || (look.place & place.TEXT) !== 0) signIf(look, rule['php-tag'], /<\?(?!xml|xsl|import|xpacket|mso|rpm|pi\b)(?:php\b|=|\s*(?:echo|system|eval|exec|print|passthru|phpinfo|include|require|\$|$))/i)
    else if (!inFence(look, text.indexOf('<?php'))) signIf(look, rule['php-tag'], /<\?php\s[^?]{0,300}(?:\(|\$_)/i)
    if (short) signIf(look, rule['php-tag'], /\[\/?php\]/i)
  }
  signIf(look, rule.include, /<!--#\s*(?:exec|include|echo|set|printenv|config|fsize|flastmod)\b/i)
  if ((words & K.JAVA) !== 0) {
    if (short) signIf(look, rule.java, /\b(?:java\.(?:lang\.(?:Runtime|ProcessBuilder|System|Class|Thread|String(?:Builder|Buffer)?|Object|reflect)|io\.\w+|util\.Scanner|net\.\w+|\w*\.?(?:Runtime|ProcessBuilder)|evil)\b|javax\.(?:script|naming|el|management)\b|ProcessBuilder|(?:runtime|processbuilder)\s*\.\s*(?:\w+\.)*(?:invoker|instantiate|clone|prototype|forclosure|exec|getRuntime)\w*|getRuntime\s*\(\s*\)|\bexec\s*\(\s*["'][a-z/]|(?:Invoker|Instantiate|Clone|Constant)Transformer|ScriptEngineManager|FileSystemXmlApplicationContext|ClassPathXmlApplicationContext|com\.(?:bea|sun|opensymphony)\.|org\.(?:apache\.(?:commons|struts|xalan)|springframework\.(?:context|expression))|class\.(?:module\.)?classLoader)/i)
    else signIf(look, rule.java, /getRuntime\s*\(\s*\)\s*\.\s*exec\s*\(\s*["'](?:id|whoami|cat|\/bin|cmd|calc|bash|curl|wget|ping|nc)\b/i)
    signIf(look, rule.java, /class\s*[.[]['"\]]*\s*(?:module\s*[.[]['"\]]*\s*)?classLoader/i)
  }
  if ((chars & C.PERCENT) !== 0 || (chars & C.HASH) !== 0) signIf(look, rule.ognl, /%\{\s*(?:\(?#|\d+\s*[*+-]\s*\d|\(?\w+\s*\(|['"]|c\d\}i)|#_memberAccess|#context\[|@ognl\.|@java\.lang|#\w+\s*=\s*(?:new|@|\()/i)
  if ((chars & C.AT) !== 0 && short) signIf(look, rule.ognl, JAVA_STATIC)
  if (look.count < 24 && (chars & (C.PIPE | C.PAREN)) !== 0) signIf(look, rule.formula, FORMULA)
  if (short) shortText(look)
  if ((words & K.RUNTIME) !== 0 && look.count <= 16) languages(look)
  if ((look.place & place.NAME) !== 0 && text.includes('__') && relations(text)) sign(look, rule.lookup, 0, text.length)
}

/** A static member of a class, as OGNL writes it. */
const JAVA_STATIC = /@(?:ognl|java|javax|org|com)\.[\w.]{2,80}@\w/
const FORMULA_START = /^\W{0,3}[=+@-]/
/** Formulas as Excel and Google Sheets run them when an export is opened: DDE, and functions that fetch. */
const FORMULA = /(?:^|[,;"'\s])[=+@-][\w+*(), -]{0,40}\b(?:cmd|msexcel|rundll32|powershell|mshta)\s*\|\s*['"]|(?:^|[,;"'\t])\s*[=+@-]\s*\+?(?:HYPERLINK|WEBSERVICE|IMPORT(?:XML|DATA|HTML|FEED)|FILTERXML|DDE)\s*\(\s*["'](?:[a-z]+:\/\/|cmd\b|\\\\)/i

/** Calls of the other languages, in a text that is hardly more than the call. */
function languages (look: Look): void {
  if (/(?:\b[A-Za-z]{2,}\b[ ,]+){4}/.test(look.text) || isProgram(look) || NAMED.test(look.text)) return
  signOutside(look, rule.python, PYTHON)
  signOutside(look, rule.java, JAVA)
  signOutside(look, rule.ruby, RUBY)
  signOutside(look, rule.runtime, RUNTIME)
  signOutside(look, rule.proof, PROOF)
}

const LOOKUP = /^(?:i?(?:exact|contains|startswith|endswith|regex)|has_keys?|has_any_keys|isnull|in|[gl]te?|year|month|day|search)$/i

/** `a__b__startswith`: a name, at least one relation, then a known look-up. */
function relations (text: string): boolean {
  const last = text.lastIndexOf('__')
  const first = text.indexOf('__', 1)
  return first >= 1 && last > first + 2 && /^[a-z]/i.test(text) && LOOKUP.test(text.slice(last + 2)) && /^\w+$/.test(text)
}

/** What articles and programs also have, so that it counts only in a short text. */
function shortText (look: Look): void {
  const { text, words, chars } = look
  const prose = /(?:\b[A-Za-z]{2,}\b[ ,]+){5}/.test(text)
  const program = isProgram(look)
  if ((words & K.CODE) !== 0 || (look.count < 5 && (chars & C.PAREN) !== 0)) {
    const named = NAMED.test(text)
    if (program || named || (text.includes('assert') && ASSERTS.test(text))) signOutside(look, rule['php-call'], RUNS)
    else if ((look.count < 5 && (look.place & place.HEADER) === 0) || ((look.place & place.NAME) !== 0 && look.count < 12)) signOutside(look, rule['php-call'], PHP_CALL.test(text) && !/[^;]\s\w+\s\w+\s*\(/.test(text) ? PHP_CALL : SURE_CALL)
    else if (!prose) signOutside(look, rule['php-call'], SURE_CALL)
    signOutside(look, rule.node, program || named || isSentence(look) ? NODE_RUNS : NODE)
    if (look.count < 8) signOutside(look, rule.proof, OUTPUT)
    signOutside(look, rule.python, program || isSentence(look) ? PYTHON_RUNS : /getattr\s*\(\s*(?:os|sys)\b|compile\s*\([^)]*["'](?:exec|eval)["']|\bopen\s*\(\s*["'][^"']*["']\s*\)\s*\.\s*read|__import__\s*\(|\bos\s*\.\s*(?:system|popen|exec\w*|spawn\w*|listdir|environ)\b|subprocess\s*\.\s*\w+\s*\(|(?:eval|exec)\s*\(\s*(?:compile|open|__|["'(])|__(?:builtins|globals|class|subclasses)__|import\s+(?:os|sys|subprocess|socket|pty|commands)\s*[;,]|\bopen\s*\(\s*["']\/|getattr\s*\(\s*__/)
    signOutside(look, rule.ruby, /\b(?:Process\.(?:spawn|exec|daemon|fork)|Kernel\.(?:exec|system|spawn|`|fork|open)|IO\.(?:popen|read|binread)|Open3\.\w+|PTY\.spawn|File\.(?:open|read|delete)|Dir\.\w+|Object\.const_get|instance_eval|class_eval)\s*[("'\s]|%x[({[]|\beval\s*\(\s*["'`]|\.send\s*\(\s*:/)
  }
  if ((chars & C.AT) !== 0) signOutside(look, rule.ruby, /@\{\s*\[|\b(?:system|exec)\s+['"]\w/)
  signOutside(look, rule.ruby, /(?:^|[;({]\s*)(?:system|exec)\s+["'][\w/]/)
  if ((chars & C.DOLLAR) !== 0) {
    signOutside(look, rule['php-variable'], VARIABLE)
    if (look.count <= 16 && !prose) signOutside(look, rule['php-variable'], /\$\s*\{\s*['"$]|\$\s+\{/)
  }
  if ((chars & C.PAREN) !== 0 && look.count <= 14 && !prose && !program && !FACTORY.test(text) && (chars & (C.DOLLAR | C.QUOTE | C.DQUOTE | C.STAR)) !== 0) signOutside(look, rule['php-variable'], DYNAMIC)
  signOutside(look, rule.flight, /"\$\w*:__proto__|"\$\d+:constructor|"_prefix"\s*:|"\$B\d+"/)
  if ((chars & C.EQ) !== 0) signOutside(look, rule['php-setting'], /(?:^|[&\s;])(?:allow_url_(?:include|fopen)|auto_(?:prepend|append)_file|disable_functions|open_basedir|safe_mode|suhosin\.\w+|opcache\.\w+|session\.\w+|mbstring\.\w+|memory_limit|unserialize_\w+|precision|engine|smtp|display_errors|error_log|extension_dir|sendmail_path|zend\.\w+|cgi\.force_redirect|register_globals|log_errors)\s*=/i)
  signOutside(look, rule.loop, /\bwhile\s*\(\s*(?:true|1|!0|!!|[!+-]|String|"|')|\bfor\s*\(\s*;\s*;\s*\)|new\s+Date\(\)\s*;\s*do\s*\{/)
  if (look.on[rule.call.no] === 1 && look.count < 8) signOutside(look, rule.call, PHP_CALL.test(text) ? PHP_CALL : ANY_CALL)
}
