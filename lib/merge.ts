import { isObject } from './options/shape.ts'
import type { Origin } from './check.ts'
import type { GuardRules } from '../types/index.ts'

/** The rules of one layer, and a name that tells its limits' buckets from those of other layers. */
export interface Layer {
  origin: Origin
  id: string
  rules: GuardRules | false
}

/** One key after all layers. */
export interface Effective {
  value: unknown
  /** The innermost layer that had a say. */
  origin: Origin
  layer: string
  /** Where each member of an object came from, outermost first. */
  members: Record<string, Origin[]>
}

export type EffectiveRules = Map<string, Effective>

/** Members whose lists add up over all layers, so that no layer loses what an outer one refuses or trusts. */
const ADDS: Readonly<Record<string, readonly string[]>> = { ip: ['deny', 'trust'], detection: ['exclude'] }

/**
 * Merges layers, outermost first. Objects merge one level deep, arrays and limits replace. A layer never
 * loosens by accident: only `false` and `inherit: false` reset a key, and in a child's registration not even
 * those lift what the root denies or bans. Keys that no layer touches keep the very object of `base`, so that
 * what is compiled from them can be shared.
 */
export function merge (layers: readonly Layer[], base?: EffectiveRules): EffectiveRules {
  const result: EffectiveRules = new Map(base)
  for (const layer of layers) {
    if (layer.rules === false) {
      result.clear()
      continue
    }
    for (const [key, value] of Object.entries(layer.rules)) {
      if (value === undefined) continue
      const outer = result.get(key)
      if (key === 'ban' && outer !== undefined && layer.origin.startsWith('scope')) continue
      result.set(key, mergeKey(key, outer, value, layer))
    }
  }
  return result
}

function mergeKey (key: string, outer: Effective | undefined, value: unknown, layer: Layer): Effective {
  const { origin, id } = layer
  const kept = keptOf(key, outer, layer)
  const inner = value === true || (value === false && key === 'emergency') ? {} : value === false && kept !== undefined ? { inherit: false } : value
  if (!isObject(inner) || key === 'rateLimit') return { value: inner, origin, layer: id, members: {} }
  const resets = inner['inherit'] === false
  const base = !resets && isObject(outer?.value) ? outer.value : kept ?? {}
  const merged: Record<string, unknown> = { ...base }
  const members: Record<string, Origin[]> = {}
  for (const name of Object.keys(base)) members[name] = outer?.members[name] ?? []
  for (const [name, member] of Object.entries(inner)) {
    if (member === undefined || name === 'inherit') continue
    if (kept !== undefined && (name === 'mode' || name === 'sample')) continue
    const adds = ADDS[key]?.includes(name) === true && merged[name] !== undefined
    merged[name] = adds ? sum(merged[name], member) : member
    members[name] = adds ? [...(members[name] ?? []), origin] : [origin]
  }
  return { value: merged, origin, layer: id, members }
}

/** What a child scope can neither reset nor soften: the root's denied addresses and how they are treated. */
function keptOf (key: string, outer: Effective | undefined, { origin }: Layer): Record<string, unknown> | undefined {
  if (key !== 'ip' || !origin.startsWith('scope') || !isObject(outer?.value) || outer.value['deny'] === undefined) return undefined
  const { deny, mode, sample } = outer.value
  return { deny, ...(mode !== undefined && { mode }), ...(sample !== undefined && { sample }) }
}

function entries (value: unknown): unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value]
}

/** Two lists one after the other; two objects of lists, member by member. */
function sum (outer: unknown, inner: unknown): unknown {
  if (!isObject(outer) || !isObject(inner) || isEntry(outer) || isEntry(inner)) return [...entries(outer), ...entries(inner)]
  const result: Record<string, unknown> = { ...outer }
  for (const [name, value] of Object.entries(inner)) {
    result[name] = result[name] === undefined ? value : sum(result[name], value)
  }
  return result
}

/** `{ host }`, `{ file }` and `{ url }` are entries of a list, not objects of lists. */
function isEntry (value: Record<string, unknown>): boolean {
  return 'host' in value || 'file' in value || 'url' in value
}
