import { METHODS } from 'node:http'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import { isObject } from '../options/shape.ts'
import type { RequestLike } from '../../types/index.ts'

export interface Like {
  method: string
  url: string
  ip: string
  secure: boolean
  headers: Array<[name: string, value: string]>
  payload: string | Buffer | undefined
}

/** A request as a client would write it. @throws {GUARD_OPTION_INVALID} for what no client can send */
export function readLike (like: RequestLike): Like {
  if (!isObject(like as unknown)) throw new GUARD_OPTION_INVALID('guard: explain takes a request { method, url, ip, headers, body } or the reference of a verdict')
  const { method = 'GET', url = '/', ip = '127.0.0.1', headers = {}, body, protocol = 'http' } = like
  if (typeof method !== 'string' || !METHODS.includes(method.toUpperCase())) wrong('method', 'a method of HTTP', method)
  if (typeof url !== 'string' || !/^(?:\/|\*$|https?:\/\/[^/])/i.test(url)) wrong('url', "a path with its query, such as '/a?b=1'", url)
  if (typeof ip !== 'string') wrong('ip', 'an address', ip)
  if (!isObject(headers as unknown)) wrong('headers', 'an object', headers)
  if (protocol !== 'http' && protocol !== 'https') wrong('protocol', "'http' or 'https'", protocol)
  const named = Object.entries(headers).filter(([, value]) => (value as unknown) !== undefined).flatMap(([name, value]) => [value].flat().map((one): [string, string] => [fieldName(name), fieldValue(name, one)]))
  const payload = body === undefined || body === null ? undefined : typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  const has = (name: string): boolean => named.some(([other]) => other === name)
  if (!has('host')) named.unshift(['host', /^https?:\/\/([^/?#]+)/i.exec(url)?.[1] ?? 'localhost:80'])
  if (payload !== undefined && payload !== body && !has('content-type')) named.push(['content-type', 'application/json'])
  if (payload !== undefined && !has('content-length')) named.push(['content-length', String(Buffer.byteLength(payload))])
  // A client that writes what no target may hold gets no answer of anybody: it is taken for what a browser makes of it.
  return { method: method.toUpperCase(), url: url.replace(/[^\x21-\x7e]+/gu, encoded), ip, secure: protocol === 'https', headers: named, payload }
}

function encoded (text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}

function fieldName (name: string): string {
  if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name)) wrong('headers', 'names of headers', name)
  return name.toLowerCase()
}

function fieldValue (name: string, value: unknown): string {
  if (typeof value !== 'string' || /[^\t\x20-\x7e\x80-\uffff]/.test(value)) wrong(`headers['${name}']`, 'a text without line ends', value)
  return value
}

function wrong (member: string, expected: string, value: unknown): never {
  throw new GUARD_OPTION_INVALID(`guard: explain: ${member} must be ${expected}, got ${JSON.stringify(value) ?? String(value)}`)
}
