import { printable } from '../report.ts'

/** Names of query parameters whose values are secrets, in lower case, without `-` and `_`. */
const SECRET = ['accesstoken', 'apikey', 'auth', 'authorization', 'clientsecret', 'code', 'credential', 'idtoken', 'jwt', 'key', 'otp', 'passwd', 'password', 'pin', 'pwd', 'refreshtoken', 'secret', 'session', 'sessionid', 'sid', 'sig', 'signature', 'state', 'token', 'xapikey']

/** A request target as it may stand in a log. */
export type Redact = (target: string | undefined) => string

/**
 * Keeps a target's path and the names in its query, and the values that are no secrets. Headers and bodies never
 * get into the log at all.
 *
 * @param names further parameters, in any case
 */
export function redactor (names: readonly string[] = []): Redact {
  const secret = new Set([...SECRET, ...names.map(plain)])
  return (target = '') => {
    // A target in absolute form may have a user and a password before the host.
    const local = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/#.*$/s, '')
    const start = local.indexOf('?')
    if (start === -1) return printable(local)
    const query = local.slice(start + 1, start + 2049).split('&').map((pair) => {
      const equals = pair.indexOf('=')
      return equals === -1 || !isSecret(pair.slice(0, equals), secret) ? pair : `${pair.slice(0, equals)}=***`
    })
    return printable(`${local.slice(0, start).slice(0, 200)}?${query.join('&')}`)
  }
}

/** `user[password]`, `user.password` and `Pass%77ord` are `password`. */
function isSecret (name: string, secret: ReadonlySet<string>): boolean {
  const decoded = decode(name)
  return secret.has(plain(decoded)) || decoded.split(/[[\].]+/).some((part) => secret.has(plain(part)))
}

function plain (name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '')
}

function decode (text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
