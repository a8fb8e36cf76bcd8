import { info } from '../bans/bans.ts'
import type { Guard } from '../guard.ts'
import { breath } from '../redis/turns.ts'
import type { BanInfo } from '../../types/index.ts'

/** Bans on the page, of `total`. */
export interface BanList { total: number, shown: BanInfo[] }

const MOST = 200
/** A longer list is made beside the requests, and renewed this rarely, in milliseconds. */
const MANY = 5000
const RARELY = 30_000

/** Those bans that end last, of all that `wanted` takes. A quarter of a million bans hold up no request: others have their turn between parts. */
async function lastOf ({ services: { bans } }: Guard, wanted: (ban: BanInfo) => boolean): Promise<BanList> {
  let total = 0
  let shown: BanInfo[] = []
  for (const part of bans.others.parts()) {
    for (const ban of part) {
      if (!wanted(ban)) continue
      total++
      shown.push(info(ban))
    }
    if (shown.length > MOST * 8) shown = sorted(shown)
    await breath()
  }
  return { total, shown: sorted(shown) }
}

function sorted (bans: BanInfo[]): BanInfo[] {
  return bans.sort((one, other) => other.until - one.until).slice(0, MOST)
}

/** Lists bans again and again; for a number of bans in force. A list of many is that of a moment ago. */
export function banLister (guard: Guard): (active: number) => BanList {
  let latest: BanList = { total: 0, shown: [] }
  let listed = -Infinity
  let listing = false

  function list (time: number): void {
    listing = true
    listed = time
    lastOf(guard, () => true).then((list) => { latest = list }, (err: unknown) => guard.log.error({ err }, 'guard: bans could not be listed')).finally(() => { listing = false })
  }

  return (active) => {
    const time = guard.services.now()
    if (active <= MANY) {
      listed = -Infinity
      return { total: active, shown: sorted(guard.services.bans.list()) }
    }
    if (!listing && Math.abs(time - listed) >= RARELY) list(time)
    return { ...latest, total: active }
  }
}

/** Bans of whom a text is part of the target or the reason. */
export async function findBans (guard: Guard, text: string): Promise<BanList> {
  return await lastOf(guard, ({ client, reason }) => client.includes(text) || reason.includes(text))
}
