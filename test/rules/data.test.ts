import { execFileSync } from 'node:child_process'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { GuardEvent } from '../../lib/index.ts'
import { parseRules } from '../../lib/rules/parse.ts'
import { build, CLIENT, startError, status } from '../helpers.ts'

const OTHER = '198.51.100.1'

function fileOf (t: TestContext, name: string): { path: string, write: (text: string) => void } {
  const folder = mkdtempSync(join(tmpdir(), 'guard-rules-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, name)
  return {
    path,
    write (text) {
      writeFileSync(`${path}.new`, text)
      renameSync(`${path}.new`, path)
    }
  }
}

async function until (found: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !found(); i++) await new Promise((resolve) => setTimeout(resolve, 10))
  if (!found()) throw new Error('never came true')
}

type RulesEvent = Extract<GuardEvent, { type: 'rules' }>
const rulesOf = (events: readonly GuardEvent[]): RulesEvent[] => events.filter((event): event is RulesEvent => event.type === 'rules')

test('YAML: rules with comments, anchors and a version', async (t: TestContext) => {
  const { path, write } = fileOf(t, 'rules.yaml')
  write(`# yaml-language-server: $schema=node_modules/fastify-api-guard/schema.json
version: 2027-01.1
ip:
  deny: &spammers
    - ${CLIENT}        # one of them
    - 192.0.2.0/24
policies:
  office: { ip: { deny: *spammers } }
`)
  const { app, events } = await build(t, { rules: { file: path, refresh: 20 } })
  t.assert.deepStrictEqual([await status(app), await status(app, { ip: OTHER }), await status(app, { ip: '192.0.2.9' })], [403, 200, 403])
  t.assert.deepStrictEqual(rulesOf(events).map(({ state, version, changed }) => [state, version, changed]), [['applied', '2027-01.1', ['ip', 'policies']]])
})

test('YAML that says more than JSON can, or says it wrongly, changes nothing', async (t: TestContext) => {
  const { path, write } = fileOf(t, 'rules.yml')
  write(`ip: { deny: [${CLIENT}] }`)
  const { app, events } = await build(t, { rules: { file: path, refresh: 10 } })
  t.assert.strictEqual(await status(app), 403)
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]', ...'bcdefghij'.split('').map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghi'[i]}`).join(', ')}]`)].join('\n')
  for (const [text, reason] of [
    ['ip: { deny: !!js/regexp /x/ }', /tag/i],
    ['check: !!js/function "function () {}"', /tag/i],
    ['ip: !!set { a }', /tag/i],
    [bomb, /alias/i],
    ['ip: {}\nip: {}', /unique/i],
    ['ip: [', /Flow sequence/],
    ['<<: { mode: off }', /<<.* is unknown/],
    ['__proto__: { mode: off }', /__proto__/],
    ['- ip', /must be an object/],
    ['', /must be an object, got null/],
    ['ip: { deny: 203.0.113.7 }\n---\nip: {}', /multiple documents/],
    ['[1]: 2', /key|scalar/i],
    ['['.repeat(200_000), /nested too deeply/],
    [Array.from({ length: 30_000 }, (_, i) => `k${i}: 1`).join('\n'), /more than 5000 members/],
    [Array.from({ length: 300 }, (_, i) => `k${i}: 1`).join('\n'), /101 options are invalid/],
    [`# ${'x'.repeat(1024 * 1024)}`, /larger than/],
    ['expires: tomorrow', /expires must be a time/],
    ['expires: 2020-01-01T00:00:00Z', /expired at 2020/]
  ] as const) {
    const seen = rulesOf(events).length
    write(text)
    await until(() => rulesOf(events).length > seen)
    const { state, reason: found } = rulesOf(events).at(-1)!
    t.assert.strictEqual(state, 'refused', text.slice(0, 40))
    t.assert.match(found!, reason, text.slice(0, 40))
    t.assert.strictEqual(await status(app), 403)
  }
})

test('YAML that is nested too deeply is not parsed at all', (t: TestContext) => {
  for (const deep of ['['.repeat(200_000), '- '.repeat(100_000), '? '.repeat(50_000), `[${'a: '.repeat(3000)}]`, `[${'a:\n '.repeat(3000)}]`, `${' '.repeat(300)}a: 1`]) {
    t.assert.throws(() => parseRules(deep, true), /nested too deeply/, deep.slice(0, 20))
  }
  const wide = `{${Array.from({ length: 200 }, (_, i) => `"k${i}": [{"a": "[[{{- - -"}]`).join(', ')}}`
  t.assert.strictEqual(Object.keys(parseRules(wide, true) as object).length, 200)
  t.assert.deepStrictEqual(parseRules(Array.from({ length: 200 }, (_, i) => `- a: ${i}\n  b:\n    - c: [1]\n`).join(''), true), Array.from({ length: 200 }, (_, i) => ({ a: i, b: [{ c: [1] }] })))
})

test('rules that expire give way to those of the program, also when the file is gone', async (t: TestContext) => {
  const { path, write } = fileOf(t, 'rules.json')
  write(JSON.stringify({ version: 'night', expires: new Date(Date.now() + 500).toISOString(), ip: { deny: [CLIENT] }, methods: ['POST'] }))
  const { app, events } = await build(t, { methods: ['GET'], rules: { file: path, refresh: '1h' } })
  t.assert.deepStrictEqual([await status(app), await status(app, { ip: OTHER })], [403, 405])
  rmSync(path)
  await until(() => rulesOf(events).length === 2)
  t.assert.deepStrictEqual([await status(app), rulesOf(events).map(({ state, version }) => [state, version])], [200, [['applied', 'night'], ['expired', 'night']]])
})

test('rules that had expired before the start are not used, and the server starts', async (t: TestContext) => {
  const { path, write } = fileOf(t, 'rules.json')
  write(JSON.stringify({ expires: '2020-01-01T00:00:00Z', ip: { deny: [CLIENT] } }))
  const { app, events } = await build(t, { rules: { file: path } })
  t.assert.deepStrictEqual([await status(app), rulesOf(events).map(({ state }) => state)], [200, ['expired']])
})

test('an earlier version of the file is a roll-back', async (t: TestContext) => {
  const { path, write } = fileOf(t, 'rules.json')
  const versions = [{ version: '1', ip: { deny: [OTHER] } }, { version: '2', ip: { deny: [CLIENT] } }].map((version) => JSON.stringify(version))
  write(versions[0]!)
  const { app, events } = await build(t, { rules: { file: path, refresh: 10 } })
  t.assert.strictEqual(await status(app), 200)
  write(versions[1]!)
  await until(() => rulesOf(events).length === 2)
  t.assert.strictEqual(await status(app), 403)
  write(versions[0]!)
  await until(() => rulesOf(events).length === 3)
  t.assert.deepStrictEqual([await status(app), rulesOf(events).map(({ version }) => version)], [200, ['1', '2', '1']])
})

test('rollback takes updates back one by one, and tells who did what', async (t: TestContext) => {
  const { app, events } = await build(t, { methods: ['GET'] })
  t.assert.strictEqual(await app.guard.rollback(), false)
  await app.guard.update({ ip: { deny: [CLIENT] }, methods: ['GET'] }, { by: 'ada' })
  await app.guard.update({ methods: ['POST'] }, { by: 'bob' })
  t.assert.deepStrictEqual([await status(app), await status(app, { ip: OTHER })], [403, 405])
  t.assert.strictEqual(await app.guard.rollback({ by: 'carol' }), true)
  t.assert.deepStrictEqual([await status(app), await status(app, { ip: OTHER })], [403, 200])
  t.assert.strictEqual(await app.guard.rollback(), true)
  t.assert.strictEqual(await status(app), 200)
  t.assert.strictEqual(await app.guard.rollback(), false)
  t.assert.throws(() => app.guard.update({ ip: { deny: ['x.'] } }), { code: 'GUARD_OPTION_INVALID' })
  t.assert.throws(() => app.guard.update(null as unknown as object), /update takes an object of options, got null/)
  t.assert.throws(() => app.guard.update({}, { by: 1 } as object), /by must be/)
  t.assert.deepStrictEqual(events.flatMap((event) => event.type === 'update' ? [[event.by, event.changed]] : []),
    [['ada', ['ip']], ['bob', ['methods']], ['carol', ['methods']], [undefined, ['ip']]])
})

test('an update here outlives new rules of the file', async (t: TestContext) => {
  const { path, write } = fileOf(t, 'rules.json')
  write('{"ip":{"deny":["192.0.2.1"]}}')
  const { app, events } = await build(t, { rules: { file: path, refresh: 10 } })
  await app.ready()
  await app.guard.update({ ip: { deny: [CLIENT] } })
  write('{"methods":["POST"],"ip":{"deny":["192.0.2.2"]}}')
  await until(() => rulesOf(events).length === 2)
  t.assert.deepStrictEqual([await status(app), await status(app, { ip: OTHER })], [403, 405])
  await app.guard.rollback()
  t.assert.deepStrictEqual([await status(app), await status(app, { ip: '192.0.2.2' })], [405, 403])
})

test('emergency.signal switches emergency mode, until the app closes', { skip: process.platform === 'win32' && 'no such signals' }, async (t: TestContext) => {
  const before = process.listenerCount('SIGUSR2')
  const none = await build(t)
  await none.app.ready()
  t.assert.strictEqual(process.listenerCount('SIGUSR2'), before, 'no listener unasked')
  const { app, events } = await build(t, { emergency: { signal: 'SIGUSR2', allow: ['10.0.0.0/8'] } })
  await app.ready()
  const send = async (on: boolean): Promise<void> => {
    execFileSync('kill', ['-USR2', String(process.pid)])
    await until(() => app.guard.stats().emergency === on)
  }
  await send(true)
  t.assert.deepStrictEqual([await status(app), await status(app, { ip: '10.1.2.3' }), await status(none.app)], [503, 200, 200])
  await send(false)
  t.assert.strictEqual(await status(app), 200)
  t.assert.deepStrictEqual(events.flatMap((event) => event.type === 'emergency' ? [[event.enabled, event.by]] : []), [[true, 'signal'], [false, 'signal']])
  await app.close()
  t.assert.strictEqual(process.listenerCount('SIGUSR2'), before)
  t.assert.match((await startError({ emergency: { signal: 'SIGTERM' } })).message, /emergency\.signal must be one of 'SIGUSR2', 'SIGHUP'/)
  t.assert.throws(() => none.app.guard.update({ emergency: { signal: 'SIGHUP' } }), /emergency\.signal is unknown/)
})
