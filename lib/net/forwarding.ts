/** What a trusted proxy wrote about one hop. `undefined` members were not there. */
export interface Hop { for?: string | undefined, proto?: string | undefined }

/** Gives the elements of a header's list from right to left, since the right-most are those that trusted proxies wrote. */
export type Walk = () => string | undefined

/**
 * Elements between commas, without blanks; empty ones are no elements (RFC 9110, section 5.6.1). Looks at no
 * more of the header than it is asked for.
 */
export function elements (header: string): Walk {
  let end = header.length
  return () => {
    while (end > 0) {
      const comma = header.lastIndexOf(',', end - 1)
      const element = header.slice(comma + 1, end).trim()
      end = comma
      if (element !== '') return element
    }
    return undefined
  }
}

const QUOTE = 34
const COMMA = 44

/** The same for `Forwarded`, where a comma may stand in quotes. */
export function quotedElements (header: string): Walk {
  let end = header.length
  return () => {
    while (end > 0) {
      let quoted = false
      let start = end
      for (; start > 0; start--) {
        const code = header.charCodeAt(start - 1)
        if (code === QUOTE) quoted = !quoted
        else if (code === COMMA && !quoted) break
      }
      const element = header.slice(start, end).trim()
      end = start - 1
      if (element !== '') return element
    }
    return undefined
  }
}

const PAIR = /[ \t]*([!#$%&'*+.^`|~\w-]+)=(?:"([^"\\]*)"|([^\s;,"]+))[ \t]*(?:;|$)/y

/** Reads one element of `Forwarded` (RFC 7239); `undefined` if it is malformed or says something twice. */
export function forwardedHop (element: string): Hop | undefined {
  const hop: Hop = {}
  PAIR.lastIndex = 0
  while (PAIR.lastIndex < element.length) {
    const pair = PAIR.exec(element)
    if (pair === null) return undefined
    const name = pair[1]!.toLowerCase()
    if (name !== 'for' && name !== 'proto') continue
    if (hop[name] !== undefined) return undefined
    hop[name] = pair[2] ?? pair[3]!
  }
  return hop
}
