import { isObject } from '../options/shape.ts'
import type { LogEntry } from './entry.ts'
import { entry, headersOf, instant } from './json-lines.ts'

/**
 * The requests of a HAR document, which browsers export. It is one JSON value and is read whole.
 * http://www.softwareishard.com/blog/har-12-spec/
 *
 * @returns `undefined` for each that cannot be read, `null` for what never was a request of HTTP (`data:`, `blob:`)
 * @throws {SyntaxError} if it is no JSON
 */
export function harEntries (text: string): Array<LogEntry | null | undefined> {
  const document: unknown = JSON.parse(text)
  const log = isObject(document) ? document['log'] : undefined
  const entries = isObject(log) ? log['entries'] : undefined
  return Array.isArray(entries) ? entries.map(readEntry) : []
}

function readEntry (value: unknown): LogEntry | null | undefined {
  if (!isObject(value) || !isObject(value['request'])) return undefined
  const { request, response } = value
  const url = typeof request['url'] === 'string' && URL.canParse(request['url']) ? new URL(request['url']) : undefined
  if (url === undefined) return undefined
  if (!/^(?:https?|wss?):$/.test(url.protocol)) return null
  const pairs = Array.isArray(request['headers']) ? request['headers'].filter(isObject) : []
  const headers = headersOf(Object.fromEntries(pairs.map(({ name, value }) => [String(name), value])))
  headers['host'] ??= url.host
  // A target is what stands in the request line: HTTP/2's pseudo headers are none of it.
  for (const name of Object.keys(headers)) if (name.startsWith(':')) delete headers[name]
  const status = isObject(response) ? response['status'] : undefined
  // The client is the browser that wrote the file; its address is not in it.
  const found = entry(request, { ip: '', url: url.pathname + url.search, headers, status, time: instant(value['startedDateTime']), secure: /^(?:https|wss):$/.test(url.protocol) })
  const body = found === undefined ? undefined : bodyOf(request['postData'], headers)
  return found === undefined || body === undefined ? found : { ...found, body }
}

/** As the application's parsers would have read it; what is neither JSON nor a form is text. */
function bodyOf (data: unknown, headers: Record<string, string>): unknown {
  if (!isObject(data) || typeof data['text'] !== 'string') return undefined
  const type = headers['content-type'] ??= String(data['mimeType'] ?? '')
  if (/^application\/(?:[\w.-]+\+)?json\b/i.test(type)) {
    try {
      return JSON.parse(data['text'])
    } catch {
      return data['text']
    }
  }
  if (/^application\/x-www-form-urlencoded\b/i.test(type)) return Object.fromEntries(new URLSearchParams(data['text']))
  return data['text']
}
