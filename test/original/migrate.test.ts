import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { test, type TestContext } from 'node:test'
import type { GuardOptions } from '../../lib/index.ts'
import { FIELDS } from '../../lib/migrate/fields.ts'
import type { Note } from '../../lib/migrate/draft.ts'
import { run } from '../cli/run.ts'
import { build, CLIENT, status } from '../helpers.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/migrating-from-flaskapi-guard.md'), 'utf8')

/** A dump with every field that the original has, none of them at its default where that can be. */
const full = {
  trusted_proxies: ['127.0.0.1', '10.0.0.0/8'], trusted_proxy_depth: 2, trust_x_forwarded_proto: true, passive_mode: false, geo_ip_handler: null,
  enable_redis: false, redis_url: 'redis://localhost:6379', redis_prefix: 'flaskapi_guard:', whitelist: null, blacklist: ['192.0.2.0/24'],
  whitelist_countries: [], blocked_countries: [], blocked_user_agents: ['sqlmap', 'evil.*bot'], auto_ban_threshold: 2, auto_ban_duration: 7200,
  custom_log_file: null, log_suspicious_level: 'ERROR', log_request_level: null, log_format: 'text', custom_error_responses: { 403: 'Go away', 429: 'Slow down' },
  rate_limit: 3, rate_limit_window: 60, enforce_https: false,
  security_headers: { enabled: true, hsts: { max_age: 600, include_subdomains: true, preload: false }, csp: { 'default-src': ["'self'"] }, frame_options: 'DENY', content_type_options: 'nosniff', xss_protection: '1; mode=block', referrer_policy: 'no-referrer', permissions_policy: 'camera=()', custom: { 'X-Team': 'a' } },
  custom_request_check: null, custom_response_modifier: null, enable_cors: true, cors_allow_origins: ['https://example.com'], cors_allow_methods: ['GET'], cors_allow_headers: ['*'],
  cors_allow_credentials: true, cors_expose_headers: ['x-total'], cors_max_age: 60, block_cloud_providers: null, cloud_ip_refresh_interval: 7200, exclude_paths: ['/docs', '/static'],
  enable_ip_banning: true, enable_rate_limiting: true, enable_penetration_detection: true, ipinfo_token: null, ipinfo_db_path: 'data/ipinfo/country_asn.mmdb',
  enable_agent: false, agent_api_key: null, agent_endpoint: '', agent_project_id: null, agent_buffer_size: 100, agent_flush_interval: 30, agent_enable_events: true, agent_enable_metrics: true,
  agent_timeout: 30, agent_retry_attempts: 3, enable_dynamic_rules: false, dynamic_rule_interval: 300, emergency_mode: false, emergency_whitelist: ['10.9.0.0/16'],
  endpoint_rate_limits: { '/login': [1, 3600] }, detection_compiler_timeout: 2, detection_max_content_length: 10000, detection_preserve_attack_patterns: true, detection_semantic_threshold: 0.7,
  detection_anomaly_threshold: 3, detection_slow_pattern_threshold: 0.1, detection_monitor_history_size: 1000, detection_max_tracked_patterns: 1000
}

interface Migrated { options: GuardOptions, notes: Note[] }
const migrated = async (config: object): Promise<Migrated> => JSON.parse((await run(['migrate', '-', '--json'], JSON.stringify(config))).out) as Migrated

/** The options of a dump, as --ts writes them, imported. */
async function imported (t: TestContext, config: object): Promise<GuardOptions> {
  const folder = mkdtempSync(join(tmpdir(), 'guard-migrate-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const { out } = await run(['migrate', '-', '--ts'], JSON.stringify(config))
  const file = join(folder, 'guard.mts')
  writeFileSync(file, out)
  return (await import(pathToFileURL(file).href) as { options: GuardOptions }).options
}

test('every field of the migration guide is converted or said to have no counterpart', (t: TestContext) => {
  const [, config = ''] = page.split('## SecurityConfig')
  const [fields = ''] = config.split('## Decorators')
  const [, later = ''] = page.split('## Fields of fastapi-guard and guard-core')
  const [more = ''] = later.split('## A program')
  const names = [...(fields + more).matchAll(/^\| ([^|]+)\|/gm)].flatMap(([, cell = '']) => [...cell.matchAll(/`([a-z_]+)`/g)].map(([, name = '']) => name))
  t.assert.ok(names.length > 90, String(names.length))
  t.assert.deepStrictEqual(names.filter((name) => !Object.hasOwn(FIELDS, name)), [])
  t.assert.deepStrictEqual(Object.keys(full).filter((name) => !page.includes(name)), [])
})

test('a whole dump becomes options that do what it said', async (t: TestContext) => {
  const options = await imported(t, full)
  const { app } = await build(t, options, (app) => {
    app.get('/docs/x', async () => 'ok')
    app.get('/login', { config: { guard: 'limit /login' } }, async () => 'ok')
  })
  const agent = (text: string): Promise<number> => status(app, { headers: { 'user-agent': text } })
  t.assert.deepStrictEqual([await agent('SQLMAP/1'), await agent('Evil Super Bot'), await status(app, { ip: '192.0.2.3' }), await agent('Mozilla/5.0')], [403, 403, 403, 200])
  t.assert.deepStrictEqual([await status(app, { ip: '198.51.100.1', url: '/login' }), await status(app, { ip: '198.51.100.1', url: '/login' })], [200, 429])
  for (const expected of [200, 200, 200, 429]) t.assert.strictEqual(await status(app, { ip: '198.51.100.2' }), expected)
  t.assert.strictEqual(await status(app, { ip: '198.51.100.2', url: '/docs/x' }), 200)
  const via = { ip: '127.0.0.1', headers: { 'x-forwarded-for': `192.0.2.1, ${CLIENT}`, 'x-forwarded-proto': 'https', origin: 'https://example.com' } }
  const response = await app.inject({ url: '/', remoteAddress: via.ip, headers: via.headers })
  t.assert.strictEqual(response.statusCode, 200)
  for (const [name, value] of Object.entries({ 'strict-transport-security': 'max-age=600; includeSubDomains', 'content-security-policy': "default-src 'self'", 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer', 'permissions-policy': 'camera=()', 'x-team': 'a', 'access-control-allow-origin': 'https://example.com', 'access-control-allow-credentials': 'true', 'access-control-expose-headers': 'x-total' })) {
    t.assert.strictEqual(response.headers[name], value, name)
  }
  const refused = await app.inject({ url: '/', remoteAddress: '192.0.2.3' })
  t.assert.strictEqual((refused.json() as { message: string }).message, 'Go away')
  for (let i = 0; i < 2; i++) await status(app, { ip: '198.51.100.7', url: '/?q=<script>alert(1)</script>' })
  const [ban] = app.guard.bans()
  t.assert.deepStrictEqual([ban?.client, ban!.until - ban!.since], ['198.51.100.7', 7_200_000])
  app.guard.emergency(true)
  t.assert.deepStrictEqual([await status(app, { ip: '198.51.100.9' }), await status(app, { ip: '127.0.0.1', headers: { 'x-forwarded-for': '10.9.1.1' } })], [503, 200])
})

test('fields that switch something, one by one', async (t: TestContext) => {
  for (const [config, options] of [
    [{ passive_mode: true }, { mode: 'passive' }],
    [{ whitelist: ['10.0.0.1'] }, { ip: { allow: ['10.0.0.1'], trust: ['10.0.0.1'] } }],
    [{ whitelist_countries: ['de'], blocked_countries: ['US'] }, { country: { allow: ['DE'], deny: ['US'] } }],
    [{ block_cloud_providers: ['AWS', 'GCP'], cloud_ip_refresh_interval: 7200 }, { cloud: { deny: ['aws', 'gcp'] }, cloudRanges: { refresh: '2h' } }],
    [{ enable_redis: true, redis_url: 'redis://r:1', redis_prefix: 'p:', redis_fail_open: false, redis_socket_timeout: 2 }, { store: { redis: 'redis://r:1', prefix: 'p:', onError: 'refuse', timeout: 2000 } }],
    [{ enable_redis: true }, { store: { redis: 'redis://localhost:6379' } }],
    [{ enable_redis: true, redis_url: null }, {}],
    [{ enable_ip_banning: false, auto_ban_threshold: 3, auto_ban_duration: 60 }, {}],
    [{ enable_rate_limiting: false, rate_limit: 3 }, {}],
    [{ enable_penetration_detection: false, detection_scan_body: false }, { detection: false }],
    [{ security_headers: null }, { securityHeaders: false }],
    [{ security_headers: { enabled: false } }, { securityHeaders: false }],
    [{ security_headers: { hsts: { max_age: 1, preload: true }, permissions_policy: null } }, { securityHeaders: { hsts: { maxAge: 1 }, permissionsPolicy: false } }],
    [{ emergency_mode: true, emergency_whitelist: ['10.0.0.0/8'] }, { emergency: { enabled: true, allow: ['10.0.0.0/8'] } }],
    [{ log_request_level: 'INFO', log_suspicious_level: null, custom_log_file: 'a.log', log_format: 'json', log_sensitive_params: ['pin'] }, { log: { file: 'a.log', refused: false, passed: 'info', redact: ['pin'] } }],
    [{ ipinfo_db_path: '/x.mmdb', ipinfo_token: null }, { geo: { database: '/x.mmdb' } }],
    [{ threat_ban_config: { sqli: { threshold: 1, duration: 60 } }, enable_rate_limit_auto_ban: true }, { ban: { on: ['detection', 'honeypot', 'rateLimit'], categories: { sqli: { threshold: 1, duration: '1m' } } } }],
    [{ enabled_detection_categories: ['sqli', 'cmd_injection'], excluded_detection_params: ['q'], excluded_detection_headers: { 'x-a': ['xss'] }, excluded_detection_body_fields: ['html'], detection_scan_body: false },
      { detection: { scan: { body: false }, categories: ['sqli', 'command'], exclude: { headers: ['x-a'], params: ['q'], fields: ['html'] } } }],
    [{ enable_cors: true, cors_allow_credentials: true }, { cors: { origin: '*' } }],
    [{ enforce_https: true, rate_limit: 0, rate_limit_window: 0.5 }, { https: true, rateLimit: { max: 0, window: '500ms' } }],
    [{ exclude_paths: ['/', '/docs', '*', '/a/*'] }, { exclude: ['/docs'] }],
    [{ trusted_proxies: ['0.0.0.0/0', 'unix'] }, { clientIp: { trustedProxies: ['unix'] } }]
  ] as const) {
    t.assert.deepStrictEqual((await migrated(config)).options, options, JSON.stringify(config))
  }
})

test('what cannot be taken over is named', async (t: TestContext) => {
  for (const [config, field, kind, text] of [
    [{ rate_limt: 3 }, 'rate_limt', 'todo', /is no field of SecurityConfig, did you mean rate_limit\?/],
    [{ blacklist: '1.2.3.4' }, 'blacklist', 'todo', /must be an array of texts; left out/],
    [{ auto_ban_threshold: -5 }, 'auto_ban_threshold', 'todo', /must be a number from 1 up/],
    [{ blacklist: ['nonsense.'] }, 'options', 'todo', /the start would refuse: ip\.deny\[0\]/],
    [{ blocked_countries: ['DE'] }, 'geo', 'todo', /needs a database/],
    [{ geo_ip_handler: 'x' }, 'geo_ip_handler', 'todo', /is code/],
    [{ custom_request_check: 'f' }, 'custom_request_check', 'todo', /check:/],
    [{ ipinfo_token: 'secret-token' }, 'ipinfo_token', 'todo', /process\.env/],
    [{ blocked_user_agents: ['(?P<a>x)('] }, 'blocked_user_agents', 'todo', /no expression of JavaScript/],
    [{ blocked_user_agents: ['a.*b'] }, 'blocked_user_agents', 'todo', /use --ts/],
    [{ enabled_detection_categories: ['prompts'] }, 'enabled_detection_categories', 'todo', /no category here is called prompts/],
    [{ enable_agent: true }, 'enable_agent', 'none', /no service/],
    [{ detection_max_content_length: 9 }, 'detection_max_content_length', 'change', /bodyLimit/],
    [{ fail_secure: false }, 'fail_secure', 'change', /refuses, always/],
    [{ custom_error_responses: { 418: 'tea' } }, 'custom_error_responses', 'change', /418/],
    [{ security_headers: { nonsense: 1 } }, 'security_headers', 'todo', /security_headers\.nonsense/]
  ] as const) {
    const { options, notes } = await migrated(config)
    const note = notes.find((each) => each.field === field && text.test(each.text))
    t.assert.ok(note, `${JSON.stringify(config)}: ${JSON.stringify(notes)}`)
    t.assert.strictEqual(note.kind, kind)
    t.assert.ok(!JSON.stringify({ options, notes }).includes('secret-token'))
  }
})

test('output, exit codes and wrong use', async (t: TestContext) => {
  const json = await run(['migrate', '-'], '{"rate_limit":3,"nonsense":1,"enable_agent":true,"auto_ban_threshold":5}')
  t.assert.deepStrictEqual([json.code, JSON.parse(json.out)], [0, { ban: { threshold: 5 }, rateLimit: { max: 3, window: '1m' } }])
  t.assert.match(json.err, /^Left to do:\n {2}nonsense: .*\nWhat changes:\n {2}auto_ban_threshold: .*\nWhat is not there:\n {2}enable_agent: /)
  t.assert.strictEqual((await run(['migrate', '-', '--strict'], '{"nonsense":1}')).code, 1)
  t.assert.strictEqual((await run(['migrate', '-', '--strict'], '{"rate_limit":3}')).code, 0)
  for (const [args, input, message] of [[[], '', /takes one file/], [['-'], '{', /^-: /], [['-'], '[]', /is no JSON object/], [['none.json'], '', /ENOENT/], [['-', '--ts', '--json'], '{}', /exclude each other/], [['-', '--strct'], '{}', /did you mean --strict/]] as const) {
    const { code, err } = await run(['migrate', ...args], input)
    t.assert.strictEqual(code, 2)
    t.assert.match(err, message)
  }
})

test('a module of TypeScript quotes what has to be', async (t: TestContext) => {
  const odd = 'it\'s "odd" \\ \n $' + '{x} `y`'
  const options = await imported(t, { custom_error_responses: { 429: odd }, blocked_user_agents: ['a/b.*c'] })
  t.assert.strictEqual(options.response?.messages?.GUARD_RATE_LIMITED, odd)
  t.assert.deepStrictEqual((options.userAgent as { deny: unknown[] }).deny, [/a\/b.*c/i])
})
