import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { copies } from '../../lib/download/copies.ts'

test('drafts that a killed process left a day ago are removed at start, nothing else is', async (t: TestContext) => {
  const folder = await mkdtemp(join(tmpdir(), 'guard-copies-'))
  t.after(() => rm(folder, { recursive: true }))
  const left = ['city.mmdb', 'city.mmdb.12.0a1b2c3e.part', 'mine.part']
  for (const name of [...left, 'city.mmdb.12.0a1b2c3d.part']) await writeFile(join(folder, name), 'x')
  const old = new Date(Date.now() - 25 * 3_600_000)
  for (const name of ['city.mmdb', 'mine.part', 'city.mmdb.12.0a1b2c3d.part']) await utimes(join(folder, name), old, old)
  copies(folder)
  for (let i = 0; i < 2000 && (await readdir(folder)).length > left.length; i++) await new Promise((resolve) => { setImmediate(resolve) })
  t.assert.deepStrictEqual((await readdir(folder)).sort(), left)
  t.assert.doesNotThrow(() => copies(join(folder, 'nowhere')))
})
