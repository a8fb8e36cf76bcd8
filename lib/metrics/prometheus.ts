import type * as PromClient from 'prom-client'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import type { Family } from './families.ts'

/** What a check took, in seconds; hears of one request in 64. */
export type Observe = (check: string, seconds: number) => void

export interface Exporter { observe: Observe, close: () => void }

const BUCKETS = [1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 5e-3, 0.025, 0.1, 0.5]

/**
 * Puts the metrics into a registry. Values are read when it is scraped; a request pays for none.
 *
 * @throws {GUARD_OPTION_INVALID} if prom-client is not installed, or the registry has such names already
 */
export async function prometheus (registry: PromClient.Registry, families: readonly Family[], prefix: string): Promise<Exporter> {
  const { Counter, Gauge, Histogram } = await load()
  const nameOf = ({ name, type }: Pick<Family, 'name' | 'type'>): string => prefix + name + (type === 'counter' ? '_total' : '')
  const durations = `${prefix}check_duration_seconds`
  const names = [...families.map(nameOf), durations]
  // Before any is put there: an app that does not start leaves none behind.
  const taken = names.find((name) => registry.getSingleMetric(name) !== undefined)
  if (taken !== undefined) throw new GUARD_OPTION_INVALID(`guard: option metrics.registry has ${taken} already: give each app a registry or a metrics.prefix of its own`)
  for (const family of families) {
    const { help, type, labels, read } = family
    const common = { name: nameOf(family), help, labelNames: [...labels], registers: [] }
    const metric = type === 'counter'
      ? new Counter({ ...common, collect () { this.reset(); for (const { labels, value } of read()) this.inc(labels, value) } })
      : new Gauge({ ...common, collect () { this.reset(); for (const { labels, value } of read()) this.set(labels, value) } })
    registry.registerMetric(metric as PromClient.Metric)
  }
  const histogram = new Histogram({ name: durations, help: 'What a check takes; one request in 64 is timed', labelNames: ['check'], buckets: BUCKETS, registers: [registry] })
  return {
    observe: (check, seconds) => { histogram.observe({ check }, seconds) },
    close: () => { for (const name of names) registry.removeSingleMetric(name) }
  }
}

async function load (): Promise<typeof PromClient> {
  try {
    return await import('prom-client')
  } catch (error) {
    throw new GUARD_OPTION_INVALID(`guard: option metrics.registry needs prom-client: npm install prom-client (${(error as Error).message})`)
  }
}
