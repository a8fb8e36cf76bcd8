import type { IncomingMessage, ServerResponse } from 'node:http'

type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void

/** The headers that a middleware of helmet sets, by lower-case name. It is run once, at start, and never for a request. */
export function headersOf (middleware: Middleware): Record<string, string> {
  const headers: Record<string, string> = {}
  const response = {
    setHeader (name: string, value: string) { headers[name.toLowerCase()] = value },
    removeHeader (name: string) { delete headers[name.toLowerCase()] }
  }
  // helmet looks at nothing of the request, and at these two functions of the response.
  middleware({} as IncomingMessage, response as unknown as ServerResponse, (error) => { if (error !== undefined) throw error })
  return headers
}
