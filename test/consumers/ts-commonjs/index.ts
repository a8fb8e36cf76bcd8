import Fastify from 'fastify'
import guardPlugin, { detect, guard, guardCluster, guardPlugin as named, guardServerOptions, guardTransform, type GuardOptions, type Verdict } from 'fastify-api-guard'
import { assertRefused, guardTestKit } from 'fastify-api-guard/testing'

async function main (): Promise<void> {
  const options: GuardOptions = { ip: { deny: ['203.0.113.0/24', '2001:db8::/32'] } }
  const app = Fastify(guardServerOptions({ logger: false }))
  await app.register(guardPlugin, options)
  app.get('/', { config: { guard: guard({ userAgent: { deny: ['sqlmap'] } }) } }, async (request) => {
    const verdicts: readonly Verdict[] = request.guard.verdicts
    return `${verdicts.length} ${app.guard.stats().refused}`
  })
  app.get('/limited', { config: { guard: { rateLimit: { max: 2, window: '1m' } } } }, async () => 'ok')

  const status = async (remoteAddress: string, url = '/'): Promise<number> => (await app.inject({ url, remoteAddress })).statusCode
  const { passed } = await guardTestKit(app).exhaust('/limited')
  assertRefused(await guardTestKit(app).as({ userAgent: 'sqlmap' }).get('/'), 'GUARD_USER_AGENT_REFUSED')

  console.log(JSON.stringify({
    served: await status('198.51.100.1'),
    denied: await status('203.0.113.7'),
    mapped: await status('::ffff:203.0.113.7'),
    attack: await status('198.51.100.1', '/?q=<script>alert(1)</script>'),
    malformed: await status('198.51.100.1', '/%zz'),
    detect: detect('1\' OR \'1\'=\'1').attack,
    same: named === guardPlugin,
    passed,
    others: [typeof guardCluster, typeof guardTransform, typeof assertRefused]
  }))
  await app.close()
}

main().catch((error: unknown) => { console.error(error); process.exitCode = 1 })
