import { columns, line } from './show.ts'
import type { CheckAnswer, Explanation } from '../../types/index.ts'

/** An explanation to be read. */
export function explanationText (explained: Explanation): string {
  const { method, url, route, preflight, client, mode, rules, origins, checks, passive, notes, micros } = explained
  const parts = [
    `${method} ${url}\n`,
    columns([
      ['route', `${route ?? '(none)'}${preflight ? ', asked for by a preflight' : ''}`],
      ...client.found.map((_step, i) => [i === 0 ? 'client' : '', stepText(client.found, i)]),
      ...(client.key === client.ip ? [] : [['', `known as ${client.key}`]]),
      ...(client.country === undefined ? [] : [['', `in ${client.country}`]]),
      ...(client.trusted ? [['', 'on ip.trust: many checks pass it by']] : []),
      ['mode', mode]
    ], ''),
    '\nRules\n',
    columns(Object.keys(origins).map((path) => [path, origins[path]!.join(' + '), line(valueAt(rules, path))])),
    `\nChecks, ${micros} us in all\n`,
    columns(checks.map((answer) => [answer.check, answer.phase, answer.outcome, answer.micros === undefined ? '' : `${answer.micros} us`, detail(answer)])),
    ...passive.map((answer) => `\nPassive: would refuse with ${detail(answer)}\n`),
    ...notes.map((note) => `\nNote: ${note}\n`),
    `\nVerdict: ${verdict(explained)}\n`
  ]
  return parts.join('')
}

/** From the connection on, each step up to the client. */
function stepText (steps: Explanation['client']['found'], i: number): string {
  const { address, from, trusted } = steps[i]!
  const last = i === steps.length - 1
  const role = !trusted ? last ? 'the client' : '' : `a proxy that is believed${last ? ', the client since no other is named' : ''}`
  return `${steps.length === 1 ? '' : `${i + 1}. `}${address === '' ? '(no address)' : address} from ${from}${role === '' ? '' : `: ${role}`}`
}

function valueAt (rules: Record<string, unknown>, path: string): unknown {
  const dot = path.indexOf('.')
  return dot === -1 ? rules[path] : (rules[path.slice(0, dot)] as Record<string, unknown>)[path.slice(dot + 1)]
}

function detail ({ code, status, reason, rule, evidence, mode }: CheckAnswer): string {
  if (code === undefined) return mode === 'passive' ? 'passive' : ''
  return `${status ?? ''} ${code}: ${reason ?? ''}${rule === undefined ? '' : `, rule ${rule}`}${evidence === undefined ? '' : `, found ${line(evidence)}`}`
}

function verdict ({ verdict, refusal, checks }: Explanation): string {
  if (refusal !== undefined) {
    const exclusion = refusal.exclusion === undefined ? '' : `\nIf it is a false alarm: detection: { exclude: ${line(refusal.exclusion)} }`
    return `refused by ${refusal.check}, ${detail(refusal)}${refusal.strike === undefined ? '' : `; a strike (${refusal.strike})`}${exclusion}`
  }
  if (verdict === 'depends') return `passes, if ${checks.filter(({ outcome }) => outcome === 'not run').map(({ check }) => check).join(', ')} let it (not run; see --run)`
  return verdict === 'not seen' ? 'the guard does not see this request' : 'passes'
}

/** A log line of a past verdict, to be read. */
export function pastText (found: Record<string, unknown>): string {
  const time = found['time']
  const rows = Object.entries(found)
    .filter(([name, value]) => value !== undefined && !['level', 'pid', 'hostname', 'msg', 'event'].includes(name))
    .map(([name, value]) => [name, name === 'time' && typeof time === 'number' ? new Date(time).toISOString() : typeof value === 'string' ? value : line(value, 300)])
  return columns(rows, '')
}
