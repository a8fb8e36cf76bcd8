import { lookup, Resolver } from 'node:dns/promises'
import { readFile, stat } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { shown } from '../download/fetch.ts'
import { milliseconds, show } from '../options/shape.ts'
import type { ListEntry } from '../../types/index.ts'
import { parseAddress } from './address.ts'
import { isEverything, parseEntry } from './entry.ts'
import { isJson, jsonLines } from './list-json.ts'
import type { LabelledRange } from './ranges.ts'

/** An entry that has to be loaded. */
export type SourceEntry = Exclude<ListEntry, string>

/** What a source gives: entries if there are new ones, when to ask again, in milliseconds, and why some of it may be old. */
export interface Loaded { entries: readonly LabelledRange[] | undefined, againIn: number, fault?: string }
export type Load = (signal: AbortSignal) => Promise<Loaded>

export interface Dns {
  resolve4: (host: string, options: { ttl: true }) => Promise<Array<{ address: string, ttl: number }>>
  resolve6: (host: string, options: { ttl: true }) => Promise<Array<{ address: string, ttl: number }>>
  /** The system's own way, hosts file included. */
  lookup: (host: string, options: { all: true }) => Promise<Array<{ address: string }>>
}

const FILE_POLL = 2000
const FUNCTION_REFRESH = 60_000
const URL_REFRESH = 3_600_000
const MAX_BYTES = 32 * 1024 * 1024
const MAX_ENTRIES = 1_000_000

/** A name for messages, and what loads the source. */
export function loaderOf (entry: SourceEntry, dns: Dns): [string, Load] {
  if (typeof entry === 'function') return [`function ${entry.name || '(anonymous)'}`, async () => loadFunction(entry)]
  if ('host' in entry) return [`host ${entry.host}`, hostLoader(entry.host, dns)]
  if ('file' in entry) return [`file ${entry.file}`, fileLoader(entry.file)]
  return [`url ${shown(entry.url)}`, urlLoader(entry.url, milliseconds(entry.refresh ?? URL_REFRESH)!)]
}

async function loadFunction (entry: Extract<SourceEntry, () => unknown>): Promise<Loaded> {
  const value: unknown = await entry()
  const entries: unknown[] = Array.isArray(value) ? value : [value]
  return { entries: entries.flatMap((each, i) => entriesOf(each, `entry ${i}`)), againIn: FUNCTION_REFRESH }
}

function fileLoader (path: string): Load {
  let seen = ''
  return async (signal) => {
    const { mtimeMs, size, ino } = await stat(path)
    const version = `${mtimeMs} ${size} ${ino}`
    if (version === seen) return { entries: undefined, againIn: FILE_POLL }
    if (size > MAX_BYTES) throw new Error(`is larger than ${MAX_BYTES} bytes`)
    const text = await readFile(path, { encoding: 'utf8', signal })
    const entries = await linesOf(text)
    // Not before: one that cannot be read goes on being a fault.
    seen = version
    return { entries, againIn: FILE_POLL }
  }
}

function urlLoader (url: string, refresh: number): Load {
  let etag: string | undefined
  return async (signal) => {
    // A tenth earlier or later, so that many servers do not ask at the same moment.
    const againIn = refresh * (0.9 + Math.random() * 0.2)
    const response = await fetch(url, { redirect: 'error', signal, headers: etag === undefined ? {} : { 'if-none-match': etag } })
    if (response.status === 304 && etag !== undefined) return { entries: undefined, againIn }
    if (!response.ok) throw new Error(`answered ${response.status}`)
    const entries = await linesOf(await capped(response))
    if (entries.length === 0) throw new Error('lists nothing')
    etag = response.headers.get('etag') ?? undefined
    return { entries, againIn }
  }
}

/** A body of at most `MAX_BYTES`, counted after decompression. */
async function capped (response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += (chunk as Uint8Array).length
    if (bytes > MAX_BYTES) throw new Error(`is larger than ${MAX_BYTES} bytes`)
    text += decoder.decode(chunk as Uint8Array, { stream: true })
  }
  return text + decoder.decode()
}

/**
 * One entry a line; `#` and `;` start a comment (so the lists of Spamhaus, FireHOL and Tor can be read as they are). Of
 * JSON, see `list-json.ts`. One line that cannot be read refuses the whole text: it may be half written, or not a list
 * at all.
 */
async function linesOf (text: string): Promise<LabelledRange[]> {
  const plain = text.replace(/^\ufeff/, '')
  const lines = isJson(plain) ? jsonLines(plain) : plain.split('\n')
  const entries: LabelledRange[] = []
  let number = 0
  for (const line of lines) {
    // A long list must not hold up requests.
    if (++number % 5000 === 0) await setImmediate()
    const entry = entryOf(line)
    if (entry !== '') entries.push(...entriesOf(entry, `line ${number}`))
    if (entries.length > MAX_ENTRIES) throw new Error(`has more than ${MAX_ENTRIES} entries`)
  }
  return entries
}

/** Tor's full list of relays has lines of keyword and value, of which one is the address. */
const TOR = /^(?:ExitNode|Published|LastStatus) .*$|^ExitAddress ([^ ]+) .*$/

function entryOf (line: string): string {
  const end = line.search(/[#;]/)
  const entry = (end === -1 ? line : line.slice(0, end)).trim()
  const tor = TOR.exec(entry)
  return tor === null ? entry : tor[1] ?? ''
}

function entriesOf (entry: unknown, place: string): LabelledRange[] {
  if (typeof entry !== 'string') throw new Error(`${place} is no string: ${show(entry)}`)
  const ranges = parseEntry(entry)
  if (typeof ranges === 'string') throw new Error(`${place} ${ranges}`)
  if (ranges.some(isEverything)) throw new Error(`${place} is every address: ${show(entry)}`)
  return ranges.map((range) => ({ range, label: entry }))
}

interface HostRecord { address: string, ttl: number }

/** Seconds until what could not be asked is asked again. */
const RETRY = 30

/** What could not be asked anew stays: each family keeps its last good addresses by itself. */
function hostLoader (host: string, dns: Dns): Load {
  let good: Array<HostRecord[] | undefined> = [undefined, undefined]
  return async () => {
    const asked = await query(host, dns, good.every((found) => found !== undefined))
    const stale = asked.some((records, i) => records === undefined && (good[i]?.length ?? 0) > 0)
    const records = asked.flatMap((found, i) => found ?? good[i]?.map(({ address }) => ({ address, ttl: RETRY })) ?? [])
    const entries: LabelledRange[] = []
    for (const { address } of records) {
      const ranges = parseAddress(address) === undefined ? [] : parseEntry(address)
      if (typeof ranges !== 'string') entries.push(...ranges.map((range) => ({ range, label: host })))
    }
    if (entries.length === 0) throw new Error('has no address')
    good = asked.map((found, i) => found ?? good[i])
    // Not more often than every 5 seconds, and at least once an hour, whatever the record says.
    const seconds = Math.min(3600, Math.max(5, Math.min(...records.map(({ ttl }) => ttl))))
    return { entries, againIn: seconds * 1000, ...(stale && { fault: 'DNS does not answer for one family of addresses' }) }
  }
}

/**
 * DNS first, since it tells how long its answer is good; names that it does not know may be in the hosts file.
 *
 * @param known whether it may do without `lookup`
 * @returns records of IPv4 and of IPv6; `undefined`: could not be asked
 */
async function query (host: string, dns: Dns, known: boolean): Promise<Array<HostRecord[] | undefined>> {
  const asked = await Promise.all([dns.resolve4(host, { ttl: true }), dns.resolve6(host, { ttl: true })].map(async (answer) => answer.catch(none)))
  if (!asked.includes(undefined) && asked.flat().length > 0) return asked
  const found = await dns.lookup(host, { all: true }).catch((error: unknown) => {
    if (!known) throw error
    return []
  })
  return asked.map((records, i) => {
    if (records !== undefined && records.length > 0) return records
    const own = found.filter(({ address }) => address.includes(':') === (i === 1)).map(({ address }) => ({ address, ttl: 60 }))
    return own.length > 0 ? own : records
  })
}

/** No record of this family is an answer; anything else is a failure. */
function none (error: NodeJS.ErrnoException): [] | undefined {
  return error.code === 'ENODATA' || error.code === 'ENOTFOUND' ? [] : undefined
}

export function systemDns (): Dns {
  const resolver = new Resolver({ timeout: 2000, tries: 2 })
  return {
    resolve4: async (host, options) => resolver.resolve4(host, options),
    resolve6: async (host, options) => resolver.resolve6(host, options),
    lookup
  }
}
