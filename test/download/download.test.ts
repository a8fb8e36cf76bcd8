import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { copies, defaultFolder } from '../../lib/download/copies.ts'
import { download, DownloadRefused } from '../../lib/download/fetch.ts'
import { fromTar, gunzipped } from '../../lib/download/unpack.ts'
import { tar } from './tar.ts'
import { folder, vendorServer } from './server.ts'

const LIMITS = { maxBytes: 1000, timeout: 5000 }

test('a file, its validators, and nothing where it did not change', async (t: TestContext) => {
  const { url, seen } = await vendorServer(t, { '/file?token=secret': 'content' })
  const first = await download(`${url}/file?token=secret`, LIMITS)
  t.assert.strictEqual(first?.bytes.toString(), 'content')
  t.assert.strictEqual(await download(`${url}/file?token=secret`, { ...LIMITS, validators: first.validators }), undefined)
  t.assert.deepStrictEqual(seen.map(({ status, headers }) => [status, headers['if-modified-since']]), [[200, undefined], [304, 'Sun, 01 Nov 2026 00:00:00 GMT']])
  await t.assert.rejects(download(`${url}/none?token=secret`, LIMITS), (error: DownloadRefused) => error instanceof DownloadRefused && error.status === 404 && !error.message.includes('secret'))
})

test('redirects: followed to a bound, never off https to a server elsewhere, without the credentials elsewhere', async (t: TestContext) => {
  const other = await vendorServer(t, { '/file': 'content' })
  const vendor = await vendorServer(t, {
    '/ok': (_request, response) => { response.writeHead(302, { location: `${other.url}/file` }).end() },
    '/loop': (_request, response) => { response.writeHead(302, { location: '/loop' }).end() },
    '/plain': (_request, response) => { response.writeHead(302, { location: 'http://example.com/' }).end() },
    '/local': (_request, response) => { response.writeHead(302, { location: 'file:///etc/passwd' }).end() }
  })
  t.assert.strictEqual((await download(`${vendor.url}/ok`, { ...LIMITS, authorization: 'Basic c2VjcmV0' }))?.bytes.toString(), 'content')
  t.assert.strictEqual(vendor.seen[0]?.headers.authorization, 'Basic c2VjcmV0')
  t.assert.strictEqual(other.seen[0]?.headers.authorization, undefined)
  await t.assert.rejects(download(`${vendor.url}/loop`, LIMITS), /redirects more than 5 times/)
  await t.assert.rejects(download(`${vendor.url}/plain`, LIMITS), /redirects to http:\/\/example\.com/)
  await t.assert.rejects(download(`${vendor.url}/local`, LIMITS), /redirects to file:/)
  await t.assert.rejects(download('http://example.com/file', LIMITS), /must be an https URL/)
})

test('too large, too slow, cut off, nobody there', async (t: TestContext) => {
  const { url } = await vendorServer(t, {
    '/large': Buffer.alloc(1001),
    '/slow': (_request, response) => { response.writeHead(200).write('a') },
    '/cut': (_request, response) => { response.writeHead(200, { 'content-length': '100' }).write('a'); setImmediate(() => response.destroy()) }
  })
  await t.assert.rejects(download(`${url}/large`, LIMITS), /is larger than 1000 bytes/)
  await t.assert.rejects(download(`${url}/slow`, { ...LIMITS, timeout: 100 }), /gave no whole answer within 0\.1 s/)
  await t.assert.rejects(download(`${url}/cut`, LIMITS))
  await t.assert.rejects(download('http://127.0.0.1:1/', LIMITS))
})

test('gzip is unpacked to a bound, tar to its file', async (t: TestContext) => {
  t.assert.strictEqual((await gunzipped(Buffer.from('plain'), 10)).toString(), 'plain')
  t.assert.strictEqual((await gunzipped(gzipSync('packed'), 10)).toString(), 'packed')
  await t.assert.rejects(gunzipped(gzipSync(Buffer.alloc(1000)), 999), /unpacks to more than 999 bytes/)
  await t.assert.rejects(gunzipped(gzipSync('packed').subarray(0, 12), 10), /no whole gzip file/)
  const archive = tar({ 'GeoLite2-Country_20261117/LICENSE.txt': 'a'.repeat(700), 'GeoLite2-Country_20261117/GeoLite2-Country.mmdb': 'database' })
  t.assert.strictEqual(fromTar(archive, '.mmdb').toString(), 'database')
  t.assert.throws(() => fromTar(archive, '.csv'), /no tar archive with a \.csv file/)
  t.assert.throws(() => fromTar(archive.subarray(0, archive.length - 1532), '.mmdb'))
  t.assert.throws(() => fromTar(Buffer.from('x'.repeat(600)), '.mmdb'), /no tar archive/)
})

test('a user without a home has a folder all the same', (t: TestContext) => {
  t.mock.method(os, 'homedir', () => { throw new Error('uv_os_homedir returned ENOENT') })
  syncBuiltinESMExports()
  t.after(syncBuiltinESMExports)
  t.assert.strictEqual(defaultFolder({}), join(process.cwd(), '.cache', 'fastify-api-guard'))
})

test('copies: whole, with their notes; a draft of a process that died harms nobody', async (t: TestContext) => {
  const path = join(folder(t), 'deep', 'er')
  const disk = copies(path)
  t.assert.strictEqual(await disk.read('file'), undefined)
  const copy = { bytes: Buffer.from('content'), url: 'https://example.com/', validators: { etag: '"1"' }, checked: 5 }
  await disk.write('file', copy)
  writeFileSync(join(path, 'file.99.part'), 'half')
  t.assert.deepStrictEqual(await disk.read('file'), copy)
  writeFileSync(join(path, 'file'), 'other')
  t.assert.deepStrictEqual(await disk.read('file'), { bytes: Buffer.from('other'), url: undefined, validators: {}, checked: 0 })
  writeFileSync(join(path, 'file.json'), 'garbage')
  t.assert.strictEqual((await disk.read('file'))?.checked, 0)
  mkdirSync(join(path, 'folder'))
  await t.assert.rejects(disk.write('folder', copy))
  t.assert.deepStrictEqual(readdirSync(path).filter((name) => name.startsWith('folder')), ['folder'], 'no draft is left')
  t.assert.strictEqual(defaultFolder({ XDG_CACHE_HOME: '/cache' }), '/cache/fastify-api-guard')
  t.assert.match(defaultFolder({}), /\.cache\/fastify-api-guard$/)
})
