/** What a server said of a file, to ask whether it has changed. */
export interface Validators { etag?: string, modified?: string }

export interface Download { bytes: Buffer, validators: Validators }

export interface DownloadOptions {
  /** Counted after the decompression of the transfer. */
  maxBytes: number
  /** Milliseconds for the whole answer. */
  timeout: number
  /** Asks only for what is newer. */
  validators?: Validators
  /** Sent to the first server alone, never to one that it redirects to. */
  authorization?: string
  signal?: AbortSignal
}

/** An answer other than 200 and 304. */
export class DownloadRefused extends Error {
  readonly status: number
  constructor (status: number, url: string) {
    super(`${shown(url)} answered ${status}`)
    this.status = status
  }
}

const MOST_REDIRECTS = 5

/**
 * A file from a server; `undefined` if it is the one that the validators stand for. Only https, and http on this
 * machine; what a server elsewhere redirects to is never on this machine.
 *
 * @throws {Error} that names the URL without its query, where tokens stand
 */
export async function download (url: string, options: DownloadOptions): Promise<Download | undefined> {
  const timer = AbortSignal.timeout(options.timeout)
  const signal = options.signal === undefined ? timer : AbortSignal.any([timer, options.signal])
  let at = new URL(url)
  if (!isSafe(at)) throw new Error(`${shown(url)} must be an https URL (http only on loopback)`)
  const local = isLoopback(at)
  const first = at.origin
  try {
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
      const response = await fetch(at, { redirect: 'manual', signal, headers: headersOf(options, at.origin === first) })
      const location = response.headers.get('location')
      if (response.status < 300 || response.status >= 400 || response.status === 304 || location === null) return await bodyOf(response, url, options)
      await response.body?.cancel()
      at = new URL(location, at)
      if (!isSafe(at) || (isLoopback(at) && !local)) throw new Error(`${shown(url)} redirects to ${shown(at.href)}, which is no https URL of a server elsewhere`)
    }
  } catch (error) {
    if (signal.aborted && (signal.reason as Error).name === 'TimeoutError') throw new Error(`${shown(url)} gave no whole answer within ${options.timeout / 1000} s`)
    const cause = (error as Error).cause
    throw cause instanceof Error ? new Error(`${shown(url)}: ${(error as Error).message} (${(cause as NodeJS.ErrnoException).code ?? cause.message})`) : error
  }
  throw new Error(`${shown(url)} redirects more than ${MOST_REDIRECTS} times`)
}

function headersOf ({ validators = {}, authorization }: DownloadOptions, own: boolean): Record<string, string> {
  return {
    'user-agent': 'fastify-api-guard',
    ...(validators.etag !== undefined && { 'if-none-match': validators.etag }),
    ...(validators.modified !== undefined && { 'if-modified-since': validators.modified }),
    ...(authorization !== undefined && own && { authorization })
  }
}

async function bodyOf (response: Response, url: string, { maxBytes, validators = {} }: DownloadOptions): Promise<Download | undefined> {
  const conditional = validators.etag !== undefined || validators.modified !== undefined
  if (response.status === 304 && conditional) return undefined
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new DownloadRefused(response.status, url)
  }
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk as Uint8Array)
    bytes += (chunk as Uint8Array).length
    if (bytes > maxBytes) throw new Error(`${shown(url)} is larger than ${maxBytes} bytes`)
  }
  const etag = response.headers.get('etag')
  const modified = response.headers.get('last-modified')
  return { bytes: Buffer.concat(chunks), validators: { ...(etag !== null && { etag }), ...(modified !== null && { modified }) } }
}

/** Whether a URL may be fetched at all. */
export function isSafe (url: URL): boolean {
  return url.username === '' && url.password === '' && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url)))
}

function isLoopback ({ hostname }: URL): boolean {
  return /^(?:127\.[\d.]+|localhost|\[::1\])$/.test(hostname)
}

/** A URL as it may stand in a log: tokens are in the query. */
export function shown (url: string): string {
  const at = url.indexOf('?')
  return at === -1 ? url : url.slice(0, at)
}
