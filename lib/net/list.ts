import { createHash } from 'node:crypto'
import { isEverything, isHostName, parseEntry } from './entry.ts'
import { compileRanges, type LabelledRange, type RangeSet } from './ranges.ts'
import { sourceKeeper, type Source, type SourceOptions } from './list-sources.ts'
import { whileUsed } from './while-used.ts'
import { duration, examine, is, isObject, milliseconds, object, show, text, type Report, type Shape, someText } from '../options/shape.ts'
import type { List, ListEntry, ListStats } from '../../types/index.ts'

/** A compiled list. One without sources never changes; sources change what it holds while it is in use. */
export type LiveList = Readonly<RangeSet>

/** Compiles lists, and keeps what their sources give up to date. */
export interface ListReader {
  /** Sources start loading here and are empty until they have. */
  read: (list: List) => LiveList
  /**
   * Resolves once every source read so far has loaded.
   *
   * @throws {GUARD_OPTION_INVALID} naming each entry that could not be loaded
   */
  ready: () => Promise<void>
  /** Whether a source has neither loaded nor failed yet. */
  pending: () => boolean
  /** For `app.guard.stats()`. */
  stats: () => Record<string, ListStats>
  /** Stops all timers. */
  close: () => void
}

export function listReader (options: SourceOptions = {}): ListReader {
  const keeper = sourceKeeper(options)
  /** Routes often repeat a list; equal ones are compiled once. */
  const compiled = whileUsed<RangeSet>()

  function compile (entries: readonly string[]): RangeSet {
    const key = createHash('sha256').update(entries.join('\n')).digest('base64')
    let set = compiled.get(key)
    if (set === undefined) compiled.set(key, set = compileRanges(labelled(entries)))
    return set
  }

  return {
    read (list) {
      const entries: readonly ListEntry[] = isArray(list) ? list : [list]
      const fixed: string[] = []
      const sources = new Set<Source>()
      for (const entry of entries) {
        if (typeof entry !== 'string') sources.add(keeper.open(entry))
        else if (isFixed(entry)) fixed.push(entry)
        else sources.add(keeper.open({ host: entry }))
      }
      const set = compile(fixed)
      return sources.size === 0 ? set : combine(set, [...sources])
    },
    ready: keeper.ready,
    pending: keeper.pending,
    stats: keeper.stats,
    close: keeper.close
  }
}

/** The ranges of checked entries, each with the entry's text. */
export function labelled (entries: readonly string[]): LabelledRange[] {
  const ranges: LabelledRange[] = []
  for (const label of entries) {
    const found = parseEntry(label)
    if (typeof found === 'string') throw new TypeError(found)
    for (const range of found) ranges.push({ range, label })
  }
  return ranges
}

function combine (fixed: RangeSet, sources: readonly Source[]): LiveList {
  return {
    get size () { return sources.reduce((sum, { current }) => sum + current.size, fixed.size) },
    has: (address) => fixed.has(address) || sources.some(({ current }) => current.has(address)),
    find (address) {
      let found = fixed.find(address)
      for (let i = 0; found === undefined && i < sources.length; i++) found = sources[i]!.current.find(address)
      return found
    }
  }
}

function isArray (list: List): list is readonly ListEntry[] {
  return Array.isArray(list)
}

/** Whether an entry is known at once, unlike a host name. */
function isFixed (entry: string): boolean {
  return !isHostName(entry) || typeof parseEntry(entry) !== 'string'
}

const hostName = is('a host name', (value) => typeof value === 'string' && (isHostName(value) || /^[a-z\d](?:[a-z\d-]*[a-z\d])?$/i.test(value)), someText)

const url = is('an https URL (http only on loopback)', (value) => {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  const { protocol, hostname, username, password } = new URL(value)
  return username === '' && password === '' && (protocol === 'https:' || (protocol === 'http:' && /^(?:127\.[\d.]+|localhost|\[::1\])$/.test(hostname)))
}, { type: 'string', pattern: '^[Hh][Tt][Tt][Pp]' })

const refresh = is("at least '1s'", (value) => milliseconds(value)! >= 1000, duration.json)

const sources: Readonly<Record<string, Shape>> = {
  host: object({ host: hostName }, 'host'),
  file: object({ file: text }, 'file'),
  url: object({ url, refresh: { ...duration, inside: (value, path, report) => examine(refresh, value, path, report) } }, 'url')
}

const EXPECTED = 'an address, CIDR, a-b range, keyword, host name, { host }, { file }, { url } or a function'

/** One entry. `everything`: may it be a whole family, such as `0.0.0.0/0`? */
function entry (everything: boolean): Shape {
  return {
    expected: EXPECTED,
    json: { anyOf: [{ type: 'string', minLength: 1 }, ...Object.values(sources).map(({ json }) => json!)] },
    kind: (value) => typeof value === 'string' || typeof value === 'function' || isObject(value),
    inside (value, path, report) {
      if (typeof value === 'string') examineText(value, path, report, everything)
      if (!isObject(value)) return
      const kind = Object.keys(sources).find((name) => value[name] !== undefined)
      if (kind === undefined) report(path, 'must have one of the members host, file, url')
      else sources[kind]!.inside(value, path, report)
    }
  }
}

function examineText (value: string, path: string, report: Report, everything: boolean): void {
  const found = parseEntry(value)
  if (typeof found === 'string') {
    if (!isHostName(value)) report(path, found)
  } else if (!everything && found.some(isEverything)) {
    report(path, `must not be every address: ${show(value)}`)
  }
}

/** A list, or one entry in place of one. */
function listOf ({ everything = true, min = 0 } = {}): Shape {
  const member = entry(everything)
  return {
    expected: `an array of entries, or one of them: ${EXPECTED}`,
    json: { anyOf: [...member.json!.anyOf!, { type: 'array', items: member.json!, ...(min > 0 && { minItems: min }) }] },
    kind: (value) => Array.isArray(value) || member.kind(value),
    inside (value, path, report) {
      if (!Array.isArray(value)) return member.inside(value, path, report)
      if (value.length < min) report(path, 'must have at least 1 entry')
      value.forEach((each, i) => examine(member, each, `${path}[${i}]`, report))
    }
  }
}

/** A `List` as the contract has it. */
export const listShape = listOf()
/** A list that must not be empty, since that would refuse everybody. */
export const gateShape = listOf({ min: 1 })
/** A list of whom to believe: not empty where there is one, and never everybody. */
export const trustShape = listOf({ everything: false })
export const entryShape = entry(true)
