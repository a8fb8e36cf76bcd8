import { chmodSync, existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { build, CLIENT, startError, status } from '../helpers.ts'
import { until } from '../redis/server.ts'
import { bans, type Bans } from '../../lib/bans/bans.ts'
import { keepInFile } from '../../lib/bans/file.ts'
import type { BanKeeper } from '../../lib/bans/keep.ts'

const HEAD = '{"format":"fastify-api-guard bans","version":1}'
const OTHER = '198.51.100.9'
const attack = { url: '/?q=<script>alert(1)</script>' }

function folderOf (t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'guard-bans-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('bans survive a restart, and what was lifted stays lifted', async (t: TestContext) => {
  const file = join(folderOf(t), 'bans.json')
  const { app } = await build(t, { store: { file }, ban: { threshold: 2, duration: '3h' } })
  await app.ready()
  const made = [app.guard.ban(CLIENT, { duration: '2h', reason: 'by "hand"\n' }), app.guard.ban('192.0.2.0/24'), app.guard.ban('2001:db8::/32'), app.guard.ban({ principal: 'alice' })]
  app.guard.ban(OTHER)
  app.guard.unban(OTHER)
  for (let i = 0; i < 2; i++) await status(app, { ...attack, ip: '203.0.113.50' })
  const before = app.guard.bans()
  t.assert.strictEqual(before.length, 5)
  await app.close()
  const { app: next, events } = await build(t, { store: { file } })
  t.assert.strictEqual(await status(next), 403)
  t.assert.deepStrictEqual([await status(next, { ip: '192.0.2.7' }), await status(next, { ip: '2001:db8::1' }), await status(next, { ip: '203.0.113.50' }), await status(next, { ip: OTHER })], [403, 403, 403, 200])
  t.assert.deepStrictEqual(next.guard.bans(), before)
  t.assert.deepStrictEqual(next.guard.bans().find(({ client }) => client === CLIENT), made[0])
  t.assert.deepStrictEqual(events.filter(({ type }) => type === 'banned' || type === 'warning'), [])
})

test('what escalates goes on after a restart', async (t: TestContext) => {
  const file = join(folderOf(t), 'bans.json')
  const options = { store: { file }, ban: { threshold: 1, duration: '1h', escalate: 3 } }
  const { app } = await build(t, options)
  await status(app, attack)
  await app.close()
  // The ban ends right after the start, so that it is remembered.
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 3_000_000 })
  const { app: next } = await build(t, options)
  t.assert.strictEqual(await status(next), 403)
  t.mock.timers.tick(700_000)
  t.assert.strictEqual(await status(next, attack), 400)
  const { since, until } = next.guard.bans()[0]!
  t.assert.strictEqual(until - since, 3 * 3_600_000)
})

test('the file is written soon after a change, for its owner alone, and nothing else is left', async (t: TestContext) => {
  const folder = folderOf(t)
  const file = join(folder, 'bans.json')
  const { app } = await build(t, { store: { file } })
  await app.ready()
  t.assert.strictEqual(readFileSync(file, 'utf8'), `${HEAD}\n`)
  for (let i = 0; i < 1200; i++) app.guard.ban(`10.0.${i >> 8}.${i & 255}`)
  await until(() => readFileSync(file, 'utf8').split('\n').length === 1202)
  t.assert.strictEqual(app.guard.stats().bans['fileWrites'], 2)
  t.assert.strictEqual(statSync(file).mode & 0o777, 0o600)
  t.assert.deepStrictEqual(readdirSync(folder), ['bans.json'])
  app.guard.reset()
  await app.close()
  const [head, ...lifts] = readFileSync(file, 'utf8').trim().split('\n')
  t.assert.deepStrictEqual([head, lifts.length, lifts.every((line) => line.includes('"lift"'))], [HEAD, 1200, true], 'another process may know them yet')
})

test('a broken file: what can be read counts, the rest is said and kept', async (t: TestContext) => {
  const file = join(folderOf(t), 'bans.json')
  const now = Date.now()
  const line = (...row: unknown[]): string => JSON.stringify(row)
  const good = line(CLIENT, now, now + 3_600_000, 'manual', 'x', 0, 0)
  const bad = ['{', 'null', '[]', line('nonsense', now, now + 1e6, 'manual', 'x', 0, 0), line(OTHER, now, 'soon', 'manual', 'x', 0, 0), line(OTHER, now, now + 1e6, 'manual', 'x', 0), `["${OTHER}",1,1e999,"manual","x",0,0]`, line('0.0.0.0/0', now, now + 1e6, 'manual', 'x', 0, 0), line(OTHER, now, now + 1e6).slice(0, -4)]
  writeFileSync(file, [HEAD, good, ...bad, line(OTHER, 1, 2, 'manual', 'ended', 0, 0)].join('\n'))
  const { app, events } = await build(t, { store: { file } })
  t.assert.deepStrictEqual([await status(app), await status(app, { ip: OTHER })], [403, 200])
  t.assert.strictEqual(app.guard.bans().length, 1)
  const warnings = events.filter((event) => event.type === 'warning')
  t.assert.deepStrictEqual(warnings.map(({ code }) => code), ['GUARD_BANS_FILE'])
  t.assert.match(warnings[0]!.message, new RegExp(`has ${bad.length} of ${bad.length + 3} lines`))
  t.assert.strictEqual(readFileSync(`${file}.broken`, 'utf8').split('\n').length, bad.length + 3)
})

for (const [name, content] of [['an empty file', ''], ['a file of something else', 'hello\nworld\n'], ['bytes', Buffer.from([0, 255, 254, 10, 128])]] as const) {
  test(`${name} stops nothing`, async (t: TestContext) => {
    const file = join(folderOf(t), 'bans.json')
    writeFileSync(file, content)
    const { app, events } = await build(t, { store: { file } })
    t.assert.strictEqual(await status(app), 200)
    t.assert.strictEqual(events.filter(({ type }) => type === 'warning').length, 1)
    t.assert.ok(existsSync(`${file}.broken`))
  })
}

test('a file that can never be written is an error at start', async (t: TestContext) => {
  const { code, message } = await startError({ store: { file: join(folderOf(t), 'none', 'bans.json') } })
  t.assert.strictEqual(code, 'GUARD_OPTION_INVALID')
  t.assert.match(message, /store\.file cannot be used: ENOENT/)
  t.assert.match((await startError({ store: { file: folderOf(t) } })).message, /store\.file cannot be used: E/)
})

test('a file that cannot be written later is warned about once, and bans go on', { skip: process.getuid?.() === 0 && 'root may write everywhere' }, async (t: TestContext) => {
  const folder = folderOf(t)
  const { app, events } = await build(t, { store: { file: join(folder, 'bans.json') } })
  await app.ready()
  chmodSync(folder, 0o500)
  t.after(() => chmodSync(folder, 0o700))
  app.guard.ban(CLIENT)
  await until(() => events.some((event) => event.type === 'warning' && event.code === 'GUARD_BANS_FILE'))
  t.assert.strictEqual(await status(app), 403)
})

test('a folder that is gone is warned about, and closing does not fail', async (t: TestContext) => {
  const folder = folderOf(t)
  const { app, events } = await build(t, { store: { file: join(folder, 'bans.json') } })
  await app.ready()
  rmSync(folder, { recursive: true })
  app.guard.ban(CLIENT)
  await app.close()
  t.assert.strictEqual(events.filter((event) => event.type === 'warning' && event.code === 'GUARD_BANS_FILE').length, 1)
})

test('bans of before the start are added to the file, and win over it', async (t: TestContext) => {
  const file = join(folderOf(t), 'bans.json')
  const { app } = await build(t, { store: { file } })
  await app.ready()
  for (const target of [CLIENT, OTHER, '192.0.2.0/24']) app.guard.ban(target, { duration: '2h' })
  await app.close()
  const { app: next } = await build(t, { store: { file } })
  const made = next.guard.ban('203.0.113.50')
  const shorter = next.guard.ban(CLIENT, { duration: '1h', reason: 'newer' })
  next.guard.unban(OTHER)
  await next.ready()
  t.assert.deepStrictEqual(new Set(next.guard.bans().map(({ client }) => client)), new Set([CLIENT, '192.0.2.0/24', made.client]))
  t.assert.deepStrictEqual(next.guard.bans().find(({ client }) => client === CLIENT), shorter)
})

test('a file that was never read is not written', async (t: TestContext) => {
  const path = join(folderOf(t), 'bans.json')
  const open = (): { state: Bans, keeper: BanKeeper } => {
    const state = bans({ now: Date.now, maxKeys: 10 })
    return { state, keeper: keepInFile({ path, bans: state, now: Date.now, maxKeys: 10, emit () {} }) }
  }
  const [first, second] = [open(), open()]
  await first.keeper.started()
  first.state.add(CLIENT, { duration: 1e6, reason: 'x' })
  await first.keeper.close()
  const before = readFileSync(path, 'utf8')
  t.mock.timers.enable({ apis: ['setTimeout'] })
  second.state.add(OTHER, { duration: 1e6, reason: 'x' })
  t.mock.timers.tick(60_000)
  await second.keeper.close()
  t.assert.strictEqual(readFileSync(path, 'utf8'), before)
  t.assert.ok(before.includes(CLIENT))
})

test('a link stays a link, and a line without end is one broken line', async (t: TestContext) => {
  const folder = folderOf(t)
  const [file, link] = [join(folder, 'bans.json'), join(folder, 'link.json')]
  writeFileSync(file, `${HEAD}\n${JSON.stringify([CLIENT, 1, Date.now() + 1e6, 'manual', 'x', 0, 0])}\r\n${'x'.repeat(1_000_000)}`)
  symlinkSync(file, link)
  const { app, events } = await build(t, { store: { file: link } })
  t.assert.strictEqual(await status(app), 403)
  t.assert.match(events.filter((event) => event.type === 'warning')[0]!.message, /has 1 of 3 lines/)
  await app.close()
  t.assert.ok(lstatSync(link).isSymbolicLink())
  t.assert.strictEqual(readFileSync(file, 'utf8').split('\n').length, 3)
})

test('what a process that was killed left is removed after a day', async (t: TestContext) => {
  const folder = folderOf(t)
  const names = ['bans.json.0123456789ab.tmp', 'bans.json.0123456789ac.tmp', 'bans.json.mine.tmp', 'other.json.0123456789ab.tmp']
  for (const name of names) writeFileSync(join(folder, name), 'x')
  for (const name of names) if (!name.includes('9ac')) utimesSync(join(folder, name), 1, 1)
  const { app } = await build(t, { store: { file: join(folder, 'bans.json') } })
  await app.ready()
  t.assert.deepStrictEqual(readdirSync(folder).sort(), ['bans.json', ...names.slice(1)])
})

test('store.file stands alone', async (t: TestContext) => {
  for (const [store, problem] of [
    [{ file: 'x', redis: 'redis://127.0.0.1' }, /store\.file stands alone/],
    [{ file: 'x', onError: 'pass' }, /store\.file stands alone/],
    [{ file: '' }, /store\.file must be a non-empty string/],
    [{ fil: 'x' }, /did you mean file\?/]
  ] as const) t.assert.match((await startError({ store })).message, problem)
})
