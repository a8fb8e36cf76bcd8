import type { CheckModule, Refusal } from '../check.ts'
import { also, either, is, list, oneOf, rule, type Report, someText } from '../options/shape.ts'
import type { TimeWindow } from '../../types/index.ts'

const refused: Refusal = { code: 'GUARD_TIME_WINDOW', status: 403, reason: 'outside the time window' }

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const

const clock = is("a time of day 'HH:MM', 00:00 to 23:59 (or '24:00' as an end)", (value) => typeof value === 'string' && /^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/.test(value),
  { type: 'string', pattern: '^(?:(?:[01]\\d|2[0-3]):[0-5]\\d|24:00)$' })
const zone = is("an IANA time zone such as 'Europe/Berlin'", (value) => typeof value === 'string' && isZone(value), someText)

const window = also(rule({ start: clock, end: clock, timeZone: zone, days: list(oneOf(...DAYS), 1) }, 'start', 'end'), (value: TimeWindow, path: string, report: Report) => {
  if (value.start === value.end) report(path, "has the same start and end; for a whole day write start: '00:00', end: '24:00'")
  if (value.start === '24:00') report(`${path}.start`, "must be before '24:00'")
})

interface Compiled { start: number, end: number, days: ReadonlySet<string>, read: (time: number) => { minute: number, day: string, yesterday: string } }

/** Lets requests pass at certain times of day only. */
export const timeWindow: CheckModule<'timeWindow'> = {
  key: 'timeWindow',
  trustSkips: false,
  shape: either(window, list(window, 1)),
  compile (value, { now }) {
    const windows = (Array.isArray(value) ? value : [value]).map(compileWindow)
    return {
      request () {
        const time = now()
        return windows.some((window) => isInside(window, time)) ? undefined : refused
      }
    }
  }
}

function compileWindow ({ start, end, timeZone = 'UTC', days = DAYS }: TimeWindow): Compiled {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', weekday: 'short', hourCycle: 'h23' })
  // The wall clock changes once a minute; formatting costs microseconds.
  let minuteOf = -1
  let last = { minute: 0, day: '', yesterday: '' }
  return {
    start: minutes(start),
    end: minutes(end),
    days: new Set<string>(days),
    read (time) {
      const minute = Math.floor(time / 60_000)
      if (minute !== minuteOf) {
        minuteOf = minute
        const parts = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, value]))
        const day = parts['weekday']!.toLowerCase()
        last = { minute: Number(parts['hour']) * 60 + Number(parts['minute']), day, yesterday: DAYS[(DAYS.indexOf(day as 'sun') + 6) % 7]! }
      }
      return last
    }
  }
}

/** Start inclusive, end exclusive. An overnight window belongs to the day it starts on. Wall-clock times: one that a change to summer time skips does not occur, one that a change back repeats occurs twice. */
function isInside ({ start, end, days, read }: Compiled, time: number): boolean {
  const { minute, day, yesterday } = read(time)
  if (start < end) return minute >= start && minute < end && days.has(day)
  return (minute >= start && days.has(day)) || (minute < end && days.has(yesterday))
}

function minutes (text: string): number {
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3))
}

function isZone (name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
