import { printable } from '../report.ts'

/** Names of parameters whose values are secrets, in lower case, without `-` and `_`. */
const SECRET = ['accesstoken', 'apikey', 'auth', 'authorization', 'clientsecret', 'code', 'credential', 'idtoken', 'jsessionid', 'jwt', 'key', 'otp', 'passwd', 'password', 'phpsessid', 'pin', 'pwd', 'refreshtoken', 'secret', 'session', 'sessionid', 'sid', 'sig', 'signature', 'state', 'token', 'xapikey']

/**
 * What parts a target's values into names and values of their own: `redirect=%2Fx%3Ftoken%3Dabc`, encoded up to five
 * times. Its pieces at odd places end a name if they match `ENDS_NAME`.
 */
const PARTS = /([?&;#]|=|%(?:25){0,4}(?:3f|26|3b|23|3d)|(?:"|%(?:25){0,4}22)(?::|%(?:25){0,4}3a))/i
const ENDS_NAME = /[=:]$|3[da]$/i

/** A request target as it may stand in a log. */
export type Redact = (target: string | undefined) => string

/**
 * Keeps a target's path and the names in its query, and the values that are no secrets, wherever the names stand: in
 * the query, in values of it, in parameters of the path. Headers and bodies never get into the log at all.
 *
 * @param names further parameters, in any case
 */
export function redactor (names: readonly string[] = []): Redact {
  const secret = new Set([...SECRET, ...names.map(plain)])
  return (target = '') => {
    // A target in absolute form may have a user and a password before the host.
    const local = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/#.*$/s, '')
    const start = local.indexOf('?')
    const each = (text: string, separator: string): string => text.split(separator).map((part) => masked(part, secret)).join(separator)
    if (start === -1) return printable(each(local.slice(0, 300), '/'))
    return printable(`${each(local.slice(0, Math.min(start, 200)), '/')}?${each(local.slice(start + 1, start + 2049), '&')}`)
  }
}

/** What comes after the first secret's name is left out up to the end: where it ends depends on who reads it. */
function masked (text: string, secret: ReadonlySet<string>): string {
  const parts = text.split(PARTS)
  for (let i = 1; i < parts.length; i += 2) {
    if (ENDS_NAME.test(parts[i]!) && isSecret(parts[i - 1]!, secret)) return `${parts.slice(0, i + 1).join('')}***`
  }
  return text
}

/** `user[password]`, `user.password` and `Pass%77ord` are `password`. */
function isSecret (name: string, secret: ReadonlySet<string>): boolean {
  let decoded = name
  for (let i = 0; i < 5 && decoded.includes('%'); i++) decoded = decode(decoded)
  return secret.has(plain(decoded)) || decoded.split(/[[\]./{}"',:@%\s]+/).some((part) => secret.has(plain(part)))
}

function plain (name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '')
}

function decode (text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text.replace(/%[0-7][\da-f]/gi, (code) => String.fromCharCode(parseInt(code.slice(1), 16)))
  }
}
