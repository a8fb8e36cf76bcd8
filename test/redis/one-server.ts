import { after, before } from 'node:test'
import { clocked } from './clocked.ts'
import { clientOf, startServer, until, type Server, type TestClient } from './server.ts'
import { leased, type Leased } from '../../lib/redis/lease.ts'
import { remote } from '../../lib/redis/remote.ts'

/** A server with a client for the tests of one `describe`, there once its first test runs. */
export function oneServer (): { readonly client: TestClient } {
  let server: Server
  let client: TestClient
  before(async () => {
    server = await startServer()
    client = clientOf(server.port)
    await until(() => client.status === 'ready')
  })
  after(async () => {
    client.disconnect()
    await server.stop()
  })
  return { get client () { return client } }
}

/** Nodes with leases on one Redis, and one clock for all of them. */
export function leaseNodes (client: TestClient, clock: { now: number }, prefix: string, count: number): Leased[] {
  return Array.from({ length: count }, () => leased(remote({ client: clocked(client, () => clock.now), prefix, timeout: 10_000 }), () => clock.now))
}
