import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

const program = `
import { executionAsyncResource } from 'node:async_hooks'
import { tickRecord } from ${JSON.stringify(join(import.meta.dirname, '../lib/tick-record.ts'))}
import ${JSON.stringify(join(import.meta.dirname, '../lib/index.ts'))}
const made = () => new Promise((resolve) => { process.nextTick(() => resolve(executionAsyncResource())) })
const weak = new WeakRef(await made())
await new Promise((resolve) => { setTimeout(resolve, 10) })
gc()
gc()
const kept = tickRecord()
console.log(JSON.stringify({ othersAreGone: weak.deref() === undefined, sameClass: kept !== undefined && %HaveSameMap(kept, await made()) }))
`

test('the hidden class of what process.nextTick makes outlives full collections', (t: TestContext) => {
  const output = execFileSync(process.execPath, ['--expose-gc', '--allow-natives-syntax', '--import', 'tsx', '--input-type=module', '-e', program], { encoding: 'utf8' })
  t.assert.deepStrictEqual(JSON.parse(output), { othersAreGone: true, sameClass: true })
})
