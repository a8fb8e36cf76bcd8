import { parseEntry, type Range, type Words } from '../../net/entry.ts'
import { isObject } from '../../options/shape.ts'
import { pathOf, type Finding, type Place } from './finding.ts'

interface Named { text: string, ranges: Range[] }

/** Entries of address lists that other entries hold already, and gates that nobody can pass. */
export function lintLists (place: Place): Finding[] {
  if (!isObject(place.value)) return []
  const { value } = place
  const found: Finding[] = []
  const add = (lint: Finding['lint'], member: string, message: string): void => { found.push({ lint, path: pathOf(place, member), message }) }
  if (place.key === 'ip') {
    const [allow, deny, trust] = ['allow', 'deny', 'trust'].map((member) => named(value[member])) as [Named[], Named[], Named[]]
    for (const [member, entries] of Object.entries({ allow, deny, trust })) shadowed(entries, (message) => add('shadowed', member, message))
    for (const entry of allow) {
      const by = deny.find((other) => holds(other, entry))
      if (by !== undefined) add('unreachable', 'allow', `${entry.text} is refused by ip.deny ${by.text}, which comes first`)
    }
    for (const entry of deny) {
      const by = trust.find((other) => holds(other, entry))
      if (by !== undefined) add('unreachable', 'deny', `${entry.text} is on ip.trust ${by.text}, which comes first`)
    }
    ordered(value['rules'], (message) => add('unreachable', 'rules', message))
  } else {
    for (const member of ['allow', 'exempt']) shadowed(named(value[member]), (message) => add('shadowed', member, message))
  }
  return found
}

/** `ip.rules`: the first match wins, so what an earlier entry holds is never looked at. */
function ordered (rules: unknown, add: (message: string) => void): void {
  if (!Array.isArray(rules)) return
  const earlier: Array<Named & { kind: string }> = []
  for (const rule of rules as Array<Record<string, unknown>>) {
    for (const kind of ['allow', 'deny']) {
      for (const entry of named(rule[kind])) {
        const by = earlier.find((other) => holds(other, entry))
        if (by === undefined) earlier.push({ ...entry, kind })
        else add(`${kind} ${entry.text} is never reached: ${by.kind} ${by.text} comes first`)
      }
    }
  }
}

export function shadowed (entries: readonly Named[], add: (message: string) => void): void {
  entries.forEach((entry, i) => {
    const by = entries.find((other, j) => j !== i && holds(other, entry) && (j < i || !holds(entry, other)))
    if (by !== undefined) add(`${entry.text} is ${by.text === entry.text ? 'listed twice' : `within ${by.text}`}`)
  })
}

/** Entries that can be read without asking anybody: no host names, files, URLs or functions. */
export function named (list: unknown): Named[] {
  return (Array.isArray(list) ? list : [list]).flatMap((entry): Named[] => {
    const ranges = typeof entry === 'string' ? parseEntry(entry) : undefined
    return Array.isArray(ranges) ? [{ text: entry as string, ranges }] : []
  })
}

function holds (outer: Named, inner: Named): boolean {
  return inner.ranges.every((range) => outer.ranges.some((other) => within(range, other)))
}

function within (inner: Range, outer: Range): boolean {
  if (inner.family === 4) return outer.family === 4 && outer.from <= inner.from && inner.to <= outer.to
  return outer.family === 6 && compare(outer.from, inner.from) <= 0 && compare(inner.to, outer.to) <= 0
}

function compare (a: Words, b: Words): number {
  const at = a.findIndex((word, i) => word !== b[i])
  return at === -1 ? 0 : a[at]! - b[at]!
}
