import { isDeepStrictEqual } from 'node:util'
import type { FastifyInstance } from 'fastify'
import type { Guard } from '../guard.ts'
import { readRulesFile, throwIfAny } from '../options/plugin.ts'
import { isObject } from '../options/shape.ts'
import { sharedText } from '../redis/shared.ts'
import type { RedisStore } from '../redis/store.ts'
import { defined, update, type Changes } from '../update.ts'
import { notJson } from './as-json.ts'

/** Rules that all nodes share through Redis. */
export interface SharedRules {
  /** @throws {GUARD_OPTION_INVALID} at once, or rejects where Redis does not take it; nothing has changed then */
  update: (changes: unknown, by: string | undefined) => Promise<void>
  /** Whether there was something to take back. */
  rollback: (by: string | undefined) => Promise<boolean>
  started: () => Promise<void>
  close: () => void
}

interface State { rules: Changes, by?: string, before: Changes[] }

const STEPS = 10
/** Characters of the rules and what came before them. */
const LONGEST = 4 * 1024 * 1024

export function sharedRules (guard: Guard, app: FastifyInstance, { connection, channel }: RedisStore): SharedRules {
  let told = ''
  /** The latest, so that rules whose lists take long to load do not come after newer ones. */
  let wanted: Changes = {}
  const text = sharedText(connection, channel(), 'rules', (json) => { take(json).catch(fail) })

  async function take (json: string): Promise<void> {
    const { rules, by } = read(json)
    wanted = rules
    const changed = await update(guard, app, 'shared', () => wanted)
    const seen = JSON.stringify([rules, by])
    if (seen === told) return
    told = seen
    guard.emit({ type: 'update', time: guard.services.now(), source: 'store', ...(by !== undefined && { by }), changed })
  }

  function fail (error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    guard.emit({ type: 'rules', time: guard.services.now(), state: 'refused', source: 'store', reason })
    guard.log.error({ event: 'guard.rules', source: 'store', reason }, 'guard: rules that all nodes share cannot be used here, the last good ones stay')
  }

  /** Makes sure that the rules can be used here before other nodes get them. */
  async function change (next: (before: State) => State, by: string | undefined): Promise<void> {
    const earlier = guard.overlays.shared
    const tried = next({ rules: earlier, before: [] }).rules
    wanted = tried
    const changed = await update(guard, app, 'shared', () => wanted)
    told = JSON.stringify([tried, by])
    try {
      await text.change((json) => {
        const written = JSON.stringify(next(json === undefined ? { rules: {}, before: [] } : read(json)))
        if (written.length > LONGEST) throw new Error(`rules that all nodes share are longer than ${LONGEST} characters`)
        return written
      })
    } catch (error) {
      if (isDeepStrictEqual(guard.overlays.shared, tried)) {
        wanted = earlier
        await update(guard, app, 'shared', () => wanted)
      }
      throw error
    }
    guard.emit({ type: 'update', time: guard.services.now(), source: 'code', ...(by !== undefined && { by }), changed })
  }

  return {
    update (changes, by) {
      throwIfAny(notJson(changes))
      const rules = defined(readRulesFile(changes).rules)
      return change((before) => state({ ...before.rules, ...rules }, by, [...before.before, before.rules].slice(-STEPS)), by)
    },
    async rollback (by) {
      const json = await text.peek()
      const earlier = json === undefined ? undefined : read(json).before.at(-1)
      if (earlier === undefined) return false
      // Another node may have taken something back meanwhile: each takes back one step.
      await change((before) => state(before.before.at(-1) ?? earlier, by, before.before.slice(0, -1)), by)
      return true
    },
    started: () => text.started(),
    close: () => text.close()
  }
}

function state (rules: Changes, by: string | undefined, before: Changes[]): State {
  return { rules, ...(by !== undefined && { by }), before }
}

/** Whoever writes to Redis may be an older version of the program: what it wrote is judged like a file. */
function read (json: string): State {
  const data: unknown = JSON.parse(json)
  if (!isObject(data)) throw new Error('is no object')
  const { rules, by, before } = data
  return state(readRulesFile(rules).rules, typeof by === 'string' ? by.slice(0, 200) : undefined, Array.isArray(before) ? before.slice(-STEPS).filter(isObject) : [])
}
