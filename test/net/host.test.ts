import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { originForm, parseHost, targetAuthority } from '../../lib/net/host.ts'

for (const [text, name, port] of [
  ['example.com', 'example.com', ''], ['EXAMPLE.com:8443', 'example.com', '8443'], ['example.com.', 'example.com', ''], ['example.com.:80', 'example.com', '80'],
  ['192.0.2.5:80', '192.0.2.5', '80'], ['[2001:DB8::0:1]:80', '[2001:db8::1]', '80'], ['[::1]', '[::1]', ''], ['[::ffff:192.0.2.5]', '192.0.2.5', ''], ['localhost', 'localhost', '']
] as const) {
  test(`the host ${text} reads as ${name}`, (t: TestContext) => {
    t.assert.deepStrictEqual(parseHost(text), { name, port })
  })
}

for (const text of ['', '.', '..', '.example.com', 'a..b', 'a b', 'a@b', 'a/b', 'a,b', 'a:', 'a:x', 'a:99999', 'a:80:80', '::1', '[::1', '[1.2.3.4]', '[x]', 'a\r\nb', 'a%2eb', 'b\u00fccher.example', 'a'.repeat(10_000)]) {
  test(`${JSON.stringify(text.slice(0, 30))} is no host`, (t: TestContext) => {
    t.assert.strictEqual(parseHost(text), undefined)
  })
}

for (const [target, expected] of [
  ['/', '/'], ['/a?b=c', '/a?b=c'], ['//evil.test/a', '//evil.test/a'], ['http://evil.test/a?b', '/a?b'], ['HTTPS://evil.test', '/'], ['http://evil.test?a', '/?a'], ['http://evil.test#a', '/'],
  ['*', '/'], ['@evil.test/', '/'], ['evil.test:443', '/'], ['\\evil.test', '/'], ['.evil.test', '/'], [':8080/', '/'], ['', '/'],
  ['/a\r\nset-cookie: a=b', '/a%0D%0Aset-cookie:%20a=b'], ['/\xe9', '/%E9'], ['/\u20ac\ud800', '/%E2%82%AC%EF%BF%BD'], ['/a#b', '/a'], ['/%zz', '/%zz']
] as const) {
  test(`the target ${JSON.stringify(target)} becomes ${expected}`, (t: TestContext) => {
    t.assert.strictEqual(originForm(target), expected)
  })
}

test('no target changes the host that a redirect goes to, nor adds a header', () => {
  fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary-ascii' }), fc.string({ unit: 'binary' }), fc.webUrl()), (target) => {
    const url = `https://example.com${originForm(target)}`
    return /^[\x21-\x7e]+$/.test(url) && new URL(url).host === 'example.com' && new URL(url).username === ''
  }), { numRuns: 5000 })
})

test('the authority of a full URL is found', (t: TestContext) => {
  t.assert.strictEqual(targetAuthority('http://a@evil.test:80/x'), 'a@evil.test:80')
  for (const target of ['/http://evil.test/', '//evil.test', '*', 'evil.test:443']) t.assert.strictEqual(targetAuthority(target), undefined)
})
