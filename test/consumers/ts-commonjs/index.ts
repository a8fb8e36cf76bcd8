import Fastify from 'fastify'
import guardPlugin, { detect, guard, guardPlugin as named, guardServerOptions, type GuardOptions, type Verdict } from 'fastify-api-guard'

async function main (): Promise<void> {
  const options: GuardOptions = { ip: { deny: ['203.0.113.0/24', '2001:db8::/32'] } }
  const app = Fastify(guardServerOptions({ logger: false }))
  await app.register(guardPlugin, options)
  app.get('/', { config: { guard: guard({ userAgent: { deny: ['sqlmap'] } }) } }, async (request) => {
    const verdicts: readonly Verdict[] = request.guard.verdicts
    return `${verdicts.length} ${app.guard.stats().refused}`
  })

  const status = async (remoteAddress: string, url = '/'): Promise<number> => (await app.inject({ url, remoteAddress })).statusCode
  console.log(JSON.stringify({
    served: await status('198.51.100.1'),
    denied: await status('203.0.113.7'),
    mapped: await status('::ffff:203.0.113.7'),
    attack: await status('198.51.100.1', '/?q=<script>alert(1)</script>'),
    malformed: await status('198.51.100.1', '/%zz'),
    detect: detect('1\' OR \'1\'=\'1').attack,
    same: named === guardPlugin
  }))
  await app.close()
}

main().catch((error: unknown) => { console.error(error); process.exitCode = 1 })
