import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { build, startError, status } from '../helpers.ts'

/** The formats as their publishers write them; addresses are those of documents. */
const FORMATS: Record<string, { text: string, refused: string[], passed: string[] }> = {
  'Spamhaus DROP as text': {
    text: '; Spamhaus DROP List 2026/11/21 - (c) 2026 The Spamhaus Project SLU\n; https://www.spamhaus.org/drop/drop.txt\n; Last-Modified: Fri, 20 Nov 2026 11:03:08 GMT\n192.0.2.0/24 ; SBL256894\n198.51.100.0/25 ; SBL434604\n',
    refused: ['192.0.2.9', '198.51.100.127'],
    passed: ['198.51.100.128', '203.0.113.1']
  },
  'Spamhaus DROP as JSON lines': {
    text: '{"cidr":"192.0.2.0/24","sblid":"SBL256894","rir":"apnic"}\n{"cidr":"2001:db8::/32","sblid":"SBL434604","rir":"ripencc"}\n{"type":"metadata","timestamp":1763722988,"size":87654,"records":2,"copyright":"(c) 2026 The Spamhaus Project SLU","terms":"https://www.spamhaus.org/drop/terms/"}\n',
    refused: ['192.0.2.9', '2001:db8::1'],
    passed: ['198.51.100.128']
  },
  "Tor's bulk exit list": { text: '192.0.2.4\n198.51.100.77\n', refused: ['192.0.2.4', '198.51.100.77'], passed: ['192.0.2.5'] },
  "Tor's exit addresses": {
    text: 'ExitNode 0011BD2485AD45D984EC4159C88FC066E5E3300E\nPublished 2026-11-21 03:12:55\nLastStatus 2026-11-21 10:00:00\nExitAddress 192.0.2.4 2026-11-21 10:11:12\nExitNode 0077BCBA7244DB3E6A5ED2746E86170066684887\nPublished 2026-11-21 05:01:02\nLastStatus 2026-11-21 11:00:00\nExitAddress 198.51.100.77 2026-11-21 11:12:13\n',
    refused: ['192.0.2.4', '198.51.100.77'],
    passed: ['192.0.2.5']
  },
  'FireHOL netset': {
    text: '#\n# firehol_level1\n#\n# ipv4 hash:net ipset\n#\n# Maintainer      : FireHOL\n# Entries         : 2 subnets, 257 unique IPs\n#\n# =====================\n#\n192.0.2.0/24\n198.51.100.77\n',
    refused: ['192.0.2.200', '198.51.100.77'],
    passed: ['198.51.100.78']
  },
  "a search engine's JSON": {
    text: '{\n "creationTime": "2026-11-20T23:00:36.000000",\n "prefixes": [{ "ipv6Prefix": "2001:db8:10::/64" }, { "ipv4Prefix": "192.0.2.0/27" }]\n}\n',
    refused: ['2001:db8:10::5', '192.0.2.31'],
    passed: ['192.0.2.32']
  },
  'an array in JSON': { text: '["192.0.2.0/24", "198.51.100.7"]', refused: ['192.0.2.1', '198.51.100.7'], passed: ['198.51.100.8'] }
}

async function fileOf (t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'guard-formats-'))
  t.after(async () => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'list')
  await writeFile(file, text)
  return file
}

for (const [name, { text, refused, passed }] of Object.entries(FORMATS)) {
  test(`a list is read as it is: ${name}`, async (t: TestContext) => {
    const { app } = await build(t, { ip: { deny: { file: await fileOf(t, text) } } })
    for (const ip of refused) t.assert.strictEqual(await status(app, { ip }), 403, ip)
    for (const ip of passed) t.assert.strictEqual(await status(app, { ip }), 200, ip)
  })
}

for (const [name, text, message] of [
  ['half of a JSON line', '{"cidr":"192.0.2.0/24"}\n{"cidr":"198.51', /line 2 has no network/],
  ['a JSON object without networks', '{"prefixes":[{"service":"EC2"}]}', /entry 0 has no network/],
  ['an error in JSON', '["every address", 5]', /has no network|is no address/],
  ['the whole world', '{"prefixes":[{"ipv4Prefix":"0.0.0.0/0"}]}', /is every address/],
  ['a word that Tor does not use', 'ExitRelay 192.0.2.1 x\n', /line 1 is no address/]
] as Array<[string, string, RegExp]>) {
  test(`a list that is none stops the start: ${name}`, async (t: TestContext) => {
    t.assert.match((await startError({ ip: { deny: { file: await fileOf(t, text) } } })).message, message)
  })
}
