import type * as Api from '@opentelemetry/api'
import { GUARD_OPTION_INVALID } from '../errors.ts'
import type { GuardEvent } from '../../types/index.ts'
import type { Family } from './families.ts'
import type { Exporter } from './prometheus.ts'

/**
 * Puts the metrics into the global meter provider, and what a verdict was into the span of its request.
 *
 * @throws {GUARD_OPTION_INVALID} if @opentelemetry/api is not installed
 */
export async function opentelemetry (families: readonly Family[]): Promise<Exporter & { watch: (event: GuardEvent) => void }> {
  const { metrics, trace } = await load()
  const meter = metrics.getMeter('fastify-api-guard')
  const ends: Array<() => void> = []
  for (const { name, help, type, read } of families) {
    const options = { description: help, ...(name.endsWith('_seconds') && { unit: 's' }) }
    const instrument = type === 'counter' ? meter.createObservableCounter(nameOf(name), options) : meter.createObservableGauge(nameOf(name), options)
    const callback: Parameters<typeof instrument.addCallback>[0] = (result) => { for (const { labels, value } of read()) result.observe(value, labels) }
    instrument.addCallback(callback)
    ends.push(() => { instrument.removeCallback(callback) })
  }
  const histogram = meter.createHistogram('guard.check.duration', { description: 'What a check takes; one request in 64 is timed', unit: 's' })
  return {
    observe: (check, seconds) => { histogram.record(seconds, { check }) },
    close: () => { for (const end of ends) end() },
    watch (event) {
      if (event.type !== 'refused' && event.type !== 'reported') return
      const { check, code, rule, category, reference } = event
      trace.getActiveSpan()?.setAttributes({
        'guard.outcome': event.type,
        'guard.check': check,
        'guard.code': code,
        'guard.reference': reference,
        ...(rule !== undefined && { 'guard.rule': rule }),
        ...(category !== undefined && { 'guard.category': category })
      })
    }
  }
}

/** `store_up` is `guard.store.up`. */
function nameOf (name: string): string {
  return `guard.${name.replace(/_seconds$/, '').replaceAll('_', '.')}`
}

async function load (): Promise<typeof Api> {
  try {
    return await import('@opentelemetry/api')
  } catch (error) {
    throw new GUARD_OPTION_INVALID(`guard: option metrics needs a registry of prom-client, or @opentelemetry/api: npm install @opentelemetry/api (${(error as Error).message})`)
  }
}
