// A node of an application in a process of its own, which does as it is told and says what it sees.
import Fastify from 'fastify'
import guardPlugin, { type GuardOptions } from '../../lib/index.ts'

type Order = { start: GuardOptions } | { ban: string, reason?: string } | { unban: string } | { send: string, times?: number, url?: string } | { watch: string, banned: boolean, beside?: true } | { beside: GuardOptions } | { both: number } | { closeBeside: true } | { banMany: number } | { say: object } | { flood: number, ip: string } | { list: true } | { stats: true } | { close: true }

const app = Fastify()
app.get('/', async () => 'ok')
/** Another app of this process. */
const second = Fastify()
second.get('/', async () => 'ok')

async function obey (order: Order): Promise<unknown> {
  if ('start' in order) {
    await app.register(guardPlugin, order.start)
    await app.ready()
    return true
  }
  if ('ban' in order) {
    app.guard.ban(order.ban, { duration: '1h', reason: order.reason ?? 'told' })
    return Date.now()
  }
  if ('unban' in order) {
    app.guard.unban(order.unban)
    return Date.now()
  }
  if ('send' in order) {
    const codes = []
    for (let i = 0; i < (order.times ?? 1); i++) codes.push((await app.inject({ url: order.url ?? '/', remoteAddress: order.send })).statusCode)
    return codes
  }
  if ('banMany' in order) {
    for (let i = 0; i < order.banMany; i++) app.guard.ban(`10.0.${i >> 8}.${i & 255}`)
    return true
  }
  if ('say' in order) return process.send!(order.say)
  if ('watch' in order) {
    const { guard } = order.beside === true ? second : app
    while (guard.bans().some(({ client }) => client === order.watch) !== order.banned) await new Promise((resolve) => setTimeout(resolve, 1))
    return Date.now()
  }
  if ('flood' in order) {
    const codes = await Promise.all(Array.from({ length: order.flood }, async () => (await app.inject({ url: '/', remoteAddress: order.ip })).statusCode))
    return codes.filter((code) => code === 200).length
  }
  if ('beside' in order) {
    await second.register(guardPlugin, order.beside)
    await second.ready()
    return true
  }
  if ('closeBeside' in order) {
    await second.close()
    return true
  }
  if ('both' in order) {
    const passed = [0, 0]
    for (let i = 0; i < order.both; i++) {
      const codes = await Promise.all([app, second].map(async (one, n) => (await one.inject({ url: '/', remoteAddress: `192.0.2.${n}` })).statusCode))
      codes.forEach((code, n) => { if (code === 200) passed[n]!++ })
    }
    return passed
  }
  if ('stats' in order) return app.guard.stats().store
  if ('list' in order) return app.guard.bans()
  await app.close()
  process.disconnect()
  return undefined
}

process.on('message', ({ id, order }: { id: number, order?: Order }) => {
  // Others talk here too.
  if (order === undefined) return
  obey(order).then((answer) => { if (process.connected) process.send!({ id, answer }) }, (error: unknown) => {
    console.error(error)
    process.exit(1)
  })
})
process.send!('ready')
