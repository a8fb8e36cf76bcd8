import { Readable } from 'node:stream'

/** Sends the same messages to every page that is open (server-sent events, WHATWG HTML section 9.2). */
export interface Live {
  readonly size: number
  /** A new page, which first gets what this answers; `undefined`: there are too many. */
  open: (first: () => string) => Readable | undefined
  send: (message: string) => void
  close: () => void
}

/** One message: a name, and data that is JSON and thus has no line break. */
export function message (event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

export interface LiveOptions {
  now: () => number
  /** Pages at once. */
  most?: number
  /** Bytes that wait for a page at most. */
  waiting?: number
  /** Milliseconds after which a page has to ask again, and its credential is looked at again. */
  longest?: number
}

interface Page { stream: Readable, since: number, behind: boolean }

/** A page that reads too slowly misses messages, since nothing is kept for it; when it has caught up it asks for all anew. */
export function live ({ now, most = 32, waiting = 1024 * 1024, longest = 600_000 }: LiveOptions): Live {
  const pages = new Set<Page>()
  let closed = false

  function sendTo (page: Page, bytes: Buffer): void {
    const { stream } = page
    const waits = stream.readableLength
    if (now() - page.since > longest || (page.behind && waits === 0)) stream.push(null)
    else if (waits > 0 && waits + bytes.length > waiting) page.behind = true
    else if (!page.behind) stream.push(bytes)
  }

  return {
    get size () { return pages.size },
    open (first) {
      if (closed || pages.size >= most) return undefined
      const page: Page = { stream: new Readable({ read () {} }), since: now(), behind: false }
      pages.add(page)
      page.stream.once('close', () => { pages.delete(page) })
      page.stream.push(`retry: 1000\n\n${first()}`)
      return page.stream
    },
    send (text) {
      const bytes = Buffer.from(text)
      for (const page of pages) sendTo(page, bytes)
    },
    close () {
      closed = true
      for (const { stream } of pages) stream.destroy()
      pages.clear()
    }
  }
}
