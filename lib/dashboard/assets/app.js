/* global document, EventSource, fetch, localStorage, matchMedia */
import { drawCharts, setSeries, updateSeries } from './charts.js'
import { confirm, find, setText } from './dom.js'
import { addEvents, setEvents, startEvents } from './events.js'
import { showBans, showHealth, showPassive, showTiles, showTops } from './panels.js'
import { policyOf, refreshRoutes, startPolicy } from './policy.js'

const base = new URL('api/', import.meta.url)
let state
let offset = 0
let width = 'fine'
let banSearch = ''
let noticeTimer

function notice (text) {
  setText(find('notice'), text)
  clearTimeout(noticeTimer)
  noticeTimer = setTimeout(() => setText(find('notice'), ''), 8000)
}

async function get (path) {
  const response = await fetch(new URL(path, base), { headers: { accept: 'application/json' } })
  if (!response.ok) throw new Error(`answered ${response.status}`)
  return response.json()
}

async function act (name, body, done) {
  try {
    const response = await fetch(new URL(name, base), { method: 'POST', headers: { 'content-type': 'application/json', 'x-guard-dashboard': '1' }, body: JSON.stringify(body) })
    const answer = await response.json()
    notice(response.ok ? done(answer.outcome) : `Not done: ${answer.error ?? answer.message}`)
    return response.ok
  } catch (error) {
    notice(`Not done: ${error.message}`)
    return false
  }
}

const lift = (target) => act('unban', { target }, ({ lifted }) => lifted ? `The ban of ${target} is lifted.` : `${target} was not banned.`)

async function ban (target, duration = '1h', reason = '') {
  if (!await confirm({ title: `Ban ${target}?`, text: `All requests from there are refused for ${duration}. If you are among them, this page is closed to you too.`, action: 'Ban' })) return false
  return act('ban', { target, duration, reason }, ({ client }) => `${client} is banned.`)
}

async function toggleEmergency () {
  const on = !state.emergency
  const text = on ? 'Every client that is not in emergency.allow is refused with 503, on every route.' : 'Clients are served again, under the usual rules.'
  if (await confirm({ title: on ? 'Start emergency mode?' : 'End emergency mode?', text, action: on ? 'Refuse everybody' : 'End it' })) await act('emergency', { on }, () => `Emergency mode is ${on ? 'on' : 'off'}.`)
}

function chip (id, text, tone) {
  const element = find(id)
  setText(element, text)
  element.className = `chip ${tone}`
  element.hidden = false
}

async function bansShown () {
  if (banSearch === '') return state.bans
  try {
    return await get(`bans?q=${encodeURIComponent(banSearch)}`)
  } catch {
    return state.bans
  }
}

async function showState () {
  chip('mode', `mode ${state.mode}`, state.mode === 'enforce' ? '' : 'warn')
  const { kind, state: up } = state.health.store
  chip('store', kind === 'memory' ? 'in memory' : `Redis ${up}`, up === 'up' ? '' : 'bad')
  const button = find('emergency')
  button.setAttribute('aria-pressed', String(state.emergency))
  setText(button, state.emergency ? 'Emergency mode is on' : 'Emergency mode')
  showTiles(state, width)
  showTops(state)
  showPassive(state, promote)
  showHealth(state)
  showBans(await bansShown(), Date.now() - offset, lift)
}

async function promote (check) {
  await act('promote', { check }, () => `${check} refuses from now on.`)
}

function loadRoutes () {
  refreshRoutes().catch((error) => notice(`Routes: ${error.message}`))
}

function connect () {
  const source = new EventSource(new URL('live', base))
  source.addEventListener('open', () => chip('connection', 'live', 'good'))
  source.addEventListener('error', () => {
    chip('connection', 'connection lost', 'bad')
    // An answer that is no stream (a proxy's 502, too many pages) ends a source for good.
    if (source.readyState === EventSource.CLOSED) setTimeout(again, 5000)
  })
  source.addEventListener('snapshot', ({ data }) => {
    const snapshot = JSON.parse(data)
    offset = Date.now() - snapshot.time
    state = snapshot.state
    setSeries(snapshot.series)
    setEvents(snapshot.events)
    drawCharts(width)
    showState()
  })
  source.addEventListener('tick', ({ data }) => {
    const tick = JSON.parse(data)
    updateSeries(tick)
    addEvents(tick.events)
    if (tick.events.some(({ type }) => type === 'update' || type === 'rules')) loadRoutes()
    if (document.hidden) return
    drawCharts(width)
    showTiles(state, width)
  })
  source.addEventListener('state', ({ data }) => {
    state = JSON.parse(data)
    showState()
  })
}

/** Whoever is not let in any more is told so, and does not ask on: each time could count towards a ban. */
async function again () {
  try {
    const { status } = await fetch(new URL('bans?q=-', base))
    if (status === 401 || status === 403) return chip('connection', 'no access: load the page again', 'bad')
  } catch {}
  connect()
}

function setTheme (theme) {
  document.documentElement.dataset.theme = theme
  setText(find('theme'), theme === 'dark' ? 'Light' : 'Dark')
  find('theme').setAttribute('aria-label', `Change to ${theme === 'dark' ? 'light' : 'dark'} colours`)
  if (state !== undefined) drawCharts(width, true)
}

const system = matchMedia('(prefers-color-scheme: dark)')
setTheme(localStorage.getItem('guard-theme') ?? (system.matches ? 'dark' : 'light'))
system.addEventListener('change', ({ matches }) => { if (localStorage.getItem('guard-theme') === null) setTheme(matches ? 'dark' : 'light') })
find('theme').addEventListener('click', () => {
  const theme = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'
  localStorage.setItem('guard-theme', theme)
  setTheme(theme)
})
find('emergency').addEventListener('click', toggleEmergency)
find('span').addEventListener('change', ({ target }) => {
  width = target.value
  drawCharts(width)
  if (state !== undefined) showTiles(state, width)
})
find('ban-search').addEventListener('input', ({ target }) => {
  banSearch = target.value.trim()
  if (state !== undefined) showState()
})
find('ban-form').addEventListener('submit', async (event) => {
  event.preventDefault()
  const { target: form } = event
  const { target, duration, reason } = Object.fromEntries([...form.elements].filter(({ name }) => name !== '').map(({ name, value }) => [name, value]))
  if (await ban(target, duration, reason)) form.reset()
})
startEvents({ policyOf, ban })
startPolicy(() => get('routes'))
loadRoutes()
connect()
