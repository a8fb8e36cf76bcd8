import { examine, hint, isObject, show, type Report, type Shape } from '../options/shape.ts'
import type { List, ListEntry, ProxyPreset } from '../../types/index.ts'
import { isHostName, parseEntry } from './entry.ts'
import { trustShape } from './list.ts'

interface Preset {
  ranges: readonly string[]
  /** Headers with one address in them, the client's, which this provider sets anew on each request. */
  headers: readonly string[]
}

/** Networks from which providers reach origins. Few, and changed years apart; as copies of the operators' lists had them in the month that is given. */
const PRESETS: Readonly<Record<ProxyPreset, Preset>> = {
  // https://www.cloudflare.com/ips/, 2026-09
  cloudflare: {
    ranges: [
      '173.245.48.0/20', '103.21.244.0/22', '103.22.200.0/22', '103.31.4.0/22', '141.101.64.0/18', '108.162.192.0/18', '190.93.240.0/20', '188.114.96.0/20',
      '197.234.240.0/22', '198.41.128.0/17', '162.158.0.0/15', '104.16.0.0/13', '104.24.0.0/14', '172.64.0.0/13', '131.0.72.0/22',
      '2400:cb00::/32', '2606:4700::/32', '2803:f800::/32', '2405:b500::/32', '2405:8100::/32', '2a06:98c0::/29', '2c0f:f248::/32'
    ],
    headers: ['cf-connecting-ip', 'true-client-ip']
  },
  // https://api.fastly.com/public-ip-list, 2026-11. Its Fastly-Client-IP may be the client's own.
  fastly: {
    ranges: [
      '23.235.32.0/20', '43.249.72.0/22', '103.244.50.0/24', '103.245.222.0/23', '103.245.224.0/24', '104.156.80.0/20', '140.248.64.0/18', '140.248.128.0/17',
      '146.75.0.0/17', '151.101.0.0/16', '157.52.64.0/18', '167.82.0.0/17', '167.82.128.0/20', '167.82.160.0/20', '167.82.224.0/20', '172.111.64.0/18',
      '185.31.16.0/22', '199.27.72.0/21', '199.232.0.0/16', '2a04:4e40::/32', '2a04:4e42::/32'
    ],
    headers: []
  },
  // https://cloud.google.com/load-balancing/docs/firewall-rules, 2026-11
  'google-lb': { ranges: ['35.191.0.0/16', '130.211.0.0/22', '2600:2d00:1:b029::/64', '2600:2d00:1:1::/64'], headers: [] },
  // Whoever may open the server's Unix socket; such connections have no address.
  unix: { ranges: [], headers: [] }
}

export const PRESET_NAMES = Object.keys(PRESETS) as ProxyPreset[]

function isPreset (value: unknown): value is ProxyPreset {
  return typeof value === 'string' && Object.hasOwn(PRESETS, value)
}

export interface Proxies {
  /** Everybody who is believed. */
  all: List
  /** The networks of those presets whose provider sets the header, `undefined` if there are none. */
  edge: List | undefined
  /** Connections over a Unix socket are believed. */
  unix: boolean
}

/** Puts networks in the place of presets. `header`: in lower case. */
export function proxiesOf (list: List, header: string): Proxies {
  const entries: readonly ListEntry[] = Array.isArray(list) ? list as readonly ListEntry[] : [list as ListEntry]
  const edge = entries.flatMap((entry) => isPreset(entry) && PRESETS[entry].headers.includes(header) ? PRESETS[entry].ranges : [])
  return { all: entries.flatMap((entry): readonly ListEntry[] => isPreset(entry) ? PRESETS[entry].ranges : [entry]), edge: edge.length === 0 ? undefined : edge, unix: entries.includes('unix') }
}

/** A list of proxies: what lists take, and the names of presets. */
export const proxiesShape: Shape = {
  ...trustShape,
  inside (value, path, report) {
    if (!Array.isArray(value)) return one(value, path, report)
    if (value.length === 0) return trustShape.inside(value, path, report)
    value.forEach((entry, i) => one(entry, `${path}[${i}]`, report))
  }
}

function one (value: unknown, path: string, report: Report): void {
  if (isPreset(value)) return
  if (typeof value === 'string' && !isHostName(value) && typeof parseEntry(value) === 'string' && /^[a-z][a-z -]*$/i.test(value)) {
    report(path, `is neither an entry of a list nor a preset: ${show(value)}${hint(value, [...PRESET_NAMES, 'loopback', 'private', 'linklocal', 'uniquelocal'])}; presets are ${PRESET_NAMES.join(', ')}`)
    return
  }
  examine({ ...trustShape, kind: (entry) => !Array.isArray(entry) && trustShape.kind(entry) }, isObject(value) || typeof value === 'function' || typeof value === 'string' ? value : null, path, report)
}
