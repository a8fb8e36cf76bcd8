import assert from 'node:assert'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileDetection, detect, type Finding, type Overflow } from '../../lib/detect/index.ts'
import { hostile } from '../../benchmarks/detect.bench.ts'

const detector = compileDetection({}, { maxBytes: 1 << 20 })

function attack (found: Finding | Overflow | undefined): boolean {
  return found !== undefined && 'matches' in found
}

function percent (text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
}

const PAYLOADS: Record<string, string> = {
  xss: '"><script>alert(7)</script>',
  sqli: "zz' or '3'='3",
  traversal: '../../../../etc/passwd',
  command: ';cat /etc/hosts'
}

const ENCODINGS: Record<string, (text: string) => string> = {
  percent,
  'percent twice': (text) => percent(percent(text)),
  'percent three times': (text) => percent(percent(percent(text))),
  'percent of percent signs': (text) => percent(text).replaceAll('%', '%25').replaceAll('%', '%25'),
  unicode: (text) => [...text].map((char) => `%u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  overlong: (text) => [...text].map((char) => `%${(0xc0 | (char.charCodeAt(0) >> 6)).toString(16)}%${(0x80 | (char.charCodeAt(0) & 63)).toString(16)}`).join(''),
  'decimal entities': (text) => encodeURIComponent([...text].map((char) => `&#${char.charCodeAt(0)};`).join('')),
  'hexadecimal entities': (text) => encodeURIComponent([...text].map((char) => `&#x${char.charCodeAt(0).toString(16)};`).join('')),
  'script escapes': (text) => encodeURIComponent([...text].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')),
  'full width': (text) => encodeURIComponent([...text].map((char) => char === ' ' ? char : String.fromCharCode(char.charCodeAt(0) + 0xfee0)).join('')),
  base64: (text) => encodeURIComponent(Buffer.from(text).toString('base64')),
  'NUL between': (text) => [...text].map((char) => encodeURIComponent(char)).join('%00')
}

for (const [encoding, encode] of Object.entries(ENCODINGS)) {
  for (const [category, payload] of Object.entries(PAYLOADS)) {
    test(`${category} is found as ${encoding}`, () => {
      assert.ok(attack(detector.request(`/?q=${encode(payload)}`, {}, false)), encode(payload))
    })
  }
}

for (const [category, payload] of Object.entries(PAYLOADS)) {
  const inside: Record<string, () => Finding | Overflow | undefined> = {
    'a query value': () => detector.request(`/?a=1&q=${encodeURIComponent(payload)}`, {}, false),
    'a repeated query name': () => detector.request(`/?q=1&q=${encodeURIComponent(payload)}`, {}, false),
    'a query name': () => detector.request(`/?${encodeURIComponent(payload)}=1`, {}, false),
    'the path': () => detector.request(`/a/${encodeURIComponent(payload)}/b`, {}, false),
    'a header': () => detector.request('/', { 'x-thing': payload }, false),
    'a doubled header': () => detector.request('/', { 'x-thing': ['a', payload] }, false),
    'the referer': () => detector.request('/', { referer: `https://a.example/?q=${encodeURIComponent(payload)}` }, false),
    'a cookie': () => detector.request('/', { cookie: `a=1; b=${encodeURIComponent(payload)}` }, false),
    'JSON at depth': () => detector.body({ a: [{ b: { c: [1, payload] } }] }, 'application/json'),
    'a name in JSON': () => detector.body({ [payload]: 1 }, 'application/json'),
    'JSON in a string': () => detector.body({ a: JSON.stringify({ b: [payload] }) }, 'application/json'),
    'JSON in a query': () => detector.request(`/?f=${encodeURIComponent(JSON.stringify({ b: payload }))}`, {}, false),
    'JSON as text': () => detector.body(`\ufeff${JSON.stringify({ a: payload })}`, 'text/plain'),
    'a form as object': () => detector.body({ a: ['1', payload] }, 'application/x-www-form-urlencoded'),
    'a form as text': () => detector.body(`a=1&b=${encodeURIComponent(payload)}`, 'application/x-www-form-urlencoded'),
    'a buffer': () => detector.body(Buffer.from(JSON.stringify({ a: payload })), 'application/json'),
    text: () => detector.body(payload, 'text/plain'),
    'an attribute of XML': () => detector.body(`<?xml version="1.0"?><a b="${payload.replace(/[<>"&]/g, (char) => `&#${char.charCodeAt(0)};`)}"/>`, 'application/xml'),
    'CDATA of XML': () => detector.body(`<?xml version="1.0"?><a><![CDATA[${payload}]]></a>`, 'application/xml'),
    'a multipart field': () => detector.body(`--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n${payload}\r\n--x--\r\n`, 'multipart/form-data; boundary=x'),
    'a field of @fastify/multipart': () => {
      const body: Record<string, unknown> = {}
      body['a'] = { type: 'field', fieldname: 'a', value: payload, fields: body }
      return detector.body(body, 'multipart/form-data; boundary=x')
    },
    'a value by itself': () => detector.value(payload, 'message')
  }
  for (const [place, run] of Object.entries(inside)) {
    test(`${category} is found in ${place}`, () => { assert.ok(attack(run())) })
  }
  const words = 'The weather was fine and nobody said a word. '
  for (const [kind, padding] of [['letters', 'a'.repeat(65536)], ['spaces', ' '.repeat(65536)], ['prose', words.repeat(1500)]] as const) {
    test(`64 KB of ${kind} hides no ${category}`, () => {
      assert.ok(attack(detector.body({ a: `${padding} ${payload}` }, 'application/json')), 'before')
      assert.ok(attack(detector.body({ a: `${payload} ${padding}` }, 'application/json')), 'after')
      assert.ok(attack(detector.body({ a: padding, b: payload }, 'application/json')), 'beside')
    })
  }
}

test('locations name the place', () => {
  const at = (found: Finding | Overflow | undefined): string | undefined => found !== undefined && 'matches' in found ? found.matches[0]?.location : undefined
  const sql = "1' or '1'='1"
  assert.strictEqual(at(detector.request(`/?q=${encodeURIComponent(sql)}`, {}, false)), 'query.q')
  assert.strictEqual(at(detector.body({ user: { names: ['a', sql] } }, 'application/json')), 'body.user.names[1]')
  assert.strictEqual(at(detector.request('/', { 'x-a': sql }, false)), 'header.x-a')
  assert.strictEqual(at(detector.request('/', { cookie: `sid=${encodeURIComponent(sql)}` }, false)), 'cookie.sid')
  assert.strictEqual(detect(sql).matches[0]?.location, 'value')
})

test('evidence is short, and has no control characters', () => {
  const { matches } = detect(`\u0000\u001b[31m<script>${'x'.repeat(500)}`)
  assert.ok(matches.length > 0)

  for (const { evidence } of matches) assert.ok(evidence.length <= 60 && !/[\u0000-\u001f]/.test(evidence), evidence)
})

test('operators are judged in structure', () => {
  for (const body of [{ user: { $ne: null } }, { password: { $gt: '' } }, { $where: 'sleep(1)' }, { a: { $regex: '^a' } }, { login: { $in: ['admin'] } }]) assert.ok(attack(detector.body(body, 'application/json')), JSON.stringify(body))
  for (const body of [{ $schema: 'x', $ref: '#/a' }, { price: { $gt: 10, $lt: 20 } }, { $id: 1, note: 'costs $ne' }]) assert.ok(!attack(detector.body(body, 'application/json')), JSON.stringify(body))
  assert.ok(attack(detector.request('/?user[$ne]=x', {}, false)))
  assert.ok(!attack(detector.request('/?price[$gt]=10', {}, false)))
})

test('bounds are never passed in silence', () => {
  let deep: unknown = 'x'
  for (let i = 0; i < 100_000; i++) deep = [deep]
  assert.deepStrictEqual(detector.body(deep, 'application/json'), { overflow: 'depth' })
  assert.deepStrictEqual(compileDetection({ maxKeys: 10 }, { maxBytes: 1e6 }).body(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, 1])), 'application/json'), { overflow: 'keys' })
  assert.deepStrictEqual(compileDetection({}, { maxBytes: 10 }).body({ a: 'x'.repeat(20) }, 'application/json'), { overflow: 'bytes' })
  assert.strictEqual(compileDetection({ overflow: 'pass' }, { maxBytes: 10 }).body({ a: 'x'.repeat(20) }, 'application/json'), undefined)
})

test('exclusions, categories and own rules are obeyed', () => {
  const sql = encodeURIComponent("1' or '1'='1")
  const judged = (rules: Parameters<typeof compileDetection>[0]): boolean => attack(compileDetection(rules, { maxBytes: 1e6 }).request(`/?q=${sql}`, {}, false))
  assert.ok(judged({}))
  assert.ok(!judged({ exclude: { params: ['Q'] } }))
  assert.ok(!judged({ exclude: { categories: ['sqli'] } }))
  assert.ok(!judged({ categories: ['xss'] }))
  assert.ok(!judged({ categories: { sqli: false } }))
  assert.ok(!judged({ scan: { query: false } }))
  const body = compileDetection({ exclude: { fields: ['user.bio', 'html'] } }, { maxBytes: 1e6 })
  assert.ok(!attack(body.body({ user: { bio: '<script>x</script>' }, a: { html: '<script>x</script>' } }, 'application/json')))
  assert.ok(attack(body.body({ bio: '<script>x</script>' }, 'application/json')))
  const own = compileDetection({ rules: [{ id: 'own/word', pattern: /forbidden/gi }, { id: 'own/literal', pattern: 'Nope', category: 'probe' }] }, { maxBytes: 1e6 })
  for (let i = 0; i < 3; i++) assert.ok(attack(own.request('/?q=Forbidden', {}, false)), 'an expression with the g flag keeps no state')
  assert.strictEqual((own.request('/?q=nope', {}, false) as Finding | undefined)?.matches[0]?.category, 'probe')
  assert.ok(!attack(own.request('/?q=fine', {}, false)))
})

test('a value that one kind of header may have is not remembered for another', () => {
  const value = 'x; cat food'
  const fresh = compileDetection({}, { maxBytes: 1e6 })
  const direct = attack(fresh.request('/', { 'x-a': value }, false))
  const after = compileDetection({}, { maxBytes: 1e6 })
  after.request('/', { accept: value }, false)
  assert.strictEqual(attack(after.request('/', { 'x-a': value }, false)), direct)
})

test('nothing throws, whatever the input', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.string({ maxLength: 100 }), fc.jsonValue(), (a, b, json) => {
    detector.request(`/${b}?${a}`, { 'x-a': a, cookie: b, referer: a }, true)
    detector.body(json, 'application/json')
    detector.body(a, 'multipart/form-data; boundary=x')
    detector.body(a, 'application/xml')
    detector.value(b, 'x')
  }), { numRuns: 500 })
  const parts = hostile(40).map(([, text]) => text)
  fc.assert(fc.property(fc.array(fc.constantFrom(...parts), { maxLength: 12 }), (chosen) => {
    detector.value(chosen.join(''), 'x')
    detector.request(`/?q=${encodeURIComponent(chosen.join(''))}`, {}, true)
  }), { numRuns: 300 })
})

test('hostile input of four times the size takes no more than about four times as long', { timeout: 120_000 }, () => {
  const own = compileDetection({ threshold: 1e9 }, { maxBytes: 1 << 24 })
  const time = (text: string): number => {
    let best = Infinity
    for (let i = 0; i < 4; i++) {
      const start = performance.now()
      own.body({ text }, 'application/json')
      best = Math.min(best, performance.now() - start)
    }
    return best
  }
  const small = hostile(16_000)
  const large = hostile(64_000)
  for (let i = 0; i < small.length; i++) {
    // Generous, and tried again: a quadratic rule shows 16 each time, a busy machine does not.
    let a = 0
    let b = 0
    for (let attempt = 0; attempt < 5; attempt++) {
      a = time(small[i]![1])
      b = time(large[i]![1])
      if (b < 20 || b / a < 9) break
    }
    assert.ok(b < 20 || b / a < 9, `${JSON.stringify(small[i]![0])}: ${a.toFixed(2)} ms, then ${b.toFixed(2)} ms`)
  }
})
