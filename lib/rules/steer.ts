import type { FastifyInstance } from 'fastify'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import type { Guard } from '../guard.ts'
import { throwIfAny } from '../options/plugin.ts'
import { bool, examine, isObject, object, show, text, type Problem } from '../options/shape.ts'
import { defined, update, type Changes } from '../update.ts'
import { sharedRules } from './shared.ts'
import type { GuardApi, UpdateOptions } from '../../types/index.ts'

/** `app.guard.update()` and `rollback()`. */
export interface Steering extends Pick<GuardApi, 'update' | 'rollback'> {
  /** Resolves once what all nodes share is in force, or cannot be had. */
  started: () => Promise<void>
  close: () => void
}

/** Updates that can be taken back. */
const STEPS = 10

const howShape = object({ by: text, broadcast: bool })

function readHow (how: UpdateOptions): UpdateOptions {
  const problems: Problem[] = []
  examine(howShape, how, '', (path, message) => problems.push({ path, message }))
  throwIfAny(problems)
  return how
}

export function steering (guard: Guard, app: FastifyInstance): Steering {
  const shared = guard.redis && sharedRules(guard, app, guard.redis)
  let earlier: Changes[] = []

  function toStore (): NonNullable<typeof shared> {
    if (shared === undefined) throw new GUARD_OPTION_INVALID('guard: broadcast needs a store that all nodes share: set store: { redis }')
    return shared
  }

  function change (next: (before: Changes) => unknown, by: string | undefined, done: () => void): Promise<void> {
    const tell = (changed: string[]): void => {
      done()
      guard.emit({ type: 'update', time: guard.services.now(), source: 'code', ...(by !== undefined && { by }), changed })
    }
    const changed = update(guard, app, 'local', next)
    if (changed instanceof Promise) return changed.then(tell)
    tell(changed)
    return Promise.resolve()
  }

  return {
    update (changes, how = {}) {
      const { by, broadcast = false } = readHow(how)
      if (!isObject(changes)) throw new GUARD_OPTION_INVALID(`guard: update takes an object of options, got ${show(changes)}`)
      if (broadcast) return toStore().update(changes, by)
      let before: Changes = {}
      return change((local) => {
        before = local
        return { ...local, ...defined(changes) }
      }, by, () => { earlier = [...earlier, before].slice(-STEPS) })
    },
    rollback (how = {}) {
      const { by, broadcast = false } = readHow(how)
      if (broadcast) return toStore().rollback(by)
      const last = earlier.at(-1)
      if (last === undefined) return Promise.resolve(false)
      return change(() => last, by, () => { earlier = earlier.slice(0, -1) }).then(() => true)
    },
    started: async () => { await shared?.started() },
    close: () => shared?.close()
  }
}
