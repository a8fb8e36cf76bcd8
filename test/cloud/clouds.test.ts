import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { clouds, type Clouds } from '../../lib/cloud/clouds.ts'
import { feedLoader } from '../../lib/cloud/feed.ts'
import { azure } from '../../lib/cloud/feeds.ts'
import { selectorOf, type Selector } from '../../lib/cloud/providers.ts'
import { copies } from '../../lib/download/copies.ts'
import type { Client } from '../../lib/net/client.ts'
import { parseAddress } from '../../lib/net/address.ts'
import { folder, until, vendorServer, type Vendor } from '../download/server.ts'
import type { CloudRangesOptions } from '../../types/index.ts'
import { AWS, AZURE, CLOUDFLARE_4, CLOUDFLARE_6 } from './feeds.ts'

const DAY = 86_400_000

function client (ip: string): Client {
  return { ip, key: ip, hash: 0, address: parseAddress(ip), viaProxy: false, loopback: false }
}

interface Opened { clouds: Clouds, find: (ip: string) => string | undefined, told: string[], clock: { now: number } }

function open (t: TestContext, options: CloudRangesOptions, selectors = ['aws']): Opened {
  const told: string[] = []
  const clock = { now: Date.now() }
  const line = (_fields: object, message: string): void => { told.push(message) }
  const opened = clouds({ options, geo: undefined, log: { warn: line, info: line }, emit: () => {}, now: () => clock.now })
  t.after(() => opened.close())
  const find = opened.select(selectors.map((text) => selectorOf(text) as Selector))
  return { clouds: opened, find: (ip) => find(client(ip)), told, clock }
}

function awsFeed (count: number): string {
  return JSON.stringify({ prefixes: Array.from({ length: count }, (_, i) => ({ ip_prefix: `52.${i}.0.0/16`, region: 'us-east-1', service: 'EC2' })), ipv6_prefixes: [] })
}

async function opened (t: TestContext, page: string | Buffer = awsFeed(20)): Promise<Opened & { vendor: Vendor, cacheDir: string }> {
  const vendor = await vendorServer(t, { '/aws': page })
  const cacheDir = folder(t)
  const all = open(t, { sources: { aws: `${vendor.url}/aws` }, cacheDir })
  await all.clouds.ready()
  return { ...all, vendor, cacheDir }
}

test('a change is logged and counts at once; what is unchanged is not sent again', async (t: TestContext) => {
  const { clouds, find, told, vendor } = await opened(t)
  t.assert.deepStrictEqual(told, ['guard: ranges of aws changed: +20, -0'])
  t.assert.strictEqual(find('52.3.0.1'), 'aws')
  t.assert.strictEqual(await clouds.refresh(), true)
  t.assert.deepStrictEqual(vendor.seen.map(({ status }) => status), [200, 304])
  vendor.pages.set('/aws', awsFeed(20).replace('52.3.0.0', '54.3.0.0').replace('52.4.0.0', '54.4.0.0').replace('52.5.0.0/16', '52.0.0.0/16'))
  t.assert.strictEqual(await clouds.refresh(), true)
  t.assert.strictEqual(told.at(-1), 'guard: ranges of aws changed: +2, -3')
  t.assert.deepStrictEqual([find('52.3.0.1'), find('54.3.0.1')], [undefined, 'aws'])
})

const broken: Array<[string, string | Buffer, RegExp]> = [
  ['HTML', '<!DOCTYPE html><html>sorry</html>', /is HTML/],
  ['empty', '', /is empty/],
  ['half written', awsFeed(20).slice(0, 500), /is no whole JSON/],
  ['another format', '{"networks":[]}', /has no list of objects named prefixes/],
  ['no networks', awsFeed(0), /lists nothing/],
  ['every address', awsFeed(20).replace('52.3.0.0/16', '0.0.0.0/0'), /lists 0\.0\.0\.0\/0/],
  ['half of every address', awsFeed(20).replace('52.3.0.0/16', '128.0.0.0/1'), /lists 128\.0\.0\.0\/1/],
  ['every v6 address', awsFeed(20).replace('52.3.0.0/16', '::/0'), /lists ::\/0/],
  ['less than half', awsFeed(9), /shrank from 20 to 9 networks/],
  ['no address', awsFeed(20).replace('52.3.0.0/16', '52.3.0/16'), /no network: "52\.3\.0\/16"/],
  ['no prefix length', awsFeed(20).replace('52.3.0.0/16', '52.3.0.0/40'), /no network/],
  ['an entry without its address', awsFeed(20).replace('ip_prefix', 'prefix'), /an entry without ip_prefix/],
  ['too large', Buffer.alloc(33 * 1024 * 1024, 32), /is larger than 33554432 bytes/]
]
for (const [name, page, fault] of broken) {
  test(`a feed that is refused, the last good one stays: ${name}`, async (t: TestContext) => {
    const { clouds, find, told, vendor, cacheDir } = await opened(t)
    const before = readFileSync(join(cacheDir, 'cloud-aws'))
    vendor.pages.set('/aws', page)
    t.assert.strictEqual(await clouds.refresh(), false)
    t.assert.strictEqual(await clouds.refresh(), false)
    t.assert.strictEqual(told.length, 2, 'a fault that lasts is told once')
    t.assert.match(told[1]!, /the last good ranges of aws stay/)
    t.assert.match(told[1]!, fault)
    t.assert.match(clouds.stats()['aws']!.fault!, fault)
    t.assert.strictEqual(find('52.19.0.1'), 'aws')
    t.assert.deepStrictEqual(readFileSync(join(cacheDir, 'cloud-aws')), before)
    vendor.pages.set('/aws', awsFeed(21))
    t.assert.strictEqual(await clouds.refresh(), true)
    t.assert.strictEqual(clouds.stats()['aws']!.fault, undefined)
    t.assert.strictEqual(find('52.20.0.1'), 'aws')
  })
}

test('a bomb of gzip counts as what it unpacks to', async (t: TestContext) => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, 32))
  const { clouds, told, vendor } = await opened(t)
  vendor.pages.set('/aws', (_request, response) => { response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb) })
  t.assert.strictEqual(await clouds.refresh(), false)
  t.assert.match(told.at(-1)!, /is larger than/)
})

test('the start reads the last good copy and does not wait for the provider', async (t: TestContext) => {
  const { vendor, cacheDir } = await opened(t)
  vendor.pages.set('/aws', () => { /* never answers */ })
  const again = open(t, { sources: { aws: `${vendor.url}/aws` }, cacheDir })
  again.clock.now += 100 * DAY
  await again.clouds.ready()
  t.assert.strictEqual(again.find('52.19.0.1'), 'aws')
  t.assert.match(again.told[0]!, /the ranges of aws are 100 days old/)
  t.assert.strictEqual(again.clouds.stats()['aws']!.age, again.clock.now - again.clouds.stats()['aws']!.checked!)
  await until(() => again.told.length > 0, 'it is told')
})

test('a copy that is fresh asks nobody', async (t: TestContext) => {
  const { vendor, cacheDir } = await opened(t)
  const again = open(t, { sources: { aws: `${vendor.url}/aws` }, cacheDir })
  await again.clouds.ready()
  t.assert.strictEqual(again.find('52.19.0.1'), 'aws')
  t.assert.strictEqual(vendor.seen.length, 1)
})

test('a copy of another source is used, but neither fresh nor what the feed is measured by; tokens stand in no copy', async (t: TestContext) => {
  const vendor = await vendorServer(t, { '/large?token=secret': awsFeed(20), '/small': awsFeed(3) })
  const cacheDir = folder(t)
  const large = open(t, { sources: { aws: `${vendor.url}/large?token=secret` }, cacheDir })
  await large.clouds.ready()
  for (const name of readdirSync(cacheDir)) t.assert.ok(!readFileSync(join(cacheDir, name), 'utf8').includes('secret'), name)
  t.assert.strictEqual(await large.clouds.refresh(), true)
  t.assert.strictEqual(vendor.seen.at(-1)?.status, 304)
  const small = open(t, { sources: { aws: `${vendor.url}/small` }, cacheDir })
  await small.clouds.ready()
  await until(() => small.find('52.19.0.1') === undefined, 'the other source is asked')
  t.assert.strictEqual(small.find('52.2.0.1'), 'aws')
  vendor.pages.set('/small', awsFeed(1))
  t.assert.strictEqual(await small.clouds.refresh(), false)
})

test('a copy that is broken is told and replaced', async (t: TestContext) => {
  const { vendor, cacheDir } = await opened(t)
  writeFileSync(join(cacheDir, 'cloud-aws'), 'garbage')
  const again = open(t, { sources: { aws: `${vendor.url}/aws` }, cacheDir })
  await again.clouds.ready()
  t.assert.strictEqual(again.find('52.19.0.1'), 'aws')
  t.assert.match(again.told[0]!, /is no whole JSON/)
  t.assert.strictEqual(readFileSync(join(cacheDir, 'cloud-aws'), 'utf8'), awsFeed(20))
})

test('a note that does not belong to its copy is not believed', async (t: TestContext) => {
  const { vendor, cacheDir } = await opened(t)
  writeFileSync(join(cacheDir, 'cloud-aws'), awsFeed(15))
  const again = open(t, { sources: { aws: `${vendor.url}/aws` }, cacheDir })
  await again.clouds.ready()
  await until(() => again.find('52.19.0.1') === 'aws', 'the provider was asked without the wrong ETag')
})

test('where nothing can be written the ranges are in memory, and a warning says so', async (t: TestContext) => {
  const vendor = await vendorServer(t, { '/aws': AWS })
  const file = join(folder(t), 'file')
  writeFileSync(file, '')
  const { clouds, find, told } = open(t, { sources: { aws: `${vendor.url}/aws` }, cacheDir: join(file, 'below') })
  await clouds.ready()
  t.assert.strictEqual(find('3.5.140.1'), 'aws')
  t.assert.match(told.join('\n'), /cannot be kept on disk.*set cloudRanges\.cacheDir/)
})

test('processes that share a folder leave whole files and no drafts', async (t: TestContext) => {
  const vendor = await vendorServer(t, { '/aws': AWS, '/4': CLOUDFLARE_4, '/6': CLOUDFLARE_6 })
  const cacheDir = folder(t)
  const all = Array.from({ length: 8 }, () => open(t, { sources: { aws: `${vendor.url}/aws`, cloudflare: [`${vendor.url}/4`, `${vendor.url}/6`] }, cacheDir }, ['aws', 'cloudflare']))
  await Promise.all(all.map(async ({ clouds }) => clouds.ready()))
  for (const { find } of all) t.assert.deepStrictEqual([find('3.5.140.1'), find('173.245.48.1'), find('2606:4700::1')], ['aws', 'cloudflare', 'cloudflare'])
  t.assert.deepStrictEqual(readdirSync(cacheDir).sort(), ['cloud-aws', 'cloud-aws.json', 'cloud-cloudflare-1', 'cloud-cloudflare-1.json', 'cloud-cloudflare-2', 'cloud-cloudflare-2.json'])
  t.assert.strictEqual(readFileSync(join(cacheDir, 'cloud-aws'), 'utf8'), AWS)
})

test('Azure\'s page leads to its feed of the week', async (t: TestContext) => {
  const vendor = await vendorServer(t)
  vendor.pages.set('/page', `<html><a href="${vendor.url}/ServiceTags_Public_20261116.json">Download</a></html>`)
  vendor.pages.set('/ServiceTags_Public_20261116.json', AZURE)
  const link = /http:\/\/127\.0\.0\.1:\d+\/ServiceTags_Public_\d{8}\.json/
  const loader = feedLoader('azure', { urls: [`${vendor.url}/page`], read: azure, link }, { copies: copies(folder(t)), timeout: 5000, now: Date.now })
  const found = await loader.fresh(undefined)
  t.assert.strictEqual(found?.networks.byCidr.size, 4)
  t.assert.strictEqual(await loader.fresh(found.networks), undefined)
  vendor.pages.set('/page', '<html>moved</html>')
  await t.assert.rejects(loader.fresh(found.networks), /has no link to the feed/)
})

test('refreshes come by themselves, and none after the end', async (t: TestContext) => {
  const vendor = await vendorServer(t, { '/aws': AWS })
  const { clouds } = open(t, { sources: { aws: `${vendor.url}/aws` }, cacheDir: folder(t), refresh: 20 })
  await clouds.ready()
  await until(() => vendor.seen.length >= 3, 'it is asked again')
  await clouds.close()
  const { length } = vendor.seen
  await new Promise((resolve) => { setTimeout(resolve, 100) })
  t.assert.strictEqual(vendor.seen.length, length)
})
