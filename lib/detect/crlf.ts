import { K } from './keywords.ts'
import { brief, sign, signAt, signIf, skipSpace, type Look } from './look.ts'
import * as place from './place.ts'
import { rulesOf } from './rules.ts'
import { C } from './scan.ts'

const rule = rulesOf('crlf', {
  header: [1, 5, 'a line break, then a header', 'x\r\nSet-Cookie: a=1', 'two\nlines: here'],
  response: [1, 5, 'a line break, then the start of a response or request', 'x\r\n\r\nHTTP/1.1 200 OK', 'HTTP/1.1 is old'],
  smuggle: [1, 5, 'a request line inside a value', 'GET http://evil.example/ HTTP/1.1', 'GET started with HTTP/2'],
  break: [1, 5, 'a line break in a name, a path or a header', 'x\r\ny', 'x y'],
  mail: [1, 5, 'a line break, then a command of SMTP, IMAP, POP3, Redis or memcached, or a receiver of mail', 'x\r\nRCPT TO:<a@b.example>', 'x\nRCPT is old'],
  blank: [2, 5, 'a line break before a value, in a query', 'a\r\nbody: c', 'a b']
})

export function mayBeCrlf (look: Look): boolean {
  return (look.chars & C.LINE) !== 0 || ((look.chars & C.WIDE) !== 0 && (look.chars & C.COLON) !== 0 && (look.text.includes('\u560a') || look.text.includes('\u010a'))) || ((look.words & K.HTTP) !== 0 && (look.chars & C.SLASH) !== 0 && look.text.includes('HTTP/')) ||
    ((look.chars & C.BACKSLASH) !== 0 && (look.chars & C.COLON) !== 0 && (look.words & K.HEADER) !== 0)
}

const HEADER = /(?:(?:set-cookie2?|content-(?:type|length|disposition|location|security-policy|encoding)|location|transfer-encoding|x-[a-z-]+|access-control-[a-z-]+|remote-addr|refresh|host|connection|link|expires|last-modified|status|p3p|referer|user-agent|cookie|header[a-z-]*|crlf[a-z-]*|injected[a-z-]*)[\r\n]*\s*:)/iy
const ANY = /[a-z][a-z0-9_-]{2,40}[\r\n]*\s*:\s?\S/iy
const RESPONSE = /(?:HTTP\/[0-3](?:\.\d)?\s+\d{3}|(?:GET|POST|HEAD|PUT|DELETE|OPTIONS|CONNECT|TRACE|PATCH)\s+(?:[^\s]+\s+HTTP\/\d|(?:\/|https?:)[^\s]*(?:\s|$))|<(?:html|script|svg|img|body|iframe|form|meta|h1)\b)/iy
const SMUGGLE = /\sHTTP\/1\.[01]\r\n[A-Za-z][\w-]{0,40}:|(?:^|[^\w])(?:GET|POST|HEAD|PUT|DELETE|OPTIONS|CONNECT|TRACE|PATCH)\s+(?:https?:\/)?\/\S*\s+HTTP\/\d(?!(?:\.\d)?"\s\d{3}\b)/
const MAIL = /(?:MAIL\s+FROM\s*:|RCPT\s+TO\s*:\s*<|(?:EHLO|HELO)\s+[\w.-]+\s*$|VRFY\s+\w+|EXPN\s+\w+|AUTH\s+\w+\s+\S+|(?:RETR|DELE|TOP|LIST|UIDL)(?:\s+\d+)+\s*$|APOP\s+\w+\s+[0-9a-f]{8,}|PORT\s+(?:\d+,){5}\d+|(?:RETR|STOR|DELE)\s+\S+\s*$|stats\s*[\r\n]|(?:QUIT|NOOP|RSET|STAT|DATA)\s*(?:[\r\n]|$)|USER\s+\S+\s*$|(?:FLUSH(?:ALL|DB)|flush_all|BGSAVE|BGREWRITEAOF)\s*(?:[\r\n]|$)|CONFIG\s+(?:SET|GET|REWRITE)\s+[\w-]+|(?:SLAVEOF|REPLICAOF)\s+\S+\s+\S|MODULE\s+LOAD\s+\/|EVAL\s+["'].{0,80}["']\s+\d|\*\d+\s*[\r\n]\s*\$\d+\s*[\r\n]|(?:set|add|replace|append|prepend)\s+\S{1,250}\s+\d+\s+\d+\s+\d+\s*[\r\n]|(?:delete|gets?)\s+\S{1,250}\s*[\r\n]|[a-z]+\d+\s+(?:authenticate|login|select|examine|create|delete|rename|subscribe|list|lsub|status|append|fetch|store|copy|uid|search|expunge|logout|noop|capability|starttls|getquota|check|close)\b)/iy
/** A receiver that a field of a contact form adds to the letter's head. */
const RECEIVER = /(?:b?cc|reply-to|return-path)\s*:\s*<?[\w.+-]{1,64}@[\w-]/iy

/** The whole value is a line break and a header: no letter begins so. */
const FIRST = /[a-z][\w-]{0,40}\s*:\s?\S/iy
/** Lines that only the head of a letter or of a request has. */
const ENVELOPE = /(?:to|from|mime-version|subject)\s*:\s*\S{1,80}\s*$|[a-z-]{1,20}:\s*\S{1,80}\s+HTTP\//iy
const ESCAPED = /\\n(?:set-cookie|location|content-(?:type|length)|host|transfer-encoding|x-[a-z]+(?:-[a-z]+)*)\s*:/i

/** A text that begins as a letter's head or a part of one: what follows is no more than its next line. */
const HEAD = /^\s*(?:--[\w=.-]+\s*\n|[A-Z][\w-]{1,40}: ?\S[^\n]*\n|\\\s*\n)/

export function crlf (look: Look): void {
  const { text } = look
  const open = (look.place & (place.QUERY | place.FORM | place.COOKIE | place.HEADER | place.PATH | place.VALUE)) !== 0
  const small = brief(look) || (look.count < 80 && text.length < 600)
  if (small) signIf(look, rule.smuggle, SMUGGLE)
  // Cut to its low byte, U+560A is a line feed.
  if ((look.chars & C.WIDE) !== 0 && small) signIf(look, rule.header, /[\u560a\u010a](?:[\u560d\u010d])?\s*[a-z][a-z-]{2,40}:/i)
  // As two characters, for a program that reads escapes.
  if ((look.place & (place.QUERY | place.VALUE)) !== 0 && small && (look.chars & C.BACKSLASH) !== 0) signIf(look, rule.header, ESCAPED)
  if ((look.chars & C.LINE) === 0) return
  if ((look.place & (place.NAME | place.JSON_KEY)) !== 0 && (look.place & (place.QUERY | place.COOKIE | place.FORM)) !== 0) {
    signIf(look, rule.break, /[\r\n][^\r\n]/)
    return
  }
  const strict = (look.place & (place.HEADER | place.COOKIE | place.PATH)) !== 0
  const query = (look.place & (place.QUERY | place.VALUE)) !== 0
  // A form's or JSON's longer text may well be a letter with its head.
  if (!small && !strict && !query) return
  if (!strict && !query && HEAD.test(text)) return
  const returns = query || text.includes('\r') || text.includes('\n\n')
  for (let at = nextLine(text, 0); at < text.length && look.score < look.threshold; at = nextLine(text, at)) {
    if (strict) sign(look, rule.break, at, at + 20)
    if (returns) signAt(look, rule.header, HEADER, at)
    if (returns && look.count < 24) signAt(look, rule.mail, RECEIVER, at)
    if (open) {
      signAt(look, rule.response, RESPONSE, at)
      signAt(look, rule.mail, MAIL, at)
    }
    if (query && look.count < 16) signAt(look, rule.break, /\w+=\w/y, at)
    if (query && look.count < 16) signAt(look, rule.header, at < 6 && text.trim() === text.slice(at).trim() ? FIRST : ENVELOPE, at)
    if (query && look.count < 16 && text.includes('\r')) signAt(look, rule.header, ANY, at)
    if (query && look.count < 16) signAt(look, rule.blank, ANY, at)
  }
}

/** First character that is no space after the next line break. */
function nextLine (text: string, from: number): number {
  let at = from
  while (at < text.length && text.charCodeAt(at) !== 10 && text.charCodeAt(at) !== 13) at++
  return skipSpace(text, at)
}
