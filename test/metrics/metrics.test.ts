import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { metrics, trace, type Span } from '@opentelemetry/api'
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { Gauge, Registry } from 'prom-client'
import { build, CLIENT, startError, status } from '../helpers.ts'
import { tally } from '../../lib/metrics/tally.ts'

const ATTACK = '/?q=%3Cscript%3Ealert(1)%3C/script%3E'

test('a registry gets verdicts by check, code, route and mode, and requests by route', async (t: TestContext) => {
  const registry = new Registry()
  const { app } = await build(t, { metrics: { registry } }, (app) => {
    app.get('/passive', { config: { guard: { userAgent: { deny: ['curl'], mode: 'passive' } } } }, async () => 'ok')
  })
  await status(app, { url: ATTACK })
  await status(app, { url: ATTACK })
  await status(app, { url: '/passive', headers: { 'user-agent': 'curl' } })
  await status(app, { url: '/nowhere' })
  app.guard.ban('192.0.2.1')
  const text = await registry.metrics()
  t.assert.match(text, /^guard_verdicts_total\{check="detection",code="GUARD_ATTACK_DETECTED",route="\/",mode="enforce"\} 2$/m)
  t.assert.match(text, /^guard_verdicts_total\{check="userAgent",code="GUARD_USER_AGENT_REFUSED",route="\/passive",mode="passive"\} 1$/m)
  t.assert.match(text, /^guard_attacks_total\{category="xss",rule="[^"]+",mode="enforce"\} 2$/m)
  t.assert.match(text, /^guard_requests_total\{route="\/"\} 2$/m)
  t.assert.match(text, /^guard_requests_total\{route="\(none\)"\} 1$/m)
  t.assert.match(text, /^guard_bans 1$/m)
  t.assert.match(text, /^guard_store_up 1$/m)
  t.assert.match(text, /^guard_emergency 0$/m)
  t.assert.ok(!text.includes(CLIENT), 'no client in a label')
})

test('one request in 64 is timed, check by check', async (t: TestContext) => {
  const registry = new Registry()
  const { app } = await build(t, { metrics: { registry }, userAgent: { deny: ['curl'] } })
  const count = async (check: string): Promise<number> => Number(new RegExp(`^guard_check_duration_seconds_count\\{check="${check}"\\} (\\d+)$`, 'm').exec(await registry.metrics())?.[1] ?? 0)
  for (let i = 0; i < 64 * 3; i++) await status(app)
  t.assert.strictEqual(await count('userAgent'), 3)
  t.assert.strictEqual(await count('detection'), 3)
})

test('closing takes the metrics out of the registry, and two apps cannot share names', async (t: TestContext) => {
  const registry = new Registry()
  const { app } = await build(t, { metrics: { registry } })
  await app.ready()
  const error = await startError({ metrics: { registry } })
  t.assert.match(error.message, /metrics\.registry has guard_requests_total already/)
  await build(t, { metrics: { registry, prefix: 'second_' } })
  await app.close()
  t.assert.strictEqual(registry.getSingleMetric('guard_requests_total'), undefined)
  t.assert.notStrictEqual(registry.getSingleMetric('second_requests_total'), undefined)
})

test('a name that is taken leaves nothing else in the registry', async (t: TestContext) => {
  const registry = new Registry()
  const own = new Gauge({ name: 'guard_store_up', help: 'of the application', registers: [registry] })
  t.assert.match((await startError({ metrics: { registry } })).message, /metrics\.registry has guard_store_up already/)
  t.assert.deepStrictEqual(registry.getMetricsAsArray(), [own])
})

test('what detection costs, and rules of the application in it', async (t: TestContext) => {
  const registry = new Registry()
  const { app } = await build(t, { metrics: { registry }, detection: { rules: [{ id: 'own-rule', category: 'template', pattern: (value) => value.includes('zzz') }] } })
  for (let i = 0; i < 64 * 2; i++) await status(app, { url: `/?q=harmless${i}` })
  const text = await registry.metrics()
  t.assert.match(text, /^guard_detections_total 128$/m)
  t.assert.match(text, /^guard_detection_mean_seconds [\d.e-]+$/m)
  t.assert.match(text, /^guard_detection_rule_mean_seconds\{rule="own-rule"\} [\d.e-]+$/m)
  t.assert.ok(Number(/^guard_detection_mean_seconds (\S+)$/m.exec(text)![1]) > 0)
})

test('the age of a list, by what it is loaded from', async (t: TestContext) => {
  const registry = new Registry()
  const { app } = await build(t, { metrics: { registry }, ip: { deny: [function abusers () { return ['192.0.2.1'] }] } })
  await app.ready()
  t.assert.match(await registry.metrics(), /^guard_list_age_seconds\{list="function abusers"\} [\d.e-]+$/m)
  t.assert.strictEqual(app.guard.stats().lists['function abusers']?.entries, 1)
})

test('requests that Fastify itself refuses are requests', async (t: TestContext) => {
  const registry = new Registry()
  const { app } = await build(t, { metrics: { registry } })
  t.assert.strictEqual(await status(app, { url: '/%zz' }), 400)
  t.assert.match(await registry.metrics(), /^guard_requests_total\{route="\(none\)"\} 1$/m)
})

test('wrong options are named', async (t: TestContext) => {
  t.assert.match((await startError({ metrics: { registry: {} } })).message, /metrics\.registry must be a Registry of prom-client/)
  t.assert.match((await startError({ metrics: { opentelemetry: false } })).message, /must have a registry, or opentelemetry/)
  t.assert.match((await startError({ metrics: { regstry: 1 } })).message, /did you mean registry/)
  t.assert.match((await startError({ metrics: { prefix: '1-' } })).message, /metrics\.prefix/)
})

test('labels are bounded: what comes late is counted together', (t: TestContext) => {
  const { add, samples } = tally(3, ['route'])
  for (let i = 0; i < 100; i++) add({ check: 'ip', route: `/${i}` })
  t.assert.strictEqual(samples().length, 4)
  t.assert.deepStrictEqual(samples().at(-1), { labels: { check: 'ip', route: '(other)' }, value: 97 })
})

test('OpenTelemetry gets the same numbers, and the span of a refused request its verdict', async (t: TestContext) => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const provider = new MeterProvider({ readers: [reader] })
  metrics.setGlobalMeterProvider(provider)
  const attributes: Record<string, unknown> = {}
  t.mock.method(trace, 'getActiveSpan', () => ({ setAttributes: (more: object) => Object.assign(attributes, more) }) as unknown as Span)
  t.after(async () => { metrics.disable(); await provider.shutdown() })
  const { app } = await build(t, { metrics: true })
  const response = await app.inject({ url: ATTACK, remoteAddress: CLIENT })
  for (let i = 0; i < 64; i++) await status(app)
  await reader.forceFlush()
  const found = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics).flatMap((scope) => scope.metrics)
  const points = (name: string): unknown[] => (found.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? []).map(({ attributes, value }) => ({ ...attributes, value: typeof value === 'number' ? value : 'histogram' }))
  t.assert.deepStrictEqual(points('guard.verdicts'), [{ check: 'detection', code: 'GUARD_ATTACK_DETECTED', route: '/', mode: 'enforce', value: 1 }])
  t.assert.deepStrictEqual(points('guard.requests').filter((point) => (point as { route: string }).route === '/'), [{ route: '/', value: 65 }])
  t.assert.ok(points('guard.check.duration').length > 0)
  t.assert.strictEqual(attributes['guard.code'], 'GUARD_ATTACK_DETECTED')
  t.assert.strictEqual(attributes['guard.reference'], response.headers['x-guard-reference'])
})

test('docs/grafana.json asks for metrics and labels that exist, and for each of them', async (t: TestContext) => {
  const registry = new Registry()
  const { app } = await build(t, { metrics: { registry } })
  await app.ready()
  const existing = new Map(await Promise.all(registry.getMetricsAsArray().map(async (metric) => [metric.name, (metric as unknown as { labelNames: string[] }).labelNames] as const)))
  const { panels } = JSON.parse(readFileSync(join(import.meta.dirname, '../../docs/grafana.json'), 'utf8')) as { panels: Array<{ targets: Array<{ expr: string, legendFormat: string }> }> }
  const asked = new Set<string>()
  for (const { expr, legendFormat } of panels.flatMap(({ targets }) => targets)) {
    const names = [...expr.matchAll(/guard_\w+/g)].map(([name]) => name.replace(/_(?:bucket|sum|count)$/, ''))
    for (const name of names) {
      t.assert.ok(existing.has(name), name)
      asked.add(name)
    }
    for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) t.assert.ok(existing.get(names[0]!)!.includes(label), `${names[0]} ${label}`)
  }
  t.assert.deepStrictEqual([...existing.keys()].filter((name) => !asked.has(name)), [])
})
