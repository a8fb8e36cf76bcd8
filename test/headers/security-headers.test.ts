import { test, type TestContext } from 'node:test'
import { compileSecurityHeaders, securityHeadersShape } from '../../lib/headers/security-headers.ts'
import { examine } from '../../lib/options/shape.ts'
import type { SecurityHeaderRules } from '../../types/index.ts'

const NL = '\r\n'

function problems (value: unknown): string[] {
  const found: string[] = []
  examine(securityHeadersShape, value, 'securityHeaders', (path, message) => found.push(`${path} ${message}`))
  return found
}

const api = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'SAMEORIGIN',
  'referrer-policy': 'strict-origin-when-cross-origin',
  'permissions-policy': 'geolocation=(), microphone=(), camera=()',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'x-dns-prefetch-control': 'off',
  'x-download-options': 'noopen',
  'x-permitted-cross-domain-policies': 'none',
  'x-xss-protection': '0'
}

test('the defaults are the documented ones, with HSTS over https only', (t: TestContext) => {
  const { plain, secure, csp } = compileSecurityHeaders({})
  t.assert.deepStrictEqual({ ...plain }, api)
  t.assert.deepStrictEqual({ ...secure }, { ...api, 'strict-transport-security': 'max-age=31536000' })
  t.assert.strictEqual(csp, undefined)
})

test('the html preset adds a policy with nonces and COEP', (t: TestContext) => {
  const { plain, csp } = compileSecurityHeaders({ preset: 'html' })
  t.assert.deepStrictEqual({ ...plain }, { ...api, 'cross-origin-embedder-policy': 'require-corp' })
  t.assert.strictEqual(csp?.name, 'content-security-policy')
  t.assert.deepStrictEqual(csp.nonces, ['script', 'style'])
  t.assert.strictEqual(csp.parts.join('*'), "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';frame-ancestors 'self';img-src 'self' data:;" +
    "object-src 'none';script-src 'self' 'nonce-*';script-src-attr 'none';style-src 'self' https: 'nonce-*'")
})

const values: Array<[SecurityHeaderRules, string, string | undefined]> = [
  [{ hsts: { maxAge: 60 } }, 'strict-transport-security', 'max-age=60'],
  [{ hsts: { includeSubDomains: true, preload: true } }, 'strict-transport-security', 'max-age=31536000; includeSubDomains; preload'],
  [{ hsts: { maxAge: 0 } }, 'strict-transport-security', 'max-age=0'],
  [{ hsts: false }, 'strict-transport-security', undefined],
  [{ frameOptions: 'DENY' }, 'x-frame-options', 'DENY'],
  [{ frameOptions: false }, 'x-frame-options', undefined],
  [{ referrerPolicy: 'no-referrer' }, 'referrer-policy', 'no-referrer'],
  [{ referrerPolicy: ['no-referrer', 'strict-origin'] }, 'referrer-policy', 'no-referrer,strict-origin'],
  [{ referrerPolicy: false }, 'referrer-policy', undefined],
  [{ permissionsPolicy: { camera: [], fullscreen: ['self', 'https://a.test'], usb: ['*'], geolocation: ['src'] } }, 'permissions-policy', 'camera=(), fullscreen=(self "https://a.test"), usb=*, geolocation=(src)'],
  [{ permissionsPolicy: 'brand-new=()' }, 'permissions-policy', 'brand-new=()'],
  [{ permissionsPolicy: false }, 'permissions-policy', undefined],
  [{ crossOriginOpenerPolicy: 'unsafe-none' }, 'cross-origin-opener-policy', 'unsafe-none'],
  [{ crossOriginOpenerPolicy: false }, 'cross-origin-opener-policy', undefined],
  [{ crossOriginResourcePolicy: 'cross-origin' }, 'cross-origin-resource-policy', 'cross-origin'],
  [{ crossOriginResourcePolicy: false }, 'cross-origin-resource-policy', undefined],
  [{ crossOriginEmbedderPolicy: 'credentialless' }, 'cross-origin-embedder-policy', 'credentialless'],
  [{ preset: 'html', crossOriginEmbedderPolicy: false }, 'cross-origin-embedder-policy', undefined],
  [{ preset: 'html', csp: false }, 'content-security-policy', undefined],
  [{ csp: { directives: { 'default-src': ["'none'"], 'upgrade-insecure-requests': true }, useDefaults: false } }, 'content-security-policy', "default-src 'none';upgrade-insecure-requests"],
  [{ csp: { directives: { 'default-src': ["'none'"] }, useDefaults: false, reportOnly: true } }, 'content-security-policy-report-only', "default-src 'none'"],
  [{ custom: { 'X-Own': 'a', 'X-XSS-Protection': false, 'X-Frame-Options': 'DENY' } }, 'x-own', 'a'],
  [{ custom: { 'X-XSS-Protection': false } }, 'x-xss-protection', undefined],
  [{ custom: { 'X-Frame-Options': 'DENY' } }, 'x-frame-options', 'DENY'],
  [{ preset: 'html', custom: { 'Content-Security-Policy': "default-src 'none'" } }, 'content-security-policy', "default-src 'none'"]
]

for (const [rules, name, expected] of values) {
  test(`${JSON.stringify(rules)} makes ${name} ${expected ?? 'absent'}`, (t: TestContext) => {
    t.assert.deepStrictEqual(problems(rules), [])
    const { plain, secure, csp } = compileSecurityHeaders(rules)
    t.assert.strictEqual(secure[name], expected)
    if (name !== 'strict-transport-security') t.assert.strictEqual(plain[name], expected)
    else t.assert.strictEqual(plain[name], undefined)
    t.assert.notStrictEqual(csp?.name, name)
  })
}

test('directives of its own are laid over the defaults, and may name the nonce in either form', (t: TestContext) => {
  const { csp } = compileSecurityHeaders({ csp: { directives: { 'script-src': ["'strict-dynamic'", 'nonce'], 'style-src-elem': ["'nonce'"] } } })
  const value = csp!.parts.map((part, i) => part + (csp!.nonces[i] ?? '')).join('')
  t.assert.match(value, /script-src 'strict-dynamic' 'nonce-script';/)
  t.assert.match(value, /style-src 'self' https: 'unsafe-inline'/)
  t.assert.match(value, /style-src-elem 'nonce-style'$/)
})

const wrong: Array<[unknown, RegExp]> = [
  ['on', /^securityHeaders must be true or false or an object/],
  [{ presett: 'api' }, /^securityHeaders\.presett is unknown, did you mean preset\?/],
  [{ preset: 'htlm' }, /^securityHeaders\.preset .*did you mean html\?/],
  [{ hsts: true }, /^securityHeaders\.hsts must be/],
  [{ hsts: { maxAge: -1 } }, /^securityHeaders\.hsts\.maxAge must be/],
  [{ hsts: { maxAge: '60' } }, /^securityHeaders\.hsts\.maxAge must be/],
  [{ hsts: { includeSubdomains: true } }, /^securityHeaders\.hsts\.includeSubdomains is unknown, did you mean includeSubDomains\?/],
  [{ hsts: { preload: true } }, /^securityHeaders\.hsts\.includeSubDomains must be true for preload/],
  [{ hsts: { preload: true, includeSubDomains: true, maxAge: 31535999 } }, /^securityHeaders\.hsts\.maxAge must be at least 31536000 for preload/],
  [{ frameOptions: 'deny' }, /^securityHeaders\.frameOptions .*did you mean DENY\?/],
  [{ frameOptions: 'ALLOW-FROM https://a.test' }, /^securityHeaders\.frameOptions/],
  [{ referrerPolicy: 'no-refferer' }, /^securityHeaders\.referrerPolicy .*did you mean no-referrer\?/],
  [{ referrerPolicy: [] }, /^securityHeaders\.referrerPolicy must have at least 1/],
  [{ referrerPolicy: ['origin', 'origin'] }, /^securityHeaders\.referrerPolicy\[1\] stands there twice/],
  [{ permissionsPolicy: {} }, /^securityHeaders\.permissionsPolicy must have at least 1/],
  [{ permissionsPolicy: { geolocatio: [] } }, /^securityHeaders\.permissionsPolicy\["geolocatio"\] is no feature, did you mean geolocation\?/],
  [{ permissionsPolicy: { camera: 'self' } }, /^securityHeaders\.permissionsPolicy\["camera"\] must be an array/],
  [{ permissionsPolicy: { camera: ["'self'"] } }, /^securityHeaders\.permissionsPolicy\["camera"\]\[0\] must be/],
  [{ permissionsPolicy: { camera: ['*', 'self'] } }, /^securityHeaders\.permissionsPolicy\["camera"\]\[0\] '\*' must stand alone/],
  [{ permissionsPolicy: { camera: ['https://a.test/path'] } }, /^securityHeaders\.permissionsPolicy\["camera"\]\[0\] must be/],
  [{ permissionsPolicy: `camera=()${NL}x: y` }, /^securityHeaders\.permissionsPolicy must not contain a line break/],
  [{ crossOriginOpenerPolicy: 'same-orign' }, /^securityHeaders\.crossOriginOpenerPolicy .*did you mean same-origin\?/],
  [{ crossOriginResourcePolicy: true }, /^securityHeaders\.crossOriginResourcePolicy must be/],
  [{ crossOriginEmbedderPolicy: `require-corp${NL}` }, /^securityHeaders\.crossOriginEmbedderPolicy/],
  [{ custom: [] }, /^securityHeaders\.custom must be an object/],
  [{ custom: { 'x y': 'a' } }, /^securityHeaders\.custom\["x y"\] is no header name/],
  [{ custom: { [`x${NL}y`]: 'a' } }, /^securityHeaders\.custom\["x\\r\\ny"\] is no header name/],
  [{ custom: { '': 'a' } }, /^securityHeaders\.custom\[""\] is no header name/],
  [{ custom: { 'x-a': `a${NL}set-cookie: b=c` } }, /^securityHeaders\.custom\["x-a"\] must not contain a line break/],
  [{ custom: { 'x-a': 'a\nb' } }, /must not contain a line break/],
  [{ custom: { 'x-a': 'a\rb' } }, /must not contain a line break/],
  [{ custom: { 'x-a': 'a\0b' } }, /must contain printable ASCII/],
  [{ custom: { 'x-a': '\u4e2d' } }, /must contain printable ASCII/],
  [{ custom: { 'x-a': ' ' } }, /must not be blank/],
  [{ custom: { 'x-a': '' } }, /must not be blank/],
  [{ custom: { 'x-a': ' a' } }, /must not begin or end with a blank/],
  [{ custom: { 'x-a': 'a'.repeat(8193) } }, /must be at most 8192/],
  [{ custom: { 'x-a': 1 } }, /must be a header value or false/],
  [{ custom: { 'x-a': true } }, /must be a header value or false/],
  [{ custom: { 'x-a': ['a'] } }, /must be a header value or false/],
  [{ custom: { 'X-A': 'a', 'x-a': 'b' } }, /\["x-a"\] stands there twice/],
  [{ custom: { 'Strict-Transport-Security': 'max-age=1' } }, /is set by hsts/],
  [{ custom: { 'Content-Length': '1' } }, /frames the answer/],
  [{ custom: { 'Set-Cookie': 'a=b' } }, /belongs to a handler/],
  [{ custom: { 'Access-Control-Allow-Origin': '*' } }, /is set by the option cors/],
  [{ custom: { 'Content-Security-Policy': "script-src 'nonce'" } }, /takes no nonce, use csp.directives/],
  [{ csp: true }, /^securityHeaders\.csp must be/],
  [{ csp: { directive: {} } }, /^securityHeaders\.csp\.directive is unknown, did you mean directives\?/],
  [{ csp: { useDefaults: false } }, /^securityHeaders\.csp\.directives is missing/],
  [{ csp: { useDefaults: false, directives: { 'img-src': ['*'] } } }, /^securityHeaders\.csp\.directives\["default-src"\] is missing/],
  [{ csp: { directives: { scriptSrc: ["'self'"] } } }, /\["scriptSrc"\] is no directive, did you mean script-src\?/],
  [{ csp: { directives: { [`script-src${NL}x`]: ["'self'"] } } }, /is no directive/],
  [{ csp: { directives: { 'script-src': "'self'" } } }, /must be an array of texts/],
  [{ csp: { directives: { 'script-src': true } } }, /must be an array of sources/],
  [{ csp: { directives: { 'script-src': [] } } }, /must have at least 1 entry; to allow none, use/],
  [{ csp: { directives: { sandbox: [] } } }, /must have at least 1 entry, or be true/],
  [{ csp: { directives: { 'upgrade-insecure-requests': ['x'] } } }, /takes no value, use true/],
  [{ csp: { directives: { 'script-src': ['self'] } } }, /\["script-src"\]\[0\] must be quoted: "'self'"/],
  [{ csp: { directives: { 'script-src': ["'slef'"] } } }, /\["script-src"\]\[0\] is no keyword, did you mean self\?/],
  [{ csp: { directives: { 'script-src': ["'self"] } } }, /is no keyword/],
  [{ csp: { directives: { 'script-src': ["'none'", 'https:'] } } }, /'none' must stand alone/],
  [{ csp: { directives: { 'script-src': ["'nonce-abc'"] } } }, /must not be a fixed nonce/],
  [{ csp: { directives: { 'script-src': ['sha256-abc'] } } }, /must be quoted/],
  [{ csp: { directives: { 'img-src': ['nonce'] } } }, /a nonce works in script-src/],
  [{ csp: { directives: { 'script-src': ['a.test; img-src *'] } } }, /must not contain blanks/],
  [{ csp: { directives: { 'script-src': ['a.test;img-src'] } } }, /must not contain ";" or ","/],
  [{ csp: { directives: { 'script-src': [`a.test${NL}x:y`] } } }, /must not contain blanks, line breaks/],
  [{ csp: { directives: { 'script-src': ['a..test'] } } }, /is no source/],
  [{ csp: { directives: { 'script-src': [1] } } }, /must be a non-empty string/],
  [{ csp: { directives: { 'script-src': [''] } } }, /must be a non-empty string/]
]

for (const [value, expected] of wrong) {
  test(`${JSON.stringify(value).slice(0, 90)} is refused`, (t: TestContext) => {
    t.assert.match(problems(value).join('\n'), expected)
  })
}

for (const source of ["'self'", 'https:', 'data:', '*', '*.a.test', 'https://*.a.test:8443/path/', 'localhost:3000', 'wss://a.test', '[::1]:3000', 'http://127.0.0.1:*',
  "'unsafe-inline'", "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='", 'a_b.test']) {
  test(`${source} is a source`, (t: TestContext) => {
    t.assert.deepStrictEqual(problems({ csp: { directives: { 'script-src': [source] } } }), [])
  })
}

test('directives that take no sources keep their own form', (t: TestContext) => {
  t.assert.deepStrictEqual(problems({ csp: { directives: { sandbox: ['allow-scripts'], 'report-uri': ['/csp?a=b'], 'report-to': ['csp'], 'trusted-types': ['none', 'app'], 'require-trusted-types-for': ["'script'"] } } }), [])
})

test('compiling does not touch the rules', (t: TestContext) => {
  const rules: SecurityHeaderRules = { preset: 'html', csp: { directives: { 'script-src': ['nonce'] } }, custom: { 'X-A': 'a' } }
  const before = JSON.stringify(rules)
  compileSecurityHeaders(rules)
  t.assert.strictEqual(JSON.stringify(rules), before)
})
