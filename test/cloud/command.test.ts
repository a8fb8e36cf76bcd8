import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { run } from '../cli/run.ts'
import { build, status } from '../helpers.ts'
import { folder, vendorServer } from '../download/server.ts'
import { AWS, CLOUDFLARE_4, CLOUDFLARE_6, ORACLE } from './feeds.ts'

test('cloud download: what a server then has from its first request on', async (t: TestContext) => {
  const vendor = await vendorServer(t, { '/aws': AWS, '/4': CLOUDFLARE_4, '/6': CLOUDFLARE_6 })
  const dir = folder(t)
  const args = ['cloud', 'download', 'aws', 'Cloudflare', '--dir', dir, '--source', `aws=${vendor.url}/aws`, '--source', `cloudflare=${vendor.url}/4`, '--source', `cloudflare=${vendor.url}/6`]
  const first = await run(args)
  t.assert.strictEqual(first.code, 0, first.err)
  t.assert.match(first.out, /aws +5 networks \(\+5, -0\)\ncloudflare +5 networks \(\+5, -0\)\n/)
  t.assert.deepStrictEqual(JSON.parse((await run([...args, '--json'])).out), [{ provider: 'aws', networks: 5, added: 0, removed: 0 }, { provider: 'cloudflare', networks: 5, added: 0, removed: 0 }])
  const { app } = await build(t, { cloudRanges: { cacheDir: dir, sources: { aws: 'http://127.0.0.1:1/' } }, cloud: { deny: ['aws'] } })
  t.assert.strictEqual(await status(app, { ip: '3.5.140.1' }), 403)
})

test('a feed that shrank needs --force; one provider\'s fault does not keep the others', async (t: TestContext) => {
  const vendor = await vendorServer(t, { '/aws': AWS, '/oracle': ORACLE })
  const dir = folder(t)
  const args = ['cloud', 'download', 'oracle', 'aws', '--dir', dir, '--source', `aws=${vendor.url}/aws`, '--source', `oracle=${vendor.url}/oracle`]
  t.assert.strictEqual((await run(args)).code, 0)
  const small = JSON.stringify({ prefixes: [{ ip_prefix: '3.5.140.0/22', region: 'a', service: 'b' }], ipv6_prefixes: [] })
  vendor.pages.set('/aws', small)
  const refused = await run(args)
  t.assert.strictEqual(refused.code, 2)
  t.assert.match(refused.err, /^aws: shrank from 5 to 1 networks$/m)
  t.assert.match(refused.out, /^oracle +3 networks/m)
  t.assert.strictEqual(readFileSync(join(dir, 'cloud-aws'), 'utf8'), AWS)
  t.assert.match((await run([...args, '--force'])).out, /aws +1 networks \(\+0, -4\)/)
  t.assert.strictEqual(readFileSync(join(dir, 'cloud-aws'), 'utf8'), small)
})

test('cloud: wrong use is exit code 2 and a line', async (t: TestContext) => {
  for (const [args, message] of [
    [['cloud'], /cloud has one command/],
    [['cloud', 'download', 'asw'], /is no cloud provider: "asw".*known are aws/],
    [['cloud', 'download', 'hetzner'], /hetzner publishes no feed/],
    [['cloud', 'download', 'aws:eu-west-1'], /publishes no feed/],
    [['cloud', 'download', '--source', 'aws'], /--source must be NAME=URL/],
    [['cloud', 'download', 'aws', '--source', 'aws=http://example.com/', '--dir', folder(t)], /aws: http:\/\/example\.com\/ must be an https URL/]
  ] as const) {
    const { code, err } = await run([...args])
    t.assert.strictEqual(code, 2, args.join(' '))
    t.assert.match(err, message)
  }
  t.assert.match((await run(['cloud', '--help'])).out, /fastify-api-guard cloud download/)
})
