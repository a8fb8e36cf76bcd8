'use strict'

const Fastify = require('fastify')
const guardPlugin = require('fastify-api-guard')
const { detect, guard, guardCluster, guardServerOptions, guardTransform } = require('fastify-api-guard')
const { assertRefused, guardTestKit } = require('fastify-api-guard/testing')

async function main () {
  const app = Fastify(guardServerOptions({ logger: false }))
  await app.register(guardPlugin, { ip: { deny: ['203.0.113.0/24', '2001:db8::/32'] } })
  app.get('/', { config: { guard: guard({ userAgent: { deny: ['sqlmap'] } }) } }, async () => 'ok')
  app.get('/limited', { config: { guard: { rateLimit: { max: 2, window: '1m' } } } }, async () => 'ok')

  const status = async (remoteAddress, url = '/') => (await app.inject({ url, remoteAddress })).statusCode
  const { passed } = await guardTestKit(app).exhaust('/limited')
  assertRefused(await guardTestKit(app).as({ userAgent: 'sqlmap' }).get('/'), 'GUARD_USER_AGENT_REFUSED')

  console.log(JSON.stringify({
    served: await status('198.51.100.1'),
    denied: await status('203.0.113.7'),
    mapped: await status('::ffff:203.0.113.7'),
    attack: await status('198.51.100.1', '/?q=<script>alert(1)</script>'),
    malformed: await status('198.51.100.1', '/%zz'),
    detect: detect('1\' OR \'1\'=\'1').attack,
    same: typeof guardPlugin === 'function' && guardPlugin.default === guardPlugin && guardPlugin.guardPlugin === guardPlugin,
    passed,
    others: [typeof guardCluster, typeof guardTransform, require('fastify-api-guard/schema.json').$schema]
  }))
  await app.close()
}

main()
