import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onPath } from '../../scripts/system.mjs'
import type { RedisClient } from '../../lib/index.ts'

const program: string | undefined = onPath('redis-server') ?? onPath('valkey-server')

/** Why tests that need a server are skipped; `false`: they are not. With CI=true the test command fails where it is missing. */
export const skip: string | false = program === undefined && 'redis-server is missing: apt-get install redis-server'

export interface Server {
  port: number
  folder: string
  /** `SIGSTOP`: it hangs, with its connections open, until `SIGCONT`. */
  signal: (name: NodeJS.Signals) => void
  stop: () => Promise<void>
}

/** A port that was free a moment ago, and 10000 above it too: a cluster's own channel is there. */
export async function freePort (): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    if (port < 55_000) return port
  }
}

/** A real server with nothing on disk. `args` are options of redis-server; a configuration file stands in place of ours. */
export async function startServer (args: readonly string[] = [], at?: number, file?: string): Promise<Server> {
  const port = at ?? await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'guard-redis-'))
  const own = file !== undefined ? [file] : ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder, '--loglevel', 'warning']
  const child = spawn(program!, [...own, ...args], { stdio: 'ignore' })
  const kill = (): void => { child.kill('SIGKILL') }
  process.once('exit', kill)
  await listening(port, child)
  return {
    port,
    folder,
    signal: (name) => { child.kill(name) },
    async stop () {
      process.removeListener('exit', kill)
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

async function listening (port: number, child: ChildProcess): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`)
    const socket = connect(port, '127.0.0.1')
    const [up] = await Promise.race([once(socket, 'connect').then(() => [true]), once(socket, 'error').then(() => [false])]).catch(() => [false])
    socket.destroy()
    if (up === true) return
    await sleep(50)
  }
  throw new Error('redis-server does not listen')
}

/** A client as tests use one to look behind the store. */
export interface TestClient extends RedisClient {
  call: (command: string, ...args: ReadonlyArray<string | number>) => Promise<unknown>
  disconnect: () => void
}
interface Ioredis {
  new (port: number, host: string, options?: object): TestClient
  Cluster: new (nodes: ReadonlyArray<{ port: number, host: string }>, options?: object) => TestClient
}
const require = createRequire(import.meta.url)
export const Redis = createRequire(require.resolve('@fastify/redis'))('ioredis') as Ioredis

export function clientOf (port: number, options: object = {}): TestClient {
  const client = new Redis(port, '127.0.0.1', options)
  client.on('error', () => {})
  return client
}

export interface ClusterServers {
  ports: number[]
  /** The masters by their slots: a third each. */
  servers: Server[]
  /** Adds a replica of the first master. */
  replicate: () => Promise<Server>
  stop: () => Promise<void>
}

/** A cluster of three masters. `args` are options of each redis-server. */
export async function startCluster (args: readonly string[] = []): Promise<ClusterServers> {
  const options = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', ...args]
  const servers = await Promise.all([0, 1, 2].map(() => startServer(options)))
  const clients = servers.map(({ port }) => clientOf(port))
  const [first] = clients
  for (const [i, client] of clients.entries()) {
    const from = Math.floor(16384 * i / 3)
    await client.call('CLUSTER', 'ADDSLOTSRANGE', from, Math.floor(16384 * (i + 1) / 3) - 1)
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1)
  }
  for (const { port } of servers.slice(1)) await first!.call('CLUSTER', 'MEET', '127.0.0.1', port)
  for (const client of clients) await until(async () => String(await client.call('CLUSTER', 'INFO')).includes('cluster_state:ok'))
  for (const client of clients) client.disconnect()
  const all = [...servers]

  async function replicate (): Promise<Server> {
    const replica = await startServer([...options, '--repl-diskless-sync-delay', '0'])
    all.push(replica)
    const [asker, master] = [clientOf(replica.port), clientOf(servers[0]!.port)]
    await asker.call('CLUSTER', 'MEET', '127.0.0.1', servers[0]!.port)
    const id = String(await master.call('CLUSTER', 'MYID'))
    await until(async () => String(await asker.call('CLUSTER', 'NODES')).includes(id), 'the replica knows its master')
    await asker.call('CLUSTER', 'REPLICATE', id)
    await until(async () => String(await asker.call('INFO', 'replication')).includes('master_link_status:up'), 'the replica follows')
    for (const client of [asker, master]) client.disconnect()
    return replica
  }

  return { ports: servers.map(({ port }) => port), servers, replicate, async stop () { await Promise.all(all.map((server) => server.stop())) } }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms) })

/** Waits for something to become true; 15 s on a machine that is busy with other things. */
export async function until (holds: () => boolean | Promise<boolean>, title = 'condition'): Promise<void> {
  for (const end = Date.now() + 15_000; Date.now() < end;) {
    if (await holds()) return
    await sleep(20)
  }
  throw new Error(`${title} does not hold`)
}
