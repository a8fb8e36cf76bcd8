import { after, before, describe, test, type TestContext } from 'node:test'
import { nodes, type NodeNumbers } from '../../lib/dashboard/nodes.ts'
import { openConnection } from '../../lib/redis/connection.ts'
import type { GuardOptions } from '../../lib/index.ts'
import { build, CLIENT, status } from '../helpers.ts'
import { clientOf, skip, startServer, until, type Server } from '../redis/server.ts'
import { listen, snapshot } from './pages.ts'

describe('dashboards of nodes that share a Redis', { skip }, () => {
  let server: Server
  before(async () => { server = await startServer() })
  after(() => server.stop())

  test("each shows the other's numbers", async (t: TestContext) => {
    const options: GuardOptions = { dashboard: {}, ip: { deny: [CLIENT] }, store: { redis: `redis://127.0.0.1:${server.port}`, prefix: 'shown:' } }
    const [one, other] = [await build(t, options), await build(t, options)]
    const [at, otherAt] = [await listen(one.app), await listen(other.app)]
    await status(one.app)
    await status(one.app)
    await status(other.app, { ip: '198.51.100.1' })
    await until(async () => (await snapshot(otherAt)).state.health.nodes[0]?.refused === 2)
    await until(async () => (await snapshot(at)).state.health.nodes[0]?.requests === 1)
    const { health } = (await snapshot(at)).state
    t.assert.deepStrictEqual(health.nodes.map(({ requests, refused }) => [requests, refused]), [[1, 0]])
    t.assert.notStrictEqual(health.nodes[0]!.node, health.node)
  })

  test('a node that has gone is forgotten, and what cannot be read is nothing', async (t: TestContext) => {
    const client = clientOf(server.port)
    t.after(() => client.disconnect())
    const connection = { ...openConnection(undefined as never, { redis: client }), prefix: 'gone:' }
    const own: NodeNumbers = { node: 'me', requests: 1, refused: 0, reported: 0, bans: 0, uptime: 5 }
    const now = Math.floor(Date.now() / 1000)
    await client.call('HSET', 'gone:{dashboard}:nodes', 'old', `${now - 100} {"node":"old"}`, 'odd', `${now - 2} {"node":{"toString":1},"bans":{"valueOf":1},"requests":"<b>","refused":7}`)
    const faults: unknown[] = []
    const known = nodes(connection, () => own, (error) => { faults.push(error) }, 20)
    t.after(() => known.close())
    await until(() => known.others().length === 1)
    t.assert.deepStrictEqual(known.others().map(({ age, ...rest }) => ({ ...rest, late: age >= 2000 })), [{ node: '(no name)', requests: 0, refused: 7, reported: 0, bans: 0, uptime: 0, late: true }])
    t.assert.deepStrictEqual(((await client.call('HKEYS', 'gone:{dashboard}:nodes')) as string[]).sort(), ['me', 'odd'])
    // What one has broken hides no other.
    await client.call('HSET', 'gone:{dashboard}:nodes', 'odd', `${now} no JSON`, 'empty', '', 'null', `${now} null`, 'no number', 'x', 'blank', `${now}`, 'tomorrow', `${now + 86_400} {"node":"tomorrow"}`, 'good', `${now + 3} {"node":"good","refused":9}`)
    await until(() => known.others()[0]?.node === 'good')
    t.assert.deepStrictEqual(known.others().map(({ node, refused, age }) => [node, refused, age < 2000]), [['good', 9, true]])
    t.assert.deepStrictEqual(faults, [])
    // Nothing is heard any more: what is known grows old, and is forgotten.
    client.disconnect()
    let time = performance.now()
    t.mock.method(performance, 'now', () => time)
    time += 10_000
    t.assert.ok(known.others()[0]!.age >= 10_000)
    time += 10_000
    t.assert.deepStrictEqual(known.others(), [])
  })
})
