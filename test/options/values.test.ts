import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { optionsShape } from '../../lib/options/plugin.ts'
import { examine, type Problem, type Shape } from '../../lib/options/shape.ts'
import { startError } from '../helpers.ts'

/** The values that go wrong by accident, with what they are called in the table below. */
const VALUES: Readonly<Record<string, unknown>> = {
  null: null,
  NaN,
  true: true,
  false: false,
  negative: -1,
  zero: 0,
  fraction: 0.5,
  huge: 1e308,
  Infinity,
  'empty text': '',
  'long text': '\u0000'.repeat(100_000),
  'empty array': [],
  'array of null': [null],
  'empty object': {},
  'unknown member': { nonsense: 1 },
  date: new Date(0),
  symbol: Symbol('x'),
  bigint: 1n
}

const FN = /^(?:onEvent|check|response\.modify)$/
const LIST = /(?:^|\.)(?:ip\.(?:allow|deny|trust)|exempt|trustedProxies|emergency\.allow)$/

/** What these values mean where they are taken. A value that is taken and does not stand here fails. */
const MEANINGS: ReadonlyArray<[value: string, path: RegExp, meaning: string]> = [
  ['false', /^[A-Za-z]+$/, 'a check that is off, or a switch that is off'],
  ['false', /(?:inherit|preload|includeSubDomains|trustProto|redirect|enabled|reportOnly|useDefaults|ignoreCase|credentials|preflight|preflightContinue|origin)$/, 'a switch that is off'],
  ['false', /^detection\.scan\./, 'a place that is not looked at'],
  ['false', /^securityHeaders\./, 'a header that is left out'],
  ['false', /^log\.(?:refused|passed)$/, 'no such lines'],
  ['false', /^rateLimit\.headers$/, 'no headers'],
  ['true', /^(?:emergency|https|fetchMetadata|detection|securityHeaders|cors|strict|metrics)$/, 'the check with its defaults'],
  ['true', /(?:inherit|preload|includeSubDomains|trustProto|redirect|enabled|reportOnly|useDefaults|ignoreCase|credentials|preflight|preflightContinue|origin)$/, 'a switch that is on'],
  ['true', /^detection\.scan\./, 'a place that is looked at, as by default'],
  ['true', /^store\.redis$/, "the application's fastify.redis"],
  ['negative', /^cors\.maxAge$/, 'browsers must not keep the answer (Fetch standard)'],
  ['zero', /^(?:rateLimit|concurrency)\.max$|^behavior\.usage\.max$/, 'nothing is let through'],
  ['zero', /\.sample$/, 'nobody'],
  ['zero', /^(?:cors\.maxAge|cors\.cacheControl|securityHeaders\.hsts\.maxAge|log\.file\.keep)$/, 'nothing is kept'],
  ['fraction', /\.sample$|^behavior\.frequency\.max$/, 'a share, or calls a second'],
  ['empty array', LIST, 'a list of nobody'],
  ['empty array', /^(?:exclude|userAgent\.(?:allow|deny)|ip\.rules|detection\.(?:categories|rules|exclude\.[a-z]+)|log\.redact|cors\.(?:methods|allowedHeaders|exposedHeaders)|bots\.(?:allow|deny))$/, 'nothing'],
  ['empty object', /./, 'all members have their defaults'],
  ['true', /^metrics\.opentelemetry$/, 'a switch that is on'],
  ['false', /^metrics\.opentelemetry$/, 'a switch that is off'],
  ['zero', /^ban\.jitter$/, 'no jitter'],
  ['fraction', /^ban\.jitter$/, 'a share'],
  ['false', /^bots\.verify$/, 'a switch that is off'],
  ['true', /^bots\.verify$/, 'a switch that is on'],
  ['long text', /^(?:geo|cloudRanges|log\.file|rules)\./, 'a file or a secret that nobody has: using it stops the start'],
  ['true', /^store\.cluster$/, 'the workers of this machine share their state'],
  ['long text', /^log\.file$|^store\.(?:prefix|file)$|^decorator$/, 'a name of any length'],
  ['date', /^store\.redis$|^geo\.handler$/, 'an object of another library, which judges its members'],
  ['unknown member', /^store\.redis$|^geo\.handler$/, 'options of another library, which judges them']
]

function paths (shape: Shape, path: string[] = []): string[][] {
  return Object.entries(shape.keys ?? {}).flatMap(([name, member]) => [[...path, name], ...paths(member, [...path, name])])
}

const all = paths(optionsShape).map((path) => path.join('.'))

function optionsWith (path: string, value: unknown): unknown {
  return path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value)
}

function taken (path: string, value: unknown): boolean {
  const problems: Problem[] = []
  examine(optionsShape, optionsWith(path, value), '', (at, message) => problems.push({ path: at, message }))
  return !problems.some(({ path: at }) => at === path || at.startsWith(`${path}.`) || at.startsWith(`${path}[`))
}

test('every option: a wrong value is refused with its path, or has a documented meaning', (t: TestContext) => {
  t.assert.ok(all.length > 150, String(all.length))
  const unknown: string[] = []
  const used = new Set<number>()
  for (const path of all) {
    for (const [name, value] of Object.entries(VALUES)) {
      if (!taken(path, value)) continue
      const at = MEANINGS.findIndex(([of, where]) => of === name && where.test(path))
      if (at === -1) unknown.push(`${path}: ${name}`)
      used.add(at)
    }
  }
  t.assert.deepStrictEqual(unknown, [])
  t.assert.deepStrictEqual(MEANINGS.filter((_, i) => !used.has(i)), [], 'meanings that nothing has')
})

test('every option: a name that does not exist is refused with its path', (t: TestContext) => {
  for (const path of all.filter((path) => !taken(path, { nonsense: 1 }))) {
    const problems: string[] = []
    examine(optionsShape, optionsWith(path, { nonsense: 1 }), '', (at) => problems.push(at))
    t.assert.ok(problems.some((at) => at.startsWith(path)), path)
  }
})

test('every option: the server does not start with a wrong value, and says which', async (t: TestContext) => {
  const wrong = fc.tuple(fc.constantFrom(...all), fc.constantFrom(...Object.keys(VALUES))).filter(([path, name]) => !taken(path, VALUES[name]) && !FN.test(path))
  await fc.assert(fc.asyncProperty(wrong, async ([path, name]) => {
    const { code, message } = await startError(optionsWith(path, VALUES[name]))
    t.assert.strictEqual(code, 'GUARD_OPTION_INVALID', `${path}: ${name}`)
    t.assert.ok(message.includes(path), `${path}: ${name}: ${message}`)
    t.assert.ok(message.length < 5000)
  }), { numRuns: 150 })
})
