import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHash } from 'node:crypto'

/** What a path answers: a body with an ETag, or whatever a function does. */
export type Page = string | Buffer | ((request: IncomingMessage, response: ServerResponse) => void)

export interface Vendor {
  /** `http://127.0.0.1:PORT` */
  url: string
  /** By path with query; changed while it serves. */
  pages: Map<string, Page>
  /** Requests so far: path, status, and the headers that came. */
  seen: Array<{ path: string, status: number, headers: IncomingMessage['headers'] }>
}

/** A server in the place of other companies' ones: ETag, Last-Modified, 304 and 404 as theirs. */
export async function vendorServer (t: TestContext, pages: Record<string, Page> = {}): Promise<Vendor> {
  const vendor: Vendor = { url: '', pages: new Map(Object.entries(pages)), seen: [] }
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    response.on('close', () => vendor.seen.push({ path, status: response.statusCode, headers: request.headers }))
    const page = vendor.pages.get(path)
    if (page === undefined) return response.writeHead(404).end()
    if (typeof page === 'function') return page(request, response)
    const etag = `"${createHash('sha256').update(page).digest('hex').slice(0, 16)}"`
    if (request.headers['if-none-match'] === etag) return response.writeHead(304, { etag }).end()
    response.writeHead(200, { etag, 'last-modified': 'Sun, 01 Nov 2026 00:00:00 GMT' }).end(page)
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.after(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => { server.close(resolve) })
  })
  vendor.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return vendor
}

/** A folder that is gone after the test. */
export function folder (t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'guard-'))
  t.after(() => { rmSync(path, { recursive: true, force: true }) })
  return path
}

/** Waits for what goes on beside the test. */
export async function until (condition: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 1500; i++) {
    if (condition()) return
    await new Promise((resolve) => { setTimeout(resolve, 10) })
  }
  throw new Error(`it never came to pass: ${what}`)
}
