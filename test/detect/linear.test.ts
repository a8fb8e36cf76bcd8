import assert from 'node:assert'
import { test } from 'node:test'
import { compileDetection } from '../../lib/detect/index.ts'
import { pieces } from '../../lib/detect/pieces.ts'
import { tightened } from '../../lib/detect/decode.ts'
import { hostile } from '../../benchmarks/detect.bench.ts'
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
