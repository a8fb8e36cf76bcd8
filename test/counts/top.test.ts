import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { recentTop, top } from '../../lib/counts/top.ts'

test('no frequent name is lost among names without end', (t: TestContext) => {
  const names = top(50)
  for (let i = 0; i < 100_000; i++) names.add(i % 10 === 0 ? 'scanner' : i % 15 === 1 ? 'crawler' : `once ${i}`, 'refused')
  const found = names.read()
  t.assert.deepStrictEqual(found.slice(0, 2).map(({ name }) => name), ['scanner', 'crawler'])
  t.assert.ok(found[0]!.refused >= 10_000 && found[0]!.refused <= 10_000 + 100_000 / 50)
  t.assert.strictEqual(found.length, 50)
})

test('counts are exact where there is room, and add up to all that came where there is not', (t: TestContext) => {
  // Names of different frequency in an order that repeats only after all of them.
  const stream = Array.from({ length: 20_000 }, (_, i) => `n${(i * i * 7919) % 61 % (1 + i % 40)}`)
  const exact = new Map<string, number>()
  for (const name of stream) exact.set(name, (exact.get(name) ?? 0) + 1)
  for (const size of [1, 2, 7, 1000]) {
    const names = top(size)
    stream.forEach((name, i) => names.add(name, i % 3 === 0 ? 'refused' : 'reported'))
    const found = names.read().map(({ name, refused, reported }) => ({ name, count: refused + reported }))
    t.assert.strictEqual(found.reduce((all, { count }) => all + count, 0), stream.length)
    t.assert.deepStrictEqual(found, found.toSorted((one, other) => other.count - one.count))
    const least = found.at(-1)!.count
    for (const { name, count } of found) {
      t.assert.ok(count >= exact.get(name)! && count <= exact.get(name)! + (size < exact.size ? least : 0), `${size} ${name}`)
    }
    for (const [name, count] of exact) t.assert.ok(count <= least || found.some((each) => each.name === name), `${size} ${name}`)
  }
})

test('a name takes the same few steps, also when all names are new', (t: TestContext) => {
  // How often each block of the module ran, as the engine counts it: in a process of its own, whose coverage nobody wants.
  const code = `
    import { Session } from 'node:inspector/promises'
    import { top } from ${JSON.stringify(new URL('../../lib/counts/top.ts', import.meta.url).href)}
    const session = new Session()
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
    const names = top(500)
    for (let i = 0; i < 10_000; i++) names.add('new ' + i, 'refused')
    const { result } = await session.post('Profiler.takePreciseCoverage')
    const ranges = result.filter(({ url }) => url.includes('counts/top')).flatMap(({ functions }) => functions).flatMap(({ ranges }) => ranges)
    console.log(Math.max(...ranges.map(({ count }) => count)))`
  const { NODE_V8_COVERAGE: _, ...env } = process.env
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], { cwd: join(import.meta.dirname, '../..'), env, encoding: 'utf8' })
  const most = Number(stdout)
  t.assert.ok(most >= 10_000 && most <= 30_000, `${stdout} ${stderr}`)
})

test('a period is followed by the next', (t: TestContext) => {
  const names = recentTop()
  names.add('old', 'refused')
  names.rotate()
  names.add('new', 'refused')
  names.add('new', 'reported')
  t.assert.deepStrictEqual(names.read(9), [{ name: 'new', count: 2 }, { name: 'old', count: 1 }])
  names.rotate()
  t.assert.deepStrictEqual(names.read(9), [{ name: 'new', count: 2 }])
})
