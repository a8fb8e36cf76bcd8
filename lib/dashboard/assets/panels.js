import { total, totalOf } from './charts.js'
import { clock, confirm, el, facts, find, number, reconcile, setText, span } from './dom.js'

export function showTiles (state, width) {
  const seconds = width === 'fine' ? 300 : 3600
  const requests = totalOf('requests', width)
  const refused = total('refused:', width)
  const tiles = [
    ['Requests per second', number(requests / seconds)], ['Requests', number(requests)], ['Refused', number(refused)],
    ['Share refused', requests === 0 ? '0 %' : `${number(100 * Math.min(1, refused / requests))} %`],
    ['Reported', number(total('reported:', width))], ['Bans in force', number(state.bans.total)]
  ]
  reconcile(find('tiles'), tiles, ([name]) => name, ([name]) => el('div', {}, el('dt', {}, name), el('dd')), (tile, [, value]) => setText(tile.lastElementChild, value))
}

const TOPS = [['clients', 'Clients refused most'], ['routes', 'Routes refused most'], ['rules', 'Rules that match most'], ['countries', 'Countries refused most'], ['busiest', 'Busiest routes']]

export function showTops ({ tops, times }) {
  const lists = TOPS.map(([key, title]) => ({ key, title, rows: tops[key].map(({ name, count }) => ({ name, count, text: number(count) })) }))
  lists.push({ key: 'times', title: 'Time per check, median and 99th percentile', rows: [...times].sort((one, other) => other.p99 - one.p99).map(({ check, p50, p99 }) => ({ name: check, count: p99, text: `${number(p50)} / ${number(p99)} us` })) })
  reconcile(find('tops'), lists, ({ key }) => key, ({ title }) => el('div', { class: 'box' }, el('h3', {}, title), el('ol', { class: 'rank' }), el('p', { class: 'hint' })), (box, { rows }) => {
    const [, list, hint] = box.children
    setText(hint, rows.length === 0 ? 'nothing yet' : '')
    hint.hidden = rows.length > 0
    list.hidden = rows.length === 0
    const most = Math.max(1, ...rows.map(({ count }) => count))
    reconcile(list, rows, ({ name }) => name, ({ name }) => el('li', {}, el('span', { class: 'share' }), el('span', { class: 'name mono', title: name }, name), el('span', { class: 'count' })), (item, { count, text }) => {
      item.firstElementChild.style.width = `${100 * count / most}%`
      setText(item.lastElementChild, text)
    })
  })
}

export function showBans ({ total, shown }, now, lift) {
  setText(find('bans-count'), total === 0 ? 'Nobody is banned.' : `${total} ${total === 1 ? 'ban' : 'bans'}${total > shown.length ? `, ${shown.length} shown` : ''}.`)
  reconcile(find('ban-rows'), shown, ({ client, since }) => `${client} ${since}`, ({ client, reason, since }) => el('tr', {},
    el('td', { class: 'mono' }, client), el('td', { class: 'wide' }, reason), el('td', { class: 'tight' }, clock(since)), el('td', { class: 'tight' }),
    el('td', {}, el('button', { type: 'button', class: 'plain', click: () => lift(client), 'aria-label': `Lift the ban of ${client}` }, 'Lift'))),
  (row, { until }) => setText(row.children[3], span(until - now)))
}

const WHERE = {
  mode: 'The plugin itself is passive.',
  plugin: 'Passive in the options of the plugin.',
  elsewhere: 'Passive in a policy or a route: only the program can change that.',
  nowhere: 'It refuses now; this is what it found before.'
}

export function showPassive ({ passive, mode }, promote) {
  const entries = mode === 'passive' ? [{ check: 'mode', count: -1, where: 'mode', rules: [], routes: [], clients: [] }, ...passive] : passive
  if (entries.length === 0) entries.push({ check: '', count: -1, where: '', rules: [], routes: [], clients: [] })
  reconcile(find('passive-rows'), entries, ({ check, where }) => `${check} ${where}`, (entry) => passiveBox(entry, promote), (box, { check, count, rules, routes, clients }) => {
    if (check === '') return
    const names = (list) => list.map(({ name, count }) => `${name} (${count})`).join(', ')
    setText(box.querySelector('.found'), count < 0 ? '' : count === 0 ? 'would have refused nothing so far' : `would have refused ${number(count)}`)
    setText(box.querySelector('.most'), [['rules', rules], ['routes', routes], ['clients', clients]].filter(([, list]) => list.length > 0).map(([name, list]) => `${name}: ${names(list)}`).join('; '))
  })
}

function passiveBox ({ check, where }, promote) {
  if (check === '') return el('p', { class: 'hint' }, 'No rule is passive.')
  const all = check === 'mode'
  const promotable = all || where === 'plugin'
  const ask = async () => {
    if (await confirm({ title: all ? 'Let every rule refuse?' : `Let ${check} refuse?`, text: 'From now on such requests are refused, until the process ends.', action: 'Promote' })) promote(check)
  }
  return el('div', { class: 'box' },
    el('div', { class: 'line' }, el('p', {}, el('strong', {}, all ? 'All rules' : check), ' ', el('span', { class: 'found' })), promotable ? el('button', { type: 'button', class: 'danger', click: ask, 'aria-label': `Promote ${all ? 'all rules' : check}` }, 'Promote') : ''),
    el('p', { class: 'hint' }, WHERE[where]), el('p', { class: 'most' }))
}

function dataLine ({ type, networks, age, fault }) {
  return [type, networks === undefined ? undefined : `${number(networks)} networks`, age === undefined ? 'not loaded' : `${span(age)} old`, fault].filter((part) => part !== undefined).join(', ')
}

export function showHealth ({ health, totals }) {
  const { node, uptime, memory, store, limits, bans, data, pages, nodes } = health
  const boxes = [
    ['Process', [['Node', node], ['Up', span(uptime)], ['Memory', `${Math.round(memory / 1048576)} MB`], ['Pages open', pages]]],
    ['Since the start', [['Requests', number(totals.requests)], ['Refused', number(totals.refused)], ['Reported', number(totals.reported)]]],
    ['Store', Object.entries(store).map(([name, value]) => [name, name === 'since' ? clock(value) : String(value)])],
    ['Limits', Object.entries(limits).map(([name, value]) => [name, number(value)])],
    ['Bans', Object.entries(bans).map(([name, value]) => [name, number(value)])],
    ['Data', Object.keys(data).length === 0 ? [['Databases', 'none in use']] : Object.entries(data).map(([name, about]) => [name.split('/').at(-1), dataLine(about)])],
    ...nodes.map((other) => [`Node ${other.node}`, [['Requests', number(other.requests)], ['Refused', number(other.refused)], ['Reported', number(other.reported)], ['Bans', number(other.bans)], ['Up', span(other.uptime)], ['Heard', `${span(other.age)} ago`]]])
  ]
  reconcile(find('health-rows'), boxes, ([title]) => title, ([title]) => el('div', { class: 'box' }, el('h3', {}, title), el('div')), (box, [, pairs]) => {
    const text = JSON.stringify(pairs)
    if (box.shown === text) return
    box.shown = text
    box.lastElementChild.replaceChildren(facts(pairs.map(([name, value]) => [name, String(value)])))
  })
}
