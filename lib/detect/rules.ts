import type { Category, Level, Rule } from './types.ts'

/** A rule as the detectors use it: `no` is its place in the catalogue. */
export interface CodedRule extends Rule { no: number }

type Entry = readonly [level: Level, score: number, about: string, match: string, pass: string]

const all: CodedRule[] = []

/** Declares the rules of one category. */
export function rulesOf<Name extends string> (category: Category, entries: Record<Name, Entry>): Record<Name, CodedRule> {
  const rules = {} as Record<Name, CodedRule>
  for (const name of Object.keys(entries) as Name[]) {
    const [level, score, about, match, pass] = entries[name]
    const rule: CodedRule = { id: `${category}/${name}`, category, level, score, about, match, pass, no: all.length }
    all.push(rule)
    rules[name] = rule
  }
  return rules
}

export const declared: readonly CodedRule[] = all
