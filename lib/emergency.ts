import type { Guard } from './guard.ts'
import { isObject } from './options/shape.ts'
import { sharedText } from './redis/shared.ts'

/** Emergency mode, switched from code, by a signal, or by another node through Redis. */
export interface EmergencySwitch {
  /** @param length milliseconds after which it ends by itself */
  set: (enabled: boolean, length?: number) => void
  /** Resolves once it is known whether other nodes are in emergency mode, or cannot be known. */
  started: () => Promise<void>
  close: () => void
}

type By = 'code' | 'signal' | 'store' | 'timer'
interface State { enabled: boolean, until?: number | undefined }

const LONGEST_TIMER = 2 ** 31 - 1
const RETRY = 1000

export function emergencySwitch (guard: Guard): EmergencySwitch {
  const { emergency, now } = guard.services
  const signal = isObject(guard.options.emergency) ? guard.options.emergency['signal'] as NodeJS.Signals | undefined : undefined
  const shared = guard.redis && sharedText(guard.redis.connection, guard.redis.channel(), 'emergency', learn)
  let timer: NodeJS.Timeout | undefined
  let retry: NodeJS.Timeout | undefined
  let latest: State = { enabled: emergency.enabled }
  let closed = false

  function apply ({ enabled, until }: State, by: By): void {
    clearTimeout(timer)
    emergency.enabled = enabled
    emergency.until = enabled ? until : undefined
    guard.emit({ type: 'emergency', time: now(), enabled, by })
    if (enabled && until !== undefined) endAt(until)
  }

  /** A timer takes at most 2 ** 31 - 1 ms and would end a longer one at once. Every node has its own. */
  function endAt (until: number): void {
    timer = setTimeout(() => {
      // An update has switched it meanwhile.
      if (emergency.until !== until) return
      if (now() >= until) apply({ enabled: false }, 'timer')
      else endAt(until)
    }, Math.min(Math.max(until - now(), 1), LONGEST_TIMER)).unref()
  }

  function learn (json: string, first: boolean): void {
    const told = read(json)
    if (told === undefined) return guard.log.warn({ event: 'guard.emergency' }, 'guard: what Redis says of emergency mode cannot be read')
    const over = told.until !== undefined && told.until <= now()
    const enabled = told.enabled && !over
    const until = enabled ? told.until : undefined
    // A node that starts does not take an old "off" for more than its own options say.
    if ((enabled === emergency.enabled && until === emergency.until) || (first && !enabled)) return
    apply({ enabled, until }, 'store')
  }

  /** Other nodes learn it as soon as Redis can be reached: the latest, whichever of several calls gets there last. */
  function tell (): void {
    clearTimeout(retry)
    shared?.change(() => JSON.stringify(latest)).catch((error: unknown) => {
      if (closed) return
      guard.log.warn({ event: 'guard.emergency', err: error }, 'guard: other nodes could not be told of emergency mode yet')
      retry = setTimeout(tell, RETRY).unref()
    })
  }

  function set (enabled: boolean, length: number | undefined, by: By): void {
    latest = { enabled, ...(length !== undefined && { until: now() + length }) }
    apply(latest, by)
    tell()
  }

  const onSignal = (): void => set(!emergency.enabled, undefined, 'signal')
  if (signal !== undefined) process.on(signal, onSignal)
  return {
    set: (enabled, length) => set(enabled, length, 'code'),
    started: async () => { await shared?.started() },
    close () {
      closed = true
      clearTimeout(timer)
      clearTimeout(retry)
      shared?.close()
      if (signal !== undefined) process.off(signal, onSignal)
    }
  }
}

function read (json: string): State | undefined {
  try {
    const { enabled, until } = JSON.parse(json) as { enabled?: unknown, until?: unknown }
    if (typeof enabled !== 'boolean') return undefined
    return { enabled, ...(typeof until === 'number' && Number.isFinite(until) && { until }) }
  } catch {
    return undefined
  }
}
