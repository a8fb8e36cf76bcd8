import { also, bool, duration, either, fn, int, is, list, milliseconds, num, object, oneOf, regexp, rule, text, type Report, someText } from '../options/shape.ts'
import { leadsTo, parsePath } from './json-path.ts'
import type { BehaviorAction, BehaviorRule, ReturnRule } from '../../types/index.ts'

const HOUR = 3_600_000
/** A delay holds a connection open. */
const LONGEST_DELAY = 30_000
const MOST = 2 ** 32 - 1

const delay = is('at most 30 seconds', (value) => (milliseconds(value) ?? Infinity) <= LONGEST_DELAY, duration.json)
const common = { window: duration, action: either(oneOf('log', 'alert', 'throttle', 'ban'), fn), duration, delay }

const needed = (value: BehaviorRule, path: string, report: Report): void => {
  const { action = 'log' } = value
  if (value.delay !== undefined && action !== 'throttle') report(`${path}.delay`, "is for action: 'throttle'")
  if (value.duration !== undefined && action !== 'ban') report(`${path}.duration`, "is for action: 'ban'")
}

const usageShape = also(object({ ...common, max: int(0, MOST) }, 'max'), needed)
const frequencyShape = also(object({ ...common, max: num(0.001, MOST) }, 'max'), needed)

const path = is("a path such as 'error.code' or 'items[].type'", (value) => typeof value === 'string' && parsePath(value) !== undefined, someText)
const scalar = is('a string, a number, true, false or null', (value) => value === null || ['string', 'number', 'boolean'].includes(typeof value),
  { anyOf: [{ type: 'null' }, { type: 'string' }, { type: 'number' }, { type: 'boolean' }] })

const returnShape = also(object({
  ...common,
  max: int(0, MOST),
  status: either(int(100, 599), list(int(100, 599), 1)),
  json: object({ path, equals: scalar }, 'path', 'equals'),
  regexp,
  text,
  ignoreCase: bool,
  maxBytes: int(1, 16 * 1024 * 1024)
}, 'max'), (value: ReturnRule, path: string, report: Report) => {
  needed(value, path, report)
  if ([value.status, value.json, value.regexp, value.text].every((matcher) => matcher === undefined)) report(path, 'needs one of status, json, regexp and text')
  if (value.ignoreCase !== undefined && value.text === undefined) report(`${path}.ignoreCase`, 'is for text; give a regexp the flag i')
})

export const behaviorShape = rule({ usage: usageShape, frequency: frequencyShape, returns: list(returnShape, 1) })

/** A rule, ready to count. */
export interface Watch {
  /** `usage`, `frequency`, `returns[0]`. */
  name: string
  max: number
  /** Milliseconds, as all. */
  window: number
  action: BehaviorAction
  duration: number
  delay: number
}

export interface AnswerWatch extends Watch {
  /** Bytes of an answer that are looked at; 0 where no matcher needs them. */
  maxBytes: number
  matches: (status: number, text: () => string | undefined, json: () => unknown) => boolean
}

export function watchOf (name: string, { max, window, action = 'log', duration, delay }: BehaviorRule): Watch {
  return { name, max, window: milliseconds(window) ?? HOUR, action, duration: milliseconds(duration) ?? HOUR, delay: milliseconds(delay) ?? 1000 }
}

/** Calls a second, as calls in the window. */
export function frequencyOf (rule: BehaviorRule): Watch {
  const watch = watchOf('frequency', { window: '1m', ...rule })
  return { ...watch, max: Math.max(1, Math.floor(rule.max * watch.window / 1000)) }
}

/** All matchers of a rule must match. */
export function answerWatchOf (name: string, rule: ReturnRule): AnswerWatch {
  const statuses = rule.status === undefined ? undefined : new Set([rule.status].flat())
  const steps = rule.json === undefined ? undefined : parsePath(rule.json.path)!
  const fold = (value: string): string => rule.ignoreCase === true ? value.toLowerCase() : value
  const part = rule.text === undefined ? undefined : fold(rule.text)
  const reads = steps !== undefined || rule.regexp !== undefined || part !== undefined
  return {
    ...watchOf(name, rule),
    maxBytes: reads ? rule.maxBytes ?? 65536 : 0,
    matches (status, text, json) {
      if (statuses?.has(status) === false) return false
      if (part !== undefined && !fold(text() ?? '').includes(part)) return false
      // `search` keeps no position between answers, whatever the flags.
      if (rule.regexp !== undefined && (text() ?? '').search(rule.regexp) === -1) return false
      return steps === undefined || leadsTo(json(), steps, rule.json!.equals)
    }
  }
}
