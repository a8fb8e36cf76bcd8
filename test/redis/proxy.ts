import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A TCP proxy in front of Redis that breaks what passes through it. */
export interface FaultProxy {
  port: number
  /** Milliseconds that each piece of data takes, each way, and up to how many more. */
  latency: number
  jitter: number
  /** Connected, and silent. What comes in is kept, as a stopped process's sockets do. */
  stall: (on: boolean) => void
  /** Commands reach Redis, answers are lost. */
  dropReplies: boolean
  /** Ends all connections, with RST or FIN, and refuses new ones until `mend`. */
  cut: (reset?: boolean) => Promise<void>
  mend: () => Promise<void>
  /** Ends connections and takes new ones. */
  reset: () => void
  close: () => Promise<void>
}

export async function faultProxy (target: number): Promise<FaultProxy> {
  const pairs = new Set<readonly [near: Socket, far: Socket]>()
  let stalled = false
  const held: Array<() => void> = []

  const proxy: FaultProxy = {
    port: 0,
    latency: 0,
    jitter: 0,
    dropReplies: false,
    stall (on) {
      stalled = on
      if (!on) for (const send of held.splice(0)) send()
    },
    reset () { end(true) },
    async cut (reset = true) {
      const closed = new Promise((resolve) => server.close(resolve))
      end(reset)
      await closed
    },
    async mend () {
      server.listen(proxy.port, '127.0.0.1')
      await once(server, 'listening')
    },
    async close () {
      if (server.listening) await proxy.cut()
    }
  }

  function end (reset: boolean): void {
    held.length = 0
    for (const [near, far] of pairs) {
      if (reset) near.resetAndDestroy()
      else near.destroy()
      far.destroy()
    }
    pairs.clear()
  }

  function pass (from: Socket, to: Socket, isReply: boolean): void {
    let last = 0
    from.on('data', (data) => {
      if (isReply && proxy.dropReplies) return
      const send = (): void => { to.write(data) }
      if (stalled) return held.push(send)
      if (proxy.latency + proxy.jitter === 0 && last === 0) return send()
      // TCP keeps the order, whatever the jitter.
      last = Math.max(last, performance.now() + proxy.latency + Math.random() * proxy.jitter)
      setTimeout(() => stalled ? held.push(send) : send(), last - performance.now())
    })
  }

  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    const pair = [near, far] as const
    pairs.add(pair)
    for (const socket of pair) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        pairs.delete(pair)
        near.destroy()
        far.destroy()
      })
    }
    pass(near, far, false)
    pass(far, near, true)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy.port = (server.address() as AddressInfo).port
  return proxy
}
