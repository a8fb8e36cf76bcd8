// A node of an application, in a process of its own: sends requests to itself and tells how many passed.
import Fastify from 'fastify'
import guardPlugin, { type RedisStoreOptions } from '../../lib/index.ts'

interface Orders { store: RedisStoreOptions, max: number, requests: number, clients: number, skew: number }

process.once('message', (orders: Orders) => {
  run(orders).then((passed) => process.send!(passed), (error: unknown) => {
    console.error(error)
    process.exitCode = 1
    process.disconnect()
  })
})
process.send!('ready')

async function run ({ store, max, requests, clients, skew }: Orders): Promise<number[]> {
  const { now } = Date
  Date.now = () => now() + skew
  const app = Fastify()
  await app.register(guardPlugin, { rateLimit: { max, window: '1m' }, store })
  app.get('/', async () => 'ok')
  await app.ready()
  const passed = new Array<number>(clients).fill(0)
  await Promise.all(Array.from({ length: requests }, async (_, i) => {
    const { statusCode } = await app.inject({ url: '/', remoteAddress: `203.0.113.${i % clients}` })
    if (statusCode === 200) passed[i % clients]!++
  }))
  if (app.guard.stats().store.fallbacks !== 0) throw new Error('this node counted by itself')
  await app.close()
  return passed
}
