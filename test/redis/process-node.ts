import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { GuardOptions } from '../../lib/index.ts'

/** An application in a process of its own. */
export interface Node { child: ChildProcess, order: (order: object) => number, tell: <T>(order: object) => Promise<T> }

/** Starts one, see bans-node.ts for what it can be told. */
export async function processNode (t: TestContext, options: GuardOptions): Promise<Node> {
  const child = fork(join(import.meta.dirname, 'bans-node.ts'), { execArgv: ['--import', 'tsx'] })
  t.after(() => child.kill())
  await once(child, 'message')
  const answers = new Map<number, (answer: never) => void>()
  child.on('message', ({ id, answer }: { id: number, answer: never }) => {
    answers.get(id)?.(answer)
    answers.delete(id)
  })
  let ids = 0
  const order = (order: object): number => {
    child.send({ id: ++ids, order })
    return ids
  }
  const tell = <T>(what: object): Promise<T> => new Promise((resolve) => { answers.set(order(what), resolve as (answer: never) => void) })
  await tell({ start: options })
  return { child, order, tell }
}
