import type { FastifyRequest } from 'fastify'
import type { Duration } from './options.ts'

/** As `ws` hands it over. */
export type WebSocketMessage = Buffer | ArrayBuffer | Buffer[]

/** The part of a socket of `ws` or @fastify/websocket that is needed. */
export interface GuardedSocket {
  readonly readyState: number
  on: (event: 'message', listener: (data: WebSocketMessage, isBinary: boolean) => void) => unknown
  close: (code?: number) => void
}

export interface WebSocketOptions {
  /** Messages of a client in `window`, over all of its connections. */
  max: number
  window: Duration
  /** Guards of one name share their counters. Default `websocket`. */
  name?: string
  /** Bytes of a message. Default 1 MiB. */
  maxBytes?: number
  /** Looks for attacks in texts. Default true. */
  inspect?: boolean
}

/** Calls `onMessage` for each message that passes; others close the connection, with 1008, or 1009 if they are too large. */
export type WebSocketGuard = (socket: GuardedSocket, request: FastifyRequest, onMessage: (data: WebSocketMessage, isBinary: boolean) => void) => void
