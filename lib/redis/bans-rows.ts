import type { Ban } from '../bans/bans.ts'

/** `[name, at, since, until, kind, reason, times, remembered]`, see bans-script.ts. */
export type Row = [name: string, at: number, since: number, until: number, kind: Ban['kind'] | 'lift', reason: string, times: number, remembered: number]
/** What the script answers. */
export type Answer = [epoch: string, seq: number, now: number, last: number, rows: Row[]]
/** What it publishes: what one call of a node changed, in numbers from `first` to `last`. */
export type News = [epoch: string, first: number, last: number, rows: Row[], node: string]

/** Whether the node of that id made the changes; without reading them, which takes a while. */
export function isOf (message: string, id: string): boolean {
  return message.endsWith(`],"${id}"]`)
}
