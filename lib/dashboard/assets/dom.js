/* global document */
// All that is shown goes through here. Texts become text nodes, never markup.

/** An element; children are texts, numbers or elements, `undefined` is left out. */
export function el (name, attributes = {}, ...children) {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue
    if (typeof value === 'function') element.addEventListener(key, value)
    else element.setAttribute(key, value === true ? '' : String(value))
  }
  element.append(...children.filter((child) => child !== undefined && child !== '').map((child) => typeof child === 'number' ? String(child) : child))
  return element
}

export const find = (id) => document.getElementById(id)

/** Sets a text only where it changes, so that a screen reader and a selection are left in peace. */
export function setText (element, text) {
  if (element.textContent !== String(text)) element.textContent = String(text)
}

/** Makes a list show these items: those that stay keep their element, and with it the focus. */
export function reconcile (list, items, keyOf, make, update = () => {}) {
  const known = list.known ??= new Map()
  const keys = new Set(items.map(keyOf))
  for (const [key, element] of known) {
    if (keys.has(key)) continue
    element.remove()
    known.delete(key)
  }
  let at = list.firstElementChild
  for (const item of items) {
    const key = keyOf(item)
    let element = known.get(key)
    if (element === undefined) known.set(key, element = make(item))
    update(element, item)
    if (element === at) at = at.nextElementSibling
    else list.insertBefore(element, at)
  }
}

export function facts (pairs) {
  return el('dl', { class: 'facts' }, ...pairs.filter(([, value]) => value !== undefined && value !== '').flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]))
}

export const clock = (time) => new Date(time).toLocaleTimeString([], { hour12: false })

export function span (ms) {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 90) return `${seconds} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

export function number (value) {
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} M`
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} k`
  const digits = value < 1 ? 100 : 10
  return String(Math.round(value * digits) / digits)
}

/** A dialog of our own: the browser's would stop the page, and says nothing of what is about to happen. */
export function confirm ({ title, text, action }) {
  const dialog = find('confirm')
  setText(find('confirm-title'), title)
  setText(find('confirm-text'), text)
  setText(find('confirm-yes'), action)
  return new Promise((resolve) => {
    let answer = false
    find('confirm-yes').onclick = () => { answer = true; dialog.close() }
    find('confirm-no').onclick = () => dialog.close()
    dialog.onclose = () => resolve(answer)
    dialog.showModal()
  })
}
