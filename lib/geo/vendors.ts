import type { GeoDownload } from '../../types/index.ts'
import type { DatabaseKind } from './mmdb.ts'

/** A database file that somebody offers. */
export interface VendorFile {
  kind: DatabaseKind
  /** Name in the cache folder. */
  name: string
  /** At a time; the first that is there is taken. */
  urls: (now: number) => readonly string[]
  authorization?: string
  /** Where the vendor publishes the SHA-256 of what the URL gives; the only 64 hexadecimal digits in it. */
  checksum?: string
  /** The file is in a tar archive. */
  tar?: true
}

export interface Vendor {
  files: readonly VendorFile[]
  /** What the licence wants to be said where results are shown. */
  attribution: string | undefined
}

/**
 * What to get from whom.
 *
 * @param mirror origin, and perhaps a path, in place of the vendor's; everything behind it stays
 */
export function vendorOf (wanted: GeoDownload, mirror: string | undefined): Vendor {
  const at = (origin: string, path: string): string => (mirror === undefined ? origin : mirror.replace(/\/+$/, '')) + path
  if (wanted === 'dbip-lite') {
    const file = (kind: DatabaseKind): VendorFile => ({
      kind,
      name: `geo-dbip-${kind}-lite.mmdb`,
      urls: (now) => lastMonths(now).map((month) => at('https://download.db-ip.com', `/free/dbip-${kind}-lite-${month}.mmdb.gz`))
    })
    return { files: [file('country'), file('asn')], attribution: 'IP Geolocation by DB-IP (https://db-ip.com), CC BY 4.0' }
  }
  if ('ipinfo' in wanted) {
    const token = encodeURIComponent(wanted.ipinfo)
    const file: VendorFile = { kind: 'country', name: 'geo-ipinfo-lite.mmdb', urls: () => [at('https://ipinfo.io', `/data/ipinfo_lite.mmdb?token=${token}`)], checksum: at('https://ipinfo.io', `/data/ipinfo_lite.mmdb/checksums?token=${token}`) }
    return { files: [file], attribution: 'IP address data is powered by IPinfo (https://ipinfo.io), CC BY-SA 4.0' }
  }
  if ('maxmind' in wanted) {
    const { account, key } = wanted.maxmind
    const file = (kind: DatabaseKind, edition: string): VendorFile => {
      const url = (suffix: string): string => account === undefined
        ? at('https://download.maxmind.com', `/app/geoip_download?edition_id=${edition}&license_key=${encodeURIComponent(key)}&suffix=${suffix}`)
        : at('https://download.maxmind.com', `/geoip/databases/${edition}/download?suffix=${suffix}`)
      return {
        kind,
        name: `geo-maxmind-${kind}.mmdb`,
        urls: () => [url('tar.gz')],
        checksum: url('tar.gz.sha256'),
        tar: true,
        ...(account !== undefined && { authorization: `Basic ${Buffer.from(`${account}:${key}`).toString('base64')}` })
      }
    }
    return { files: [file('country', 'GeoLite2-Country'), file('asn', 'GeoLite2-ASN')], attribution: 'This product includes GeoLite2 data created by MaxMind, available from https://www.maxmind.com' }
  }
  const files: VendorFile[] = [{ kind: 'country', name: 'geo-country.mmdb', urls: () => [wanted.url] }]
  const { asn } = wanted
  if (asn !== undefined) files.push({ kind: 'asn', name: 'geo-asn.mmdb', urls: () => [asn] })
  return { files, attribution: undefined }
}

/** This month and the one before it: a month's file comes some time on its first day. */
function lastMonths (now: number): string[] {
  const date = new Date(now)
  return [0, 1].map((back) => new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - back)).toISOString().slice(0, 7))
}
