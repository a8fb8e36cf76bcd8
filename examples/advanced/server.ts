import { advanced } from './app.ts'

const app = await advanced({ logger: { level: process.env['LOG_LEVEL'] ?? 'info' } })
const address = await app.listen({ host: '127.0.0.1', port: Number(process.env['PORT'] ?? 3000) })
console.log(address)
