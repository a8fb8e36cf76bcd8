import { also, show, text, type Report } from './shape.ts'

/** A prefix of route URLs. One that takes in every route is refused: it would switch the guard off without a word. */
export const pathPrefix = also(text, (value: string, path: string, report: Report) => {
  if (!value.startsWith('/')) report(path, `must start with "/", got ${show(value)}`)
  else if (/^\/+\*?$/.test(value)) report(path, 'would take in every route; use mode: \'off\' for that')
  else if (value.endsWith('*')) report(path, `takes in what is below it without "*", got ${show(value)}`)
})

/** Whether a route's URL is the prefix or stands below it, at a segment's boundary. */
export function isBelow (url: string, prefix: string): boolean {
  const base = prefix.replace(/\/+$/, '')
  return url === base || url.startsWith(`${base}/`)
}
