import assert from 'node:assert'
import { test } from 'node:test'
import { compileDetection } from '../../lib/detect/index.ts'
import { pieces } from '../../lib/detect/pieces.ts'
import { collapsed, tightened } from '../../lib/detect/views.ts'
import { hostile } from '../../benchmarks/detect.bench.ts'
import { recent } from '../../lib/recent.ts'
import { analyse, expressions, recorded } from '../../scripts/redos.mjs'

test('no expression of a detector takes superlinear time', { timeout: 60_000 }, () => {
  const known = recorded()
  const start = performance.now()
  for (const each of expressions()) {
    if (known[each.hash] !== undefined) continue
    // New ones are analysed here for as long as a test may take; `node --import tsx scripts/redos.mjs` records them.
    if (performance.now() - start > 10_000) break
    assert.notStrictEqual(analyse(each, 1000), 'vulnerable', `${each.where} /${each.source}/${each.flags}`)
  }
})

test('the pieces of a text are read a fixed number of times', () => {
  for (const [name, text] of hostile(20_000)) {
    let read = 0
    pieces(text, ({ before, after }) => {
      read += after - before
      return false
    })
    assert.ok(read <= text.length * 3, `${JSON.stringify(name)}: ${read} of ${text.length}`)
  }
})

test('long runs of spaces are shortened, line breaks stay', () => {
  assert.strictEqual(tightened(`a${' '.repeat(50)}b`), 'a    b')
  assert.strictEqual(tightened(`a\r\n\r\n${' '.repeat(50)}b`), 'a\r\n\r\nb')
  assert.strictEqual(tightened(`a${' '.repeat(50)}\nb`), 'a    \nb')
  assert.strictEqual(tightened(`${' '.repeat(50)}a b${'\t'.repeat(50)}`), 'a b')
  assert.strictEqual(tightened('a  b\n\nc'), 'a  b\n\nc')
})

test('long runs of anything are shortened, by an even number of repeats, and nothing else is', () => {
  for (const [name, text] of hostile(100_000)) {
    const short = collapsed(text)
    assert.ok(short.length < 4000, `${JSON.stringify(name)}: ${short.length}`)
    // What is left out is a whole number of pairs: quotes and brackets close as before.
    for (const sign of ["'", '"', '`', '(', '{']) assert.strictEqual((text.split(sign).length - short.split(sign).length) % 2, 0, `${JSON.stringify(name)}: ${sign}`)
  }
  const run = "' or ".repeat(10_000)
  const end = collapsed(`${run}1 union select 2${run}`)
  assert.ok(end.length < 6000 && end.includes("' or 1 union select 2' or "))
  const lines = Array.from({ length: 5000 }, (_, i) => `x' ${i} or`).join('\n')
  assert.strictEqual(collapsed(lines), lines)
  assert.ok(collapsed('ab'.repeat(500)).length < 200)
  const short = 'ab'.repeat(200)
  assert.strictEqual(collapsed(short), short)
})

/** Characters that all detectors together are given of a text, counted by a rule of the application, which sees the value, each view and each piece. */
function given (body: unknown): number {
  let count = 0
  const detector = compileDetection({ threshold: 1e9, rules: [{ id: 'counts', pattern: (text) => { count += text.length; return false } }] }, { maxBytes: 1 << 24 })
  detector.body(body, 'application/json')
  return count
}

test('a run of one thing costs no more when it is longer', () => {
  for (const [name, text] of hostile(400_000)) assert.ok(given({ text }) < text.length + 80_000, `${JSON.stringify(name)}: ${given({ text })}`)
})

test('what repeats nothing is given to the detectors a fixed number of times', () => {
  for (const [name, token] of hostile(8).map(([name, text]) => [name, text.slice(0, Math.max(1, Math.min(8, name.length)))] as const)) {
    for (const part of [(i: string) => `${token} ${i} `, (i: string) => `${token}x${i}\n`, (i: string) => `the quick ${i} brown ${token} fox${i} `]) {
      let text = ''
      for (let i = 0; text.length < 40_000; i++) text += part(i.toString(36))
      const count = given({ text })
      assert.ok(count < text.length * 16, `${JSON.stringify(name)}: ${(count / text.length).toFixed(1)} times`)
    }
  }
})

test('a value that was judged clean is remembered with its name, and as a whole', () => {
  const detector = compileDetection({}, { maxBytes: 1 << 20 })
  const url = 'http://files.example/a;b'
  assert.strictEqual(detector.body({ note: url }, 'application/json'), undefined)
  assert.strictEqual(detector.body({ note: url }, 'application/json'), undefined)
  for (let i = 0; i < 2; i++) assert.ok(detector.body({ absolute_path: url }, 'application/json') !== undefined)
  const known = recent(4)
  known.add('one', 'name', 1)
  assert.deepStrictEqual([known.has('one', 'name', 1), known.has('one', 'other', 1), known.has('one', 'name', 2), known.has('two', 'name', 1)], [true, false, false, false])
  for (let i = 0; i < 100; i++) known.add(`text ${i}`)
  known.clear()
  for (let i = 0; i < 100; i++) assert.ok(!known.has(`text ${i}`))
})

test('a body full of attacks is judged no further than it takes to say so', () => {
  const detector = compileDetection({}, { maxBytes: 1 << 24 })
  const found = detector.body(Array.from({ length: 5000 }, (_, i) => `${i}' or '1'='1`), 'application/json')
  assert.ok(found !== undefined && 'matches' in found && found.matches.length < 40)
})

/** What analysers and people found to be slow once: a prefix, what is repeated, and an end that does not match. */
const PUMPS: ReadonlyArray<readonly [prefix: string, pump: string, end: string]> = [
  ['FOR ', '%', ' x'], ['', '+AD', '!'], ['H4sIAAAAAAAAabcd', 'a', '!'], ['B', '__G', 'M'], ['N', ']$U[X', '$'], ['', 'RUNTIME.', '\0'], ['(){', '\t', '\t(){'], ['x; cat', '-', '\0-'],
  ['{l#', ',\0', '{'], ['/v', '!*', '/'], ['.PHP', '1', '.PY'], ['FTP:C', ':', 'H'], ['\\\\-\\$', '-', '-\\$'], ['*)', ')', ')0'], ['#', '\\', 'x'], ['http://[', '0', ']'], ['http://[fe80', '%', '\n%'],
  ['CP U', '/OD', 'UW\n'], ['', ' ', 'x'], ['', '\t', 'x'], ["'", ' ', 'x'], ['', 'a.', '!'], ['', '-a ', '!'], ['nc ', '-a ', '!'], ['', '${', '!'], ['', '$a[', '!'], ['', '{{', '!'], ['', '<a ', '!'], ['', 'onx=', '!'],
  ['', '[][', '!'], ['', '/*', '!'], ['', "' or ", '!'], ['', '*)', '!'], ['', '(a=', '!'], ['http://', 'a@', '!'], ['', '..%', '!'], ['etc/', './', '!'], ['', '<!ENTITY ', '!'], ['', '\nLIST 1', '!'], ['', '```\n', '!'],
  ['', '\n```', '!'], ['', '` ', '!'], ['', 'window[', '!'], ['', 'import {', '!'], ['', '<% ', '!'], ['', '%25', '!'], ['', '${a:', '!'], ['', 'constructor ', '!'], ['', '&#', '!'], ['STYLE=', '\t', '"'], ['', 'x 1 ', '!']
]

test('what is repeated is read in linear time, in every place', { timeout: 120_000 }, () => {
  const detector = compileDetection({ threshold: 1e9, level: 3 }, { maxBytes: 1 << 24 })
  const places: Readonly<Record<string, (text: string) => void>> = {
    value: (text) => { detector.body({ text }, 'application/json') },
    name: (text) => { detector.body({ [text]: 1 }, 'application/json') },
    file: (text) => { detector.body({ file: { type: 'file', fieldname: 'f', filename: text, fields: {} } }, 'multipart/form-data') },
    text: (text) => { detector.body(text, 'text/plain') },
    header: (text) => { detector.request('/', { referer: text, 'x-a': text }, false) }
  }
  const time = (run: () => void): number => {
    const start = performance.now()
    run()
    return performance.now() - start
  }
  for (const [place, run] of Object.entries(places)) {
    for (const [prefix, pump, end] of PUMPS) {
      const text = (size: number): string => prefix + pump.repeat(Math.ceil(size / pump.length)) + end
      // Linear: 4. Quadratic: 16, and half a second. Tried again, as other processes take their share.
      let ratio = Infinity
      for (let attempt = 0; attempt < 4 && ratio > 10; attempt++) {
        const long = time(() => run(text(64_000)))
        ratio = long < 60 ? 0 : Math.min(ratio, long / time(() => run(text(16_000))))
      }
      assert.ok(ratio <= 10, `${place} ${JSON.stringify([prefix, pump, end])}: ${ratio.toFixed(1)}`)
    }
  }
})
