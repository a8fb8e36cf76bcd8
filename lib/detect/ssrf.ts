import { K } from './keywords.ts'
import { brief, sign, signIf, type Look } from './look.ts'
import * as place from './place.ts'
import { rulesOf } from './rules.ts'
import { C, P } from './scan.ts'

const rule = rulesOf('ssrf', {
  loopback: [1, 5, 'a URL of the server itself', 'http://127.0.0.1:8080/admin', 'http://example.com/127.0.0.1'],
  metadata: [1, 5, "the address of a cloud's metadata service", 'http://169.254.169.254/latest/meta-data/', 'http://169.254.example.com/'],
  spelling: [1, 5, 'an IPv4 address spelled as nobody writes it', 'http://2130706433/', 'http://10.20.30.40/'],
  scheme: [1, 5, 'a scheme that reaches other services', 'gopher://10.0.0.1:6379/_INFO', 'https://gopher.example/'],
  confusion: [1, 5, 'a URL that two parsers read differently', 'http://good.example&@evil.example/', 'http://user@example.com/'],
  alias: [1, 5, 'a public name that resolves to the loopback address', 'http://localtest.me/', 'http://local.example/'],
  internal: [1, 5, 'a URL of a private network', 'http://192.168.0.1/admin', 'the router is at 192.168.0.1'],
  host: [2, 5, 'the server itself without a scheme', 'localhost:6379', 'localhost is here']
})

export function mayBeSsrf (look: Look): boolean {
  if ((look.place & (place.QUERY | place.FORM | place.JSON_VALUE | place.VALUE | place.TEXT | place.HEADER | place.PATH)) === 0) return false
  if ((look.chars & C.BACKSLASH) !== 0 && /^\s*(?:\/\\|\\\/)/.test(look.text)) return true
  if ((look.pairs & P.COLON_SLASH) !== 0 || (look.pairs & (P.SLASHES | P.BACKSLASHES)) !== 0) return true
  return (look.words & (K.SCHEME | K.WEB | K.HOST)) !== 0 && (look.chars & (C.COLON | C.SLASH)) !== 0
}

const URL_START = /^\s*(?:url[:=]|feed:|view-source:)?([a-z][a-z0-9+.-]*):[\\/]*|^[\\/]{2,}/i
const METADATA = /(?:^|[/@.:])(?:169\.254\.(?:169\.254|170\.2)|168\.63\.129\.16|metadata\.azure\.(?:com|internal)|100\.100\.100\.200|192\.0\.0\.192|metadata\.(?:google\.internal|goog|packet\.net|platformequinix\.com|tencentyun\.com|nicira\.eu)|instance-data(?:\.ec2\.internal)?|fd00:ec2::254|rancher-metadata|metadata|\[fd00:ec2::254\])(?=[/:?#\s]|$)/i
const METADATA_ANYWHERE = /:\/\/(?:169\.254\.169\.254|100\.100\.100\.200|metadata\.google\.internal)(?=[/:?#]|$)/i
const LOOPBACK_NAMES = /^(?:localhost\d?|localhost\.localdomain|ip6-localhost|ip6-loopback|ipv6-localhost|.*\.localhost|localdomain|broadcasthost|loopback)\.?$/i
const ALIASES = /(?:^|\.)(?:localtest\.me|lvh\.me|nip\.io|xip\.io|sslip\.io|vcap\.me|lacolhost\.com|yoogle\.com|127-0-0-1\.org\.uk|fbi\.com|readme\.localtest|bugbounty\.dod\.network|spoofed\.burpcollaborator\.net|burpcollaborator\.net|oastify\.com|oast\.(?:fun|me|live|pro|site|online)|interact\.sh|1u\.ms|rbndr\.us|localho\.st|127xip|[\w-]+\.internal|docker\.sock|bugbounty\.dod\.network|kubernetes\.docker\.internal|host\.docker\.internal|host\.containers\.internal|gateway\.docker\.internal|kubernetes\.default(?:\.svc)?|\w+\.svc\.cluster\.local|[\w.-]+\.consul)\.?$/i
const SCHEMES = /^(?:https?\+unix|gopher|dict|ldapi?|ldaps|tftp|netdoc|jar|sftp|imaps?|pop3s?|smtps?|rtmp|rtsp|smb|telnet|rmi|iiop|file|local_file|unix|view-source|php|expect)$/i
/** `http://redis:6379/`: a name that only the server's own network resolves. */
const SINGLE_LABEL = /^\s*(?:https?|ftps?|wss?):\/\/[a-z][a-z0-9_-]*(?::\d{1,5})?(?:[/?#]|$)/i
/** What a browser reads as `https://evil.example` and a test for `//` does not. */
const HALF = /^\s*(?:\/\\|\\\/|\/{3,}|https?:(?:[\\/]?(?=\w)|\/?\\+))(?:\\?\/)*[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?:[:/?#\\]|$)/i
/** Top-level names that resolve in private networks only. */
const INTRANET = /\.(?:local|lan|corp|intranet|home\.arpa|localdomain)$/
/** Schemes whose URLs carry whole conversations. */
const LONG_SCHEMES = /^(?:gopher|dict|ldapi?|ldaps|tftp|netdoc|jar|imaps?|smtps?)$/i

export function ssrf (look: Look): void {
  const { text } = look
  if ((look.place & place.PATH) !== 0) return
  if (text.length > 3000 || look.count > 120) {
    long(look)
    if ((look.words & K.HOST) !== 0 || text.includes('169.254')) signIf(look, rule.metadata, METADATA_ANYWHERE)
    return
  }
  if (brief(look)) signIf(look, rule.metadata, /(?:^|\/)(?:latest\/(?:meta-data|user-data|dynamic\/instance)|computeMetadata\/v1|metadata\/(?:instance\?|v1\.json|v1\/)|opc\/v[12]\/instance|openstack\/latest)/)
  if (brief(look) && (look.place & (place.RETURN_URL | place.HEADER)) === 0) signIf(look, rule.host, /(?:\/\/|@|=)(?:localhost|127\.\d|0\.0\.0\.0|169\.254\.|10\.\d+\.\d+\.\d|192\.168\.)/i)
  if (look.count < 12 && (look.place & (place.RETURN_URL | place.HEADER)) === 0) {
    signIf(look, rule.host, SINGLE_LABEL)
    signIf(look, rule.confusion, HALF)
    signIf(look, rule.scheme, /^\s*jndi:(?:ldaps?|rmi|dns|iiop|corba\w*|nis|nds|https?):/i)
    // A redirect of another server leads there.
    if (/^https?:\/\/[^\s?]{1,200}\?/.test(text)) signIf(look, rule.metadata, METADATA_ANYWHERE)
  }
  let start = URL_START.exec(text)
  if (start !== null && /^[\w.-]+:\d{1,5}(?:$|\/)/.test(text)) start = null
  // `// a comment`
  if (start !== null && (start[1] ?? '') === '' && /^\s/.test(text.slice(start[0].length))) start = null
  if (start === null) {
    if (brief(look)) signIf(look, rule.metadata, METADATA_ANYWHERE)
    if ((look.place & (place.QUERY | place.FORM | place.VALUE)) === 0 || (look.place & place.NAME) !== 0 || look.count > 8) return
    const host = /^([\w.-]+)(?::\d+)?\//.exec(text)
    if (host !== null) named(look, host[1]!, host[0].length)
    else signIf(look, rule.host, /^(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\])(?::\d+)?$/i)
    return
  }
  const scheme = start[1] ?? ''
  if (scheme !== '' && start[0].length === start[0].trimStart().length && SCHEMES.test(scheme)) {
    const rest = text.slice(start[0].length)
    const slashes = /[\\/]/.test(start[0].slice(-1)) || /^jar$/i.test(scheme)
    if (slashes && rest !== '' && (brief(look) || LONG_SCHEMES.test(scheme)) && !(/^file$/i.test(scheme) && (look.place & place.HEADER) !== 0)) sign(look, rule.scheme, 0, start[0].length + 20)
  }
  if (scheme !== '' && !/^(?:https?|ftps?|wss?|rtsps?|imaps?|gopher|url|ldaps?|dict|rtmps?|rediss?|tftp|sftp|smtps?|file|jar|netdoc|mysql|mariadb|postgres(?:ql)?|mongodb(?:\+srv)?|mssql|sqlserver|amqps?|mqtts?|memcached?|kafka|nats|clickhouse|cassandra|couchbase|neo4j|bolt|etcd|zookeeper|consul|nfs|rmi|iiop|vnc|rdp)$/i.test(scheme)) return
  if (scheme === '' && text.length > 200) return
  authority(look, text, start[0].length)
}

/** What stands behind the host of a URL hides it from nobody who fetches it. */
function long (look: Look): void {
  const start = /^\s{0,40}([a-z][a-z0-9+-]{1,12}):\/\//i.exec(look.text)
  if (start === null || /\s/.test(look.text.slice(start[0].length, start[0].length + 200).split(/[/?#\\]/, 1)[0]!)) return
  if (LONG_SCHEMES.test(start[1]!)) sign(look, rule.scheme, 0, start[0].length + 20)
  else if (/^(?:https?|ftps?|wss?)$/i.test(start[1]!)) authority(look, look.text, start[0].length)
}

/** Reads the authority as lenient parsers would and judges each host it may name. */
function authority (look: Look, text: string, from: number): void {
  let end = from
  while (end < text.length && !/[/\\?#]/.test(text[end]!)) end++
  let part = text.slice(from, end)
  // A long name of a user stands before the host.
  if (part.length > 300) part = part.slice(part.lastIndexOf('@') + 1)
  if (part.length > 300) return
  const at = part.lastIndexOf('@')
  const hosts = part.split(/[@\s&,;]/).filter((host) => host !== '')
  const before = look.signs.length
  for (const host of hosts.slice(-4)) named(look, host, end)
  if (at >= 0 && (part.indexOf('@') !== at || /[\s&#]/.test(part))) sign(look, rule.confusion, 0, end)
  // `http://evil#@good`, `http://good\\@evil`
  const rest = text.slice(end, end + 200)
  if (before === look.signs.length && /^(?:[#\\?][^\s/]*@|%23|\\\/?[a-z0-9.-]*@)/.test(rest) && /^[#\\]/.test(rest) && look.count < 20) {
    const host = /@([\w.[\]:-]+)/.exec(rest)
    if (host !== null) {
      named(look, host[1]!, end)
      if (rest.startsWith('\\') || /\.\w+$/.test(host[1]!)) sign(look, rule.confusion, 0, end)
    }
  }
}

function named (look: Look, raw: string, end: number): void {
  const returns = (look.place & (place.RETURN_URL | place.HEADER)) !== 0
  let host = raw.toLowerCase()
  if (host.startsWith('[')) {
    ipv6(look, host.slice(1, host.includes(']') ? host.indexOf(']') : undefined), end, returns)
    return
  }
  host = host.replace(/:\d*$/, '').replace(/\.$/, '')
  if (METADATA.test(`/${host}/`)) sign(look, rule.metadata, 0, end)
  else if (LOOPBACK_NAMES.test(host)) {
    if (!returns) sign(look, rule.loopback, 0, end)
  } else if (ALIASES.test(host)) {
    if (!returns || (look.place & place.HEADER) === 0) sign(look, rule.alias, 0, end)
  } else if (/^[\w.-]+[$`{}|^][\w.-]+\.\w+$/.test(host)) sign(look, rule.confusion, 0, end)
  else if (INTRANET.test(host) && scheme(look)) {
    if (!returns) sign(look, rule.internal, 0, end)
  } else if (/^[0-9a-fx.o]+$/.test(host)) ipv4(look, host, end, returns)
  else if (host.includes(':')) ipv6(look, host, end, returns)
}

/** Whether the value begins as a URL that a server would fetch. */
function scheme ({ text }: Look): boolean {
  return /^\s*(?:https?|ftps?|wss?):/i.test(text)
}

/** All spellings of inet_aton: one to four parts, each decimal, octal or hexadecimal. */
function ipv4 (look: Look, host: string, end: number, returns: boolean): void {
  const parts = host.split('.')
  if (parts.length > 4) return
  let odd = parts.length < 4
  let value = 0
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!
    if (!/^(?:0x[0-9a-f]*|0o?[0-7]*|\d+)$/.test(part)) return
    if (/^0[xo0-9]/.test(part)) odd = true
    const number = /^0x/.test(part) ? parseInt(part.slice(2) || '0', 16) : /^0o?[0-7]+$/.test(part) ? parseInt(part.replace('o', ''), 8) : Number(part)
    if (parts.length === 4 && number > 255) odd = true
    if (i === parts.length - 1) value = value * 256 ** (5 - parts.length) + number
    else value = value * 256 + number
  }
  value %= 2 ** 32
  if (odd && (parts.length > 1 || host.length > 6 || value === 0)) {
    sign(look, rule.spelling, 0, end)
    return
  }
  const first = Math.floor(value / 2 ** 24)
  const second = Math.floor(value / 2 ** 16) % 256
  if (returns) return
  if (first === 127 || first === 0) sign(look, rule.loopback, 0, end)
  else if (first === 169 && second === 254) sign(look, rule.metadata, 0, end)
  else if (first === 10 || (first === 100 && second >= 64 && second < 128) || (first === 192 && second === 168) || (first === 172 && second >= 16 && second < 32)) sign(look, rule.internal, 0, end)
}

function ipv6 (look: Look, text: string, end: number, returns: boolean): void {
  const host = text.split('%', 1)[0]!
  const zero = /^[0:]*1?$/.test(host) && host.includes(':')
  const mapped = /^(?:[0:]*:(?:ffff:(?:0:)?)?|64:ff9b:(?:1:)?:)(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/.exec(host)
  if (zero) {
    if (!returns) sign(look, rule.loopback, 0, end)
  } else if (mapped !== null) sign(look, rule.spelling, 0, end)
  else if (/^(?:fe[89ab]|f[cd])/.test(host) && host.includes(':')) sign(look, rule.internal, 0, end)
}
