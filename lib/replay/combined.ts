import { isMethod, type LogEntry, type LogFormat } from './entry.ts'

/**
 * nginx's and Apache's `combined`, Apache's `common` and `vhost_combined`; fields after the agent are ignored.
 * The log's first line tells which it is; `undefined`: none of them.
 *
 * https://nginx.org/en/docs/http/ngx_http_log_module.html, https://httpd.apache.org/docs/2.4/logs.html
 */
export function combined (first: string): LogFormat | undefined {
  const timeOf = clock()
  const entry = parse(first, timeOf)
  if (entry === undefined) return undefined
  // Both stand in each line, as `-` where there is none, or in no line.
  const full = /" \d{3} \S+ "/.test(first)
  return { name: full ? 'combined' : 'common', tells: new Set(full ? ['address', 'user-agent', 'referer'] : ['address']), parse: (line) => parse(line, timeOf) }
}

function parse (line: string, timeOf: (text: string) => number | undefined): LogEntry | undefined {
  const bracket = line.indexOf(' [')
  const close = line.indexOf('] "', bracket)
  if (bracket < 1 || close === -1) return undefined
  const request = quoted(line, close + 2)
  if (request === undefined) return undefined
  const [method, url] = target(request.text)
  if (url === undefined || !isMethod(method)) return undefined
  const status = Number(line.slice(request.end + 1, request.end + 4))
  const headers: Record<string, string> = {}
  const referer = quoted(line, line.indexOf('"', request.end))
  const agent = referer === undefined ? undefined : quoted(line, line.indexOf('"', referer.end))
  if (referer !== undefined && referer.text !== '-') headers['referer'] = referer.text
  if (agent !== undefined && agent.text !== '-') headers['user-agent'] = agent.text
  return { time: timeOf(line.slice(bracket + 2, close)), ip: clientOf(line, bracket), method, url, headers, status: status >= 100 ? status : undefined, secure: false }
}

/** `host:port client - user`, or without the first. */
function clientOf (line: string, end: number): string {
  const first = line.indexOf(' ')
  const head = line.slice(0, first)
  const second = line.indexOf(' ', first + 1)
  // A virtual host comes before the client; an address alone is followed by the identity, nearly always `-`.
  return second !== -1 && second < end && line.slice(first + 1, second) !== '-' && /^[\w.-]+:\d+$/.test(head) ? line.slice(first + 1, second) : head
}

/** The text between the quote at `start` and the next that no backslash escapes. */
function quoted (line: string, start: number): { text: string, end: number } | undefined {
  if (start < 0 || line.charCodeAt(start) !== 34) return undefined
  let escaped = false
  for (let at = start + 1; at < line.length; at++) {
    const code = line.charCodeAt(at)
    if (code === 92) {
      escaped = true
      at++
    } else if (code === 34) {
      const text = line.slice(start + 1, at)
      return { text: escaped ? unescaped(text) : text, end: at + 1 }
    }
  }
  return undefined
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', v: '\v' }

/** Both servers write bytes that do not print as `\xHH`; together these may be UTF-8. */
function unescaped (text: string): string {
  let bytes = false
  const plain = text.replace(/\\(?:x([0-9A-Fa-f]{2})|(.))/gs, (_, hex: string | undefined, other: string) => {
    if (hex === undefined) return ESCAPES[other] ?? other
    bytes = true
    return String.fromCharCode(parseInt(hex, 16))
  })
  if (!bytes || /[^\0-\xff]/.test(plain)) return plain
  const decoded = Buffer.from(plain, 'latin1').toString('utf8')
  return decoded.includes('\ufffd') ? plain : decoded
}

/** `GET /path HTTP/1.1`; what an HTTP/0.9 client or a port scanner sends has no version. */
function target (text: string): [string, string | undefined] {
  const space = text.indexOf(' ')
  if (space === -1) return [text, undefined]
  const version = text.lastIndexOf(' HTTP/')
  const url = text.slice(space + 1, version > space ? version : undefined)
  return [text.slice(0, space), url === '' ? undefined : url]
}

const MONTHS: Readonly<Record<string, number>> = { Jan: 0, Feb: 1, Mar: 2, Apr: 3, May: 4, Jun: 5, Jul: 6, Aug: 7, Sep: 8, Oct: 9, Nov: 10, Dec: 11 }

/** Reads `10/Oct/2000:13:55:36 -0700`; most lines share the second of the one before. */
function clock (): (text: string) => number | undefined {
  let last = ''
  let time: number | undefined
  return (text) => {
    if (text !== last) {
      last = text
      time = instantOf(text)
    }
    return time
  }
}

function instantOf (text: string): number | undefined {
  const found = /^(\d\d)\/(\w{3})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/.exec(text)
  const month = found === null ? undefined : MONTHS[found[2]!]
  if (found === null || month === undefined) return undefined
  const [, day, , year, hour, minute, second, sign, zoneHours, zoneMinutes] = found
  const zone = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000 * (sign === '-' ? -1 : 1)
  return Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second)) - zone
}
