import { isObject, milliseconds } from '../../options/shape.ts'
import { pathOf, type Finding, type Place } from './finding.ts'

const BODYLESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'TRACE'])

/** Rules of a route that can never refuse, or always do. */
export function lintRules (place: Place): Finding[] {
  const found: Finding[] = []
  const add = (message: string, member?: string): void => { found.push({ lint: 'unreachable', path: pathOf(place, member), message }) }
  const { key, value, record } = place
  if (key === 'methods' && Array.isArray(value)) methods(value as string[], place, add)
  if (key === 'rateLimit') limits(Array.isArray(value) ? value : [value], add)
  if (key === 'country' && isObject(value)) countries(value, add)
  if (key === 'userAgent' && isObject(value) && value['deny'] === undefined && value['allow'] !== undefined) add('exempts from userAgent.deny, which is not there', 'allow')
  const own = record.rules.get(key)?.origin === 'route'
  if (own && (key === 'contentType' || key === 'maxBodyBytes') && record.methods.every((method) => BODYLESS.has(method))) add('looks at bodies, and requests of this method have none')
  if (own && key === 'ban' && isObject(value) && Array.isArray(value['on'])) {
    for (const kind of value['on'] as string[]) {
      if (['rateLimit', 'auth', 'apiKey', 'userAgent', 'honeypot'].includes(kind) && (record.rules.get(kind)?.value ?? false) === false) add(`names ${kind}, which this route does not have`, 'on')
    }
  }
  return found
}

function methods (allowed: readonly string[], { record }: Place, add: (message: string) => void): void {
  if (record.methods.length === 0) return
  const names = new Set(allowed.map((name) => name.toUpperCase()))
  if (record.methods.every((method) => !names.has(method) && method !== 'HEAD')) add(`refuses every request of ${record.methods.join(',')} ${record.url ?? ''}`)
}

interface PlainLimit { max: number, window: number, name: string }

/** Of two limits that count the same, one may always come before the other. */
function limits (list: readonly unknown[], add: (message: string) => void): void {
  const plain = list.flatMap((limit, i): PlainLimit[] => {
    if (!isObject(limit) || ['key', 'skip', 'byCountry', 'group', 'cost', 'count', 'burst', 'mode', 'sample'].some((member) => limit[member] !== undefined)) return []
    const { max, window, name = `[${i}]` } = limit as { max: unknown, window: unknown, name?: string }
    const length = milliseconds(window)
    return typeof max === 'number' && length !== undefined ? [{ max, window: length, name }] : []
  })
  for (const limit of plain) {
    const stricter = plain.find((other) => other !== limit && (
      (other.window >= limit.window && other.max <= limit.max && (other.window > limit.window || other.max < limit.max)) ||
      (other.window < limit.window && other.max * Math.ceil(limit.window / other.window) <= limit.max)))
    if (stricter !== undefined) add(`limit ${limit.name} (${limit.max} in ${limit.window} ms) never refuses: ${stricter.name} (${stricter.max} in ${stricter.window} ms) is reached first`)
  }
}

function countries (value: Record<string, unknown>, add: (message: string, member: string) => void): void {
  const denied = new Set((value['deny'] as string[] | undefined)?.map((code) => code.toUpperCase()))
  for (const code of (value['allow'] as string[] | undefined) ?? []) {
    if (denied.has(code.toUpperCase())) add(`${code} is on country.deny too, which comes first`, 'allow')
  }
}
