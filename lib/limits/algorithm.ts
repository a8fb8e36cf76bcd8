import type { Ask, Left } from './store.ts'
import type { Table } from './table.ts'

/** How a counter counts, on a record of the table. Times are milliseconds since the store was made. */
export interface Count {
  /** Milliseconds until the ask passes, 0 if it does, Infinity if it never can. Drops what has expired. */
  wait: (table: Table, slot: number, ask: Ask, now: number) => number
  take: (table: Table, slot: number, ask: Ask, now: number) => void
  /** Gives back what was taken at `at`. */
  refund: (table: Table, slot: number, ask: Ask, at: number, now: number) => void
  /** The state of the counter, with what `wait` found. */
  left: (table: Table, slot: number, ask: Ask, now: number, wait: number) => Left
}
