import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { traffic } from '../dashboard/traffic.ts'
import type { Guard } from '../guard.ts'
import type { GuardApi, MetricsOptions } from '../../types/index.ts'
import { families } from './families.ts'
import { opentelemetry } from './opentelemetry.ts'
import { prometheus, type Exporter } from './prometheus.ts'
import { verdictTallies } from './tally.ts'

/** Telling a histogram costs more than the dashboard's own sums. */
const SAMPLED = 64

/** Exports what is counted anyway; requests that pass pay two increments, and one in 64 a clock. */
export async function addMetrics (guard: Guard, app: FastifyInstance, api: GuardApi, { registry, opentelemetry: traced = registry === undefined, prefix = 'guard_' }: MetricsOptions): Promise<void> {
  const counted = guard.traffic ??= traffic(SAMPLED)
  const tallies = verdictTallies()
  const all = families(guard, api, tallies)
  const exporters: Exporter[] = []
  guard.watchers.add(tallies.watch)
  if (registry !== undefined) exporters.push(await prometheus(registry as unknown as Registry, all, prefix))
  if (traced) {
    const exporter = await opentelemetry(all)
    guard.watchers.add(exporter.watch)
    exporters.push(exporter)
  }
  counted.listeners.add((check, ms) => { for (const { observe } of exporters) observe(check, ms / 1000) })
  app.addHook('onClose', async () => { for (const { close } of exporters) close() })
}
