import { after, before, describe, test, type TestContext } from 'node:test'
import { build, CLIENT, status } from '../helpers.ts'
import { clientOf, skip, startServer, until, type Server } from './server.ts'

/** A user with what docs/stores.md names, and what ioredis needs to connect. */
const LEAST = ['SETUSER', 'least', 'on', '>secret', '~guard:*', '-@all', '+evalsha', '+eval', '+scan', '+unlink', '+time', '+mget', '+set', '+del', '+@connection']

const CLIENTS: Record<string, object> = {
  'keyPrefix of ioredis': { keyPrefix: 'app:' },
  enableAutoPipelining: { enableAutoPipelining: true },
  stringNumbers: { stringNumbers: true },
  RESP3: { protocol: 3 },
  'a user with an ACL': { username: 'least', password: 'secret' }
}

describe('clients of an application', { skip }, () => {
  let server: Server
  before(async () => {
    server = await startServer()
    const admin = clientOf(server.port)
    await until(() => admin.status === 'ready')
    await admin.call('ACL', ...LEAST)
    admin.disconnect()
  })
  after(() => server.stop())

  for (const [i, [name, options]] of Object.entries(CLIENTS).entries()) {
    for (const mode of ['strict', 'lease'] as const) {
      test(`${name}, ${mode}`, async (t: TestContext) => {
        const client = clientOf(server.port, options)
        t.after(() => client.disconnect())
        await until(() => client.status === 'ready')
        const { app } = await build(t, { rateLimit: [{ max: 64, window: '1m' }], store: { redis: client, prefix: `guard:${mode}${i}:`, mode, timeout: 10_000 } })
        const codes = await Promise.all(Array.from({ length: 100 }, () => status(app)))
        t.assert.strictEqual(codes.filter((code) => code === 200).length, 64)
        t.assert.strictEqual(await status(app), 429)
        await app.guard.limits.reset(CLIENT)
        t.assert.strictEqual(await status(app), 200)
        t.assert.strictEqual((await app.guard.limits.peek(CLIENT))[0]!.remaining, 63)
        await app.guard.reset()
        t.assert.strictEqual((await app.guard.limits.peek(CLIENT))[0]!.remaining, 64)
        const { fallbacks, state } = app.guard.stats().store
        t.assert.deepStrictEqual({ fallbacks, state }, { fallbacks: 0, state: 'up' })
      })
    }
  }
})
