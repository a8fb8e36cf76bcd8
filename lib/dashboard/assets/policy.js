import { el, facts, find } from './dom.js'

let routes = []
let load = async () => []

/** Routes are asked for when the section is first looked at: there may be thousands. */
export function startPolicy (get) {
  load = get
  find('route-search').addEventListener('input', show)
}

export async function refreshRoutes () {
  routes = await load()
  show()
}

/** The effective rule of a route that an event is about. */
export async function policyOf (method, route, check) {
  if (routes.length === 0) routes = await load()
  const asked = method === 'HEAD' ? 'GET' : method
  const found = routes.find(({ url, methods }) => route === undefined ? url === '(none)' : url === route && (methods.includes(method) || methods.includes(asked)))
  const rule = found?.rules[check]
  if (rule === undefined) return undefined
  const from = Object.entries(found.origins).filter(([path]) => path === check || path.startsWith(`${check}.`))
  return el('div', {}, el('h3', {}, `Effective rule ${check} of ${found.url}`), el('pre', { tabindex: '0' }, JSON.stringify(rule, null, 2)), from.length === 0 ? '' : facts(from.map(([path, layers]) => [path, `from ${layers.join(', ')}`])))
}

const MOST = 200

function show () {
  const text = find('route-search').value.trim().toLowerCase()
  const fitting = routes.filter(({ url, checks, methods }) => text === '' || [url, ...checks, ...methods].some((part) => part.toLowerCase().includes(text)))
  find('route-rows').replaceChildren(...fitting.slice(0, MOST).map(box), fitting.length > MOST ? el('p', { class: 'hint' }, `${fitting.length - MOST} more: search for them.`) : '')
}

function box ({ methods, url, guarded, late, checks, rules, origins }) {
  return el('details', { class: 'box' },
    el('summary', {}, el('span', { class: 'mono' }, `${methods.join(', ')} ${url}`), guarded ? '' : el('span', { class: 'tag warn' }, 'not guarded'), late ? el('span', { class: 'tag warn' }, 'declared before the guard') : '', ' ', el('span', { class: 'hint' }, checks.join(', '))),
    el('pre', { tabindex: '0' }, JSON.stringify(rules, null, 2)),
    facts(Object.entries(origins).map(([path, layers]) => [path, layers.join(', ')])))
}
