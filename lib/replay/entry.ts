/** One request as a log tells of it. */
export interface LogEntry {
  /** Milliseconds since the epoch; `undefined`: the line has no readable time. */
  time: number | undefined
  /** The address that the server saw. */
  ip: string
  method: string
  url: string
  /** What the log kept of them, by lower-case name. */
  headers: Record<string, string>
  status: number | undefined
  /** The connection was encrypted. */
  secure: boolean
  body?: unknown
}

/** What a log may keep of a request beside its line; `headers`: all of them, secrets aside. */
export type Told = 'address' | 'headers' | 'user-agent' | 'referer' | 'host' | 'scheme'

export interface LogFormat {
  name: 'combined' | 'common' | 'caddy' | 'pino' | 'guard' | 'har'
  tells: ReadonlySet<Told>
  /** One line. `null`: no request, e.g. another message of the application; `undefined`: unreadable. */
  parse: (line: string) => LogEntry | null | undefined
}

/** A browser's own log: all but the address that the server sees. */
export const OWN: ReadonlySet<Told> = new Set<Told>(['headers', 'user-agent', 'referer', 'host', 'scheme'])

export const ALL: ReadonlySet<Told> = new Set<Told>(['address', 'headers', 'user-agent', 'referer', 'host', 'scheme'])

/** Request methods are tokens; 20 characters are more than any registered one has (RFC 9110, section 5.6.2). */
export function isMethod (text: unknown): text is string {
  return typeof text === 'string' && text.length <= 20 && /^[A-Z][A-Z-]*$/.test(text)
}
