import { judge, report, type Engine } from './engine.ts'
import * as place from './place.ts'
import { judgePairs, plain } from './url.ts'

/** What a header's value is, by its name. */
const KINDS: ReadonlyMap<string, number> = new Map([
  ...['user-agent', 'accept', 'accept-encoding', 'accept-language', 'accept-charset', 'content-type', 'cache-control', 'pragma', 'connection', 'sec-ch-ua', 'sec-ch-ua-platform', 'sec-ch-ua-full-version-list',
    'sec-ch-ua-arch', 'sec-ch-ua-model', 'sec-ch-ua-mobile', 'sec-ch-ua-bitness', 'sec-ch-ua-platform-version', 'te', 'via', 'from', 'if-none-match', 'if-match', 'link', 'forwarded', 'priority', 'origin', 'keep-alive',
    'authorization', 'proxy-authorization', 'baggage', 'traceparent', 'tracestate', 'content-security-policy', 'prefer', 'range', 'digest', 'signature', 'signature-input', 'nel', 'report-to'].map((name) => [name, place.HEADER | place.CHATTY] as const),
  ...['x-filename', 'x_filename', 'x.filename', 'x-file-name', 'x-file', 'content-disposition', 'filename'].map((name) => [name, place.HEADER | place.FILE_NAME] as const),
  ['referer', place.HEADER | place.REFERER], ['cookie', place.HEADER | place.COOKIE]
])

export function judgeHeader (engine: Engine, name: string, value: string): void {
  const kind = KINDS.get(name) ?? place.HEADER
  if ((kind & place.COOKIE) !== 0) {
    judgeCookies(engine, value)
    return
  }
  if ((kind & place.REFERER) !== 0) {
    judgeReferer(engine, value)
    return
  }
  if (judge(engine, value, kind, name)) report(engine, `header.${name}`)
}

function judgeReferer (engine: Engine, value: string): void {
  const query = value.indexOf('?')
  if (judge(engine, query < 0 ? value : value.slice(0, query), place.HEADER | place.REFERER, 'referer')) {
    report(engine, 'header.referer')
    return
  }
  if (query < 0) return
  const root = engine.root
  engine.root = 'header.referer'
  judgePairs(engine, value.slice(query + 1), place.HEADER | place.REFERER)
  engine.root = root
}

/** Names and values of cookies; a value may be quoted or percent-encoded. */
function judgeCookies (engine: Engine, header: string): void {
  let at = 0
  while (at < header.length) {
    let end = header.indexOf(';', at)
    if (end < 0) end = header.length
    const pair = header.slice(at, end).trim()
    at = end + 1
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = plain(equals < 0 ? pair : pair.slice(0, equals))
    if (engine.params?.has(name.toLowerCase()) === true) continue
    if (judge(engine, name, place.COOKIE | place.NAME, name)) report(engine, 'cookie name')
    if (equals < 0) continue
    const value = plain(pair.slice(equals + 1))
    if (value !== '' && judge(engine, value, place.COOKIE, name)) report(engine, `cookie.${name}`)
  }
}
