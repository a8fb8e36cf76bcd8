import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Copies } from '../download/copies.ts'
import { fetchDatabase } from './fetch.ts'
import { holdsAsMuch, openDatabase, type Database, type DatabaseKind } from './mmdb.ts'
import type { VendorFile } from './vendors.ts'

/** A database file that is read again when it changes and, where it has a vendor, got again when there is a newer one. */
export interface GeoFile {
  kind: DatabaseKind
  path: string
  current: Database | undefined
  /** Opens the file for the first time, downloads it if it is not there. @throws {Error} if there is no database then */
  open: () => Promise<void>
  /** Takes up another file. Whether there was one. @throws {Error} if it is no good; the old one stays */
  reload: () => Promise<boolean>
  /** Asks the vendor. Whether there was a newer one. @throws {Error} likewise */
  renew: (signal: AbortSignal) => Promise<boolean>
}

export interface GeoFileOptions {
  kind: DatabaseKind
  path: string
  vendor: VendorFile | undefined
  copies: Copies
  now: () => number
  /** The vendor is not asked for a file that is not older, whichever process got it. Milliseconds. */
  refresh: number
  warn: (code: string, message: string) => void
}

/** At start a plugin has 10 s; later a slow line may take its time. */
const FIRST_TIMEOUT = 8000
const TIMEOUT = 600_000

export function geoFile ({ kind, path, vendor, copies, now, refresh, warn }: GeoFileOptions): GeoFile {
  let seen = ''

  async function versionOf (): Promise<string> {
    const { mtimeMs, size, ino } = await stat(path)
    return `${mtimeMs} ${size} ${ino}`
  }

  async function get (timeout: number, signal?: AbortSignal): Promise<boolean> {
    const found = await fetchDatabase(vendor!, { copies, timeout, now, before: file.current, ...(signal !== undefined && { signal }) })
    if (found === undefined) return false
    file.current = found.database
    if (found.unwritten === undefined) seen = await versionOf()
    else warn('GUARD_GEO_CACHE', `${basename(path)} cannot be kept on disk: ${found.unwritten.message}; set geo.cacheDir to a folder that can be written`)
    return true
  }

  const file: GeoFile = {
    kind,
    path,
    current: undefined,
    async open () {
      try {
        // Before the file is read: what replaces it meanwhile has another version.
        seen = await versionOf().catch(() => '')
        file.current = await openDatabase(path, kind)
      } catch (error) {
        if (vendor === undefined) throw error
        if (seen !== '') warn('GUARD_GEO_BROKEN', `${(error as Error).message}; it is downloaded anew`)
        // The whole of it: each URL, digests included, has its own time otherwise.
        await get(FIRST_TIMEOUT, AbortSignal.timeout(FIRST_TIMEOUT))
      }
    },
    async reload () {
      const version = await versionOf()
      if (version === seen) return false
      // A file that is no good is looked at once.
      seen = version
      file.current = holdsAsMuch(await openDatabase(path, kind), file.current, path)
      return true
    },
    async renew (signal) {
      if (vendor === undefined) return false
      const copy = await copies.read(vendor.name)
      // The clock may have been wrong.
      if (copy !== undefined && Math.abs(now() - copy.checked) < refresh * 0.8) return false
      return get(TIMEOUT, signal)
    }
  }
  return file
}
