import { EventEmitter } from 'node:events'
import { test, type TestContext } from 'node:test'
import { copies } from '../../lib/download/copies.ts'
import { alsoInRedis } from '../../lib/download/redis-copies.ts'
import type { RedisClient } from '../../types/index.ts'
import { folder } from './server.ts'

test('a Redis that never answers keeps nobody from the copy on the disk', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const disk = copies(folder(t))
  const copy = { bytes: Buffer.from('content'), url: 'https://example.com/', validators: {}, checked: 5 }
  await disk.write('file', copy)
  let asked = 0
  const client = Object.assign(new EventEmitter(), { eval: async () => { asked++; return new Promise(() => {}) } }) as unknown as RedisClient
  const connection = { client, prefix: 'guard:', own: false, watch: () => () => {}, close: async () => {} }
  const both = alsoInRedis(disk, { connection, started: async () => {} })
  const read = both.read('file')
  for (let i = 0; i < 8; i++) {
    await new Promise((resolve) => { setImmediate(resolve) })
    t.mock.timers.tick(500)
  }
  t.assert.deepStrictEqual(await read, copy)
  t.assert.strictEqual(asked, 1)
})
