/** Style and script of the report's page. */
export const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d8dce2, #3a3f47); --dim: light-dark(#59616d, #a2a9b4) }
* { box-sizing: border-box }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; background: light-dark(#fff, #16191d); color: light-dark(#1c2127, #e6e8eb) }
main { max-width: 1100px; margin: 0 auto; padding: 24px 16px 64px }
h1 { font-size: 24px; margin: 0 0 8px }
h2 { font-size: 18px; margin: 40px 0 8px; padding-top: 16px; border-top: 1px solid var(--line) }
p { margin: 4px 0 }
table { border-collapse: collapse; width: 100%; margin: 16px 0; font-size: 14px }
th, td { text-align: left; padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere }
th { font-weight: 600; color: var(--dim) }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.table { overflow-x: auto }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 0 32px }
meter { width: 80px }
code { font: 13px/1.4 ui-monospace, monospace }
summary { cursor: pointer; margin: 8px 0 }
.plot { margin: 16px 0 }
.bad { color: var(--dim) }
.unseen { position: absolute; clip-path: inset(50%) }
.u-legend { font-size: 13px }
`

export const PLOTS = `
const colours = ['#c2410c', '#1d6fd1', '#15803d', '#8b3fd9', '#b8860b', '#be185d', '#0e7490', '#6b7280']
for (const place of document.querySelectorAll('.plot')) {
  const { start, step, requests, refused } = JSON.parse(place.dataset.series)
  const ink = getComputedStyle(document.body).color
  const line = { stroke: ink, grid: { stroke: ink + '22', width: 1 }, ticks: { stroke: ink + '44', width: 1 } }
  line.grid.stroke = line.ticks.stroke = 'rgba(128, 128, 128, 0.25)'
  const names = Object.keys(refused)
  const size = () => ({ width: place.clientWidth, height: 240 })
  const plot = new uPlot({
    ...size(),
    series: [{}, { label: 'all requests', stroke: '#9aa3ae', scale: 'all', dash: [4, 4], points: { show: false } },
      ...names.map((label, i) => ({ label, stroke: colours[i % colours.length], fill: colours[i % colours.length] + '22', width: 2, points: { show: names.length > 0 && requests.length < 60 } }))],
    scales: { y: { range: (_, low, high) => [0, Math.max(1, high)] }, all: { range: (_, low, high) => [0, Math.max(1, high)] } },
    axes: [line, { ...line, label: 'refused' }, { ...line, side: 1, scale: 'all', label: 'all', grid: { show: false } }]
  }, [requests.map((_, i) => (start + i * step) / 1000), requests, ...names.map((name) => refused[name])], place)
  addEventListener('resize', () => plot.setSize(size()))
}
`
