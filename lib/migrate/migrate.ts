import { hint } from '../options/shape.ts'
import { readOptions } from '../options/plugin.ts'
import type { GuardOptions } from '../../types/index.ts'
import { WrongValue, type Config, type Draft, type Note } from './draft.ts'
import { FIELDS } from './fields.ts'

/** Options that do what a SecurityConfig of flaskapi-guard or fastapi-guard says, and notes on what differs. */
export function migrate (config: Config): Draft {
  const options: GuardOptions = {}
  const notes: Note[] = []
  // In the order of the table: some fields complete what others began.
  for (const [field, convert] of Object.entries(FIELDS)) {
    if (!Object.hasOwn(config, field) || config[field] === undefined) continue
    try {
      for (const text of [convert(config[field], options, config)].flat()) if (text !== undefined) notes.push(noteOf(field, text))
    } catch (error) {
      if (!(error instanceof WrongValue)) throw error
      notes.push({ field, kind: 'todo', text: `${error.message}; left out` })
    }
  }
  for (const field of Object.keys(config)) {
    if (!Object.hasOwn(FIELDS, field)) notes.push({ field, kind: 'todo', text: `is no field of SecurityConfig${hint(field, Object.keys(FIELDS))}` })
  }
  if ((options.country !== undefined || options.cloud !== undefined) && options.geo === undefined && options.country !== undefined) {
    notes.push({ field: 'geo', kind: 'todo', text: 'country needs a database: geo: { download: \'dbip-lite\' } gets a free one; without geo the server does not start' })
  }
  notes.push(...problemsOf(options))
  return { options, notes }
}

function noteOf (field: string, text: string): Note {
  if (text.startsWith('TODO ')) return { field, kind: 'todo', text: text.slice(5) }
  if (text.startsWith('NONE ')) return { field, kind: 'none', text: text.slice(5) }
  return { field, kind: 'change', text }
}

/** What the original took, and the start would refuse here. */
function problemsOf (options: GuardOptions): Note[] {
  try {
    readOptions(options)
    return []
  } catch (error) {
    const lines = (error as Error).message.split('\n').map((line) => line.replace(/^(?:guard: option |- )/, '')).filter((line) => !/^guard: \d+ options/.test(line))
    return lines.map((line) => ({ field: 'options', kind: 'todo', text: `the start would refuse: ${line}` }))
  }
}
