import type { AddressInfo } from 'node:net'
import { aged } from './aged.ts'
import { serverOf, variants, type Variant } from './variants.ts'

/** A server in a process of its own: tells its port once it listens, and answers every message with the CPU time it has used. */
const variant = process.argv[2] as Variant
if (!variants.includes(variant) || process.send === undefined) throw new Error(`usage: fork(main.js, [${variants.join(' | ')}])`)

const app = await serverOf(variant)
await app.listen({ port: 0, host: '127.0.0.1' })
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send!({ cpu: user + system })
})
process.on('disconnect', () => process.exit())

await aged()
process.send({ port: (app.server.address() as AddressInfo).port })
