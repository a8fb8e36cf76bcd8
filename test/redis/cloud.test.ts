import { test, type TestContext } from 'node:test'
import { AWS } from '../cloud/feeds.ts'
import { folder, vendorServer } from '../download/server.ts'
import { build, status } from '../helpers.ts'
import { skip, startServer } from './server.ts'

test('a node with an empty disk has the ranges that another one got', { skip }, async (t: TestContext) => {
  const server = await startServer()
  t.after(() => server.stop())
  const vendor = await vendorServer(t, { '/aws': AWS })
  const cacheDir = folder(t)
  const store = { redis: `redis://127.0.0.1:${server.port}` }
  const node = async (dir: string) => build(t, { store, cloudRanges: { cacheDir: dir, sources: { aws: `${vendor.url}/aws` } }, cloud: { deny: ['aws'] } })
  const first = await node(cacheDir)
  t.assert.strictEqual(await status(first.app, { ip: '3.5.140.1' }), 403)
  vendor.pages.clear()
  const asked = vendor.seen.length
  const second = await node(folder(t))
  t.assert.strictEqual(await status(second.app, { ip: '3.5.140.1' }), 403)
  t.assert.strictEqual(vendor.seen.length, asked, 'nobody is asked')
  // Redis is away: the disk is enough.
  await server.stop()
  const third = await node(cacheDir)
  t.assert.strictEqual(await status(third.app, { ip: '3.5.140.1' }), 403)
})
