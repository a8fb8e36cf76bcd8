import { also, bool, either, is, object, type Report } from '../options/shape.ts'
import type { MetricsOptions } from '../../types/index.ts'

const registry = is('a Registry of prom-client', (value) => typeof (value as { registerMetric?: unknown } | null)?.registerMetric === 'function', undefined)
const prefix = is('letters, digits and underscores, a letter first', (value) => typeof value === 'string' && /^[A-Za-z_][A-Za-z0-9_]*$/.test(value), { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$' })

export const metricsShape = either(bool, also(object({ registry, opentelemetry: bool, prefix }), ({ registry, opentelemetry }: MetricsOptions, path: string, report: Report) => {
  if (registry === undefined && opentelemetry === false) report(path, 'must have a registry, or opentelemetry')
}))
