import type { Readable } from 'node:stream'
import type { Guard } from '../guard.ts'
import { parseAddress } from '../net/address.ts'
import type { GuardApi } from '../../types/index.ts'
import { feed } from './feed.ts'
import { live, message } from './live.ts'
import { nodes, type NodeNumbers } from './nodes.ts'
import { series } from './series.ts'
import { nodeName, stateReader, uptime, type State } from './state.ts'
import { traffic } from './traffic.ts'

/** How often open pages hear of what is new. */
const TICK = 500
/** Ticks between two states, if nothing has changed that cannot wait. */
const STATE_EVERY = 4
/** Ticks of half an hour. */
const ROTATE_EVERY = 3600

/** Counts what the guard does, and tells the pages that are open. */
export interface Watch {
  /** A new page: all there is, then what is new. `undefined`: there are too many. */
  open: () => Readable | undefined
  /** Something was changed by a page: the next tick tells it. */
  touch: () => void
  closePages: () => void
  close: () => void
}

export function watch (guard: Guard, api: GuardApi): Watch {
  const { now } = guard.services
  // Metrics may count already.
  const counted = guard.traffic ??= traffic()
  const over = series(now())
  const news = feed({ series: over, countryOf: (ip) => countryOf(guard, ip) })
  const pages = live({ now })
  const node = nodeName()
  const numbers = (): NodeNumbers => {
    const { refused, reported, bans } = api.stats()
    return { node, requests: counted.requests, refused, reported, bans: bans['active'] ?? 0, uptime: uptime() }
  }
  const others = guard.redis && nodes(guard.redis.connection, numbers, (error) => guard.log.debug({ event: 'guard.dashboard', err: error }, 'guard: the other nodes cannot be heard'))
  const read = stateReader({ guard, api, feed: news, traffic: counted, node, nodes: others })
  const state = (): State => read(pages.size)
  let dirty = false
  let ticks = 0
  let drained = 0
  let sent = 0

  guard.watchers.add((event) => {
    if (event.type !== 'refused' && event.type !== 'reported' && event.type !== 'passed') dirty = true
    news.take(event)
  })

  function bringUpToDate (): void {
    over.roll(now())
    over.add('requests', counted.requests - drained)
    drained = counted.requests
    counted.drain((check, micros, count) => {
      over.add(`time:${check}`, micros)
      over.add(`timed:${check}`, count)
    })
  }

  function tick (): void {
    bringUpToDate()
    if (++ticks % ROTATE_EVERY === 0) {
      news.rotate()
      counted.rotate()
    }
    const events = pages.size === 0 ? [] : news.since(sent)
    sent = news.lastId
    if (pages.size === 0) return
    pages.send(message('tick', { time: now(), ...over.last(), events }))
    if (!dirty && ticks % STATE_EVERY !== 0) return
    dirty = false
    pages.send(message('state', state()))
  }

  const timer = setInterval(() => {
    try {
      tick()
    } catch (error) {
      // What cannot be shown must not end the process.
      guard.log.error({ event: 'guard.dashboard', err: error }, 'guard: the dashboard failed')
    }
  }, TICK).unref()
  return {
    open () {
      // What waits for the next tick is in it as well; pages know events by their number.
      bringUpToDate()
      return pages.open(() => message('snapshot', { time: now(), series: over.read(), events: news.events(), state: state() }))
    },
    touch () { dirty = true },
    closePages: pages.close,
    close () {
      clearInterval(timer)
      others?.close()
    }
  }
}

function countryOf (guard: Guard, ip: string): string | undefined {
  const { geo } = guard.services
  const address = geo === undefined ? undefined : parseAddress(ip)
  if (address === undefined) return undefined
  try {
    return geo!.place({ ip, key: ip, hash: 0, address, viaProxy: false, loopback: false })?.country
  } catch (error) {
    guard.log.error({ event: 'guard.geo_failed', err: error }, 'guard: geo lookup failed')
    return undefined
  }
}
