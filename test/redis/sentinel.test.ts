import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { build } from '../helpers.ts'
import type { GuardOptions } from '../../lib/index.ts'
import { clientOf, freePort, skip, startServer, until, type Server } from './server.ts'

const NAME = 'guard-master'

/** A sentinel that takes a master for dead after half a second. It writes what it learns into its configuration. */
async function startSentinel (t: TestContext, master: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'guard-sentinel-'))
  const port = await freePort()
  const file = join(folder, 'sentinel.conf')
  writeFileSync(file, `port ${port}
sentinel monitor ${NAME} 127.0.0.1 ${master} 1
sentinel down-after-milliseconds ${NAME} 500
sentinel failover-timeout ${NAME} 3000
`)
  const server = await startServer(['--sentinel'], port, file)
  t.after(async () => {
    await server.stop()
    rmSync(folder, { recursive: true })
  })
  return port
}

describe('Sentinel', { skip }, () => {
  test('after a failover the guard counts at the new master', async (t: TestContext) => {
    const master = await startServer()
    const replica: Server = await startServer(['--replicaof', '127.0.0.1', String(master.port), '--repl-diskless-sync-delay', '0'])
    t.after(() => Promise.all([master.stop(), replica.stop()]))
    const watcher = clientOf(replica.port)
    t.after(() => watcher.disconnect())
    await until(async () => String(await watcher.call('INFO', 'replication')).includes('master_link_status:up'), 'the replica follows')
    const sentinel = await startSentinel(t, master.port)
    const asker = clientOf(sentinel)
    t.after(() => asker.disconnect())
    await until(async () => String(await asker.call('SENTINEL', 'REPLICAS', NAME)).includes(String(replica.port)), 'the sentinel knows the replica')

    const options: GuardOptions = { rateLimit: { max: 3, window: '1m' }, store: { redis: { sentinels: [{ host: '127.0.0.1', port: sentinel }], name: NAME }, timeout: 400 } }
    const [{ app }, { app: other }] = [await build(t, options), await build(t, options)]
    await Promise.all([app.ready(), other.ready()])
    const ask = async (ip: string): Promise<number> => (await app.inject({ url: '/', remoteAddress: ip })).statusCode
    t.assert.deepStrictEqual([await ask('198.51.100.1'), await ask('198.51.100.1')], [200, 200])
    t.assert.strictEqual(app.guard.stats().store.state, 'up')
    await until(async () => (await watcher.call('KEYS', 'guard:{198.51.100.1}*') as string[]).length === 1, 'the replica has the count')

    await master.stop()
    t.assert.strictEqual(await ask('198.51.100.2'), 200)
    await until(async () => String(await watcher.call('ROLE')).startsWith('master'), 'the replica is made master')
    await until(() => app.guard.stats().store.state === 'up', 'the guard has found the new master')
    // What the old one counted is still known.
    t.assert.deepStrictEqual([await ask('198.51.100.1'), await ask('198.51.100.1')], [200, 429])
    await until(() => other.guard.stats().store.state === 'up', 'the other node has found it too')
    app.guard.ban('198.51.100.3')
    await until(() => other.guard.bans().length === 1, 'a ban reaches the other node')
    app.guard.unban('198.51.100.3')
    await until(() => other.guard.bans().length === 0, 'and so does its end')
  })
})
