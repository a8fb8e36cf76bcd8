import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { PLOTS, STYLE } from './page.ts'
import type { ReplayResult } from './replay.ts'
import type { Report } from './tally.ts'
import { count, percent } from './text.ts'
import type { Group } from '../counts/top.ts'

const MOST_ROWS = 50

/** The report as one page that needs no network. What clients wrote stands in it as text. */
export function replayHtml (result: ReplayResult): string {
  const { resolve } = createRequire(import.meta.url)
  const plots = readFileSync(resolve('uplot/dist/uPlot.iife.min.js'), 'utf8')
  const style = `${readFileSync(resolve('uplot/dist/uPlot.min.css'), 'utf8')}\n${STYLE}`
  const policy = `default-src 'none'; script-src ${[plots, PLOTS].map(hash).join(' ')}; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="content-security-policy" content="${policy}">
<title>Replay report</title>
<style>${style}</style>
</head>
<body>
<main>
${head(result)}
${section('What the policy does', result.report, result.requests)}
${result.against === undefined
? ''
: `${section('What the other policy does', result.against.report, result.requests)}
${section('Refused by the other policy alone', result.against.refusedMore, result.requests)}
${section('No longer refused by the other policy', result.against.refusedLess, result.requests)}`}
</main>
<script>${plots}</script>
<script>${PLOTS}</script>
</body>
</html>
`
}

function hash (script: string): string {
  return `'sha256-${createHash('sha256').update(script).digest('base64')}'`
}

function head ({ lines, requests, others, bad, formats, left, from, to }: ReplayResult): string {
  const span = from === undefined || to === undefined ? '' : `<p>${new Date(from).toISOString()} to ${new Date(to).toISOString()}</p>`
  return `<h1>Replay report</h1>
${span}
<p>${count(lines)} lines, ${count(requests)} requests (${text(formats.join(', '))}); ${count(others)} lines are no requests, ${count(bad.count)} cannot be read.</p>
${bad.first.map(({ line, text: spoilt }) => `<p class="bad">Line ${line}: <code>${text(spoilt)}</code></p>`).join('\n')}
${left.length === 0 ? '' : `<p>Not judged, since a log cannot tell: ${text(left.join(', '))}.</p>`}`
}

function section (title: string, report: Report, requests: number): string {
  const { refused, reported } = report
  return `<section>
<h2>${text(title)}</h2>
<p><strong>${count(refused)}</strong> of ${count(requests)} requests refused (${percent(refused, requests)}); passive rules would refuse ${count(reported)} more.</p>
${refused === 0 ? '' : `<div class="plot" role="img" aria-label="Refused requests over time" data-series="${text(JSON.stringify(report.overTime))}"></div>`}
${table('Rule', report.byRule)}
${examples(report)}
<div class="columns">
${table('Route', report.byRoute)}
${table('Client', report.byClient)}
</div>
</section>`
}

function table (title: string, groups: readonly Group[]): string {
  if (groups.length === 0) return ''
  const most = Math.max(...groups.map(({ refused, reported }) => refused + reported))
  const rows = groups.slice(0, MOST_ROWS).map(({ name, refused, reported }) =>
    `<tr><td>${text(name)}</td><td class="number">${count(refused)}</td><td class="number">${count(reported)}</td><td><meter max="${most}" value="${refused + reported}"></meter></td></tr>`)
  const more = groups.length > MOST_ROWS ? `<p>${groups.length - MOST_ROWS} more.</p>` : ''
  return `<div class="table"><table><thead><tr><th>${title}</th><th class="number">refused</th><th class="number">passive</th><th><span class="unseen">share</span></th></tr></thead><tbody>${rows.join('\n')}</tbody></table>${more}</div>`
}

function examples ({ byRule }: Report): string {
  if (byRule.length === 0) return ''
  const rows = byRule.slice(0, MOST_ROWS).flatMap(({ name, examples }) => examples.map(({ line, ip, method, path, reason }) =>
    `<tr><td>${text(name)}</td><td class="number">${line}</td><td>${text(ip)}</td><td><code>${text(`${method} ${path}`)}</code></td><td>${text(reason)}</td></tr>`))
  return `<details><summary>Examples</summary><div class="table"><table><thead><tr><th>Rule</th><th class="number">Line</th><th>Client</th><th>Request</th><th>Reason</th></tr></thead><tbody>${rows.join('\n')}</tbody></table></div></details>`
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function text (value: string): string {
  return value.replace(/[&<>"']/g, (character) => ENTITIES[character]!)
}
