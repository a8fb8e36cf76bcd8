import { clock, el, facts, find, setText } from './dom.js'

const MOST = 500
const ROWS = 100
const events = []
const filter = { text: '', kind: '' }
let paused = false
let newest = 0
let context

export function startEvents (given) {
  context = given
  find('search').addEventListener('input', ({ target }) => { filter.text = target.value.trim().toLowerCase(); rebuild() })
  find('kind').addEventListener('change', ({ target }) => { filter.kind = target.value; rebuild() })
  find('pause').addEventListener('click', ({ target }) => {
    paused = !paused
    target.setAttribute('aria-pressed', String(paused))
    setText(target, paused ? 'Go on' : 'Pause')
    if (!paused) rebuild()
  })
}

export function setEvents (list) {
  events.length = 0
  newest = 0
  addEvents(list, true)
}

export function addEvents (list, all = false) {
  const fresh = list.filter(({ id }) => id > newest)
  if (fresh.length === 0 && !all) return
  for (const event of fresh) events.push(event)
  newest = events.at(-1)?.id ?? newest
  if (events.length > MOST) events.splice(0, events.length - MOST)
  if (all) return rebuild()
  if (!paused) prepend(fresh)
}

const isVerdict = ({ type }) => type === 'refused' || type === 'reported'

function matches (event) {
  if (filter.kind !== '' && (filter.kind === 'other' ? isVerdict(event) : event.type !== filter.kind)) return false
  return filter.text === '' || Object.values(event).some((value) => (typeof value === 'string' || typeof value === 'number') && String(value).toLowerCase().includes(filter.text))
}

function prepend (fresh) {
  const rows = find('event-rows')
  rows.prepend(...fresh.filter(matches).reverse().slice(0, ROWS).map(row))
  while (rows.children.length > ROWS) rows.lastElementChild.remove()
  count()
}

function rebuild () {
  find('event-rows').replaceChildren(...events.filter(matches).reverse().slice(0, ROWS).map(row))
  count()
}

function count () {
  const found = events.filter(matches).length
  setText(find('events-count'), found === 0 ? 'No event fits.' : `${found} of the last ${events.length} events${found > ROWS ? `, the newest ${ROWS} shown` : ''}.`)
}

const TAGS = { refused: 'bad', reported: 'warn', banned: 'bad', unbanned: 'good', emergency: 'bad', store: 'warn', warning: 'warn' }

function row (event) {
  const { type, time, ip, client, method, path, check, rule, code, country } = event
  const request = isVerdict(event) ? `${method} ${path}` : ''
  const found = isVerdict(event) ? el('td', { class: 'wide' }, el('strong', {}, check), ` ${rule ?? code}`) : el('td', { class: 'wide' }, summaryOf(event))
  return el('tr', {},
    el('td', { class: 'tight' }, clock(time)),
    el('td', { class: 'tight' }, el('span', { class: `tag ${TAGS[type] ?? ''}` }, type), event.status === undefined ? '' : ` ${event.status}`),
    el('td', { class: 'mono' }, ip ?? client ?? '', country === undefined ? '' : ` ${country}`),
    el('td', { class: 'mono wide' }, request),
    found,
    el('td', {}, isVerdict(event) ? el('button', { type: 'button', class: 'plain', click: () => open(event), 'aria-label': `Why ${check} ${type} ${request}` }, 'Why') : ''))
}

function summaryOf ({ type, reason, message, enabled, state, source, until, time, changed, by }) {
  if (type === 'banned') return `${reason}, until ${clock(until)}`
  if (type === 'emergency') return enabled ? 'emergency mode on' : 'emergency mode off'
  return [state, source, by, message, changed?.join(', '), reason].filter((part) => part !== undefined).join(': ') || clock(time)
}

async function open (event) {
  const { type, time, ip, method, path, route, check, code, status, reason, rule, category, evidence, reference, exclusion, country, reqId } = event
  setText(find('details-title'), `${method} ${path}`)
  const body = find('details-body')
  body.replaceChildren(facts([
    ['Verdict', `${type === 'refused' ? 'refused' : 'would be refused'} with ${status} ${code}`], ['Check', check], ['Reason', reason], ['Rule', rule], ['Category', category],
    ['Found', evidence === undefined ? undefined : el('code', {}, evidence)], ['Client', `${ip}${country === undefined ? '' : ` (${country})`}`], ['Route', route ?? 'none'],
    ['Time', new Date(time).toLocaleString()], ['Reference', el('code', {}, reference)], ['Request', String(reqId)]
  ]), allowed(event, exclusion), ban(event))
  find('details').showModal()
  const own = body.firstElementChild
  const policy = await context.policyOf(method, route, check).catch(() => undefined)
  // Another event may be open by now.
  if (policy !== undefined && own.isConnected) body.append(policy)
}

/** What to write, and where, so that such a request passes. */
function allowed ({ check, route }, exclusion) {
  if (exclusion === undefined) return el('div', {}, el('h3', {}, 'If this was wrong'), el('p', {}, HINTS[check] ?? `Change ${check} for ${route ?? 'the plugin'}, or make it passive.`))
  const rule = JSON.stringify({ [check]: { exclude: exclusion } }, null, 2)
  return el('div', {}, el('h3', {}, 'The exclusion that would allow it'), el('p', { class: 'hint' }, route === undefined ? 'In the options of the plugin.' : `In config.guard of ${route}.`), el('pre', { tabindex: '0' }, rule))
}

const HINTS = {
  ip: 'Take the address out of ip.deny, put it into ip.allow, or trust it with ip.trust.',
  ban: 'Lift the ban; addresses in ban.exempt are never banned.',
  rateLimit: 'Raise max, or limit by another key.',
  userAgent: 'Put the client into userAgent.allow.',
  country: 'Change country.allow or country.deny.',
  emergency: 'Put the client into emergency.allow, or end emergency mode.',
  dashboard: 'The dashboard refused this request: see dashboard.auth.'
}

function ban ({ ip, check }) {
  return ip === '' || check === 'ban' ? '' : el('p', {}, el('button', { type: 'button', class: 'danger', click: () => { find('details').close(); context.ban(ip) } }, `Ban ${ip}`))
}
