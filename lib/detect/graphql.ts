/** Documents begin with a selection or with the word of an operation. */
const DOCUMENT = /^\s*(?:\{\s*[a-zA-Z_]|(?:query|mutation|subscription|fragment)\b[^{]{0,400}\{)/
const BLOCK = '"""'
/** Strings of one document that are judged. */
const MOST = 200

/**
 * The values that a document of GraphQL has as constants: each stands alone for the resolver, so it is judged alone. One pass,
 * by hand: an expression would read the rest of the text for every quote that nothing closes.
 */
export function constants (text: string): string[] {
  const values: string[] = []
  if (!text.includes('"') || !DOCUMENT.test(text)) return values
  for (let at = text.indexOf('"'); at >= 0 && values.length < MOST;) {
    const block = text.startsWith(BLOCK, at)
    const from = at + (block ? 3 : 1)
    const end = block ? text.indexOf(BLOCK, from) : closing(text, from)
    if (end < 0) break
    if (end > from) values.push(block ? text.slice(from, end) : unescaped(text.slice(from, end)))
    at = text.indexOf('"', end + (block ? 3 : 1))
  }
  return values
}

/** The quote that ends a string; -1 if there is none. */
function closing (text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 34) return at
    if (code === 92) at++
  }
  return -1
}

/** GraphQL has JSON's escapes. */
function unescaped (text: string): string {
  if (!text.includes('\\')) return text
  try {
    return JSON.parse(`"${text}"`) as string
  } catch {
    return text
  }
}
