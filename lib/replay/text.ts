import type { ReplayResult } from './replay.ts'
import type { Report } from './tally.ts'
import type { Group } from '../counts/top.ts'

/** The report as tables of plain text. @param rows at most, of each table */
export function replayText (result: ReplayResult, rows: number): string {
  const { lines, requests, others, bad, left, report, against } = result
  const parts = [
    `${count(lines)} lines, ${count(requests)} requests (${result.formats.join(', ')})${span(result)}; ${count(others)} lines are no requests, ${count(bad.count)} cannot be read`,
    ...bad.first.map(({ line, text }) => `  line ${line}: ${text}`),
    ...(left.length === 0 ? [] : [`not judged, since a log cannot tell: ${left.join(', ')}`]),
    '',
    summary('refused', report, requests),
    ...tables(report, rows)
  ]
  if (against !== undefined) {
    parts.push('', summary('the other policy: refused', against.report, requests),
      '', `refused by the other policy alone: ${count(against.refusedMore.refused)}`, ...tables(against.refusedMore, rows, true),
      '', `no longer refused by the other policy: ${count(against.refusedLess.refused)}`, ...tables(against.refusedLess, rows, true))
  }
  return `${parts.join('\n')}\n`
}

function span ({ from, to }: ReplayResult): string {
  return from === undefined || to === undefined ? '' : ` from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}`
}

function summary (what: string, { refused, reported }: Report, requests: number): string {
  return `${what} ${count(refused)} of ${count(requests)} (${percent(refused, requests)}); passive rules would refuse ${count(reported)} more`
}

function tables (report: Report, rows: number, examples = false): string[] {
  return [
    ...table('rule', report.byRule, rows),
    ...(examples ? report.byRule.slice(0, rows).flatMap(({ examples }) => examples.slice(0, 1)).map(({ line, method, path, ip, reason }) => `  line ${line}: ${method} ${path} from ${ip}: ${reason}`) : []),
    ...table('route', report.byRoute, rows),
    ...table('client', report.byClient, rows)
  ]
}

function table (title: string, groups: readonly Group[], rows: number): string[] {
  if (groups.length === 0) return []
  const shown = groups.slice(0, rows)
  const width = Math.max(title.length, ...shown.map(({ name }) => name.length))
  return ['', `${title.padEnd(width)}  refused  passive`,
    ...shown.map(({ name, refused, reported }) => `${name.padEnd(width)}  ${String(refused).padStart(7)}  ${String(reported).padStart(7)}`),
    ...(groups.length > rows ? [`(${groups.length - rows} more)`] : [])]
}

export function count (number: number): string {
  return number.toLocaleString('en-US')
}

export function percent (part: number, all: number): string {
  return `${(all === 0 ? 0 : part / all * 100).toFixed(2)} %`
}
