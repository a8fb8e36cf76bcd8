import type { CheckModule, Refusal, Services } from '../check.ts'
import { compileDetection, detectionTally, pinnedByRoute, type DetectionTally, type Detector, type Finding, type Match, type Overflow } from '../detect/index.ts'
import { CATEGORIES } from '../detect/types.ts'
import { isBelow, pathPrefix } from '../options/path-prefix.ts'
import { also, either, int, is, list, num, object, oneOf, record, regexp, rule, text, bool, fn, type Report } from '../options/shape.ts'
import type { DetectionRules } from '../../types/index.ts'

const category = oneOf(...CATEGORIES)
const names = list(text)

const pattern = also(either(text, regexp, fn), (value: unknown, path: string, report: Report) => {
  if (value instanceof RegExp && /[gy]/.test(value.flags)) report(path, `takes no flag "g" or "y", which keep a position between requests, got ${value}`)
  if (value instanceof RegExp && value.test('')) report(path, `matches the empty text: ${value}`)
})

const OVERFLOW: Readonly<Record<Overflow['overflow'], string>> = {
  bytes: 'body is larger than detection.maxBytes',
  depth: 'body is nested deeper than detection.maxDepth',
  keys: 'request has more names and values than detection.maxKeys',
  budget: 'judging took longer than detection.budget'
}

/** Headers and fields whose content is a secret: evidence from them stays out of log and events. */
const SECRET = /authorization|cookie|token|secret|passw|pwd|api-?key|session|credential/i

/** Looks for attacks in the URL, headers and cookies, then in the body. */
export const detection: CheckModule<'detection'> = {
  key: 'detection',
  trustSkips: true,
  perRoute: true,
  shape: either(bool, rule({
    categories: either(list(category), record(bool, category)),
    level: is('1, 2, 3 or 4', (value) => value === 1 || value === 2 || value === 3 || value === 4, { enum: [1, 2, 3, 4] }),
    threshold: num(1),
    exclude: object({ paths: list(pathPrefix), params: names, headers: names, fields: names, rules: names, categories: list(category) }),
    rules: list(object({ id: text, category, pattern, score: num(1) }, 'id', 'pattern')),
    maxBytes: int(1),
    overflow: oneOf('refuse', 'pass'),
    budget: int(1),
    maxDepth: int(1, 1000),
    maxKeys: int(1),
    scan: object({ query: bool, path: bool, headers: bool, cookies: bool, body: bool })
  })),
  compile (value, { detectors }, target) {
    const rules = value as DetectionRules
    if (target.url !== undefined && rules.exclude?.paths?.some((prefix) => isBelow(target.url!, prefix)) === true) return undefined
    const detector = shared(detectors, rules, target.bodyLimit)
    const pinned = pinnedByRoute(target.schema)
    const unmatched = target.url === undefined || target.url === '*' || target.url === '/*'
    const { query = true, path = true, headers = true, cookies = true, body = true } = rules.scan ?? {}
    return {
      request: !query && !path && !headers && !cookies
        ? undefined
        : (request) => {
            const { raw } = request
            return refusalOf(detector.request(raw.url ?? '', raw.headers, unmatched, pinned, raw.rawHeaders))
          },
      body: !body
        ? undefined
        : (request) => {
            return refusalOf(detector.body(request.body, request.headers['content-type'], pinned))
          },
      inspect: (value, where) => refusalOf(detector.value(value, where))
    }
  }
}

const tallies = new WeakMap<Services['detectors'], DetectionTally>()

/** What the detectors of one app have found and cost; it outlives their rules. */
export function tallyOf (detectors: Services['detectors']): DetectionTally {
  let tally = tallies.get(detectors)
  if (tally === undefined) tallies.set(detectors, tally = detectionTally())
  return tally
}

/** A detector is synchronous, so that routes can share one. */
function shared (detectors: Services['detectors'], value: DetectionRules, maxBytes: number): Detector {
  let byLimit = detectors.get(value)
  if (byLimit === undefined) detectors.set(value, byLimit = new Map())
  let detector = byLimit.get(maxBytes)
  if (detector === undefined) {
    const { mode, sample, inherit, ...rules } = value
    byLimit.set(maxBytes, detector = compileDetection(rules as Parameters<typeof compileDetection>[0], { maxBytes, tally: tallyOf(detectors) }))
  }
  return detector
}

function refusalOf (found: Finding | Overflow | undefined): Refusal | undefined {
  if (found === undefined) return undefined
  return 'overflow' in found ? overflow(found) : attack(found)
}

function attack ({ matches }: Finding): Refusal {
  const strongest = matches.reduce((best, match) => match.score > best.score ? match : best)
  return {
    code: 'GUARD_ATTACK_DETECTED',
    status: 400,
    reason: `${strongest.category} in ${strongest.location}`,
    rule: strongest.rule,
    evidence: SECRET.test(strongest.location) ? '[redacted]' : strongest.evidence,
    category: strongest.category,
    exclusion: exclusionOf(strongest),
    strike: 'detection'
  }
}

const EXCLUDES: Readonly<Record<string, string>> = { query: 'params', body: 'fields', header: 'headers' }

/** The narrowest `detection.exclude` that would let this pass. */
function exclusionOf ({ location, rule }: Match): Readonly<Record<string, readonly string[]>> {
  const dot = location.indexOf('.')
  const member = dot === -1 ? undefined : EXCLUDES[location.slice(0, dot)]
  return member === undefined ? { rules: [rule] } : { [member]: [location.slice(dot + 1)] }
}

/** Too large to be looked at is refused, but is nobody's strike. */
function overflow (found: Overflow): Refusal {
  const bytes = found.overflow === 'bytes'
  return { code: bytes ? 'GUARD_BODY_TOO_LARGE' : 'GUARD_ATTACK_DETECTED', status: bytes ? 413 : 400, reason: OVERFLOW[found.overflow] }
}
