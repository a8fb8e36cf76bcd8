import { durationOf, numberOf, put, textsOf, type Convert } from './draft.ts'

const none = (text: string): Convert => () => `NONE ${text}`
/** Says so only where somebody had switched it on. */
const off = (text: string): Convert => (value) => value === false || value === null || value === 0 || value === '' || (Array.isArray(value) && value.length === 0) ? undefined : `NONE ${text}`
const service = off('there is no service behind this package: onEvent and diagnostics_channel give the same events to whatever you use')
const events = off('filter in onEvent')

const named = (names: string, convert: Convert): Record<string, Convert> => Object.fromEntries(names.split(' ').map((name) => [name, convert]))

/** Fields that have no counterpart, or one that is not an option of the same kind. */
export const leftFields: Readonly<Record<string, Convert>> = {
  ...named('enable_agent agent_api_key agent_endpoint agent_project_id agent_project_encryption_key agent_guard_version agent_strict agent_status_interval agent_install_id agent_payload_signing_secret', service),
  ...named('agent_buffer_size agent_flush_interval agent_enable_events agent_enable_metrics agent_timeout agent_retry_attempts agent_buffer_overflow_policy agent_sensitive_headers agent_backoff_factor', () => undefined),
  enable_dynamic_rules: (value) => value === true ? 'TODO use rules: { file } or { url, refresh }, and app.guard.update()' : undefined,
  dynamic_rule_interval: () => undefined,
  ...named('muted_event_types muted_metric_types muted_check_logs', events),
  ...named('enable_otel otel_service_name otel_exporter_endpoint otel_resource_attributes enable_logfire logfire_service_name enable_enrichment', off('use metrics: true with OpenTelemetry\'s API, or onEvent')),
  fail_secure: (value) => value === false ? 'a check that throws refuses, always' : undefined,
  redis_fail_open: (value, options, config) => {
    if (config['enable_redis'] !== false && typeof options.store === 'object') put(options, 'store', { onError: value === true ? 'local' : 'refuse' })
  },
  redis_socket_timeout: (value, options) => {
    const timeout = Math.round(numberOf(value, 0.001) * 1000)
    if (typeof options.store === 'object') put(options, 'store', { timeout })
    return 'every request that Redis does not answer waits this long: the default here is 50 ms'
  },
  ...named('redis_socket_connect_timeout redis_health_check_interval redis_max_connections redis_retries', () => undefined),
  route_resolution_strict: none('every route is known before the first request'),
  lazy_init: none('all is ready before the first request'),
  global_behavior_rules: (value) => Array.isArray(value) && value.length > 0 ? 'TODO write them as behavior: { usage, frequency, returns }' : undefined,
  ...named('behavior_scan_response_body behavior_max_response_body_inspect_bytes', () => undefined),
  ...named('body_read_timeout sync_body_read_max_concurrent', none('Fastify reads bodies: its requestTimeout')),
  log_country_check_level: none('country refusals are logged at log.refused'),
  auth_verifier: (value) => value === null ? undefined : 'TODO is code: give it as auth: { scheme, verify }',
  geo_ip_db_max_age: (value, options) => {
    if (typeof options.geo === 'object' && options.geo.database === undefined) put(options, 'geo', { refresh: durationOf(value) })
  },
  cloud_ip_store: off('the last good copy lies in cloudRanges.cacheDir'),
  on_error: off('subscribe to events and log'),
  on_block: (value) => value === null ? undefined : 'TODO is code: give it as onEvent, for events of type refused',
  log_sensitive_params: (value, options) => {
    const names = Array.isArray(value) ? textsOf(value) : []
    if (names.length > 0) put(options, 'log', { redact: names })
  },
  ...named('log_sensitive_headers log_sensitive_body_fields', none('headers and bodies are never logged'))
}
