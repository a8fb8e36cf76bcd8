import { setImmediate } from 'node:timers/promises'
import { mask, network6, parseAddress, text4, text6 } from '../net/address.ts'
import { parseEntry, type Range } from '../net/entry.ts'
import { compileRanges, type LabelledRange, type RangeSet } from '../net/ranges.ts'
import { textOf, type FeedEntry, type ReadFeed } from './feeds.ts'

/** The networks of a provider, as its feed has them. */
export interface Networks {
  /** By their canonical text, each with all its tags. */
  byCidr: ReadonlyMap<string, { range: Range, tags: readonly string[] }>
  tags: ReadonlySet<string>
}

const MOST_ENTRIES = 500_000
/** No provider has a network that is larger; a feed that lists one would refuse half the world. */
const WIDEST = { 4: 8, 6: 16 } as const

/** Reads the files of a feed. @throws {Error} that says what is wrong with them */
export async function readNetworks (files: readonly Buffer[], read: ReadFeed): Promise<Networks> {
  const byCidr = new Map<string, { range: Range, tags: readonly string[] }>()
  const tags = new Set<string>()
  let count = 0
  for (const bytes of files) {
    for (const entry of read(textOf(bytes))) {
      // A long feed must not hold up requests.
      if (++count % 2000 === 0) await setImmediate()
      if (count > MOST_ENTRIES) throw new Error(`has more than ${MOST_ENTRIES} entries`)
      add(byCidr, entry)
      for (const tag of entry.tags) tags.add(tag)
    }
  }
  if (byCidr.size === 0) throw new Error('lists nothing')
  return { byCidr, tags }
}

function add (byCidr: Map<string, { range: Range, tags: readonly string[] }>, { cidr, tags }: FeedEntry): void {
  const text = networkOf(cidr)
  const known = byCidr.get(text)
  if (known !== undefined) {
    if (!tags.every((tag) => known.tags.includes(tag))) byCidr.set(text, { ...known, tags: [...new Set([...known.tags, ...tags])] })
    return
  }
  const [range] = parseEntry(text) as Range[]
  byCidr.set(text, { range: range!, tags })
}

/** The canonical text of a network. Some feeds write an address of it with the prefix length, or an address alone. */
function networkOf (cidr: string): string {
  const [head = '', length] = cidr.split('/')
  const address = parseAddress(head)
  const longest = address?.family === 4 ? 32 : 128
  const prefix = length === undefined ? longest : /^\d{1,3}$/.test(length) ? Number(length) : NaN
  // A v4 address in v6 notation does not belong into a feed.
  if (address === undefined || !(prefix <= longest) || (address.family === 4 && head.includes(':'))) throw new Error(`has an entry that is no network: ${JSON.stringify(cidr.slice(0, 60))}`)
  if (prefix < WIDEST[address.family]) throw new Error(`lists ${cidr.slice(0, 60)}, which is far more than a provider has`)
  return `${address.family === 4 ? text4((address.v4 & mask(prefix)) >>> 0) : text6(...network6(address, prefix))}/${prefix}`
}

/** What changed from one state of a feed to the next. */
export function changesOf (before: Networks, after: Networks): { added: number, removed: number } {
  let kept = 0
  for (const cidr of after.byCidr.keys()) if (before.byCidr.has(cidr)) kept++
  return { added: after.byCidr.size - kept, removed: before.byCidr.size - kept }
}

/** @throws {Error} if so much is gone that the feed is more likely broken than right */
export function refuseShrunk (before: Networks, after: Networks): void {
  if (after.byCidr.size * 2 < before.byCidr.size) throw new Error(`shrank from ${before.byCidr.size} to ${after.byCidr.size} networks`)
}

/** The set of all networks, or of those that have a tag. */
export function setOf ({ byCidr }: Networks, tag: string | undefined): RangeSet {
  const entries: LabelledRange[] = []
  for (const [label, { range, tags }] of byCidr) if (tag === undefined || tags.includes(tag)) entries.push({ range, label })
  return compileRanges(entries)
}
