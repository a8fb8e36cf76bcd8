import { executionAsyncResource } from 'node:async_hooks'

/** Of the process, not of an app: Node has one `process.nextTick`. */
let record: object | undefined

/**
 * Keeps one of the records that `process.nextTick` makes, for as long as the process lives.
 *
 * Node makes such a record several times for each request, as an object with computed keys. V8 remembers the hidden class
 * of what that place makes, but weakly: when a full garbage collection comes while no record is alive the class goes, and
 * from then on every record is made by the runtime, which costs a request some 3 microseconds (Node 20; a fifth of a bare
 * Fastify's). Any server comes to that sooner or later. With one record alive the class stays. See benchmarks/README.md.
 */
export function keepTickRecord (): void {
  if (record === undefined) process.nextTick(() => { record = executionAsyncResource() })
}

/** What is kept; for tests. */
export function tickRecord (): object | undefined {
  return record
}
