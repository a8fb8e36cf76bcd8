import { K } from './keywords.ts'
import { brief, inFence, sign, signIf, type Look } from './look.ts'
import * as place from './place.ts'
import { rulesOf } from './rules.ts'
import { C, P } from './scan.ts'

const rule = rulesOf('template', {
  arithmetic: [1, 5, 'an expression that proves evaluation', '{{7*7}}', '{{count}}'],
  object: [1, 5, 'access to the engine or to classes from an expression', "{{''.__class__.__mro__}}", '{{user.name}}'],
  call: [1, 5, 'a call with a constant inside an expression', "{{'a'.toUpperCase()}}", '{{ format(date) }}'],
  expression: [1, 5, 'a dollar, hash, star or at expression with code', "${T(java.lang.Runtime).getRuntime().exec('id')}", '${name}'],
  block: [1, 5, 'a block of a template with logic, in a value', '{% if 1 %}x{% endif %}', '{ % name % }'],
  directive: [1, 5, 'a directive of FreeMarker or Velocity', '<#assign x=1>', '# assign x'],
  server: [1, 5, 'a server-side tag with an expression', '<%= 7*7 %>', '100 <% done'],
  single: [1, 5, 'an expression in single braces that calls or computes', '{system("id")}', '{name}'],
  plain: [2, 5, 'any expression of a template', '{{x}}', '{x}']
})

export function mayBeTemplate (look: Look): boolean {
  if ((look.pairs & (P.BRACES | P.BRACE_PERCENT | P.LT_PERCENT | P.DOLLAR_BRACE | P.HASH_BRACE | P.STAR_BRACE | P.AT_BRACE | P.AT_PAREN)) !== 0) return true
  if (look.count < 12 && (look.chars & (C.STAR | C.PERCENT | C.PLUS)) !== 0 && ((look.chars & C.BRACKET) !== 0 || look.text.startsWith('='))) return true
  if (look.count < 12 && (look.chars & C.BRACE) !== 0 && (look.chars & C.PIPE) !== 0) return true
  if ((look.chars & C.HASH) !== 0 && (look.chars & C.LT) !== 0) return true
  if ((look.words & K.TEMPLATE) === 0) return (look.chars & C.BRACE) !== 0 && (look.chars & (C.STAR | C.PAREN)) !== 0 && look.count < 20
  return (look.chars & (C.BRACE | C.DOLLAR | C.HASH | C.AT)) !== 0 && (look.chars & (C.PAREN | C.EQ | C.STAR | C.DOT | C.AT)) !== 0
}

const SUM = /["']\w*["']\s*\*\s*\d|^\s*\d+\s*\|\s*[a-z]+:|(?:^|[^\w.])["'(]?\d+(?:\.\d+)?["')]?\s*(?:\*\*|\/\/|[*+\-/%^]|[<>]=?|==)\s*["'(]?\d/
const DUNDER = /(?:\.|\[\s*["']|attr\s*\(\s*["']|["'|])\s*__(?:class|mro|subclasses|globals|builtins|init|import|base|bases|dict|getattribute|reduce|code|self|getitem|file|doc|name)(?:__|\b)|\|\s*attr\s*\(|\\x5f\\x5f/
const OBJECTS = /\b(?:lipsum|cycler|joiner|namespace|get_flashed_messages|url_for|_self|registerUndefinedFilterCallback|mainModule|child_process|getRuntime|forName|getClass|ProcessBuilder|freemarker|ScriptEngineManager|classLoader|invokeMethod|popen|subprocess|os\.system|readFileSync|execSync|prototype|fromCharCode|phpinfo|passthru|shell_exec|file_get_contents|getenv|__proto__|getParameter|getAttribute|getResource|newInstance|getMethod|getDeclared\w+|facesContext|pageContext|sessionScope|applicationScope|requestScope|initParam|servletContext|externalContext|context\.\w+\.(?:get|class)|java\.lang|java\.util|javax\.)\b|\bself\.(?:__|\w+\()|\bconstructor\b\s*[.[(]|\.constructor\b|(?:^|[^\w.])(?:config|self|request|app|settings|_context|session|g|dump\s*\(|handler\.settings|env)\s*(?:\.\s*(?:items|from_object|application|environ|__|request\.server|get\s*\(|mapping|session|secret|SECRET|root_path)|\[)/
const CALLS = /^\s*\.[A-Z]\w*\s+["'\d]|^\s*(?:printf|html|js|define|template|print|block|call|index)\s+["'(.$]|^\s*range\s+[.$]|SECRET_KEY|\.signer\b|^=\s*\w|subclasses\s*\(|\.mro\b|\.class\.base|(?:["']\s*(?:\.|\|)\s*\w+\s*(?:\(|\|)?)|\b(?:system|exec|eval|assert|print|include|range|dict|import|open|require|echo|join|map|filter|reduce|sort|file_excerpt|raw|read|fetch|dump|load|debug|puts|inspect)\s*(?:\(|\|)|\[\s*(?:["']|\d+\s*(?:,|\]\s*\|))|\|\s*(?:map|filter|reduce|sort|join|e|safe|upper|format|file_excerpt|raw)\s*(?:\(|\|)|\bwith\s*["']/

/** A block that by itself prints, imports, runs or calls something. */
const LOUD_BLOCK = /\{%-?\s*(?:(?:print|debug|import|python|call|do|load|from)\b[^%]*%\}|[^%]*(?:__|\|\s*attr|\w\s*\(|\d\s*[*+]\s*\d)[^%]*%\})/

/** Whether a template is shown: a text field of several words. What is injected is an expression. */
function isShown (look: Look): boolean {
  return (look.count > 6 || look.told || look.program) && (look.place & (place.JSON_VALUE | place.FORM | place.TEXT)) !== 0
}

export function template (look: Look): void {
  const { text, pairs } = look
  const lastClose = text.lastIndexOf('}}')
  if ((pairs & P.BRACES) !== 0) {
    for (let at = text.indexOf('{{'); at >= 0 && look.score < look.threshold;) {
      let end = at < lastClose ? text.indexOf('}}', at + 2) : -1
      if (end < 0) end = Math.min(text.length, at + 400)
      inside(look, at + 2, end, '{{')
      at = text.indexOf('{{', Math.max(end, at + 2))
    }
  }
  if ((look.chars & C.BRACE) !== 0 && look.score < look.threshold) braces(look)
  if ((pairs & P.BRACE_PERCENT) !== 0 && brief(look)) {
    signIf(look, rule.block, isShown(look) ? LOUD_BLOCK : /\{%-?\s*(?:print\b|if|for|set|import|include|extends|macro|with|debug|block|raw|verbatim|autoescape|filter|from|call|apply|do|load|python|module|end\w+|else|elif)\b[^%]*%\}/)
  }
  if ((pairs & P.LT_PERCENT) !== 0) {
    signIf(look, rule.server, /<%[=@#!:-]?\s*(?:["'(]?\d+\s*[*+\-/]|\w*\s*(?:system|exec|eval|if|File|Dir|IO|require|Runtime|request|response|out|import|page|include|global|self|puts|`|import|foreach|for|end)\b|[^%]{0,200}(?:system|exec|`|Runtime|spawn|popen|open|File\.|Dir\.|inspect|class))/)
    if (brief(look)) signIf(look, rule.server, /<%[=@]?[^%]{0,100}(?:[("'*]|%>)/)
  }
  if ((look.chars & C.HASH) !== 0 || (look.pairs & P.LT_QUERY) !== 0 || (look.chars & C.LT) !== 0) {
    signIf(look, rule.directive, /<#(?:assign|list|include|import|if|macro|function|attempt|setting|global|local|ftl)\b|\[#(?:assign|list|include|import|if|macro)\b|#(?:set|foreach|parse|evaluate|define|macro|include)\s*\(\s*[$"']|#(?:else)?if\s*\(\s*(?:\$|\d+\s*[=<>!])|\$\{[^{}?]{1,40}\?(?:c|upper_case|lower_case|length|keys|values|has_content|string|html|number)\b|freemarker\.template|\?new\s*\(\s*\)|\?(?:api|eval|interpret)\b\s*[.(]?/)
  }
  if (brief(look)) signIf(look, rule.arithmetic, /\[\[\s*\$?\{?["'(]?\d+["')]?\s*[*+]\s*["'(]?\d+["')]?(?:\s*\)?\s*[*+\-/]\s*\d+)?\s*\}?\]\]|\{%[=-]?\s*["'(]?\d+["')]?\s*[*+\-/]\s*\d|\[=\s*\d+\s*\*\s*\d+\s*\]|\[\[\s*\d+\s*\*\s*\d+\s*\]\]|\[%-?\s*(?:\d+\s*\*|PERL\b|IF\b|SET\b|INCLUDE\b|USE\b)|\$\{\{<%|^\s*[=#]\s*\d+\s*\*\s*\d+\s*$|[{[][=@#]\s*\d+\s*\*\s*\d+\s*[}\]]|\{!!\s*[\w("']{1,40}\s*[*(]|\$\[\s*\d+\s*\*\s*\d+\s*\]/)
  if (brief(look)) signIf(look, rule.object, /\{\$smarty\b|\{\$\w+\|\w+\}|\{(?:math\s+equation|eval\s+var|assign\s+var|fetch\s+file|include(?:_php)?\s+file|insert\s+name)\s*=|\{Smarty_|__\$\{|\{\s*\w+::\w+\(|\broot\.process\b|\bself\.TEMPLATES?_/i)
  if (brief(look) && (look.chars & C.DOLLAR) !== 0) signIf(look, rule.directive, /\$(?:class|\w+\.class|request|session|application|x|ex|str|chr|out|engine|rt)\.(?:inspect|type|class|get\w*|forName|exec)\b|\$\w+\.getClass\(\)|\$\{?\w+(?:\.\w+)*\.getClass/)
  if (brief(look) && (look.chars & C.AT) !== 0) signIf(look, rule.expression, /@\(\(?\s*["']?\d+["']?\s*[*+/]\s*\d+\s*\)|@\{\s*\w|@(?:System|Html|Request|Model)\b\.|@php\b[^@]{1,200}@endphp\b|@if\s?\([^@]{1,100}@endif\b|@\*|@\(\s*["'\w]+[^)]*\(/)
  if (look.on[rule.plain.no] === 1 && look.count < 12 && !text.startsWith('http')) signIf(look, rule.plain, /\{\{[^{}]+\}\}|\$\{[^{}]+\}|#\{[^{}]+\}|\{%[^%{]+%\}|<%[^%<]+%>/)
}

/** Judges what stands between `from` and `to` as an expression. */
function inside (look: Look, from: number, to: number, opener: string): boolean {
  const expression = look.text.slice(from, Math.min(to, from + 400))
  if (SUM.test(expression) && (look.count < 4 || !/^\s*\d+\s*-\s*\d+\s*$/.test(expression))) sign(look, rule.arithmetic, from - 2, to)
  else if (DUNDER.test(expression)) sign(look, rule.object, from - 2, to)
  else if (OBJECTS.test(expression) && (opener !== '{{' || brief(look) || !/^\s*(?:config|request|session|app|settings|env|self)\b/.test(expression)) && !inFence(look, from)) sign(look, rule.object, from - 2, to)
  else if (opener === '{{' && from < 5 && to > look.text.length - 5 && look.count <= 12 && /\w\s*\(\s*["'\d]|\w\[\s*["'\d]|\(\s*\)\s*\./.test(expression)) sign(look, rule.call, from - 2, to)
  else if (opener === '{{' && CALLS.test(expression) && brief(look) && !inFence(look, from)) sign(look, rule.call, from - 2, to)
  else if (opener === '{{' && from < 5 && look.count <= 3 && /^\s*(?:\.|dict|range|lipsum|cycler|joiner|namespace|dump|this|_self|\$\w+)\s*$/.test(expression)) sign(look, rule.object, from - 2, to)
  else if (opener === '{{' && look.count <= 3 && /^\s*(?:config|self|request|app|settings|_context|session|g|env|debug)\s*$/.test(expression)) sign(look, rule.object, from - 2, to)
  return look.score >= look.threshold
}

const CODE = /(?:^|[\s(,{])#\w+\s*=[^=]|\bfunction\s*\(|^\s*\.(?:version|data_model|main|globals|vars|node|template_name|now)\b|['"]\s*\.\s*\w+\s*\(|\bgroovy\.|\b(?:T\s*\(\s*\w|new\s+[\w.]+\s*\(|Runtime|exec\s*\(|system\s*\(|eval\s*\(|class\b\s*\.|getClass|\.class\b|process\b\s*[.[]|require\s*\(|global\b\s*[.[]|import\s*\(|sleep\s*\(|phpinfo|passthru|print\s*\(|@\w+\s*[.@(]|#\w+\s*=|#_memberAccess|param\.|applicationScope|sessionScope|pageContext|facesContext|root\b\s*\.\s*process|product\.|Object\b\s*[.(]|settings\b|self\b|Kernel|IO\.|File\.|Dir\.|ENV\b|`|with\s*\(|whoami|cat \/|\/bin\/|\/etc\/)/

/** `${`, `#{`, `*{`, `@{`, `~{` and single braces: each judged up to the next brace. */
function braces (look: Look): void {
  const { text } = look
  const short = brief(look)
  const lastClose = text.lastIndexOf('}')
  let examined = 0
  for (let at = text.indexOf('{'); at >= 0 && look.score < look.threshold; at = text.indexOf('{', at + 1)) {
    let sigilAt = at - 1
    if (text.charCodeAt(sigilAt) === 32 && short) while (sigilAt > 0 && at - sigilAt < 40 && text.charCodeAt(sigilAt) === 32) sigilAt--
    const sigil = sigilAt >= 0 ? text.charCodeAt(sigilAt) : 0
    const known = sigil === 36 || sigil === 35 || sigil === 42 || sigil === 64 || sigil === 126 || sigil === 37
    if (text.charCodeAt(at + 1) === 123 && !known) {
      at++
      continue
    }
    let end = at < lastClose ? text.indexOf('}', at) : -1
    if (end < 0) {
      if (!short) return
      end = text.length
    }
    const expression = text.slice(at + 1, Math.min(end, at + 300))
    // Many braces: from here on each part of the text is looked at once only.
    if (++examined > 64) at = Math.min(end, at + 300)
    if (known) {
      if (/^\s*\{?["'(]?\s*\d+\s*["')]?\s*[*+\-/%]\s*["'(]?\s*\d+/.test(expression) || (SUM.test(expression) && short && !/\w\(/.test(expression))) sign(look, rule.arithmetic, at - 1, end)
      else if (CODE.test(expression) && short && !inFence(look, at)) sign(look, rule.expression, at - 1, end)
      else if (sigilAt < 3 && end > text.length - 4 && look.count <= 12 && /\w\s*\(\s*["'\d]|\w\[\s*["'\d]|\(\s*\)\s*\./.test(expression)) sign(look, rule.expression, at - 1, end)
      else if (DUNDER.test(expression)) sign(look, rule.object, at - 1, end)
    } else if (short && look.count < 24 && at < 4) {
      if (/^\s*["']?\d+["']?\s*[*+]\s*["']?\d+\s*$/.test(expression)) sign(look, rule.arithmetic, at, end)
      else if (/^\s*(?:\$?\w+\s*\(\s*["'$\w]|php\b|if\b[^:]*\(|literal|include\b|\$\w+[.|]|["']\w+["']\s*\|)/.test(expression) && !/:/.test(expression.slice(0, 20))) sign(look, rule.single, at, end)
    }
  }
}
