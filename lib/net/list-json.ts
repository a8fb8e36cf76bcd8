/** Members under which published lists have a network. */
const MEMBERS = ['cidr', 'ipv4Prefix', 'ipv6Prefix', 'ip_prefix', 'ipv6_prefix', 'ip', 'prefix'] as const

/** JSON is read at one go, and requests wait meanwhile. */
const LONGEST = 8 * 1024 * 1024

export function isJson (text: string): boolean {
  return /^\s*[[{]/.test(text)
}

/**
 * The entries of a list in JSON: an array, an object with an array in it (as search engines publish their crawlers'
 * addresses), or an object a line (as Spamhaus DROP). Members of an array are texts or objects with a network in them.
 *
 * @throws {Error} where it is none of these, or longer than 8 MiB
 */
export function jsonLines (text: string): string[] {
  if (text.length > LONGEST) throw new Error(`is JSON of more than ${LONGEST} characters`)
  const whole = parse(text)
  if (whole === undefined) return text.split('\n').filter((line) => line.trim() !== '').flatMap((line, i) => memberOf(parse(line), `line ${i + 1}`))
  const single = isObject(whole) ? networksOf(whole) : []
  if (single.length > 0) return single
  const list = Array.isArray(whole) ? whole as unknown[] : Object.values(whole as object).filter(Array.isArray).flat()
  return list.flatMap((member: unknown, i) => memberOf(member, `entry ${i}`))
}

function parse (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function networksOf (member: Record<string, unknown>): string[] {
  return MEMBERS.flatMap((name) => typeof member[name] === 'string' ? [member[name]] : [])
}

function memberOf (member: unknown, place: string): string[] {
  if (typeof member === 'string') return [member]
  const found = isObject(member) ? networksOf(member) : []
  // The last line of Spamhaus's lists tells how many there are.
  if (found.length === 0 && !(isObject(member) && member['type'] === 'metadata')) throw new Error(`${place} has no network`)
  return found
}
