import { parseAddress } from './address.ts'

/** A host as `Host` or a URL's authority gives it: canonical, and its port if there is one. */
export interface Host { name: string, port: string }

const AUTHORITY = /^(?:\[([\da-f:.]+)\]|([a-z\d_.-]+))(?::(\d{1,5}))?$/i

/** Lower case, without a trailing dot; IPv6 in RFC 5952 form and brackets. `undefined` if it is malformed. */
export function parseHost (text: string): Host | undefined {
  if (text.length > 300) return undefined
  const [, v6, name, port = ''] = AUTHORITY.exec(text) ?? []
  if (Number(port) > 65535) return undefined
  if (v6 !== undefined) {
    const address = v6.includes(':') ? parseAddress(v6) : undefined
    return address && { name: address.family === 6 ? `[${address.text}]` : address.text, port }
  }
  const plain = name?.toLowerCase().replace(/\.$/, '')
  return plain === undefined || plain === '' || plain.startsWith('.') || plain.includes('..') ? undefined : { name: plain, port }
}

/** The authority of an absolute-form request target, e.g. `GET http://example.com/ HTTP/1.1`. */
export function targetAuthority (target: string): string | undefined {
  if (target.charCodeAt(0) === 47) return undefined
  return ABSOLUTE.exec(target)?.[1]
}

/** A request target from its path on: always starts with one `/`, and holds only visible ASCII. */
export function originForm (target: string): string {
  const rest = target.replace(ABSOLUTE, '')
  const path = rest.startsWith('/') ? rest : rest.startsWith('?') ? `/${rest}` : '/'
  return path.replace(/#.*$/s, '').replace(/[^\x21-\x7e]/gu, escape)
}

/** Targets hold bytes; a router or a test may have put other characters in. */
function escape (character: string): string {
  const bytes = Buffer.from(character, character <= '\xff' ? 'latin1' : 'utf8')
  return bytes.toString('hex').toUpperCase().replace(/../g, '%$&')
}

const ABSOLUTE = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i
