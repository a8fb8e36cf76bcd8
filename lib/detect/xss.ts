import { K } from './keywords.ts'
import { brief, inFence, isProgram, isSpace, isWord, sign, signIf, type Look } from './look.ts'
import * as place from './place.ts'
import { rulesOf } from './rules.ts'
import { C, P } from './scan.ts'

const rule = rulesOf('xss', {
  script: [1, 5, 'a script element', '<script>alert(1)</script>', 'a script, element by element'],
  element: [1, 5, 'an element that loads or runs something', '<iframe src=//evil.example>', 'Array<object>'],
  handler: [1, 5, 'an event handler in a tag', '<img src=x onerror=alert(1)>', '<img src=x alt=on>'],
  breakout: [1, 5, 'a quote that ends an attribute, then an event handler', '" onfocus="alert(1)', '"once upon a time = long"'],
  bare: [1, 5, 'an event handler without a tag', 'x onerror=alert(1)', 'on reload = yes'],
  url: [1, 5, 'a URL that is a script', 'javascript:alert(1)', 'JavaScript: The Good Parts'],
  data: [1, 5, 'a data: URL that is a document', 'data:text/html,<b>x</b>', 'data:image/png;base64,iVBORw0KGgo='],
  style: [1, 5, 'a style that runs or loads something', '<p style="x:expression(alert(1))">', '<p style="color:red">'],
  call: [1, 5, 'a call that proves a script runs', "';alert(1)//", 'on alert: one'],
  dom: [1, 5, 'access to cookies, location or document', 'document.cookie', 'the document cookie'],
  obfuscated: [1, 5, 'JavaScript made of brackets, or by names in pieces', '[][(![]+[])[+[]]]', 'a[0][1]'],
  utf7: [1, 5, 'a tag in UTF-7', '+ADw-script+AD4-', '+ADA-'],
  close: [1, 5, 'the end of a script, style or comment, then a tag', '</script><svg/x', '</p><b>x'],
  tag: [2, 5, 'any element of HTML', '<form action=x>', 'a < b'],
  part: [2, 5, 'an attribute behind a quote, any name of an event, a scheme or a tag spread by spaces', "'formaction=", 'an action'],
  comment: [2, 5, 'the end of an HTML comment', '-->', '->']
})

const EVENTISH = K.EVENT

export function mayBeXss (look: Look): boolean {
  const { chars, pairs, words } = look
  if ((pairs & (P.LT_WORD | P.LT_SLASH | P.LT_BANG)) !== 0) return true
  if ((words & EVENTISH) !== 0 && (chars & C.EQ) !== 0) return true
  if ((words & (K.SINK | K.DOM)) !== 0 && (chars & (C.PAREN | C.BACKTICK | C.EQ | C.BRACKET | C.DOT)) !== 0 && look.count < 120) return true
  if ((chars & C.COLON) !== 0 && look.count < 8 && (pairs & P.COLON_SLASH) === 0 && (look.text.includes('script:') || look.text.includes('SCRIPT:'))) return true
  if ((chars & C.COLON) !== 0 && (chars & C.CONTROL) !== 0) return true
  if (look.on[rule.comment.no] === 1 && (pairs & P.DASHES) !== 0) return true
  if ((chars & C.COLON) !== 0 && (words & K.SCHEME) === 0 && look.count < 40 && (chars & C.PAREN) !== 0) return true
  if ((chars & C.COLON) !== 0 && ((words & K.SCRIPT_SCHEME) !== 0 || (words & K.SINK) !== 0)) return true
  if (look.on[rule.part.no] === 1 && look.count < 30 && ((words & (K.EVENT | K.TAG)) !== 0 || (chars & (C.BANG | C.LT | C.QUOTE | C.DQUOTE)) !== 0) && (chars & (C.EQ | C.LT | C.BRACKET | C.BANG)) !== 0) return true
  if ((words & K.SCRIPT_SCHEME) !== 0 || ((chars & C.COLON) !== 0 && (chars & C.LINE) !== 0 && look.count < 16)) return true
  if ((chars & C.SEMI) !== 0 && (chars & C.PAREN) !== 0 && look.count <= 16 && (pairs & P.QUOTE_SIGN) !== 0) return true
  return ((chars & C.BRACKET) !== 0 && (chars & C.BANG) !== 0) || ((chars & C.PLUS) !== 0 && look.text.includes('+AD'))
}

export function xss (look: Look): void {
  if ((look.chars & C.LT) !== 0) tags(look)
  if (look.score < look.threshold && (look.chars & (C.COLON | C.EQ)) !== 0) styles(look)
  if (look.score < look.threshold && (look.words & EVENTISH) !== 0) handlers(look)
  if (look.score < look.threshold && (look.chars & C.COLON) !== 0) schemes(look)
  if (look.score < look.threshold && (look.words & (K.SINK | K.DOM)) !== 0) scripts(look)
  if ((look.chars & C.LT) !== 0 && (look.chars & C.GT) !== 0 && brief(look) && look.score < look.threshold) {
    if ((look.chars & (C.QUOTE | C.DQUOTE | C.BACKTICK)) !== 0) {
      signIf(look, rule.close, /^\w{0,3}["'`]["')\]}\s]*\/?>\s*<\/?[a-z!]/i)
      if (look.on[rule.part.no] === 1) signIf(look, rule.part, /^[^<]*["'`]\s*\/?>\s*<\/?[a-z!]/i)
    }
    if ((look.chars & C.MINUS) !== 0) signIf(look, rule.element, /^[^<]*<[a-z][\w-]*\s[^>]*\b(?:ng-(?:app|init|\w+)|x-(?:init|data|html|on)|v-(?:html|on|bind)|hx-on|data-ng-\w+)[\s=:>]/i)
  }
  if (look.on[rule.part.no] === 1 && look.count < 30) parts(look)
  signIf(look, rule.comment, /^[^<]*-->(?!\s*\w)/)
  if (look.score >= look.threshold) return
  if ((look.chars & C.SEMI) !== 0 && look.count <= 16 && (look.pairs & P.QUOTE_SIGN) !== 0 && (look.place & place.CHATTY) === 0) signIf(look, rule.call, BREAKS)
  if ((look.chars & C.BRACKET) !== 0) signIf(look, rule.obfuscated, /\[\]\[|\(!\[\]|!\[\]\s*\+|\+!+\[\]|\[\+\[\]|\[\s*\]\s*\.\s*(?:\/\*[^*]*\*\/\s*)?(?:map|sort|filter|find|constructor|at|concat)\s*[.[`]/)
  if ((look.chars & C.PLUS) !== 0) signIf(look, rule.utf7, /\+AD[wA](?:[A-Za-z0-9/]|\+(?!A))*-\w|\+A[CDE](?:[A-Za-z0-9/]|\+(?!A))+-(?:script|svg|img|alert|\/)/i)
}

const LOADING = /^(?:iframe|object|embed|applet|frame|frameset|isindex|bgsound|layer|ilayer|xss|plaintext|import|listing|xml|fencedframe|portal|event-source|vmlframe|vml|math|set|animate|animatemotion|animatetransform|handler|listener|noembed|noframes|xmp|noscript|scriptlet|dialog|keygen)$/
const PLAIN = /^(?:form|svg|meta|link|style|base|input|button|textarea|body|html|head|video|audio|marquee|select|details|template|img|image|font|title)$/
const MARKUP = /^(?:a|b|i|p|u|br|hr|em|li|ol|ul|dl|dt|dd|td|th|tr|h[1-6]|tt|kbd|sub|sup|del|ins|pre|code|div|span|small|strong|strike|table|thead|tbody|tfoot|center|blockquote|cite|abbr|figure|figcaption|picture|source|summary|details|samp|var|mark|caption|section|article|header|footer|nav|main|aside|label)$/

/** Every `<` that a browser would take for a tag. Quotes are not followed: a tag inside an attribute is found as well, and nothing is read twice. */
function tags (look: Look): void {
  const { text } = look
  for (let at = text.indexOf('<'); at >= 0 && look.score < look.threshold; at = text.indexOf('<', at + 1)) {
    let from = at + 1
    const closing = text.charCodeAt(from) === 47
    if (closing) from++
    let end = from
    while (end < text.length && isName(text.charCodeAt(end)) && end - from < 40) end++
    if (end === from) {
      special(look, at)
      continue
    }
    const name = text.slice(from, end).toLowerCase()
    if (end === from + 1 && brief(look) && isSpace(text.charCodeAt(end)) && SPREAD.test(text.slice(at, at + 40))) {
      sign(look, rule.element, at, end + 8)
      continue
    }
    const local = name.slice(name.lastIndexOf(':') + 1)
    const next = text.charCodeAt(end)
    const ends = end >= text.length || isSpace(next) || next === 47 || next === 62 || next < 32 || next === 60 || next === 34 || next === 39
    if (!ends) continue
    if (closing) {
      if ((local === 'script' || local === 'style' || local === 'title' || local === 'textarea') && /^\s*>?[^<]{0,40}<[a-z!/]/i.test(text.slice(end, end + 60)) && brief(look)) sign(look, rule.close, at, end)
      else if (local === 'script' && brief(look) && look.count < 8) sign(look, rule.close, at, end)
      continue
    }
    const generic = at > 0 && isWord(text.charCodeAt(at - 1))
    if (local === 'script') {
      if (((!inFence(look, at) && (brief(look) || !quotedCode(text, at))) || PROVES.test(text.slice(end, end + 200))) && !(text.startsWith('```html\n') || (next === 62 && /^'\)/.test(text.slice(end + 1, end + 3)) && isProgram(look)))) sign(look, rule.script, at, end)
    } else if (LOADING.test(local)) {
      if ((!generic || next !== 62) && brief(look) && (next !== 62 || local !== 'object')) sign(look, rule.element, at, end)
      else if ((local === 'iframe' || local === 'embed') && !inFence(look, at) && !generic && !/^[^>]{0,300}=\s*["']?https:\/\//.test(text.slice(end, end + 320))) sign(look, rule.element, at, end)
    } else if (PLAIN.test(local) && brief(look)) plainTag(look, local, at, end)
    if (look.on[rule.tag.no] === 1 && (PLAIN.test(local) || MARKUP.test(local)) && brief(look) && next !== 62 && text.slice(end, end + 100).includes('=')) sign(look, rule.tag, at, end)
  }
}

/** What only a payload does, whether an article shows it or not. */
const PROVES = /\b(?:alert|prompt|confirm|eval)\s*[(`]|document\s*\.\s*cookie|fromCharCode/

/** Code in backticks within a line, as an article shows it. */
function quotedCode (text: string, at: number): boolean {
  return text.charCodeAt(at - 1) === 96 && /^[^`\n]{0,300}`/.test(text.slice(at, at + 302))
}

/** Elements that are harmless by themselves: judged by their attributes. */
function plainTag (look: Look, name: string, at: number, end: number): void {
  const rest = look.text.slice(end, end + 300)
  let bad = false
  switch (name) {
    case 'meta': bad = /^[^>]*(?:http-equiv|charset|content)\s*=/i.test(rest); break
    case 'base': bad = /^[^>]*href/i.test(rest); break
    case 'link': bad = /^[^>]*(?:rel|href)[\s/]*=/i.test(rest); break
    case 'style': bad = /@\W*i\W*m\W*p|expression|behavior|url\s*\(|binding|javascript|\\\\|=/i.test(rest); break
    case 'input': case 'button': bad = /formaction|autofocus|type\s*=\s*["']?image/i.test(rest); break
    case 'form': bad = /action\s*=|id\s*=/i.test(rest); break
    case 'svg': case 'math': bad = /^[\s/]*[^>]*(?:on\w+\s*=|href)|^\s*>\s*<(?:script|animate|set|style|a|use|image|foreignobject|g|title|desc)/i.test(rest); break
    case 'img': case 'image': bad = /^[\s/]*(?:$|<)|^[^>]*(?:lowsrc|dynsrc)\s*=|^\S*[\s/]+src\s*=\s*["'`]?(?:x|1|a|#|\/|xx?:x|\/x)?["'`]?[\s/>]+\w*err|^[^>]*src\s*=\s*["'`]?&#|^[^>]*filter\s*:/i.test(rest); break
    case 'body': case 'html': case 'table': bad = /background\s*=\s*["']?\s*j|manifest\s*=/i.test(rest); break
    default:
  }
  if (bad) sign(look, rule.element, at, end)
}

/** `<!--#exec`, `<?import`, `<?xml-stylesheet`, `<%`: what begins with no letter. */
function special (look: Look, at: number): void {
  const part = look.text.slice(at, at + 60)
  if (/^<\?(?:import|xml-stylesheet\b[^>]*(?:data:|javascript:))/i.test(part) || /^<!(?:--#(?:exec|include|echo|set|printenv|config|fsize)|--\[if|\[if|attlist|a\s+foo)/i.test(part) || /^<:?(?:\w+:)?vmlframe/i.test(part)) sign(look, rule.element, at, at + 20)
  // Control characters inside a name, and letters spread by spaces.
  else if (/^<[\s\u0000-\u001f]*s[\s\u0000]*c[\s\u0000]*r[\s\u0000]*i[\s\u0000]*p[\s\u0000]*t[\s>/]/i.test(part) && brief(look)) sign(look, rule.script, at, at + 20)
  else if (/^<[/%]?[\s%"'`/]*style\s*=\s*\w+\s*:\s*expression/i.test(part)) sign(look, rule.style, at, at + 20)
}

const PART = /\b(?:alert|prompt|confirm|eval|document|window|javascript|fromCharCode|innerHTML|onerror)\s*(?:[(=`[]|\.\w|:\S)|["'`]\s*(?:form)?(?:action|srcdoc|xlink:href|href|src|style|data|background|poster|autofocus)\s*=|(?:^|[\s"'`/])on[a-z]{4,30}\s*=|["'`]\s+\w*on\w*\.?\w*\s*=|<(?:noscript|form|svg|math|input|button|link|meta|base|style|video|audio|body|html|textarea|select|template|title|details|table|vmlframe|:vmlframe)\b(?:[\s/#+]|$)|<:?\w+\s+src\s*=|^\(?!\[\]|^[+ !]+\[\]|\[\s*!?\s*\+?!+\s*\[\]|\u00bc\/?[a-z]+|!ENTITY\s|j\s?a\s?v\s?a\s*script\s*:|v\s*b\s*s\s*c\s*r\s*i\s*p\s*t\s*:|<(?:importimplementation|\w+\s*=)|^["'`]\s*>|<\/?(?:h[1-6]|marquee|b|i|u|img|a|p|div|span|font|center|br|hr)\b[^>]*>|^\w+=\w*-->/i

/** Level 2: parts of markup that prove nothing alone. */
function parts (look: Look): void {
  if ((look.place & place.CHATTY) === 0) signIf(look, rule.part, PART)
}

/** `f o r m`, as some filters leave it: single letters that make a name. */
const SPREAD = /^<\s*(?:f\s+o\s+r\s+m|d\s+i\s+a\s+l\s+o\s+g|i\s+f\s+r\s+a\s+m\s+e|i\s+m\s+g|s\s+v\s+g|b\s+o\s+d\s+y|o\s+b\s+j\s+e\s+c\s+t|e\s+m\s+b\s+e\s+d|s\s+t\s+y\s+l\s+e|i\s+n\s+p\s+u\s+t|m\s+e\s+t\s+a|l\s+i\s+n\s+k)\b/i

const KNOWN_EVENT = /^on(?:abort|activate|afterprint|animation\w*|auxclick|before\w+|begin|blur|bounce|cancel|canplay\w*|cellchange|change|click|close|contextmenu|copy|cuechange|cut|data\w+|dblclick|deactivate|drag\w*|drop|durationchange|emptied|end|ended|error\w*|filterchange|finish|focus\w*|formdata|fullscreen\w*|gamepad\w+|got\w+|hashchange|help|input|invalid|key(?:down|up|press)|layoutcomplete|load\w*|losecapture|lost\w+|media\w+|message\w*|mouse\w+|move\w*|offline|online|orientationchange|outofsync|page(?:hide|show)|paste|pause|play\w*|pointer\w+|popstate|progress|propertychange|ratechange|readystatechange|redo|repeat|reset|resize\w*|resume|reverse|row\w+|scroll\w*|search|seek\w*|select\w*|show|slotchange|stalled|start|stop|storage|submit|suspend|sync\w+|time\w+|toggle|touch\w+|track\w+|transition\w+|undo|unhandledrejection|unload|urlflip|volumechange|waiting|webkit\w+|wheel|zoom)$/i

/** Each `=`: is the name before it that of an event handler? */
function handlers (look: Look): void {
  const { text } = look
  const tag = (look.pairs & P.LT_WORD) !== 0
  for (let at = text.indexOf('='); at > 0 && look.score < look.threshold; at = text.indexOf('=', at + 1)) {
    let end = at
    while (end > 0 && (isSpace(text.charCodeAt(end - 1)) || text.charCodeAt(end - 1) < 32)) end--
    let start = end
    while (start > 0 && isWord(text.charCodeAt(start - 1))) start--
    if (end - start < 5 || end - start > 45 || (text.charCodeAt(start) | 32) !== 111 || (text.charCodeAt(start + 1) | 32) !== 110) continue
    const name = text.slice(start, end)
    const before = start > 0 ? text.charCodeAt(start - 1) : 32
    if (isWord(before) || before === 46 || before === 45 || before === 36) continue
    const known = KNOWN_EVENT.test(name)
    const value = text.slice(at + 1, at + 40)
    if (/^\s*(?:\{|=>|=|\(\s*\w*\s*\)\s*=>)/.test(value) && !/^\s*=\s*\w*$/.test(value)) continue
    if (inTag(text, start, tag)) {
      if ((known || /^\s*["'`]?[^"'<>]{0,60}[(`&\\%]/.test(value)) && (!inFence(look, start) || PROVES.test(value))) sign(look, rule.handler, start, at + 12)
      continue
    }
    const quoted = quoteBefore(text, start)
    if (quoted && (known || /[(`]/.test(value)) && (brief(look) || /[(`]/.test(value)) && !inFence(look, start)) sign(look, rule.breakout, start - 1, at + 12)
    else if (known && brief(look) && (/[(`]|^\s*["']?\s*$/.test(value) || /javascript|eval/i.test(value))) sign(look, rule.bare, start, at + 12)
    else if (known && name.length > 12 && look.count < 5) sign(look, rule.bare, start, at + 12)
  }
}

/** Whether a tag is open before `at`: looks back to the nearest `<` or `>` within reach of one attribute list. */
function inTag (text: string, at: number, tag: boolean): boolean {
  if (!tag) return false
  const open = text.lastIndexOf('<', at)
  if (open < 0) return false
  if (at - open > 600) return true
  return !isSpace(text.charCodeAt(open + 1)) && text.charCodeAt(open + 1) !== 61
}

function quoteBefore (text: string, at: number): boolean {
  let i = at - 1
  while (i >= 0 && (isSpace(text.charCodeAt(i)) || text.charCodeAt(i) === 47 || text.charCodeAt(i) < 32)) i--
  const code = text.charCodeAt(i)
  return code === 34 || code === 39 || code === 96 || code === 62
}

const STYLE = /^style\s*=\s*["'`]?[^"'`>]*(?:expression\s*(?:\(|\/\*|\\)|behaviou?r\s*:|binding\s*:\s*url|javascript\s*:|@im\\?port|url\s*\(\s*["']?\s*(?:j|data:text|\/\/)|\\[0-9a-f])/i
const BARE_STYLE = /(?:-moz-binding\s*:\s*url|:\s*url\s*\(\s*["']?\s*javascript|:\s*expression\s*\(|behaviou?r\s*:\s*url)\s*\(?/i

/** Styles that run or load: in an attribute, or bare in a short text. */
function styles (look: Look): void {
  const { text } = look
  if (brief(look)) signIf(look, rule.style, BARE_STYLE)
  let tries = 0
  for (let at = text.indexOf('style'); at >= 0 && tries < 64; at = text.indexOf('style', at + 5), tries++) {
    if (STYLE.test(text.slice(at, at + 240))) {
      sign(look, rule.style, at, at + 20)
      return
    }
  }
  if (tries === 0 && brief(look)) signIf(look, rule.style, /\bstyle\s*=\s*["'`]?[^"'`>]*(?:expression\s*\(|behavior\s*:|binding\s*:|javascript\s*:)/i)
}

const SCRIPT_NAMES = ['javascript', 'vbscript', 'livescript', 'jscript', 'mocha']

/** Each `:`: is the word before it a script scheme, with spaces and control characters skipped as browsers do? */
function schemes (look: Look): void {
  const { text } = look
  for (let at = text.indexOf(':'); at >= 0 && look.score < look.threshold; at = text.indexOf(':', at + 1)) {
    let letters = ''
    let i = at - 1
    let gaps = 0
    while (i >= 0 && letters.length < 11) {
      const code = text.charCodeAt(i)
      if (isSpace(code) || code < 32) {
        if (++gaps > 40) break
      } else if (isLetter(code)) letters = text[i]!.toLowerCase() + letters
      else break
      i--
    }
    if (letters.endsWith('data')) {
      if (/^\s*(?:text\/(?:html|xml|javascript|x-scriptlet|vbscript)|image\/svg|application\/(?:x(?:html)?[+-]|javascript|xml)|,|;|\s*,\s*<|[^,]{0,80};base64[^,]{0,10},\s*(?:PHN|PCF|PD9|PGh|PGI|PGJ|PHN2))/i.test(text.slice(at + 1, at + 120)) && (brief(look) || /^text\/html|^image\/svg/i.test(text.slice(at + 1, at + 12))) && !/^image\/svg\+xml;(?:base64|utf8|charset=utf-8)/i.test(text.slice(at + 1, at + 40))) sign(look, rule.data, at - 4, at + 20)
      else if (/^\s*image\/svg\+xml[^,]{0,40};base64,/i.test(text.slice(at + 1, at + 80)) && text.length < 4000 && /<script|\son\w+\s*=|javascript:/i.test(Buffer.from(text.slice(text.indexOf(',', at) + 1), 'base64').toString('latin1'))) sign(look, rule.data, at - 4, at + 20)
      else if (/^\s*image\/svg\+xml/i.test(text.slice(at + 1, at + 40)) && (look.pairs & P.LT_WORD) !== 0 && /script|onload|PHN/i.test(text)) sign(look, rule.data, at - 4, at + 20)
      continue
    }
    const name = SCRIPT_NAMES.find((known) => letters.endsWith(known))
    if (name === undefined) continue
    const rest = text.slice(at + 1, at + 60)
    // `written in JavaScript:` at the end of a line, and the name of the scheme in backticks.
    if ((look.count >= 6 || /^(?:In|For|From) \w+:\s*$/.test(text)) && (/^[ \t]*\*{0,2}[ \t]*(?:\r?\n|$)/.test(rest) || rest.startsWith('`'))) continue
    const tight = gaps === 0
    if (!tight && brief(look) && /[\t\n\r\u0000-\u0008]/.test(text.slice(i + 1, at)) && rest.length < 40) {
      sign(look, rule.url, Math.max(0, at - 10), at + 20)
      continue
    }
    if (/^\s*(?:[/'"`([{!+~%\\&;#@<$*]|-\S|\w+\s*[([.=`;:%&\\/'"+*-])/.test(rest) || (/^\w/.test(rest) && brief(look)) || (!tight && brief(look)) || (rest === '' && look.count < 4 && look.text.length < 20)) {
      if (!/^\s+[A-Z]?[a-z]+\s+[a-z]+\s/.test(rest) && !/^\s*\n\s*[-\w#*]/.test(rest) && !inFence(look, at)) sign(look, rule.url, Math.max(0, at - 10), at + 20)
    }
  }
}

/** The first quote of the text ends a string of a script, and a call follows: `';f(9);'`. */
const BREAKS = /^[^'"`]{0,60}(['"`])[\s)\]}]{0,8};\s{0,8}[\w$.]{1,40}\([^()]{0,60}\)\s{0,8}(?:;\s{0,8})?(?:\1|\/\/)/

const CALL = /(?:^|[^\w.$'"-]|[+;,(=]\s?|(?:^|[^-])-\s?)(?:window\.|self\.|top\.|parent\.|this\.|globalThis\.|frames\.)?(?:alert|prompt|confirm|eval|setTimeout|setInterval|atob|btoa|execScript|msgbox|importScripts)\s*(?:\(|`|\?\.\(|\/\*|&lpar;|%28|\\x28)/i
const CALLED = /\.\s*(?:find|map|filter|some|every|forEach|sort|then|replace)\s*\([^()]*\b(?:alert|prompt|confirm|eval)\b|\(\s*(?:alert|prompt|confirm|eval)\s*\)\s*[(`]|=\s*(?:alert|prompt|confirm|eval)\s*[,;]|globalEval\s*\(|\b(?:alert|prompt|confirm|eval)\s*\.\s*(?:call|apply|bind)\s*[(`]/i
const PROOF = /(?:alert|prompt|confirm|print|eval|write)\s*(?:\(\s*(?:\)|\d|['"`/]|document|location|window|String|this|origin|self|top|\w+\))|`)/i
const DOM = /(?<![.\w$])(?:(?:document|window|top|parent|frames|globalThis)\b\s*\)?\s*(?:\/\*[^*]*\*\/\s*)?\.\s*(?:\/\*[^*]*\*\/\s*)?(?:cookie|domain|write(?:ln)?|location|body|documentElement|createElement|getElement|querySelector|forms|URL|referrer|scripts|alert|eval|name|defaultView|open|execCommand|onerror|onload|execScript)\b|(?:self|this)\b\s*\)?\s*(?:\/\*[^*]*\*\/\s*)?\.\s*(?:\/\*[^*]*\*\/\s*)?(?:cookie|document\s*\.\s*(?:cookie|write|domain)|alert|eval|defaultView|execCommand|execScript|location\s*(?:=\s*["'`/]|\.\s*(?:href|hash|replace|assign)|$))\b|(?:document|window|top|parent|frames|globalThis)\b\s*\)?\s*(?:\/\*[^*]*\*\/\s*)?\[\s*(?:\/\*[^*]*\*\/\s*)?(?:["'`\\+(\d]|\/[^\]]*\/)|(?:self|this)\b\s*\)?\s*(?:\/\*[^*]*\*\/\s*)?\[\s*(?:\/\*[^*]*\*\/\s*)?(?:["'`](?![\w-]{1,40}["'`]\s*\](?!\s*[(`]))|[\\+(]|\/[^\]]*\/))/
const ACCESS = /(?<![-\w$.])location\s*(?:=\s*(?:["'`]\s*(?:[a-z]*\s*:|[/\\]|["'`]|\w*["'`]\s*\+)|\/[^/]|`|[[({]\s*["'`]|(?:name|window|document|self|top|parent|location|URL|atob|unescape|eval|String|decodeURI\w*)\b(?!\s*$)|name\b)|\.\s*(?:href|hash|replace|assign|search|reload)\b|\[)|\.(?:inner|outer)HTML\b|String\s*\.\s*fromCharCode|\.getScript\s*\(|\.constructor\s*[([.`]|\bReflect\s*\.\s*(?:apply|construct|get|set|has|ownKeys|defineProperty)\b|new\s*\(?\s*(?:Function|Image|XMLHttpRequest)|\bFunction\s*(?:\(\s*["'`]|`[^`\s<])|navigator\s*\.\s*sendBeacon|\b(?:local|session)Storage\s*(?:\.\s*(?:get|set)Item\s*\(|\[)|\[\s*["']\w+["']\s*\+\s*["']\w+["']\s*\]|\bimport\s*\(\s*(?:["'`]\s*(?:\/\/|https?:|data:|blob:|\\)|["'`]["'`]?\s*\+|location|name\b|atob|String|unescape|window|document)|\bfetch\s*\(\s*['"`/]|throw\s+\w*\s*onerror|onerror\s*=\s*(?:alert|eval)|import\s*(?:\{[^}]*\}|\w+)\s*from\s*['"`]?\s*(?:https?:|\/\/|data:)|with\s*\(\s*document|valueOf\s*[=:]|toString\s*[=:]\s*\w|sort\.call|map\.call/

/** Calls and accesses of a payload: only where the text is short, since articles show code. */
function scripts (look: Look): void {
  const { text } = look
  if (look.count > 60 || (look.place & place.CHATTY) !== 0) return
  if ((look.place & place.PATH) !== 0 && (look.chars & (C.QUOTE | C.DQUOTE | C.LT | C.BACKTICK | C.EQ)) === 0) return
  if (isProgram(look)) return
  const code = look.count <= 12 || !/(?:\b[A-Za-z]{2,}\b[ ,]+){4}/.test(text.slice(0, 400))
  if (!code && !/['"]\s*[-+;,)]|[;}]\s*\/\//.test(text)) return
  const called = CALL.exec(text)
  // A function of the timers that a text names, with nothing to run.
  const named = called !== null && look.count > 4 && (look.place & (place.JSON_VALUE | place.FORM)) !== 0 && /(?:setTimeout|setInterval|atob|btoa)\s*\($/.test(called[0]) && /^\s*(?:\)|\w+\s*[,)])/.test(text.slice(called.index + called[0].length))
  if (called !== null && !named && !inFence(look, called.index + 1, true) && (PROOF.test(text) || look.count <= 8)) signIf(look, rule.call, CALL)
  if (look.score < look.threshold && look.count <= 16) signIf(look, rule.call, CALLED)
  if (look.score < look.threshold && look.count <= 30 && !text.includes('```')) signIf(look, rule.dom, DOM.test(text) ? DOM : ACCESS)
}

function isLetter (code: number): boolean {
  return (code | 32) >= 97 && (code | 32) <= 122
}

/** Characters of tag names, with the colon of a namespace. */
function isName (code: number): boolean {
  return isLetter(code) || (code >= 48 && code <= 58) || code === 45 || code === 95
}
