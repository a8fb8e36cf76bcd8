import type { FastifyInstance, HTTPMethods } from 'fastify'
import type { Guard } from './guard.ts'

/**
 * Routes of the instance that `onRoute` never showed: declared before the guard, or in the same tick as an
 * un-awaited `register`. Fastify has no list of its routes but the printed tree; each one read from there is
 * asked for again, so that a misread line names no route that does not exist.
 */
export function unseenRoutes (guard: Guard, instance: FastifyInstance): string[] {
  const seen = new Set(guard.routes.flatMap(({ methods, url }) => methods.map((method) => nameOf(method, url ?? ''))))
  return printed(instance.printRoutes({ includeHooks: false }))
    .filter(({ method, url }) => !seen.has(nameOf(method, url)) && instance.hasRoute({ method: method as HTTPMethods, url }))
    .map(({ method, url }) => `${method} ${url}`)
}

/** Reads find-my-way's printed tree: four columns a level, `path (METHOD, ...)`. */
export function printed (tree: string): Array<{ method: string, url: string }> {
  const found: Array<{ method: string, url: string }> = []
  const parents: string[] = []
  for (const line of tree.split('\n')) {
    const match = /^((?:\u2502 {3}| {4})*)(\u251c\u2500\u2500 |\u2514\u2500\u2500 )?(.+)$/.exec(line)
    if (match === null) continue
    const [, indent = '', branch, text = ''] = match
    // A further line of the same node (other constraints) has no branch and is one level deeper.
    const level = indent.length / 4 - (branch === undefined ? 1 : 0)
    const node = /^(.*?)(?: \(([A-Z, -]+)\))?(?: \{.*\})?$/.exec(text)
    if (node === null || level < 0) continue
    const url = (level === 0 ? '' : parents[level - 1] ?? '') + node[1]!
    parents[level] = url
    if (node[2] === undefined || node[2] === '-') continue
    for (const method of node[2].split(', ')) found.push({ method, url })
  }
  return found
}

/** Both sides alike, whatever the router's options on case and trailing slashes. */
function nameOf (method: string, url: string): string {
  return `${method} ${url.toLowerCase().replace(/\/+$/, '')}`
}
