import { isProgram, sign, type Look } from './look.ts'
import { rulesOf } from './rules.ts'
import { C, P } from './scan.ts'

const rule = rulesOf('ldap', {
  filter: [1, 5, 'a parenthesis that closes the filter, then a new one', '*)(uid=*', '(&(uid=a)(cn=b))'],
  operator: [1, 5, 'a parenthesis that closes the filter, then an operator', 'admin)(|', 'a) & (b'],
  wildcard: [1, 5, 'a wildcard that closes the filter', '*)(', '2*(3)'],
  attribute: [2, 5, 'a filter of its own', '(uid=*)', '(see page)']
})

export function mayBeLdap (look: Look): boolean {
  if ((look.chars & C.BACKSLASH) !== 0 && look.count < 8) return true
  if ((look.chars & C.COLON) !== 0 && (look.chars & C.EQ) !== 0 && look.count < 16) return true
  return (look.pairs & P.CLOSE_OPEN) !== 0 || ((look.chars & C.PAREN) !== 0 && (look.chars & C.EQ) !== 0 && look.count < 8) || ((look.chars & C.PAREN) !== 0 && (look.chars & (C.PIPE | C.STAR | C.AMP | C.BANG)) !== 0 && look.count < 30) || ((look.chars & C.PAREN) !== 0 && look.text.startsWith('*'))
}

const OPENS = /\)\s*(?:\x00)?\s*\(\s*(?:[|&!]\s*(?:\(|$|\s*$)|[|&!]*\(?[a-z][\w;.-]{0,40}\s*(?:[~<>]?=|:[\w.:]*=))/iy
const ENDS = /\)\s*(?:[|&!]\s*\(\s*[a-z][\w.-]*\s*[~<>]?=|\(\s*[|&!]\s*(?:\(|$)|[!&|]\s*\(\s*\w+=)|\)\s*\(?[&|]\s*\)/iy

/** A filter that closes more than it has opened: judged by depth, so that whole filters pass. */
export function ldap (look: Look): void {
  const { text } = look
  if (look.count > 60 || isProgram(look)) return
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 40) depth++
    else if (code === 41 && --depth < 0) {
      OPENS.lastIndex = at
      if (OPENS.test(text)) sign(look, rule.filter, at, OPENS.lastIndex)
      ENDS.lastIndex = at
      if (ENDS.test(text)) sign(look, rule.operator, at, ENDS.lastIndex)
      depth = 0
    }
  }
  // `f(x)()` calls what a call returned.
  if (/\)\(\)/.test(text) && /^[^()]*\w\([^()]*\)\(\)/.test(text)) return
  if (/^[\w ]*\*\)*\s*\(\(?[|&]?\(?[a-z]\w*=|\)\(\w+=\)|^[\w*]*\(\)[|&]|\((?:user|uid|cn|userid|username|sn|login)\w*=[^()]*\)[^()]*\((?:user)?pass\w*=|^[\w*]+\)\((?:&\)|[|&!]?\(?\w)|^[\w*]+\)+\u0000?$|^[\w*]+\)\)+\(/i.test(text) && look.count < 16) sign(look, rule.wildcard, 0, text.length)
  else if (/^\*+(?:\)*\(|\)+$|\)*[|&]$)|^\*\(\||^\*[|&]\s*\(|^\*\)|\)\(\)|^[\w ]*\*\)\(/.test(text) && look.count < 12) sign(look, rule.wildcard, 0, text.length)
  if (/\)+\u0000\s*$|(?:\\(?:2[89a]|7c|26|00)){2,}|^[^(]*:\d+(?:\.\d+){2,}:=|\((?:user)?pass(?:word|wd)?=\*?\)/i.test(text) && look.count < 16) sign(look, rule.wildcard, 0, text.length)
  if (look.on[rule.attribute.no] === 1 && /^\s*\(\s*[&|!]?\s*\(?[a-z]+\s*[<>~]?=\s*[^()]*\)|^[\w ]*\*[|&)(]|^[a-z]+=\*$/i.test(text)) sign(look, rule.attribute, 0, text.length)
}
