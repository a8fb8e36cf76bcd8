import { hint, isPlain, show, type Report, type Shape } from '../options/shape.ts'

/** Features of Permissions-Policy, from the registry at github.com/w3c/webappsec-permissions-policy, and what browsers still know of older ones. */
const FEATURES = ['accelerometer', 'all-screens-capture', 'ambient-light-sensor', 'aria-notify', 'attribution-reporting', 'autoplay', 'battery', 'bluetooth',
  'browsing-topics', 'camera', 'captured-surface-control', 'ch-ua', 'ch-ua-arch', 'ch-ua-bitness', 'ch-ua-full-version', 'ch-ua-full-version-list',
  'ch-ua-high-entropy-values', 'ch-ua-mobile', 'ch-ua-model', 'ch-ua-platform', 'ch-ua-platform-version', 'ch-ua-wow64', 'clipboard-read',
  'clipboard-write', 'compute-pressure', 'conversion-measurement', 'cross-origin-isolated', 'deferred-fetch', 'deferred-fetch-minimal',
  'digital-credentials-get', 'direct-sockets', 'display-capture', 'document-domain', 'encrypted-media', 'execution-while-not-rendered',
  'execution-while-out-of-viewport', 'focus-without-user-activation', 'fullscreen', 'gamepad', 'geolocation', 'gyroscope', 'hid',
  'identity-credentials-get', 'idle-detection', 'interest-cohort', 'join-ad-interest-group', 'keyboard-map', 'language-detector', 'language-model',
  'local-fonts', 'local-network-access', 'magnetometer', 'mediasession', 'microphone', 'midi', 'monetization', 'navigation-override', 'otp-credentials',
  'payment', 'picture-in-picture', 'private-aggregation', 'private-state-token-issuance', 'private-state-token-redemption', 'publickey-credentials-create',
  'publickey-credentials-get', 'rewriter', 'run-ad-auction', 'screen-wake-lock', 'serial', 'shared-storage', 'shared-storage-select-url', 'smart-card',
  'speaker-selection', 'storage-access', 'summarizer', 'sub-apps', 'sync-script', 'sync-xhr', 'translator', 'trust-token-redemption', 'unload', 'usb',
  'usb-unrestricted', 'vertical-scroll', 'web-app-installation', 'web-share', 'window-management', 'writer', 'xr-spatial-tracking']

/** Features with the origins that may use them: `[]` for none, `'self'`, `'src'`, `'*'` or an origin. */
export const featuresShape: Shape = {
  expected: 'an object of features',
  json: { type: 'object', propertyNames: { enum: FEATURES }, additionalProperties: { type: 'array', items: { type: 'string' } } },
  kind: isPlain,
  inside (value, path, report) {
    const entries = Object.entries(value as object)
    if (entries.length === 0) report(path, 'must have at least 1 feature')
    for (const [name, allowed] of entries) {
      const at = `${path}[${JSON.stringify(name)}]`
      if (!FEATURES.includes(name)) report(at, `is no feature${hint(name, FEATURES)}; one that is newer than this list can stand in the text form`)
      else if (!Array.isArray(allowed)) report(at, `must be an array of origins, got ${show(allowed)}`)
      else allowed.forEach((origin, i) => examineOrigin(origin, allowed, `${at}[${i}]`, report))
    }
  }
}

function examineOrigin (origin: unknown, all: readonly unknown[], path: string, report: Report): void {
  if (origin === '*' && all.length > 1) report(path, "'*' must stand alone")
  if (origin === '*' || origin === 'self' || origin === 'src') return
  if (typeof origin !== 'string' || !/^[a-z][a-z0-9+.-]*:\/\/[^\s"\\/?#;,()]+$/.test(origin)) report(path, `must be 'self', 'src', '*' or an origin such as 'https://example.com', got ${show(origin)}`)
}

/** `{ camera: [], geolocation: ['self', 'https://a.example'] }` becomes `camera=(), geolocation=(self "https://a.example")`. */
export function permissionsPolicy (features: Record<string, ReadonlyArray<string>>): string {
  const members = Object.entries(features).map(([name, allowed]) => {
    if (allowed[0] === '*') return `${name}=*`
    return `${name}=(${allowed.map((origin) => origin === 'self' || origin === 'src' ? origin : `"${origin}"`).join(' ')})`
  })
  return members.join(', ')
}
