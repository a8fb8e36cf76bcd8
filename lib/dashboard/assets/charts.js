/* global document, getComputedStyle, ResizeObserver */
import Plot from './uplot.js'
import { el, find, number, setText } from './dom.js'

const COLORS = ['#4c78a8', '#f58518', '#54a24b', '#e45756', '#72b7b2', '#b279a2', '#d6a800', '#9d755d', '#ff8f9c', '#7f8790', '#3f9fd8', '#8a6fd1']
const FINE = 300
const COARSE = 360

/** Lanes of numbers over time, as the server has them. */
export const lanes = new Map()
let second = 0

export function setSeries (snapshot) {
  second = snapshot.second
  lanes.clear()
  for (const [name, lane] of Object.entries(snapshot.lanes)) lanes.set(name, lane)
}

/** Moves all lanes on to the update's second and puts its numbers in. */
export function updateSeries (update) {
  const tens = Math.floor(update.second / 10) - Math.floor(second / 10)
  const steps = update.second - second
  for (const lane of lanes.values()) {
    shift(lane.fine, steps)
    shift(lane.coarse, tens)
  }
  second = Math.max(second, update.second)
  for (const [name, [before, now, tenBefore, tenNow]] of Object.entries(update.lanes)) {
    if (!lanes.has(name)) lanes.set(name, { fine: new Array(FINE).fill(0), coarse: new Array(COARSE).fill(0) })
    const { fine, coarse } = lanes.get(name)
    fine.splice(-2, 2, before, now)
    coarse.splice(-2, 2, tenBefore, tenNow)
  }
}

function shift (values, steps) {
  for (let i = Math.min(steps, values.length); i > 0; i--) {
    values.shift()
    values.push(0)
  }
}

const named = (prefix) => [...lanes.keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)).sort()
const colors = new Map([['passed', '#3f9a5b'], ['refused', '#e45756']])
const colorOf = (name) => {
  if (!colors.has(name)) colors.set(name, COLORS[(colors.size - 2) % COLORS.length])
  return colors.get(name)
}
const zeros = (span) => new Array(span === 'fine' ? FINE : COARSE).fill(0)
const valuesOf = (name, span) => lanes.get(name)?.[span] ?? zeros(span)
const sumOf = (values) => values.reduce((sum, value) => sum + value, 0)
export const total = (prefix, span) => named(prefix).reduce((sum, name) => sum + sumOf(valuesOf(prefix + name, span)), 0)
export const totalOf = (name, span) => sumOf(valuesOf(name, span))

/** What each chart shows: rows of a name and its values; `bin`: so many of them make one point. */
const CHARTS = {
  'chart-requests': {
    unit: '/s',
    bin: 1,
    rows (span) {
      const refused = named('refused:').map((name) => valuesOf(`refused:${name}`, span))
      const refusedAt = zeros(span).map((_, i) => refused.reduce((sum, values) => sum + values[i], 0))
      const requests = valuesOf('requests', span)
      return [['passed', requests.map((value, i) => Math.max(0, value - refusedAt[i]))], ['refused', refusedAt]]
    }
  },
  'chart-refused': { unit: '/s', bin: 5, stacked: true, rows: (span) => named('refused:').map((name) => [name, valuesOf(`refused:${name}`, span)]) },
  'chart-reported': { unit: '/s', bin: 5, stacked: true, rows: (span) => named('reported:').map((name) => [name, valuesOf(`reported:${name}`, span)]) },
  'chart-times': { unit: ' us', bin: 5, times: true, rows: (span) => named('time:').map((name) => [name, valuesOf(`time:${name}`, span), valuesOf(`timed:${name}`, span)]) }
}

const plots = new Map()

export function drawCharts (span, rebuild = false) {
  for (const [id, chart] of Object.entries(CHARTS)) draw(id, chart, span, rebuild)
}

/**
 * Sums of `bin` values each, between fixed moments, so that bars stand still while time goes on; the last is not over.
 * Of single values the present one is left out: it would look like a fall.
 *
 * @param present number of the newest value, counted from the epoch
 */
function binned (values, bin, present) {
  if (bin === 1) return values.slice(0, -1)
  const last = values.length - 1 - present % bin
  const sums = [sumOf(values.slice(last))]
  for (let end = last; end >= bin; end -= bin) sums.unshift(sumOf(values.slice(end - bin, end)))
  return sums
}

function draw (id, chart, span, rebuild) {
  const { rows, bin, times } = chart
  const unit = span === 'fine' ? 1 : 10
  const present = Math.floor(second / unit)
  const step = unit * bin
  const found = rows(span).filter(([, values]) => values.some((value) => value !== 0))
  const names = found.map(([name]) => name)
  const shown = found.map(([, values, counts]) => {
    const sums = binned(values, bin, present)
    if (times !== true) return sums.map((value) => value / step)
    const samples = binned(counts, bin, present)
    return sums.map((micros, i) => samples[i] === 0 ? null : micros / samples[i])
  })
  const points = binned(zeros(span), bin, present).length
  const newest = (bin === 1 ? present - 1 : present - present % bin) * unit
  const at = Array.from({ length: points }, (_, i) => newest - (points - 1 - i) * step)
  const key = `${span} ${names.join(' ')}`
  let plot = plots.get(id)
  if (plot === undefined || plot.key !== key || rebuild) {
    plot?.chart.destroy()
    plot?.observer.disconnect()
    plot = build(id, names, chart)
    plot.key = key
    plots.set(id, plot)
  }
  plot.shown = shown
  plot.chart.setData([at, ...(chart.stacked === true ? stack(shown) : shown)])
  readOut(plot, chart)
}

/** Each on top of those after it, so that the first, which is drawn first, reaches highest and the others cover it. */
function stack (rows) {
  let above = []
  return [...rows].reverse().map((values) => { above = values.map((value, i) => value + (above[i] ?? 0)); return above }).reverse()
}

const powers = (_plot, low, high) => low === null || low === undefined ? [1, 100] : [10 ** Math.floor(Math.log10(Math.max(low, 0.01))), 10 ** Math.ceil(Math.log10(Math.max(high, 0.1)) + 0.01)]
const fromZero = (_plot, _low, high) => [0, Math.max(1, (high ?? 0) * 1.1)]

function build (id, names, { unit, stacked, times }) {
  const figure = find(id)
  figure.querySelector('.plot')?.remove()
  figure.querySelector('.legend')?.remove()
  const holder = el('div', { class: 'plot', role: 'img' })
  const values = names.map(() => el('b'))
  const legend = el('ul', { class: 'legend' }, ...names.map((name, i) => el('li', {}, swatch(colorOf(name)), `${name} `, values[i])))
  if (names.length === 0) legend.append(el('li', {}, 'nothing yet'))
  figure.append(holder, legend)
  const style = getComputedStyle(document.documentElement)
  const axis = { stroke: style.getPropertyValue('--soft'), grid: { stroke: style.getPropertyValue('--line'), width: 1 }, ticks: { show: false }, font: '11px system-ui' }
  const plot = { holder, values, names, shown: [] }
  const line = (name) => times === true
    ? { stroke: colorOf(name), width: 1.5, spanGaps: true, points: { show: true, size: 4, fill: colorOf(name) } }
    : { stroke: colorOf(name), fill: stacked === true ? colorOf(name) : `${colorOf(name)}22`, width: 1.5, points: { show: false }, ...(stacked === true && { paths: Plot.paths.stepped({ align: 1 }) }) }
  plot.chart = new Plot({
    width: widthOf(figure),
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { y: times === true ? { distr: 3, range: powers } : { range: fromZero } },
    axes: [{ ...axis, space: 60, size: 24, values: (_plot, splits) => splits.map(minute) }, { ...axis, size: 44, values: (_plot, splits) => splits.map((value) => number(value)), ...(times === true && { splits: tens, filter: (_plot, splits) => splits }) }],
    series: [{}, ...names.map(line)],
    hooks: { setCursor: [(chart) => { plot.at = chart.cursor.idx ?? undefined; showValues(plot, unit) }] }
  }, [[], ...names.map(() => [])], holder)
  plot.observer = new ResizeObserver(() => {
    if (widthOf(figure) !== plot.chart.width) plot.chart.setSize({ width: widthOf(figure), height: HEIGHT })
  })
  plot.observer.observe(figure)
  return plot
}

const HEIGHT = 150
const widthOf = (figure) => Math.max(200, figure.clientWidth - 24)
const minute = (time) => new Date(time * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false })
const tens = (_plot, _axis, low, high) => Array.from({ length: Math.round(Math.log10(high / low)) + 1 }, (_, i) => low * 10 ** i)

function swatch (color) {
  const square = el('span', { class: 'swatch' })
  square.style.background = color
  return square
}

/** Beside each name: the value under the pointer, else what is usual in the span. */
function showValues ({ at, values, shown, usual }, unit) {
  values.forEach((element, i) => {
    const value = at === undefined ? usual?.[i] : shown[i]?.[at]
    setText(element, value === undefined || value === null ? '-' : `${number(value)}${unit}`)
  })
}

/** The mean of numbers; of times the middle one, since the first of a process are slow. */
function readOut (plot, { unit, times }) {
  plot.usual = plot.shown.map((values) => {
    const known = values.filter((value) => value !== null)
    if (known.length === 0) return 0
    return times === true ? known.sort((one, other) => one - other)[known.length >> 1] : sumOf(known) / known.length
  })
  showValues(plot, unit)
  const summary = plot.names.map((name, i) => `${name} ${number(plot.usual[i])}${unit}`).join(', ')
  plot.holder.setAttribute('aria-label', `Plot over time. ${times === true ? 'Median' : 'Mean'}: ${summary === '' ? 'nothing yet' : summary}`)
}
