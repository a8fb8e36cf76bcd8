import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { build, CLIENT, status } from '../helpers.ts'
import { processNode, type Node } from '../redis/process-node.ts'
import { until } from '../redis/server.ts'

const OTHER = '198.51.100.9'

function fileOf (t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'guard-bans-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'bans.json')
}

const rowsIn = (file: string): unknown[][] => readFileSync(file, 'utf8').trim().split('\n').slice(1).map((line) => JSON.parse(line) as unknown[])
const namesIn = (file: string): unknown[] => rowsIn(file).filter(([, , , kind]) => kind !== 'lift').map(([name]) => name).sort()
const clientsOf = (app: { guard: { bans: () => Array<{ client: string }> } }): string[] => app.guard.bans().map(({ client }) => client).sort()

async function end ({ child, order }: Node): Promise<void> {
  order({ close: true })
  await once(child, 'exit')
}

test('two processes with one file lose nothing of each other, and lift for both', async (t: TestContext) => {
  const file = fileOf(t)
  const store = { file }
  const [one, other] = await Promise.all([processNode(t, { store }), processNode(t, { store })])
  await one.tell({ ban: CLIENT })
  await other.tell({ ban: OTHER })
  await Promise.all([other.tell({ watch: CLIENT, banned: true }), one.tell({ watch: OTHER, banned: true })])
  await until(() => namesIn(file).length === 2)
  t.assert.deepStrictEqual(await other.tell({ send: CLIENT }), [403])
  await other.tell({ unban: CLIENT })
  await one.tell({ watch: CLIENT, banned: false })
  t.assert.deepStrictEqual(await one.tell({ send: CLIENT }), [200])
  // What is done right before the end is in the file, whoever ends first.
  await Promise.all([one.tell({ ban: '192.0.2.1' }), other.tell({ ban: '192.0.2.2' })])
  await end(one)
  await end(other)
  t.assert.deepStrictEqual(namesIn(file), ['192.0.2.1', '192.0.2.2', OTHER])
  t.assert.deepStrictEqual(readdirSync(join(file, '..')), ['bans.json'])
})

test('a process that is replaced by the next one hands over what it bans until its end', async (t: TestContext) => {
  const store = { file: fileOf(t) }
  const { app: old } = await build(t, { store })
  await old.ready()
  const { app: next } = await build(t, { store })
  await next.ready()
  old.guard.ban(CLIENT)
  await old.close()
  await until(() => clientsOf(next).includes(CLIENT))
  t.assert.strictEqual(await status(next), 403)
})

test('many bans of both at once are all in the file', async (t: TestContext) => {
  const file = fileOf(t)
  const apps = [await build(t, { store: { file } }), await build(t, { store: { file } })].map(({ app }) => app)
  for (const app of apps) await app.ready()
  for (let i = 0; i < 1000; i++) for (const [n, app] of apps.entries()) app.guard.ban(`10.${n}.${i >> 8}.${i & 255}`)
  await until(() => apps.every((app) => app.guard.bans().length === 2000))
  await until(() => namesIn(file).length === 2000)
  const writes = apps.map((app) => app.guard.stats().bans['fileWrites']!)
  for (const app of apps) await app.close()
  t.assert.deepStrictEqual(apps.map((app) => app.guard.stats().bans['fileWrites']!), writes, 'whoever has nothing to tell does not write')
  t.assert.strictEqual(namesIn(file).length, 2000)
})

test('a file that somebody put back to an older one gets again what it lacks', async (t: TestContext) => {
  const file = fileOf(t)
  const { app } = await build(t, { store: { file } })
  await app.ready()
  app.guard.ban(OTHER)
  await until(() => namesIn(file).length === 1)
  const before = readFileSync(file)
  app.guard.ban(CLIENT)
  app.guard.unban(OTHER)
  await until(() => namesIn(file).includes(CLIENT))
  writeFileSync(file, before)
  await until(() => namesIn(file).includes(CLIENT) && !namesIn(file).includes(OTHER))
  t.assert.deepStrictEqual(clientsOf(app), [CLIENT])
  rmSync(file)
  await until(() => { try { return namesIn(file).includes(CLIENT) } catch { return false } })
})

test('a clock that is set back: a lift stays one, and a ban too', async (t: TestContext) => {
  const file = fileOf(t)
  const apps = [await build(t, { store: { file } }), await build(t, { store: { file } })].map(({ app }) => app)
  const [one, other] = apps as [typeof apps[0] & object, typeof apps[0] & object]
  for (const app of apps) await app.ready()
  one.guard.ban(CLIENT, { duration: '1d' })
  one.guard.ban(OTHER, { duration: '1d' })
  one.guard.unban(OTHER)
  await until(() => clientsOf(other).includes(CLIENT))
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() - 3_600_000 })
  one.guard.unban(CLIENT)
  one.guard.ban(OTHER, { duration: '1d' })
  await until(() => clientsOf(other).join() === OTHER)
  await one.close()
  t.assert.deepStrictEqual(namesIn(file), [OTHER])
})

test('of two changes of one target the later one counts', async (t: TestContext) => {
  const file = fileOf(t)
  const { app } = await build(t, { store: { file } })
  await app.ready()
  app.guard.ban(CLIENT, { reason: 'first' })
  app.guard.ban(OTHER)
  await until(() => namesIn(file).length === 2)
  const now = Date.now()
  const rows = [[CLIENT, now - 500, now + 1e6, 'manual', 'older', 0, 0], [OTHER, now - 500, now + 1e6, 'lift', '', 0, 0]]
  app.guard.ban(CLIENT, { reason: 'second' })
  const write = (...rows: unknown[]): void => writeFileSync(file, ['{"format":"fastify-api-guard bans","version":1}', ...rows.map((row) => JSON.stringify(row)), ''].join('\n'))
  write(...rows)
  await until(() => rowsIn(file).some(([name, , , , reason]) => name === CLIENT && reason === 'second'))
  t.assert.deepStrictEqual(namesIn(file), [CLIENT])
  t.assert.deepStrictEqual(clientsOf(app), [CLIENT])
  write([CLIENT, Date.now(), now + 1e6, 'detection', 'third', 0, 0])
  await until(() => app.guard.bans()[0]?.reason === 'third')
})

test('what is broken while the app runs lifts nobody', async (t: TestContext) => {
  const file = fileOf(t)
  const { app, events } = await build(t, { store: { file } })
  await app.ready()
  app.guard.ban(CLIENT)
  await until(() => namesIn(file).length === 1)
  writeFileSync(file, 'hello\n')
  utimesSync(file, 1, 1)
  await until(() => { try { return namesIn(file).includes(CLIENT) } catch { return false } })
  t.assert.deepStrictEqual(clientsOf(app), [CLIENT])
  t.assert.deepStrictEqual(events.filter((event) => event.type === 'warning').map(({ code }) => code), ['GUARD_BANS_FILE'])
})
