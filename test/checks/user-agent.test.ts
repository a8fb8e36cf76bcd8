import { test, type TestContext } from 'node:test'
import { longestLiteral } from '../../lib/bots/literal.ts'
import { matcherOf } from '../../lib/bots/matcher.ts'
import { build, buildRoute, raw, startError, status } from '../helpers.ts'
import { PEOPLE } from '../bots/agents.ts'

const by = (agent: string): { headers: Record<string, string> } => ({ headers: { 'user-agent': agent } })

test('many texts and expressions are looked for at once, and each is found', async (t: TestContext) => {
  const deny = [...Array.from({ length: 3000 }, (_, i) => `evil-tool-${i}.`), ...Array.from({ length: 300 }, (_, i) => new RegExp(`^worse-${i}/\\d+`, i % 2 === 0 ? 'i' : '')), '~!', /\bq[0-9]z\b/]
  const { app } = await build(t, { userAgent: { deny, allow: ['evil-tool-7. (ours)', /^WORSE-8\/1 .*ours/i] } })
  for (const agent of ['evil-tool-0.', 'a EVIL-Tool-2999.1', 'worse-0/1', 'WORSE-298/77', 'worse-299/1', 'a~!b', 'a q7z', 'evil-tool-7.']) t.assert.strictEqual(await status(app, by(agent)), 403, agent)
  for (const agent of [...PEOPLE, 'evil-tool-3000.', 'evil-tool-1', 'a worse-0/1', 'worse-0/x', 'WORSE-299/1', 'a q77z', 'evil-tool-7. (OURS)', 'worse-8/1 is ours']) t.assert.strictEqual(await status(app, by(agent)), 200, agent)
})

test('an expression is asked only where its text is there, and then once', (t: TestContext) => {
  let asked = 0
  class Counting extends RegExp { override test (text: string): boolean { asked++; return super.test(text) } }
  const find = matcherOf(Array.from({ length: 1000 }, (_, i) => ({ literal: `tool${i}/`, pattern: new Counting(`tool${i}/\\d`) })))
  t.assert.deepStrictEqual(find(PEOPLE[0]!), [])
  t.assert.strictEqual(asked, 0)
  t.assert.strictEqual(find('tool7/x tool7/1 tool999/2').length, 2)
  t.assert.strictEqual(asked, 2)
})

for (const [source, literal] of [
  ['Googlebot\\/', 'Googlebot/'], ['^curl', 'curl'], ['ab?cd', 'cd'], ['abc*', 'ab'], ['abc+d', 'abc'], ['ab{0}cde', 'cde'], ['abc{2', 'ab'], ['a|bcd', ''], ['(a|b)cd', 'cd'], ['((a|b)c)d', 'd'],
  ['([)]x)yz', 'yz'], ['[\\]a]bc', 'bc'], ['a\\(bc\\)', 'a(bc)'], ['abc\\d+de', 'abc'], ['\\x41bc', ''], ['(a)\\1bc', ''], ['abc(?!d)', 'abc'], ['a.b', 'a'], ['(ab', ''], ['', '']
] as const) {
  test(`whatever matches /${source}/ has ${JSON.stringify(literal)} in it`, (t: TestContext) => { t.assert.strictEqual(longestLiteral(source), literal) })
}

test('a pattern that matches the empty agent matches it, and one that matches everybody stops the start', async (t: TestContext) => {
  for (const pattern of [/^$/, /^\s*$/, /^(?:curl.*)?$/]) {
    const { app } = await build(t, { userAgent: { deny: [pattern] } })
    t.assert.deepStrictEqual([await status(app, by('')), await status(app, by(PEOPLE[0]!))], [403, 200], String(pattern))
  }
  const { app } = await build(t, { userAgent: { deny: [/^$/], allow: [/^$/] } })
  t.assert.strictEqual(await status(app, by('')), 200)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const strict = (await build(t, { userAgent: { deny: [/^$/] } })).app
  await strict.listen({ host: '127.0.0.1', port: 0 })
  const bare = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'
  t.assert.match(await raw(app, bare), /^HTTP\/1\.1 200/)
  t.assert.match(await raw(strict, bare), /^HTTP\/1\.1 403/, 'none is an empty one')
  for (const pattern of [/(?:)/, /.*/, /^/, /$/, /curl|/i, /^[^<]*$/, /x?/]) t.assert.match((await startError({ userAgent: { deny: [pattern] } })).message, /userAgent\.deny\[0\] matches every user agent/, String(pattern))
})

test('malformed agents are refused where that is asked for, and no real one', async (t: TestContext) => {
  const { app } = await buildRoute(t, { userAgent: { malformed: 'refuse', allow: ['(our probe'] } })
  const malformed = ['-', '() { :; }; /bin/ls', '"Mozilla/5.0"', '<b>x</b>', '1234567', 'Mozilla/5.0 (Windows NT 10.0; Win64', 'Mozilla/5.0 )x(', 'a'.repeat(2049), "'sqlmap", 'a<script>']
  for (const agent of malformed) {
    t.assert.strictEqual(await status(app, { url: '/guarded', ...by(agent) }), 403, agent)
  }
  for (const agent of [...PEOPLE, 'curl/8.5.0', 'node', '(our probe', 'python-requests/2.32.3']) t.assert.strictEqual(await status(app, { url: '/guarded', ...by(agent) }), 200, agent)
})
