import { test, type TestContext } from 'node:test'
import { AWS, AZURE, CLOUDFLARE_4, CLOUDFLARE_6, DIGITALOCEAN, GCP, GOOG, LINODE, ORACLE, VULTR, VULTR_CSV } from '../cloud/feeds.ts'
import { folder, until, vendorServer, type Page, type Vendor } from '../download/server.ts'
import { build, buildRoute, CLIENT, startError, status } from '../helpers.ts'
import type { CloudProvider, CloudRangesOptions, CloudSelector, GuardOptions } from '../../types/index.ts'

const PAGES: Record<string, Page> = {
  '/aws': AWS, '/gcp': GCP, '/goog': GOOG, '/azure': AZURE, '/digitalocean': DIGITALOCEAN, '/linode': LINODE, '/vultr': VULTR, '/vultr.csv': VULTR_CSV, '/oracle': ORACLE, '/ips-v4': CLOUDFLARE_4, '/ips-v6': CLOUDFLARE_6
}

function sources ({ url }: Vendor): NonNullable<CloudRangesOptions['sources']> {
  const own = Object.fromEntries(['aws', 'gcp', 'azure', 'digitalocean', 'linode', 'vultr', 'oracle'].map((name) => [name, `${url}/${name}`]))
  return { ...own, cloudflare: [`${url}/ips-v4`, `${url}/ips-v6`] }
}

/** Options that take feeds from a server in the providers' place. */
function ranges (t: TestContext, vendor: Vendor, only?: CloudProvider[]): GuardOptions {
  const all = sources(vendor)
  return { cloudRanges: { sources: only === undefined ? all : Object.fromEntries(only.map((name) => [name, all[name]])), cacheDir: folder(t) } }
}

const cases: Array<[CloudSelector, refused: string[], passed: string[]]> = [
  ['aws', ['3.5.140.1', '34.247.255.255', '120.52.22.100', '2a05:d018::1', '::ffff:3.5.140.1'], ['3.5.144.0', '34.248.0.0', '2a05:e018::1']],
  ['AWS:eu-west-1', ['34.240.0.1', '2a05:d018::1'], ['3.5.140.1', '120.52.22.100']],
  ['aws:CLOUDFRONT', ['120.52.22.96'], ['34.240.0.1', '120.52.22.128']],
  ['aws:ec2', ['34.240.0.1', '2a05:d018::1'], ['3.5.140.1']],
  ['gcp', ['34.1.208.1', '34.81.0.1', '2600:1900:8000::1'], ['8.8.8.8', '2600:1900:9000::1']],
  ['gcp:asia-east1', ['34.80.0.1'], ['34.1.208.1']],
  ['azure', ['13.69.1.1', '20.42.0.1', '2603:1020:206::1'], ['13.70.0.1']],
  ['azure:westeurope', ['13.69.1.1', '13.69.40.1'], ['20.42.0.1']],
  ['azure:Storage.WestEurope', ['13.69.40.1'], ['13.69.1.1']],
  ['azure:AzureStorage', ['13.69.40.63'], ['13.69.40.64']],
  ['digitalocean', ['5.101.96.1', '2400:6180::1'], ['5.101.104.1']],
  ['digitalocean:nl', ['5.101.96.1'], ['24.144.64.1']],
  ['digitalocean:North Bergen', ['24.144.64.1'], ['5.101.96.1']],
  ['linode', ['139.162.0.1', '2600:3c00::1'], ['139.162.32.1']],
  ['linode:us-tx', ['2600:3c00::1'], ['139.162.0.1']],
  ['vultr', ['8.12.16.1', '2001:19f0:5::1'], ['8.12.18.1']],
  ['vultr:miami', ['8.12.16.1'], ['2001:19f0:5::1']],
  ['oracle', ['129.146.0.1', '130.61.1.1'], ['129.146.8.1']],
  ['oracle:eu-frankfurt-1', ['130.61.1.1'], ['129.146.0.1']],
  ['oracle:OBJECT_STORAGE', ['134.70.8.1'], ['129.146.0.1']],
  ['cloudflare', ['173.245.48.1', '104.23.255.255', '2606:4700::1111'], ['104.24.0.0', '2607:4700::1']]
]

test('feeds in every provider\'s format refuse and release the right addresses', async (t: TestContext) => {
  const vendor = await vendorServer(t, PAGES)
  const { app } = await build(t, ranges(t, vendor), (app) => {
    for (const [i, [selector]] of cases.entries()) app.get(`/${i}`, { config: { guard: { cloud: { deny: [selector] } } } }, async () => 'ok')
  })
  for (const [i, [selector, refused, passed]] of cases.entries()) {
    const url = `/${i}`
    for (const ip of refused) t.assert.strictEqual(await status(app, { url, ip }), 403, `${selector} ${ip}`)
    for (const ip of [...passed, CLIENT, '10.0.0.1', '127.0.0.1', '::1']) t.assert.strictEqual(await status(app, { url, ip }), 200, `${selector} ${ip}`)
  }
})

test('refused with its code, allowed, off for a route, passive, trusted, all', async (t: TestContext) => {
  const vendor = await vendorServer(t, PAGES)
  const { app, events } = await build(t, { ...ranges(t, vendor), cloud: { deny: ['aws', 'gcp:asia-east1'] }, ip: { trust: ['3.5.140.9'] } }, (app) => {
    app.get('/off', { config: { guard: { cloud: false } } }, async () => 'ok')
    app.get('/passive', { config: { guard: { cloud: { mode: 'passive' } } } }, async () => 'ok')
  })
  const answer = await app.inject({ url: '/', remoteAddress: '34.80.0.1' })
  t.assert.strictEqual(answer.statusCode, 403)
  t.assert.deepStrictEqual(answer.json(), { statusCode: 403, code: 'GUARD_CLOUD_REFUSED', error: 'Forbidden', message: 'Access denied' })
  const refused = events.find(({ type }) => type === 'refused')
  t.assert.strictEqual(refused?.type === 'refused' && refused.rule, 'gcp:asia-east1')
  for (const [url, ip] of [['/', CLIENT], ['/', '3.5.140.9'], ['/off', '3.5.140.1'], ['/passive', '3.5.140.1']] as const) t.assert.strictEqual(await status(app, { url, ip }), 200, `${url} ${ip}`)
  t.assert.strictEqual(app.guard.stats().byCheck['cloud']?.reported, 1)
  const all = await build(t, { ...ranges(t, vendor), cloud: { deny: 'all' } })
  for (const [, refused] of cases) t.assert.strictEqual(await status(all.app, { ip: refused[0]! }), 403, refused[0])
  t.assert.strictEqual(await status(all.app), 200)
  t.assert.deepStrictEqual(all.events.flatMap((event) => event.type === 'warning' ? event.code : []), ['GUARD_CLOUD_PARTIAL'])
})

test('Vultr\'s CSV and Google\'s goog.json are read too', async (t: TestContext) => {
  const vendor = await vendorServer(t, PAGES)
  const { app } = await build(t, { cloudRanges: { cacheDir: folder(t), sources: { vultr: `${vendor.url}/vultr.csv`, gcp: `${vendor.url}/goog` } }, cloud: { deny: ['vultr:miami', 'gcp'] } })
  for (const [ip, expected] of [['8.12.16.1', 403], ['2001:19f0:5::1', 200], ['8.8.8.8', 403], ['2001:4860::1', 403], ['34.80.0.1', 200]] as const) t.assert.strictEqual(await status(app, { ip }), expected, ip)
})

test('providers without a feed are known by their autonomous systems', async (t: TestContext) => {
  const geo = { handler: { lookup: (ip: string) => ({ '203.0.113.1': { asn: 24940 }, '203.0.113.2': { asn: 16276 }, '203.0.113.3': { asn: 45102 } })[ip] ?? null } }
  const { app } = await build(t, { geo, cloud: { deny: ['Hetzner', 'alibaba'] } }, (app) => { app.get('/me', { config: { guard: { cloud: { mode: 'passive' } } } }, async (request) => request.guard.cloud ?? 'none') })
  for (const [ip, expected] of [['203.0.113.1', 403], ['203.0.113.2', 200], ['203.0.113.3', 403], [CLIENT, 200]] as const) t.assert.strictEqual(await status(app, { ip }), expected, ip)
  t.assert.strictEqual((await app.inject({ url: '/me', remoteAddress: '203.0.113.3' })).body, 'alibaba')
  const error = await startError({ cloud: { deny: ['ovh'] } })
  t.assert.match(error.message, /cloud\.deny names ovh.*needs a database with autonomous systems.*npx fastify-api-guard geo download/)
})

test('whoever reads request.guard does not hear of a handler that fails', async (t: TestContext) => {
  const geo = { handler: { lookup: () => { throw new Error('no database') } } }
  const { app } = await build(t, { geo, cloud: { deny: ['hetzner'] } }, (app) => { app.get('/me', { config: { guard: { cloud: false } } }, async (request) => ({ ...request.guard })) })
  t.assert.deepStrictEqual((await app.inject({ url: '/me', remoteAddress: CLIENT })).json(), { ip: CLIENT, trusted: false, verdicts: [] })
  t.assert.strictEqual(await status(app), 500)
})

test('request.guard shows the provider of those that are loaded', async (t: TestContext) => {
  const vendor = await vendorServer(t, PAGES)
  const { app } = await build(t, ranges(t, vendor, ['aws', 'azure']), (app) => { app.get('/me', async (request) => ({ ...request.guard })) })
  t.assert.deepStrictEqual((await app.inject({ url: '/me', remoteAddress: '13.69.1.1' })).json(), { ip: '13.69.1.1', cloud: 'azure', trusted: false, verdicts: [] })
  t.assert.deepStrictEqual((await app.inject({ url: '/me', remoteAddress: '34.80.0.1' })).json(), { ip: '34.80.0.1', trusted: false, verdicts: [] })
  t.assert.deepStrictEqual(Object.keys(app.guard.stats().cloud), ['aws', 'azure'])
  t.assert.strictEqual(app.guard.stats().cloud['aws']?.networks, 5)
})

test('while there are no ranges, the stated policy holds, and a warning says so', async (t: TestContext) => {
  const vendor = await vendorServer(t)
  for (const [whileEmpty, expected] of [['pass', 200], ['refuse', 403], [undefined, 200]] as const) {
    const { app, events } = await build(t, { cloudRanges: { sources: { aws: `${vendor.url}/aws` }, cacheDir: folder(t), ...(whileEmpty !== undefined && { whileEmpty }) }, cloud: { deny: ['aws'] } })
    t.assert.strictEqual(await status(app, { ip: '8.8.4.4' }), expected)
    t.assert.strictEqual(await status(app, { ip: '10.0.0.1' }), 200)
    const warning = events.find(({ type }) => type === 'warning')
    t.assert.match(warning?.type === 'warning' ? warning.message : '', /no ranges of aws.*answered 404.*npx fastify-api-guard cloud download/)
  }
})

test('a rule that comes with an update is loaded then', async (t: TestContext) => {
  const vendor = await vendorServer(t, PAGES)
  const { app } = await build(t, { cloudRanges: { cacheDir: folder(t), sources: { aws: `${vendor.url}/aws`, gcp: `${vendor.url}/gcp` } }, cloud: { deny: ['aws:sa-east-1'] } })
  t.assert.strictEqual(await status(app, { ip: '3.5.140.1' }), 200)
  await app.guard.update({ cloud: { deny: ['aws'] } })
  t.assert.strictEqual(await status(app, { ip: '3.5.140.1' }), 403)
  await app.guard.update({ cloud: { deny: ['gcp'] } })
  await until(() => app.guard.stats().cloud['gcp']!.networks > 0, 'gcp is loaded')
  t.assert.strictEqual(await status(app, { ip: '34.80.0.1' }), 403)
})

test('a provider that an update names first: the old rules stay until its ranges are there', async (t: TestContext) => {
  const vendor = await vendorServer(t, { '/aws': AWS })
  let release = (): void => {}
  const held = new Promise<void>((resolve) => { release = resolve })
  vendor.pages.set('/gcp', (_request, response) => { held.then(() => response.writeHead(200).end(GCP), () => {}) })
  const own = globalThis.fetch
  const urls: Record<string, string> = { 'https://www.gstatic.com/ipranges/cloud.json': `${vendor.url}/gcp` }
  t.mock.method(globalThis, 'fetch', async (url: URL, init: RequestInit) => own(urls[url.href] ?? url, init))
  const { app } = await build(t, { cloudRanges: { cacheDir: folder(t), sources: { aws: `${vendor.url}/aws` }, refresh: 20, whileEmpty: 'refuse' }, cloud: { deny: ['aws'] } })
  t.assert.strictEqual(await status(app, { ip: '3.5.140.1' }), 403)
  const change = app.guard.update({ cloud: { deny: ['gcp'] } })
  t.assert.deepStrictEqual([await status(app, { ip: '3.5.140.1' }), await status(app, { ip: '34.80.0.1' }), await status(app)], [403, 200, 200])
  release()
  await change
  t.assert.deepStrictEqual([await status(app, { ip: '3.5.140.1' }), await status(app, { ip: '34.80.0.1' }), await status(app)], [200, 403, 200])
})

test('a provider that an update names while it cannot be had is tried again soon', async (t: TestContext) => {
  const vendor = await vendorServer(t, { '/aws': AWS })
  const own = globalThis.fetch
  t.mock.method(globalThis, 'fetch', async (url: URL, init: RequestInit) => own(url.href.startsWith('https://www.gstatic.com/') ? `${vendor.url}/gcp` : url, init))
  const { app } = await build(t, { cloudRanges: { cacheDir: folder(t), sources: { aws: `${vendor.url}/aws` } }, cloud: { deny: ['aws'] } })
  t.assert.strictEqual(await status(app, { ip: '3.5.140.1' }), 403)
  t.mock.timers.enable({ apis: ['setTimeout'] })
  await app.guard.update({ cloud: { deny: ['gcp'] } })
  t.assert.strictEqual(await status(app, { ip: '34.80.0.1' }), 200)
  vendor.pages.set('/gcp', GCP)
  const asked = vendor.seen.length
  // Without a failure it would be a day.
  t.mock.timers.tick(70_000)
  for (let i = 0; i < 100_000 && app.guard.stats().cloud['gcp']?.networks === 0; i++) await new Promise((resolve) => { setImmediate(resolve) })
  t.assert.ok(vendor.seen.length > asked)
  t.assert.strictEqual(await status(app, { ip: '34.80.0.1' }), 403)
})

for (const [name, options] of [['the plugin', { mode: 'off', cloud: { deny: ['aws'] } }], ['the rule', { cloud: { deny: ['aws'], mode: 'off' } }]] as Array<[string, GuardOptions]>) {
  test(`nothing is loaded for a rule that is off by the mode of ${name}`, async (t: TestContext) => {
    const asked = t.mock.method(globalThis, 'fetch', async () => { throw new Error('offline') })
    const { app } = await build(t, { cloudRanges: { cacheDir: folder(t) }, ...options })
    t.assert.strictEqual(await status(app, { ip: '3.5.140.1' }), 200)
    t.assert.strictEqual(asked.mock.callCount(), 0)
    await app.guard.update({ mode: 'enforce', cloud: { mode: 'enforce', deny: ['aws'] } })
    t.assert.notStrictEqual(asked.mock.callCount(), 0)
  })
}

test('a region that the feed does not have is warned about with the nearest', async (t: TestContext) => {
  const vendor = await vendorServer(t, PAGES)
  const { app, events } = await build(t, { ...ranges(t, vendor, ['aws']), cloud: { deny: ['aws:eu-wset-1'] } })
  t.assert.strictEqual(await status(app, { ip: '34.240.0.1' }), 200)
  t.assert.match(JSON.stringify(events), /no region or service eu-wset-1, did you mean eu-west-1\?/)
})

test('the rule of a route alone', async (t: TestContext) => {
  const vendor = await vendorServer(t, PAGES)
  const { app } = await buildRoute(t, { cloud: { deny: ['oracle'] } }, ranges(t, vendor, ['oracle']))
  t.assert.strictEqual(await status(app, { url: '/guarded', ip: '130.61.1.1' }), 403)
  t.assert.strictEqual(await status(app, { ip: '130.61.1.1' }), 200)
})

const wrong: Array<[unknown, RegExp]> = [
  [{ cloud: { deny: ['awss'] } }, /cloud\.deny\[0\] is no cloud provider: "awss", did you mean aws\?/],
  [{ cloud: { deny: ['gcpp:us'] } }, /cloud\.deny\[0\] is no cloud provider.*did you mean gcp\?/],
  [{ cloud: { deny: ['aws:'] } }, /has nothing after the colon/],
  [{ cloud: { deny: ['hetzner:fsn1'] } }, /by its autonomous systems only/],
  [{ cloud: { deny: [] } }, /cloud\.deny must have at least 1 entry/],
  [{ cloud: { deny: 'every' } }, /cloud\.deny must be one of 'all'/],
  [{ cloud: { deny: [1] } }, /cloud\.deny\[0\] must be/],
  [{ cloud: { block: ['aws'] } }, /cloud\.block is unknown/],
  [{ cloudRanges: { sources: { aws: 'http://example.com/' } } }, /cloudRanges\.sources\.aws must be.*https/],
  [{ cloudRanges: { sources: { amazon: true } } }, /cloudRanges\.sources\.amazon is unknown/],
  [{ cloudRanges: { sources: { hetzner: 'https://example.com/' } } }, /cloudRanges\.sources\.hetzner must be true/],
  [{ cloudRanges: { refresh: 'soon' } }, /cloudRanges\.refresh must be/],
  [{ cloudRanges: { whileEmpty: 'block' } }, /cloudRanges\.whileEmpty must be one of/]
]
for (const [options, message] of wrong) {
  test(`cloud: ${JSON.stringify(options)} stops the start`, async (t: TestContext) => {
    const error = await startError(options)
    t.assert.strictEqual(error.code, 'GUARD_OPTION_INVALID')
    t.assert.match(error.message, message)
  })
}
