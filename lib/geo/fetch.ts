import { sha256, type Copies } from '../download/copies.ts'
import { download, DownloadRefused, shown, type Download } from '../download/fetch.ts'
import { fromTar, gunzipped } from '../download/unpack.ts'
import { databaseOf, holdsAsMuch, type Database } from './mmdb.ts'
import type { VendorFile } from './vendors.ts'

const MAX_DOWNLOAD = 512 * 1024 * 1024
const MAX_DATABASE = 1024 * 1024 * 1024

export interface FetchedDatabase {
  database: Database
  bytes: Buffer
  /** It could not be written to the disk. */
  unwritten: Error | undefined
}

export interface FetchOptions {
  copies: Copies
  timeout: number
  now: () => number
  /** What is in use. */
  before?: Database | undefined
  signal?: AbortSignal
}

/**
 * Gets a vendor's file if there is a newer one: checks its digest, unpacks it, looks addresses up in it, and only
 * then replaces the copy on the disk.
 *
 * @returns `undefined` if the copy is the newest
 * @throws {Error} if the file cannot be had or is no good; the copy stays
 */
export async function fetchDatabase (file: VendorFile, { copies, timeout, now, before: current, signal }: FetchOptions): Promise<FetchedDatabase | undefined> {
  const before = await copies.read(file.name)
  // What is broken on the disk is not asked to be newer.
  const usable = before !== undefined && isSound(before.bytes, file)
  const limits = { timeout, ...(file.authorization !== undefined && { authorization: file.authorization }), ...(signal !== undefined && { signal }) }
  let refused: DownloadRefused | undefined
  for (const url of file.urls(now())) {
    const known = usable && before.url === shown(url) ? before.validators : {}
    let found: Download | undefined
    try {
      found = await download(url, { ...limits, maxBytes: MAX_DOWNLOAD, validators: known })
    } catch (error) {
      if (!(error instanceof DownloadRefused)) throw error
      if (error.status === 401 || error.status === 403) throw new Error(`${error.message}: the token or key is not accepted`)
      if (error.status !== 404) throw error
      refused ??= error
      continue
    }
    if (found === undefined) {
      // Where nothing can be written, the vendor is asked again sooner.
      await copies.confirm(file.name, { ...before!, checked: now() }).catch(() => {})
      return undefined
    }
    if (file.checksum !== undefined) await verify(found.bytes, file.checksum, url, limits)
    const bytes = await unpacked(found.bytes, file, url)
    const database = holdsAsMuch(databaseOf(bytes, shown(url), file.kind), current, shown(url))
    const unwritten = await copies.write(file.name, { bytes, url: shown(url), validators: found.validators, checked: now() }).then(() => undefined, (error: Error) => error)
    return { database, bytes, unwritten }
  }
  throw refused ?? new Error('no URL')
}

function isSound (bytes: Buffer, { name, kind }: VendorFile): boolean {
  try {
    databaseOf(bytes, name, kind)
    return true
  } catch {
    return false
  }
}

async function verify (bytes: Buffer, checksum: string, url: string, limits: { timeout: number, authorization?: string }): Promise<void> {
  const text = (await download(checksum, { ...limits, maxBytes: 65_536 }))!.bytes.toString('latin1')
  const [expected] = /\b[0-9a-f]{64}\b/i.exec(text) ?? []
  if (expected === undefined) throw new Error(`${shown(checksum)} has no SHA-256`)
  const found = sha256(bytes)
  if (found !== expected.toLowerCase()) throw new Error(`${shown(url)} has the SHA-256 ${found}, but its vendor says ${expected.toLowerCase()}`)
}

async function unpacked (bytes: Buffer, { tar }: VendorFile, url: string): Promise<Buffer> {
  try {
    const plain = await gunzipped(bytes, MAX_DATABASE)
    return tar === true ? Buffer.from(fromTar(plain, '.mmdb')) : plain
  } catch (error) {
    throw new Error(`${shown(url)} ${(error as Error).message}`)
  }
}
