import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { workloads, type Workload } from './workloads.ts'

/** How many requests are on their way at once. */
export interface Pressure { connections: number, pipelined: number }

export interface Load {
  /** Sends so many requests and waits for their answers. @throws if one of them is not 200 */
  run: (requests: number) => Promise<void>
  close: () => void
}

/**
 * A load generator that spends as little as it can: prepared requests, answers counted by their status lines.
 * autocannon parses each answer and costs more CPU than the server it measures. Every connection comes from an
 * address of its own where the system lets it (Linux), so that state by client is looked up, not one hot entry.
 */
export async function openLoad (port: number, workload: Workload, { connections, pipelined }: Pressure): Promise<Load> {
  const clients = await Promise.all(Array.from({ length: connections }, (_, i) => openClient(port, workloads[workload](i, port), i, pipelined)))
  return {
    async run (requests) {
      const share = Math.ceil(requests / clients.length)
      await Promise.all(clients.map((client) => client.run(share)))
    },
    close () { for (const { socket } of clients) socket.destroy() }
  }
}

const STATUS_LINE = Buffer.from('HTTP/1.1 ')

async function openClient (port: number, requests: readonly Buffer[], index: number, pipelined: number): Promise<{ run: (count: number) => Promise<void>, socket: Socket }> {
  const local = process.platform === 'linux' ? { localAddress: `127.1.${index >> 8}.${1 + (index & 127)}` } : {}
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, ...local })
  await once(socket, 'connect')
  let [toSend, toAnswer, at] = [0, 0, 0]
  let rest = Buffer.alloc(0)
  let end: { resolve: () => void, reject: (error: Error) => void } | undefined
  const fail = (error: Error): void => { end?.reject(error) }

  const send = (count: number): void => {
    socket.cork()
    for (; count > 0 && toSend > 0; count--, toSend--) socket.write(requests[at++ % requests.length]!)
    socket.uncork()
  }

  socket.on('error', fail)
  socket.on('close', () => fail(new Error('the server closed a connection')))
  socket.on('data', (chunk) => {
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let found = 0
    let from = 0
    for (let line = data.indexOf(STATUS_LINE); line !== -1 && line + 12 <= data.length; line = data.indexOf(STATUS_LINE, from)) {
      if (data[line + 9] !== 50 || data[line + 10] !== 48) return fail(new Error(`unexpected answer: ${data.toString('latin1', line, line + 400)}`))
      from = line + 12
      found++
    }
    // What may be the start of a status line that the next chunk ends.
    rest = data.subarray(Math.max(from, data.length - 11))
    toAnswer -= found
    send(found)
    if (toAnswer === 0) end?.resolve()
  })

  return {
    socket,
    run: (count) => new Promise((resolve, reject) => {
      end = { resolve, reject }
      toSend = toAnswer = count
      send(pipelined)
    })
  }
}
